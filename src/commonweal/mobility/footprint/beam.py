"""How much weaker a signal is at an angle from its beam: a bell curve fitted to the beam's width."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from commonweal.core.kernels import kernel

Numbers = npt.NDArray[np.float64]
AT_THE_EDGE = 3.0
"""dB by which the signal is weaker at half the beam width: what a beam width means."""


@kernel()
def loss_at(angle: float, bend: float, back_loss: float) -> float:
    """Give the loss in dB at an angle in degrees from -180 to 180; `bend` is 1/(2σ²), per square degree."""
    if bend <= 0.0:
        return back_loss * (angle / 180.0) ** 2
    return back_loss * math.expm1(-bend * angle * angle) / math.expm1(-bend * 32400.0)


@cache
def bend_of(beam_width: float, back_loss: float = 30.0) -> float:
    """Fit the curve to a beam: the 1/(2σ²) for which the loss is 3 dB at half the beam width, per square degree.

    The wider the beam, the larger σ; with σ → ∞ the curve becomes the parabola back_loss · (a/180°)², whose loss is
    3 dB at 180° √(3/back_loss), 56.9° for 30 dB. No curve fits a beam wider than twice that, and the parabola, which
    comes nearest, is taken: 0 is returned.

    Examples
    --------
    >>> round((2 * bend_of(65.0)) ** -0.5, 3)  # σ, degrees
    72.585
    >>> bend_of(120.0)
    0.0
    """
    half = beam_width / 2
    low, high = 0.0, 1.0

    def at_edge(bend: float) -> float:
        return float(loss_at.py_func(half, bend, back_loss)) - AT_THE_EDGE

    if at_edge(0.0) >= 0:
        return 0.0
    while at_edge(high) < 0:
        high *= 2
    for _ in range(200):  # halved until no float lies between
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if at_edge(middle) < 0 else (low, middle)
    return high


def beam_loss(angle: npt.ArrayLike, beam_width: float, back_loss: float = 30.0) -> Numbers:
    r"""Give the loss of signal at an angle from the beam, dB.

    .. math::
        L(a) = L_b\,\frac{1 - e^{-a^2/2σ^2}}{1 - e^{-180^2/2σ^2}}, \qquad σ: L(\tfrac{w}{2}) = 3

    so that :math:`L(0) = 0` and :math:`L(180°) = L_b`. Source: Tennekes and Gootzen (2022); `norm_dBloss`
    of the R package mobloc, which finds σ in a table of steps instead (and so takes 32° for 32.5°).

    Parameters
    ----------
    angle
        *a*, degrees from the middle of the beam, any number of turns.
    beam_width
        *w*, full width at -3 dB, degrees.
    back_loss
        :math:`L_b`, dB.

    Examples
    --------
    >>> beam_loss([0, 32.5, 180, -32.5, 327.5], 65).round(9).tolist()
    [0.0, 3.0, 30.0, 3.0, 3.0]
    """
    turns = np.abs(np.asarray(angle, dtype=np.float64)) % 360
    off = np.minimum(turns, 360 - turns)
    bend = bend_of(float(beam_width), float(back_loss))
    if bend == 0:
        return back_loss * (off / 180) ** 2
    return back_loss * np.expm1(-bend * off**2) / np.expm1(-bend * 180**2)
