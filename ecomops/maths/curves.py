"""Advertising's carry-over (adstock) and diminishing returns (saturation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import lfilter
from scipy.stats import weibull_min

from ecomops.maths.arrays import Floats, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def geometric(x: ArrayLike, decay: float) -> Floats:
    """Return geometric adstock without end: a_t = x_t + decay a_(t-1), of shape (n,).

    Broadbent (1979); decay 0 to 1 is the share that carries over to the next period.

    >>> print(geometric([100, 0, 50], 0.7))
    [100.  70.  99.]
    """
    return floats(lfilter([1.0], [1.0, -decay], floats(x)))


def carried(x: ArrayLike, weights: ArrayLike) -> Floats:
    """Return the sum of the last periods of `x` under lag `weights` (weight of today first).

    Shapes (n,) and (lags,); before the first period nothing was spent.

    >>> print(carried([10, 0, 0], [0.5, 0.25]))
    [5.  2.5 0. ]
    """
    series = floats(x)
    return np.convolve(series, floats(weights))[: series.size]


def geometric_weights(decay: float, lags: int) -> Floats:
    """Return lag weights decay^l that sum to 1: Meridian's and pymc-marketing's geometric adstock.

    Jin et al. (2017), Bayesian methods for media mix modelling.

    >>> print(geometric_weights(0.5, 2))
    [0.66666667 0.33333333]
    """
    weights = decay ** np.arange(lags, dtype=float)
    return floats(weights / weights.sum())


def delayed_weights(decay: float, peak: float, lags: int) -> Floats:
    """Return lag weights decay^((l - peak)^2) that sum to 1: an effect that peaks later.

    Jin et al. (2017), equation 5.

    >>> print(delayed_weights(0.5, 1, 3))
    [0.25 0.5  0.25]
    """
    weights = decay ** (np.arange(lags) - peak) ** 2
    return floats(weights / weights.sum())


def binomial_weights(decay: float, lags: int) -> Floats:
    """Return lag weights (1 - l / lags)^(1 / decay - 1), today's weight 1, the last above 0.

    Meridian's binomial adstock, not normalised.

    >>> print(binomial_weights(0.5, 5))
    [1.  0.8 0.6 0.4 0.2]
    """
    return floats((1 - np.arange(lags) / lags) ** (1 / decay - 1))


def weibull_weights(shape: float, scale: float, periods: int, kind: str = "cdf") -> Floats:
    """Return Robyn's Weibull lag weights for a series of `periods`.

    `scale` is a share of the window. "cdf" multiplies the survival up to each lag, "pdf" is the
    density scaled to 0-1. Robyn (MIT), `adstock_weibull`.

    >>> print(weibull_weights(0.5, 0.5, 5).round(4))
    [1.     0.5614 0.2481 0.0913 0.0288]
    """
    lags = np.arange(1, periods + 1)
    spread = np.round(np.quantile(lags, scale))
    if kind == "cdf":
        alive = weibull_min.sf(lags[:-1], shape, scale=spread)
        return floats(np.cumprod(np.r_[1.0, alive]))
    density = weibull_min.pdf(lags, shape, scale=spread)
    span = density.max() - density.min()
    return floats((density - density.min()) / span)


def hill(x: ArrayLike, slope: float, half: float) -> Floats:
    """Return x^slope / (x^slope + half^slope), 0 to 1: half its top at `half`.

    Hill (1910); with slope 1 it is the Michaelis-Menten curve, above 1 an S.

    >>> print(hill([0, 50, 150], 1, 50))
    [0.   0.5  0.75]
    """
    scaled = (np.maximum(floats(x), 0) / half) ** slope
    return floats(scaled / (1 + scaled))


def logistic(x: ArrayLike, rate: float) -> Floats:
    """Return (1 - e^(-rate x)) / (1 + e^(-rate x)), 0 to 1: pymc-marketing's logistic saturation.

    >>> print(logistic([0, 1], 0.5).round(4))
    [0.     0.2449]
    """
    return floats(np.tanh(rate * floats(x) / 2))


def hyperbolic(x: ArrayLike, top: float, steepness: float) -> Floats:
    """Return top tanh(x / (top steepness)): pymc-marketing's tanh saturation.

    >>> print(hyperbolic([0, 0.5], 0.5, 0.5).round(4))
    [0.    0.482]
    """
    return floats(top * np.tanh(floats(x) / (top * steepness)))
