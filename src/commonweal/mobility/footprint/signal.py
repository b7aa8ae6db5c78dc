"""Signal strength and dominance of one cell at a place, in the plane."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from commonweal.core.kernels import kernel
from commonweal.mobility.footprint.beam import bend_of, loss_at
from commonweal.mobility.footprint.parameters import DEFAULT, Parameters

Numbers = npt.NDArray[np.float64]


@kernel()
def strength_at(
    east: float,
    north: float,
    drop: float,
    dbm: float,
    path_loss: float,
    azimuth: float,
    bend: float,
    tilt: float,
    vertical_bend: float,
    back_loss: float,
    nearest: float,
) -> float:
    """Give the signal strength in dBm; `azimuth` and `tilt` in radians, `azimuth` NaN for an omnidirectional cell."""
    flat = math.hypot(east, north)
    strength = dbm - 10.0 * path_loss * math.log10(max(math.hypot(flat, drop), nearest))
    if math.isnan(azimuth):
        return strength
    aside = east * math.cos(azimuth) - north * math.sin(azimuth)
    ahead = east * math.sin(azimuth) + north * math.cos(azimuth)
    along = ahead * math.cos(tilt) + drop * math.sin(tilt)  # on the plane of the beam, which the tilt leans forward
    off = math.degrees(math.atan2(aside, along))
    below = math.degrees(math.atan2(drop, flat) - tilt)
    return strength - loss_at(off, bend, back_loss) - loss_at(below, vertical_bend, back_loss)


@kernel()
def dominance_at(strength: float, midpoint: float, steepness: float) -> float:
    """Give the dominance of a signal strength."""
    return 1.0 / (1.0 + math.exp(-steepness * (strength - midpoint)))


def signal_strength(
    east: npt.ArrayLike,
    north: npt.ArrayLike,
    *,
    power: float = DEFAULT.power,
    path_loss: float = DEFAULT.path_loss,
    height: float = DEFAULT.height,
    azimuth: float | None = None,
    beam_width: float = DEFAULT.beam_width,
    tilt: float = DEFAULT.tilt,
    vertical_beam_width: float = DEFAULT.vertical_beam_width,
    parameters: Parameters = DEFAULT,
) -> Numbers:
    r"""Give the strength of a cell's signal at places around it, dBm.

    .. math::
        S = 10\log_{10} P + 30 - 10\,γ\log_{10} d_{3D} - L_w(δ) - L_v(ε)

    with :math:`d_{3D} = \sqrt{x^2 + y^2 + h^2}`; *δ* the angle from the azimuth in the plane of the beam, and *ε* that
    below it:

    .. math::
        δ = \operatorname{atan2}(a,\; b\cos τ + h\sin τ), \qquad ε = \operatorname{atan2}(h, \sqrt{x^2+y^2}) - τ

    where *a* lies to the right of the azimuth, *b* ahead, and *τ* is the tilt. `beam_loss` gives :math:`L`. A cell
    without an azimuth loses nothing by angles. Source: Tennekes and Gootzen (2022), *Bayesian location estimation of
    mobile devices using a signal strength model*, Journal of Spatial Information Science 25; and
    `signal_strength` of the R package mobloc, whose four cases of δ are this one formula.

    Parameters
    ----------
    east, north
        Where the places are from the cell, m.
    power
        P, W.
    path_loss
        γ.
    height
        h, of the antenna above the place, m.
    azimuth
        Degrees clockwise from north; none for an omnidirectional cell.
    beam_width, vertical_beam_width, tilt
        Degrees.
    parameters
        Gives the loss at the back, and the nearest distance.

    Returns
    -------
    float64, of the shape of `east` and `north` together.

    Examples
    --------
    Free space: ten times as far is 20 dB less.

    >>> signal_strength([100, 1000], 0, power=1, path_loss=2, height=0).tolist()
    [-10.0, -30.0]

    Half the beam aside of the azimuth, 3 dB less:

    >>> ahead, aside = signal_strength(
    ...     [0, 1000 * np.sin(np.radians(32.5))], [1000, 1000 * np.cos(np.radians(32.5))], azimuth=0, tilt=0, height=0
    ... )
    >>> round(float(ahead - aside), 9)
    3.0
    """
    x, y = np.broadcast_arrays(np.asarray(east, dtype=np.float64), np.asarray(north, dtype=np.float64))
    constants = (
        10 * math.log10(power) + 30,
        float(path_loss),
        math.nan if azimuth is None else math.radians(azimuth),
        bend_of(float(beam_width), parameters.back_loss),
        math.radians(tilt),
        bend_of(float(vertical_beam_width), parameters.back_loss),
        float(parameters.back_loss),
        float(parameters.nearest),
    )
    found = np.empty(x.size)
    _strengths(np.ascontiguousarray(x.ravel()), np.ascontiguousarray(y.ravel()), float(height), constants, found)
    return found.reshape(x.shape)


def dominance(
    strength: npt.ArrayLike, midpoint: float = DEFAULT.midpoint, steepness: float = DEFAULT.steepness
) -> Numbers:
    r"""Give the dominance of a signal: :math:`s = 1/(1 + e^{-0.2\,(S + 92.5)})`.

    Source: Tennekes and Gootzen (2022); `db2s` of mobloc.

    Examples
    --------
    >>> dominance([-92.5, -70, -120]).round(4).tolist()
    [0.5, 0.989, 0.0041]
    """
    from scipy.special import expit

    s: Numbers = expit(steepness * (np.asarray(strength, dtype=np.float64) - midpoint))
    return s


@kernel()
def _strengths(
    east: Numbers,
    north: Numbers,
    drop: float,
    constants: tuple[float, float, float, float, float, float, float, float],
    found: Numbers,
) -> None:
    dbm, path_loss, azimuth, bend, tilt, vertical_bend, back_loss, nearest = constants
    for k in range(len(east)):
        found[k] = strength_at(
            east[k], north[k], drop, dbm, path_loss, azimuth, bend, tilt, vertical_bend, back_loss, nearest
        )
