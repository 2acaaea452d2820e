"""Games on sets of channels: what a set of players is worth, from counted journeys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.checks import choice
from ecomops.maths import shapley
from ecomops.maths.arrays import Bools, Floats, Ints, floats, ints, ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

GAMES = ("set_rate", "set_conversions", "subset_sum", "best")
PERMUTATIONS = 4000  # orders drawn above the exact limit, each played both ways
CELLS = 4_000_000  # pairs of coalitions compared at once


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


def _masks(has: Bools) -> Ints:
    return ints(has.astype(np.int64) @ (np.int64(1) << np.arange(has.shape[1], dtype=np.int64)))


def shares_by_rate(
    members: ArrayLike, conversions: ArrayLike, journeys: ArrayLike, *, seed: int
) -> Floats:
    """Return how the channels of each set share its conversions, by the rates of smaller sets.

    Parameters
    ----------
    members
        Which channels each set of journeys touched, boolean (sets, channels); sets are distinct.
    conversions, journeys
        Journeys with a conversion and all journeys of each set, shape (sets,).
    seed
        Seed of the orders drawn for sets of more than 20 channels.

    Returns
    -------
    Shape (sets, channels): 0 or more, each row adding up to 1 for sets with conversions, else 0.

    Raises
    ------
    DataError
        When there are more than 62 channels.

    Notes
    -----
    For each set, the Shapley value of this game among its channels: a coalition is worth the best
    conversion rate of any set inside it, journeys without conversion included. Rates are blended
    with `prior_journeys` at the overall rate. Where rates differ no more than by chance, the
    channels of a journey share equally; the worth never falls as channels join, so no share is
    negative.

    Examples
    --------
    Journeys over {0}, {1} and {0, 1} convert at 1, 20 and 21 %.

    >>> sets = [[True, False], [False, True], [True, True]]
    >>> shares_by_rate(sets, [100, 2000, 2100], [10_000] * 3, seed=1).round(2)
    array([[1.  , 0.  ],
           [0.  , 1.  ],
           [0.05, 0.95]])
    """
    has, won, n = np.asarray(members, dtype=bool), floats(conversions), floats(journeys)
    prior = prior_journeys(won, n)
    rate = (won + prior * won.sum() / max(n.sum(), 1)) / (n + prior)
    masks, shares = _masks(has), np.zeros(has.shape)
    for row in np.flatnonzero(won > 0):
        inside = np.flatnonzero((masks & masks[row]) == masks)
        local = has[np.ix_(inside, has[row])]
        values = game_values(local, rate[inside], n[inside], game="best", seed=seed)[0]
        shares[row, has[row]] = values / values.sum()
    return shares


def game_values(
    members: ArrayLike, gains: ArrayLike, journeys: ArrayLike, *, game: str, seed: int
) -> tuple[Floats, Floats]:
    """Return each channel's Shapley value in a named game, and its standard error.

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
        coalition. "best": the largest gains of a set inside the coalition.
    seed
        Seed of the orders drawn when there are more than 20 channels.

    Returns
    -------
    Values and standard errors, both (channels,); errors are 0 up to 20 channels (exact).

    Raises
    ------
    OptionError
        When the game is unknown.
    DataError
        When there are more than 62 channels.

    Notes
    -----
    "subset_sum" is the same as equal shares for the channels of each converting journey (Zhao,
    Mahboobi and Bagheri 2018, "Shapley value methods for attribution modeling"): it looks at
    converters only. In "set_rate" and "set_conversions" values can be negative.

    Examples
    --------
    Journeys over {0}, {1} and {0, 1} convert at 10, 20 and 40 %.

    >>> sets = [[True, False], [False, True], [True, True]]
    >>> game_values(sets, [1, 2, 4], [10, 10, 10], game="set_rate", seed=1)[0].round(3)
    array([0.15, 0.25])
    """
    choice("game", game, GAMES)
    has, worth = np.asarray(members, dtype=bool), floats(gains)
    if game == "set_rate":
        worth = np.nan_to_num(ratio(worth, journeys))
    players = has.shape[1]
    if players <= shapley.EXACT_LIMIT:
        values = shapley.exact(_all_coalitions(_masks(has), worth, players, game))
        return values, np.zeros(players)
    return shapley.sampled(
        lambda asked: _asked(asked, _masks(has), worth, game),
        players,
        permutations=PERMUTATIONS,
        seed=seed,
    )


def _all_coalitions(masks: Ints, worth: Floats, players: int, game: str) -> Floats:
    full = np.zeros(2**players)
    full[masks] = worth
    if game == "best":
        return shapley.subset_maxima(full)
    return shapley.subset_sums(full) if game == "subset_sum" else full


def _asked(asked: Ints, masks: Ints, worth: Floats, game: str) -> Floats:
    """Return the worth of the coalitions asked for, without listing all of them."""
    distinct, place = np.unique(asked, return_inverse=True)
    step = max(CELLS // max(masks.size, 1), 1)
    blocks = np.split(distinct, range(step, distinct.size, step))
    found = np.concatenate([_block(block[:, None], masks, worth, game) for block in blocks])
    return floats(found[place.reshape(asked.shape)])


def _block(asked: Ints, masks: Ints, worth: Floats, game: str) -> Floats:
    inside = (asked & masks) == masks
    if game == "best":
        return floats(np.max(np.where(inside, worth, 0.0), axis=1, initial=0.0))
    chosen = inside if game == "subset_sum" else asked == masks
    return floats(chosen.astype(np.float64) @ worth)
