"""Shapley values: each player's average contribution over all orders of joining."""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, Ints, floats, ints

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Worth = Callable[[Ints], Floats]
EXACT_LIMIT = 20  # players: about a million coalitions, a fraction of a second


def players_of(worth: Floats) -> int:
    """Return how many players a worth vector of length 2 ** n describes.

    Parameters
    ----------
    worth
        Shape (2 ** n,), n from 0 to 20.

    Raises
    ------
    DataError
        When the length is not a power of two or too large.

    Notes
    -----
    Coalition number c holds player i when bit i of c is set.

    Examples
    --------
    >>> players_of(np.zeros(8))
    3
    """
    n = int(worth.size).bit_length() - 1
    if worth.ndim != 1 or worth.size != 2 ** max(n, 0) or n > EXACT_LIMIT:
        raise DataError("worth_length", length=worth.size, limit=EXACT_LIMIT)
    return n


def exact(worth: ArrayLike) -> Floats:
    """Return the Shapley value of each player from the worth of every coalition.

    Parameters
    ----------
    worth
        Shape (2 ** n,): worth of coalition c, whose bit i says whether player i is in; n <= 20.

    Returns
    -------
    Shape (n,), adding up to worth of all minus worth of none; negative where a player harms.

    Raises
    ------
    DataError
        When the length is not a power of two or too large.

    Notes
    -----
    Shapley (1953), "A value for n-person games", with the factorial weights
    s! (n - s - 1)! / n!, over all coalitions at once.

    Examples
    --------
    The glove game: two left gloves, one right, a pair is worth 1.

    >>> print(exact([0, 0, 0, 0, 0, 1, 1, 1]).round(4))
    [0.1667 0.1667 0.6667]
    """
    v = floats(worth)
    n = players_of(v)
    size, weight = sizes(n), weights(n)
    values = np.empty(n)
    for player in range(n):
        pairs = v.reshape(-1, 2, 2**player)
        without = size.reshape(-1, 2, 2**player)[:, 0, :]
        values[player] = np.sum(weight[without] * (pairs[:, 1, :] - pairs[:, 0, :]))
    return values


def weights(n: int) -> Floats:
    """Return the weight of joining a coalition of 0, 1, ..., n - 1 others.

    Parameters
    ----------
    n
        Players, at least 1.

    Returns
    -------
    s! (n - s - 1)! / n! for each size s, shape (n,).

    Notes
    -----
    The share of all orders in which just these others came before.

    Examples
    --------
    >>> print(weights(3).round(4))
    [0.3333 0.1667 0.3333]
    """
    return floats([1 / (n * comb(n - 1, s)) for s in range(n)])


def sizes(n: int) -> Ints:
    """Return how many players each coalition holds.

    Parameters
    ----------
    n
        Players.

    Returns
    -------
    Shape (2 ** n,).

    Examples
    --------
    >>> print(sizes(2))
    [0 1 1 2]
    """
    size = np.zeros(1, dtype=np.int64)
    for _ in range(n):
        size = np.concatenate([size, size + 1])
    return size


def sampled(worth: Worth, n: int, *, permutations: int, seed: int) -> tuple[Floats, Floats]:
    """Return Shapley values and their standard errors from random orders of joining.

    Parameters
    ----------
    worth
        Function from coalition numbers (any shape; bit i = player i, n <= 62) to their worth.
    n
        Players.
    permutations
        Orders drawn; each is also played backwards, which narrows the error.
    seed
        Seed of the draws.

    Returns
    -------
    Values and standard errors, both of shape (n,); the values add up exactly.

    Raises
    ------
    DataError
        When there are more than 62 players or fewer than two orders.

    Notes
    -----
    Castro, Gomez and Tejada (2009), Computers & Operations Research 36: 1726-1730, with
    antithetic orders (Mitchell et al. 2022, JMLR 23).

    Examples
    --------
    >>> def pair(c):
    ...     return np.where((c & 4 > 0) & (c & 3 > 0), 1.0, 0.0)
    >>> values, errors = sampled(pair, 3, permutations=2000, seed=1)
    >>> print(values.round(3), errors.round(3))
    [0.169 0.166 0.665] [0.005 0.005 0.005]
    """
    if not 1 <= n <= 62 or permutations < 2:  # noqa: PLR2004 - bits of a signed integer; a variance
        raise DataError("too_many_players", n=n, permutations=permutations)
    random = np.random.default_rng(seed)
    orders = np.argsort(random.random((permutations, n)), axis=1)
    draws = (_marginals(worth, orders) + _marginals(worth, orders[:, ::-1])) / 2
    return draws.mean(axis=0), draws.std(axis=0, ddof=1) / np.sqrt(permutations)


def _marginals(worth: Worth, orders: Ints) -> Floats:
    joined = np.cumsum(np.int64(1) << ints(orders), axis=1)
    steps = np.concatenate([np.zeros((len(joined), 1), np.int64), joined], axis=1)
    gains = np.empty(orders.shape)
    np.put_along_axis(gains, orders, np.diff(worth(steps), axis=1), axis=1)
    return gains


def _swept(worth: ArrayLike, change: Callable[[Floats, Floats], object]) -> Floats:
    """Return `worth` after `change` of the coalitions without and with each player in turn."""
    out = floats(worth).copy()
    for player in range(players_of(out)):
        pairs = out.reshape(-1, 2, 2**player)
        change(pairs[:, 0, :], pairs[:, 1, :])
    return out


def subset_maxima(worth: ArrayLike) -> Floats:
    """Return, for every coalition, the largest `worth` of any coalition inside it.

    Parameters
    ----------
    worth
        Shape (2 ** n,).

    Returns
    -------
    Shape (2 ** n,): the smallest game that never falls when a player joins.

    Raises
    ------
    DataError
        When the length is not a power of two or too large.

    Notes
    -----
    The monotone closure of a game; its Shapley values are never negative.

    Examples
    --------
    >>> print(subset_maxima([0, 3, 2, 1]))
    [0. 3. 2. 3.]
    """
    return _swept(worth, lambda without, having: np.maximum(without, having, out=having))


def dividends(worth: ArrayLike) -> Floats:
    """Return what each coalition is worth beyond the coalitions inside it.

    Parameters
    ----------
    worth
        Shape (2 ** n,).

    Returns
    -------
    Shape (2 ** n,); the dividends of all coalitions inside one add up to its worth.

    Raises
    ------
    DataError
        When the length is not a power of two or too large.

    Notes
    -----
    Harsanyi (1959) dividends, by the Moebius transform. Shared equally among the members of each
    coalition they are the Shapley values.

    Examples
    --------
    >>> print(dividends([0, 1, 2, 7]))
    [0. 1. 2. 4.]
    """
    return _swept(worth, lambda without, having: np.subtract(having, without, out=having))


def superset_sums(worth: ArrayLike) -> Floats:
    """Return, for every coalition, the sum of `worth` over all coalitions that hold it.

    Parameters
    ----------
    worth
        Shape (2 ** n,).

    Returns
    -------
    Shape (2 ** n,).

    Raises
    ------
    DataError
        When the length is not a power of two or too large.

    Examples
    --------
    >>> print(superset_sums([0, 1, 2, 4]))
    [7. 5. 6. 4.]
    """
    return _swept(worth, lambda without, having: np.add(without, having, out=without))
