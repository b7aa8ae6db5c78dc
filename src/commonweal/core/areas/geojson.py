"""Areas as GeoJSON, for other programs."""

from __future__ import annotations

import json
from typing import Any

import shapely

from commonweal.core.areas.polygons import Areas


def feature_collection(areas: Areas) -> dict[str, Any]:
    """Give areas as a GeoJSON FeatureCollection (RFC 7946), exterior rings counter-clockwise."""
    outlines = shapely.to_geojson(shapely.orient_polygons(areas.polygons))
    languages = areas.names_by_language.items()
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": areas.codes[k],
                "properties": {"code": areas.codes[k], "name": areas.names[k], "parent": areas.parents[k]}
                | {f"name_{language}": names[k] for language, names in languages},
                "geometry": json.loads(outlines[k]),
            }
            for k in range(len(areas))
        ],
    }
