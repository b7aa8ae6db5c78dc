"""What the model takes where a cell register says nothing, and the shape of its curves."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from commonweal.core.errors import InputError


@dataclass(frozen=True)
class Parameters:
    """Defaults and constants of the signal strength model: those of the R package mobloc, but for `most_cells`.

    Parameters
    ----------
    power, power_small
        Power of a cell, W: 10 and 5.
    path_loss, path_loss_small
        Path loss exponent γ: 3.75 and 6. Free space has 2, cities about 4, buildings inside 6.
    range, range_small
        How far a cell is heard at most, measured over the ground, m: 10,000 and 1,000.
    height, height_small
        Of the antenna above the ground, m: 30 and 8.
    tilt
        Of a directional cell, degrees below the horizon: 5.
    beam_width, vertical_beam_width
        Full width at which the signal is 3 dB weaker, degrees, of a directional cell: 65 and 9.
    back_loss
        By how much the signal is weaker at 180° from the beam, in either plane, dB: 30.
    midpoint, steepness
        Of the logistic curve from signal strength to dominance: -92.5 dBm and 0.2 per dBm.
    least_dominance
        A cell whose dominance at a point is lower is not heard there: 0.005. With 0 every cell in range is.
    most_cells
        How many cells are heard at a point at most, the strongest; no limit if none. mobloc has 100, to save memory.
    nearest
        Shortest distance that is reckoned with, m: 0.01.

    Examples
    --------
    >>> Parameters().power, Parameters(path_loss=4).path_loss
    (10.0, 4)
    """

    power: float = 10.0
    power_small: float = 5.0
    path_loss: float = 3.75
    path_loss_small: float = 6.0
    range: float = 10_000.0
    range_small: float = 1_000.0
    height: float = 30.0
    height_small: float = 8.0
    tilt: float = 5.0
    beam_width: float = 65.0
    vertical_beam_width: float = 9.0
    back_loss: float = 30.0
    midpoint: float = -92.5
    steepness: float = 0.2
    least_dominance: float = 0.005
    most_cells: int | None = None
    nearest: float = 0.01

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is None:
                continue
            low = {"least_dominance": 0.0, "tilt": -90.0, "height": 0.0, "height_small": 0.0, "midpoint": -1000.0}.get(
                name
            )
            high = {"least_dominance": 1.0, "tilt": 90.0, "beam_width": 360.0, "vertical_beam_width": 360.0}.get(
                name, 1e9
            )
            if not ((value > 0 if low is None else value >= low) and value <= high):
                raise InputError(
                    f"{name} is {value:g}", where="parameters of the signal", expected="a number that can be"
                )
        if self.back_loss <= 3:
            raise InputError("back_loss is at most 3 dB", where="parameters of the signal", expected="more, such as 30")


DEFAULT = Parameters()
