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


def spread(counts: Ints) -> tuple[Ints, Ints]:
    """Return (owner, rank) of the children when owner i has counts[i] of them.

    >>> [part.tolist() for part in spread(np.array([2, 0, 1]))]
    [[0, 0, 2], [0, 1, 0]]
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - np.repeat(first, counts)
