"""People by area, as models of flow need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.joining import Layer
from commonweal.mobility.scaling.asking import People


@dataclass(frozen=True)
class Masses:
    """People by area, from a file or another release.

    Parameters
    ----------
    label
        Of the release, or the path of the file.
    by_area
        (area, people), of areas of which something is known.
    """

    label: str
    by_area: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, layer: Layer) -> Masses:
        """Take the values of a layer for people."""
        known = tuple((area, value) for area, value in sorted(layer.values.items()) if value is not None)
        return cls(layer.release.label, known)

    @classmethod
    def told(cls, people: People) -> Masses:
        """Take the people of a census."""
        return cls(people.source, tuple(sorted((area, one.people) for area, one in people.by_area.items())))

    def people(self, codes: Sequence[str]) -> list[float]:
        """Give the people of some areas, in their order.

        Raises
        ------
        InputError
            Nothing above 0 is known of an area.
        """
        known = dict(self.by_area)
        for code in codes:
            if not known.get(code, 0) > 0:
                raise InputError(
                    Wording("it has no people of %(area)s", area=code),
                    where=self.label,
                    expected=Wording("a number above 0 of every area"),
                )
        return [known[code] for code in codes]
