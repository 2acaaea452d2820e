"""Random numbers keyed by (seed, process, chunk), and the array types of this layer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from numpy.random import Generator, Philox, SeedSequence

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]


FEW = 12  # so many comparisons are faster than a search


def stream(seed: int, process: str, chunk: int = 0) -> Generator:
    """Return the generator that belongs to one process in one chunk of customers.

    Streams of different processes never share numbers, so a process that is added, dropped or
    switched off leaves the draws of all others as they were (Salmon et al. 2011, counter-based
    generators).

    >>> round(stream(1, "arrivals").random(), 6)
    0.288306
    """
    return Generator(Philox(SeedSequence([seed, crc32(process.encode()), chunk])))


def hashed(key: Ints, seed: int, process: str) -> Floats:
    """Return a number in [0, 1) for each key, the same wherever the key comes up.

    >>> hashed(np.array([7]), 1, "arm").round(6).tolist()
    [0.09111]
    """
    salt = int(stream(seed, process).integers(1, 2**31))
    mixed = (key.astype(np.uint64) + np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2**53


def pick(uniform: Floats, weights: Floats) -> Ints:
    """Return for each uniform number the index it falls on under `weights` (any sum).

    >>> pick(np.array([0.1, 0.6]), np.array([1.0, 1.0])).tolist()
    [0, 1]
    """
    edges = (np.cumsum(weights) / np.sum(weights))[:-1]
    if len(edges) > FEW:
        return np.searchsorted(edges, uniform, side="right")
    found = np.zeros(uniform.shape, dtype=np.int64)
    for edge in edges:
        found += uniform >= edge
    return found


def distinct(values: Ints) -> Ints:
    """Return the different values in order, by sorting: numpy's hashing is slower on these.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    ordered = np.sort(values)
    found: Ints = ordered[np.diff(ordered, prepend=ordered[:1] - 1) != 0]
    return found


def spread(counts: Ints) -> tuple[Ints, Ints]:
    """Return (owner, rank) of the children when owner i has counts[i] of them.

    >>> [part.tolist() for part in spread(np.array([2, 0, 1]))]
    [[0, 0, 2], [0, 1, 0]]
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - np.repeat(first, counts)
