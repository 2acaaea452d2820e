"""From numbers to Arrow columns: money, identifiers, wall times, words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ecomops.sim.streams import Bools, Floats, Ints

    Text = npt.NDArray[np.void]

GROUP = 10_000
MILLION = 10**6
SCATTER = 368_787_919_003
SPAN = 10**12


def money(cents: Ints, mask: Bools | None = None, digits: int = 2) -> pa.Array:
    """Return integer cents as decimal(18, `digits`); null where `mask`.

    >>> money(np.array([1999])).to_pylist()
    [Decimal('19.99')]
    """
    words = np.zeros((len(cents), 2), dtype=np.int64)
    words[:, 0] = cents if digits == 2 else np.multiply(cents, 10 ** (digits - 2), dtype=np.int64)  # noqa: PLR2004
    if len(cents) and cents.min() < 0:
        words[:, 1] = cents >> 63
    return pa.Array.from_buffers(
        pa.decimal128(18, digits), len(cents), [_validity(mask), pa.py_buffer(words)]
    )


def stamps(seconds: Floats | Ints, epoch: int, mask: Bools | None = None) -> pa.Array:
    """Return seconds since the shop's start as wall times without a zone; null where `mask`."""
    micro = seconds.astype(np.int64)
    micro += epoch
    micro *= MILLION
    buffers = [_validity(mask), pa.py_buffer(micro)]
    return pa.Array.from_buffers(pa.timestamp("us"), len(micro), buffers)


def dates(days: Ints, epoch: int) -> pa.Array:
    """Return days since the shop's start as dates."""
    return pa.array((days + epoch // 86_400).astype(np.int32)).cast(pa.date32())


def digits(numbers: Ints, groups: int, prefix: str = "", suffix: Ints | None = None) -> pa.Array:
    """Return numbers as text of 4 × `groups` digits, with a prefix and a one-digit suffix.

    >>> digits(np.array([42]), 2, "p", np.array([1])).to_pylist()
    ['p00000042-1']
    """
    text = written(numbers, groups, prefix)
    return column(text if suffix is None else suffixed(text, suffix))


def written(numbers: Ints, groups: int, prefix: str) -> Text:
    """Return numbers as fixed-width records of a prefix and 4 × `groups` digits."""
    names = [f"g{group}" for group in range(groups)]
    kinds = [("prefix", f"V{len(prefix)}")] * bool(prefix) + [(name, "<u4") for name in names]
    text = np.empty(len(numbers), dtype=kinds)
    if prefix:
        text["prefix"] = np.void(prefix.encode())
    rest = numbers
    for name in names[:0:-1]:
        high = rest // GROUP
        text[name] = _TABLE.take(rest - high * GROUP)
        rest = high
    text[names[0]] = _TABLE.take(rest - rest // GROUP * GROUP)
    return text.view(f"V{text.dtype.itemsize}")


def suffixed(text: Text, suffix: Ints) -> Text:
    """Return records with a dash and one digit at their end."""
    longer = np.empty(len(text), dtype=[("text", text.dtype), ("suffix", "<u2")])
    longer["text"] = text
    longer["suffix"] = (suffix + ord("0")) << 8 | ord("-")
    return longer.view(f"V{longer.dtype.itemsize}")


def column(text: Text) -> pa.Array:
    """Return fixed-width records as a column of text."""
    offsets = np.arange(len(text) + 1, dtype=np.int32) * text.dtype.itemsize
    return pa.Array.from_buffers(
        pa.string(), len(text), [None, pa.py_buffer(offsets), pa.py_buffer(text.view(np.uint8))]
    )


_TABLE = np.array([f"{i:04d}".encode() for i in range(10_000)]).view("<u4")


def scattered(key: Ints) -> Ints:
    """Return twelve-digit numbers that look drawn, one for each key, the same in every world.

    Multiplication by a number without the factors 2 and 5 maps keys below 10^12 one to one.

    >>> scattered(np.array([1, 2])).tolist()
    [368787919003, 737575838006]
    """
    high = key // MILLION
    low, lift = key - high * MILLION, high * (SCATTER % MILLION)
    number = low * SCATTER + (lift - lift // MILLION * MILLION) * MILLION
    rest: Ints = number - number // SPAN * SPAN  # % takes numpy far longer
    return rest


def words(choice: Ints, names: Sequence[str], mask: Bools | None = None) -> pa.Array:
    """Return the chosen names as text; null where `mask`."""
    return pa.array(names, pa.string()).take(pa.array(choice.astype(np.int32), mask=mask))


def nullable(values: pa.Array, mask: Bools) -> pa.Array:
    """Return `values`, a whole array without nulls, with nulls where `mask`."""
    buffers = [_validity(mask), *values.buffers()[1:]]
    return pa.Array.from_buffers(values.type, len(values), buffers)


def _validity(mask: Bools | None) -> Any:
    if mask is None:
        return None
    return pa.py_buffer(np.packbits(~mask, bitorder="little"))


def constant(value: str, count: int) -> pa.Array:
    """Return the same word `count` times."""
    return pa.repeat(pa.scalar(value), count)
