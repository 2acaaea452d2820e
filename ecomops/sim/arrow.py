"""From numbers to Arrow columns: money, identifiers, wall times, words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecomops.sim.streams import Bools, Floats, Ints

GROUP = 10_000
MILLION = 10**6
SCATTER = 368_787_919_003
SPAN = 10**12


def money(cents: Ints, mask: Bools | None = None, digits: int = 2) -> pa.Array:
    """Return integer cents as decimal(18, `digits`); null where `mask`.

    >>> money(np.array([1999])).to_pylist()
    [Decimal('19.99')]
    """
    words = np.empty((len(cents), 2), dtype=np.int64)
    words[:, 0] = cents * 10 ** (digits - 2)
    words[:, 1] = cents >> 63
    return pa.Array.from_buffers(
        pa.decimal128(18, digits), len(cents), [_validity(mask), pa.py_buffer(words)]
    )


def stamps(seconds: Floats, epoch: int, mask: Bools | None = None) -> pa.Array:
    """Return seconds since the shop's start as wall times without a zone; null where `mask`."""
    moments = np.where(mask, 0, seconds) if mask is not None else seconds
    micro = (moments.astype(np.int64) + epoch) * 1_000_000
    return pa.array(micro, mask=mask).view(pa.timestamp("us"))


def dates(days: Ints, epoch: int) -> pa.Array:
    """Return days since the shop's start as dates."""
    return pa.array((days + epoch // 86_400).astype(np.int32)).cast(pa.date32())


def digits(numbers: Ints, groups: int, prefix: str = "", suffix: Ints | None = None) -> pa.Array:
    """Return numbers as text of 4 × `groups` digits, with a prefix and a one-digit suffix.

    >>> digits(np.array([42]), 2, "p").to_pylist()
    ['p00000042']
    """
    count = len(numbers)
    start, tail = len(prefix), 0 if suffix is None else 2
    width = start + 4 * groups + tail
    text = np.empty((count, width), dtype=np.uint8)
    text[:, :start] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    rest = numbers
    for group in range(groups - 1, -1, -1):
        rest, low = np.divmod(rest, GROUP)
        text[:, start + 4 * group : start + 4 * group + 4] = _TABLE[low]
    if suffix is not None:
        text[:, -2] = ord("-")
        text[:, -1] = suffix + ord("0")
    offsets = np.arange(count + 1, dtype=np.int32) * width
    return pa.Array.from_buffers(
        pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    )


_TABLE = np.array([[ord(c) for c in f"{i:04d}"] for i in range(GROUP)], dtype=np.uint8)


def scattered(key: Ints) -> Ints:
    """Return twelve-digit numbers that look drawn, one for each key, the same in every world.

    Multiplication by a number without the factors 2 and 5 maps keys below 10^12 one to one.

    >>> scattered(np.array([1, 2])).tolist()
    [368787919003, 737575838006]
    """
    low, high = key % MILLION, key // MILLION
    return (low * SCATTER + high * (SCATTER % MILLION) % MILLION * MILLION) % SPAN


def words(choice: Ints, names: Sequence[str], mask: Bools | None = None) -> pa.Array:
    """Return the chosen names as text; null where `mask`."""
    indices = pa.array(choice.astype(np.int32), mask=mask)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string())).cast(pa.string())


def nullable(values: pa.Array, mask: Bools) -> pa.Array:
    """Return `values` with nulls where `mask`."""
    return pc.if_else(pa.array(mask), pa.scalar(None, values.type), values)


def _validity(mask: Bools | None) -> Any:
    if mask is None:
        return None
    return pa.py_buffer(np.packbits(~mask, bitorder="little"))


def constant(value: str, count: int) -> pa.Array:
    """Return the same word `count` times."""
    return pa.repeat(pa.scalar(value), count)
