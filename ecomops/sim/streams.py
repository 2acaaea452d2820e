"""Random numbers keyed by (seed, process, chunk), and the array types of this layer."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self
from zlib import crc32

import numpy as np
from numpy.random import Generator, Philox, SeedSequence
from scipy.special import pdtrik
from scipy.stats import binom

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Words = npt.NDArray[np.uint64]
    Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Columns:
    """Arrays of equal length, one entry per row."""

    def __len__(self) -> int:
        return len(next(iter(vars(self).values())))

    def take(self, rows: Ints) -> Self:
        """Return the rows at these positions."""
        return type(self)(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def joined(self, others: Iterable[Self]) -> Self:
        """Return these rows and those of others one after the other."""
        parts = [self, *(part for part in others if len(part))]
        if len(parts) == 1:
            return self
        names = [f.name for f in fields(self)]
        return type(self)(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


FACTORS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)  # Philox4x64, as in numpy
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
SPARE, HALF, LOW = np.uint64(11), np.uint64(32), np.uint64(2**32 - 1)
FEW = 60  # so many comparisons are faster than a search


def stream(seed: int, process: str, chunk: int = 0) -> Generator:
    """Return the generator that belongs to one process in one chunk of customers.

    Streams of different processes never share numbers, so a process that is added, dropped or
    switched off leaves the draws of all others as they were (Salmon et al. 2011, counter-based
    generators).

    >>> round(stream(1, "arrivals").random(), 6)
    0.288306
    """
    return Generator(Philox(SeedSequence([seed, crc32(process.encode()), chunk])))


def uniforms(random: Generator, rows: Floats) -> Floats:
    """Fill `rows` with uniform numbers between 0 and 1, two from each word of the generator.

    They are the middles of 2^32 equal steps: never 0 or 1, and finer than a second in 20 years.

    >>> uniforms(stream(1, "arrivals"), np.empty((1, 2))).round(6).tolist()
    [[0.153773, 0.788306]]
    """
    for row in rows:
        halves = random.bit_generator.random_raw((len(row) + 1) // 2).view(np.int32)
        np.multiply(halves[: len(row)], 2.0**-32, out=row)
        np.add(row, 0.5 + 2.0**-33, out=row)
    return rows


def ahead(random: Generator, place: Ints) -> Floats:
    """Return the uniform numbers at some places of a fresh stream, without drawing the others.

    Philox numbers its blocks of four words, so each can be made by itself (Salmon et al. 2011).

    >>> ahead(stream(1, "arrivals"), np.array([0, 9])).round(6).tolist()
    [0.288306, 0.818712]
    """
    key = [int(word) for word in random.bit_generator.state["state"]["key"]]
    words = [np.zeros(len(place), dtype=np.uint64) for _ in range(4)]
    words[0] += place.astype(np.uint64) // np.uint64(4) + np.uint64(1)
    for turn in range(10):
        first, second = (np.uint64((k + turn * w) % 2**64) for k, w in zip(key, WEYL, strict=True))
        (high, low), (over, under) = _product(FACTORS[0], words[0]), _product(FACTORS[1], words[2])
        words = [over ^ words[1] ^ first, under, high ^ words[3] ^ second, low]
    word = np.choose(place % 4, words) >> SPARE
    return word.astype(np.float64) * 2.0**-53


def _product(one: int, other: Words) -> tuple[Words, Words]:
    """Return the high and the low half of a product of 64-bit words."""
    low, high = other & LOW, other >> HALF
    small, large = np.uint64(one % 2**32), np.uint64(one >> 32)
    middle = large * low + (small * low >> HALF)
    carry = (small * high + (middle & LOW)) >> HALF
    return large * high + (middle >> HALF) + carry, np.uint64(one) * other


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


def counted(random: Generator, mean: npt.NDArray[Any]) -> Ints:
    """Return Poisson counts, each from a uniform number of its own: no count moves another one.

    >>> counted(stream(1, "claims"), np.array([4.0, 0.0])).tolist()
    [1, 0]
    """
    found: Ints = np.ceil(pdtrik(random.random(mean.shape), mean.clip(1e-9)) - 1e-9).clip(0)
    return found.astype(np.int64)


def shared(uniform: Floats, counts: Ints, chance: Floats) -> Ints:
    """Return multinomial parts of `counts` along a last axis, each from a number of its own.

    >>> shared(np.array([[0.5, 0.5]]), np.array([10]), np.array([0.5, 0.5])).tolist()
    [[5, 5]]
    """
    parts = np.zeros(uniform.shape, dtype=np.int64)
    rest = np.cumsum(chance[..., ::-1], axis=-1)[..., ::-1]
    left = counts.copy()
    for k in range(uniform.shape[-1] - 1):
        part = np.clip(chance[..., k] / np.maximum(rest[..., k], 1e-300), 0, 1)
        some = binom.ppf(uniform[..., k], left, np.broadcast_to(part, left.shape))
        parts[..., k] = np.clip(some, 0, left)
        left = left - parts[..., k]
    parts[..., -1] = left
    return parts


def pick(uniform: Floats, weights: Floats) -> Ints:
    """Return for each uniform number the index it falls on under `weights` (any sum).

    >>> pick(np.array([0.1, 0.6]), np.array([1.0, 1.0])).tolist()
    [0, 1]
    """
    edges = (np.cumsum(weights) / np.sum(weights))[:-1]
    if len(edges) > FEW:
        return np.searchsorted(edges, uniform, side="right")
    found = np.zeros(uniform.shape, dtype=np.int8)
    for edge in edges:
        found += uniform >= edge
    return found.astype(np.int64)


def distinct(values: Ints) -> Ints:
    """Return the different values in order, by sorting: numpy's hashing is slower on these.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    ordered = np.sort(values)
    found: Ints = ordered[np.diff(ordered, prepend=ordered[:1] - 1) != 0]
    return found


def ascending(values: Floats) -> Ints:
    """Return the positions that sort whole numbers from 0 to 2^32 - 1, ties in their order.

    By radix, on the low and then on the high half: numpy has that for 16 bits alone.

    >>> ascending(np.array([70_000.0, 3.0, 70_000.0])).tolist()
    [1, 0, 2]
    """
    low, high = values.astype(np.uint32).view(np.uint16).reshape(-1, 2).T
    order = np.argsort(low, kind="stable")
    return order.take(np.argsort(high.take(order), kind="stable"))


def spread(counts: Ints) -> tuple[Ints, Ints]:
    """Return (owner, rank) of the children when owner i has counts[i] of them.

    >>> [part.tolist() for part in spread(np.array([2, 0, 1]))]
    [[0, 0, 2], [0, 1, 0]]
    """
    last = np.cumsum(counts)
    first, total = last - counts, int(last[-1]) if len(last) else 0
    owner = np.cumsum(np.bincount(first, minlength=total + 1)[:total]) - 1
    return owner, np.arange(total) - first.take(owner)
