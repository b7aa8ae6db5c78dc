"""Places: what counts as one location of a walk, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from commonweal.mobility.cells import Timeline
from commonweal.mobility.network import Network, from_centre
from commonweal.mobility.sequences import Events


@dataclass(frozen=True, eq=False)
class Places:
    """Locations, numbered from 0.

    Parameters
    ----------
    longitude, latitude
        Of each, degrees, float64[places].
    ground
        The same as metres from the centre of the earth, float64[places, 3].
    of_span
        Which place each span of the timeline stands at, or -1, int32[spans]; None if places are areas.
    """

    longitude: np.ndarray
    latitude: np.ndarray
    ground: np.ndarray
    of_span: np.ndarray | None = None

    def of(self, events: Events) -> np.ndarray:
        """Give the place of each event, or -1, int32."""
        return events.area if self.of_span is None else self.of_span[events.span]


def sites(network: Network) -> Places:
    """Take sites as places: cells of one mast are one location. Events of cells without a position are nowhere."""
    return _distinct(network, network.site.astype(np.int64))


def cells(network: Network, timeline: Timeline) -> Places:
    """Take cells as places; one that was moved is another place from then on."""
    cell = np.repeat(np.arange(len(timeline.first) - 1), np.diff(timeline.first))
    positions = np.unique(np.nan_to_num(network.place), axis=0, return_inverse=True)[1].reshape(-1)
    return _distinct(network, cell * (int(positions.max(initial=0)) + 1) + positions)


def areas(longitude: np.ndarray, latitude: np.ndarray) -> Places:
    """Take areas as places, each lying at a point of its own."""
    return Places(longitude, latitude, from_centre(longitude, latitude))


def _distinct(network: Network, name: np.ndarray) -> Places:
    placed = np.flatnonzero(network.site >= 0)
    _, at, number = np.unique(name[placed], return_index=True, return_inverse=True)
    of_span = np.full(len(network), -1, np.int32)
    of_span[placed] = number.reshape(-1)
    spans = placed[at]
    return Places(network.longitude[spans], network.latitude[spans], network.place[spans], of_span)
