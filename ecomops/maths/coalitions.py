"""Games on sets of channels: what a set of players is worth, from counted journeys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.checks import choice
from ecomops.maths import shapley
from ecomops.maths.arrays import Bools, Floats, Ints, floats, ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

GAMES = ("set_rate", "set_conversions", "subset_sum")
PERMUTATIONS = 500  # orders drawn for a set of more than 20 channels, each played both ways
BITS = 62  # channels that fit a number, one bit each
WORD = 2**62


def prior_journeys(conversions: ArrayLike, journeys: ArrayLike) -> float:
    """Return how many journeys at the overall rate a set's own rate is blended with.

    Parameters
    ----------
    conversions, journeys
        Counts of each set, shape (sets,).

    Returns
    -------
    At least 1; up to 1e9 when the sets differ no more than chance would make them.

    Notes
    -----
    Beta-binomial by moments (Kleinman 1973, J. Am. Stat. Assoc. 68: 46-54): the variance of rates
    between sets beyond binomial noise says how far a small set's rate can be trusted.

    Examples
    --------
    >>> print(round(prior_journeys([10, 50, 90], [1000, 1000, 1000])))
    30
    """
    n, k = floats(journeys), floats(conversions)
    total = n.sum()
    mean = k.sum() / total if total > 0 else 0.0
    noise = mean * (1 - mean)
    spread = np.sum(n * (np.nan_to_num(ratio(k, n)) - mean) ** 2) - (n.size - 1) * noise
    between = spread / max(total - np.sum(n**2) / total, 1) if total > 0 else 0.0
    return float(np.clip(noise / between - 1, 1, 1e9)) if between > 0 else 1e9


def set_game(members: ArrayLike, gains: ArrayLike, journeys: ArrayLike, *, game: str) -> Floats:
    """Return each channel's Shapley value in a game on exactly the sets that were seen.

    Parameters
    ----------
    members
        Which channels each set of journeys touched, boolean (sets, channels); sets are distinct.
    gains
        Conversions, or money, of each set, shape (sets,).
    journeys
        Journeys of each set, with and without conversion, shape (sets,).
    game
        "set_rate": gains per journey of exactly this set, 0 where it was not seen.
        "set_conversions": gains of exactly this set. "subset_sum": gains of all sets inside the
        coalition.

    Returns
    -------
    Shape (channels,). In the first two games values can be negative.

    Raises
    ------
    OptionError
        When the game is unknown.

    Notes
    -----
    Exact for any number of channels. A set of size s out of n that alone has worth v gives its
    members v (s - 1)! (n - s)! / n! each and takes v s! (n - s - 1)! / n! from each other channel.
    "subset_sum" is the same as equal shares for the channels of each converting journey (Zhao,
    Mahboobi and Bagheri 2018, "Shapley value methods for attribution modeling"): it looks at
    converters only.

    Examples
    --------
    Journeys over {0}, {1} and {0, 1} convert at 10, 20 and 40 %.

    >>> sets = [[True, False], [False, True], [True, True]]
    >>> set_game(sets, [1, 2, 4], [10, 10, 10], game="set_rate").round(3)
    array([0.15, 0.25])
    """
    choice("game", game, GAMES)
    has, worth = np.asarray(members, dtype=bool), floats(gains)
    if game == "set_rate":
        worth = np.nan_to_num(ratio(worth, journeys))
    size = has.sum(axis=1)
    if game == "subset_sum":
        return floats((worth / np.maximum(size, 1)) @ has)
    weight = shapley.weights(has.shape[1])
    inside, outside = weight[size - 1], np.append(weight, 0.0)[size]
    return floats((worth * inside) @ has - (worth * outside) @ ~has)


def rate_credit(
    members: ArrayLike, gains: ArrayLike, conversions: ArrayLike, journeys: ArrayLike, *, seed: int
) -> Floats:
    """Return what each channel gets when journeys are shared by the rates of smaller sets.

    Parameters
    ----------
    members
        Which channels each set of journeys touched, boolean (sets, channels); sets are distinct.
    gains
        What is shared out, such as conversions and money, shape (kinds, sets).
    conversions, journeys
        Journeys with a conversion and all journeys of each set, shape (sets,).
    seed
        Seed of the orders drawn for sets of more than 20 channels.

    Returns
    -------
    Shape (kinds, channels): 0 or more for gains of 0 or more, each row adding up to its gains.

    Notes
    -----
    The gains of each set are shared by the Shapley value of this game among its channels: a
    coalition is worth the best conversion rate of any set inside it, journeys without conversion
    included. Rates are blended with `prior_journeys` at the overall rate. Where rates differ no
    more than by chance, the channels of a journey share equally; the worth never falls as channels
    join, so no share is negative.

    Examples
    --------
    Journeys over {0}, {1} and {0, 1} convert at 1, 20 and 21 %; those of {0, 1} go to 1.

    >>> sets = [[True, False], [False, True], [True, True]]
    >>> won = [100, 2000, 2100]
    >>> print(rate_credit(sets, [won], won, [10_000] * 3, seed=1).round())
    [[ 201. 3999.]]
    """
    has, shared = np.asarray(members, dtype=bool), floats(gains)
    won, n = floats(conversions), floats(journeys)
    prior = prior_journeys(won, n)
    rate = (won + prior * won.sum() / max(n.sum(), 1)) / (n + prior)
    rate = np.where(n > 0, rate, 0)  # a set nobody travelled says nothing
    if has.shape[1] <= shapley.EXACT_LIMIT:
        return _all_at_once(has, shared, rate)
    return _set_by_set(has, shared, rate, seed)


def _all_at_once(has: Bools, gains: Floats, rate: Floats) -> Floats:
    """Share by Harsanyi dividends: each coalition's own worth goes to its members equally.

    A set's share of a dividend is the dividend over the set's worth, so one sum over the supersets
    of each coalition serves all sets.
    """
    channels = has.shape[1]
    masks = has.astype(np.int64) @ (np.int64(1) << np.arange(channels))
    worth = np.zeros(2**channels)
    worth[masks] = rate
    worth = shapley.subset_maxima(worth)
    dividend = shapley.dividends(worth) / np.maximum(shapley.sizes(channels), 1)
    credit = np.zeros((len(gains), channels))
    for kind, row in enumerate(gains):
        above = np.zeros(worth.size)
        above[masks] = ratio(row, worth[masks])
        earned = dividend * shapley.superset_sums(np.nan_to_num(above))
        for channel in range(channels):
            credit[kind, channel] = earned.reshape(-1, 2, 2**channel)[:, 1].sum()
    return credit


def _set_by_set(has: Bools, gains: Floats, rate: Floats, seed: int) -> Floats:
    keys = _keys(has.shape[1], seed)
    marks = np.bitwise_xor.reduce(np.where(has, keys, 0), axis=1)
    order = np.argsort(marks)
    credit = np.zeros((len(gains), has.shape[1]))
    for row in np.flatnonzero(np.any(gains != 0, axis=0)):
        mine = np.flatnonzero(has[row])
        if mine.size <= shapley.EXACT_LIMIT:
            worth = _found(_subset_keys(keys[mine]), marks[order], rate[order])
            values = shapley.exact(shapley.subset_maxima(worth))
        else:
            values = _sampled(has, rate, int(row), seed)
        credit[:, mine] += gains[:, row, None] * values / values.sum()
    return credit


def _keys(channels: int, seed: int) -> Ints:
    """Return a number per channel such that sets differ in the exclusive or of their numbers."""
    if channels <= BITS:
        return np.int64(1) << np.arange(channels, dtype=np.int64)
    return np.random.default_rng(seed).integers(0, WORD, channels)


def _subset_keys(keys: Ints) -> Ints:
    subsets = np.zeros(1, dtype=np.int64)
    for key in keys:
        subsets = np.concatenate([subsets, subsets ^ key])
    return subsets


def _found(asked: Ints, marks: Ints, values: Floats) -> Floats:
    place = np.minimum(np.searchsorted(marks, asked), marks.size - 1)
    return np.where(marks[place] == asked, values[place], 0.0)


def _sampled(has: Bools, rate: Floats, row: int, seed: int) -> Floats:
    """Return the values of a set too large to list its coalitions."""
    inside = ~np.any(has & ~has[row], axis=1)
    parts, worth = has[np.ix_(inside, has[row])], rate[inside]

    def best(asked: Ints) -> Floats:
        chosen = (asked[..., None] >> np.arange(parts.shape[1])) & 1 == 1
        fits = ~np.any(parts & ~chosen[..., None, :], axis=-1)
        return floats(np.max(np.where(fits, worth, 0.0), axis=-1, initial=0.0))

    return shapley.sampled(best, parts.shape[1], permutations=PERMUTATIONS, seed=seed)[0]
