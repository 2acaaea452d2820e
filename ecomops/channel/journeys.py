"""From events or path tables to journeys: ordered channels, with or without a conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from ecomops.base.errors import DataError
from ecomops.data.tables import NO, YES, passing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

OUTCOMES = ("purchase", "refund")
UNSET = "(not set)"  # what Google writes where an order has no number
GLUE = "\x1f"  # no name holds it
DAY = 86_400
MONEY = "decimal(18,4)"


def met(events: ibis.Table, *, by: str) -> ibis.Table:
    """Return the events in which a visitor met a channel or, held out, would have met it."""
    outcome = events.event_name.isin(OUTCOMES).fill_null(NO)
    named = events[by].cast("string") != ""
    return events.filter(named, ~outcome, events.visitor_id.notnull(), events.event_time.notnull())


def touches(events: ibis.Table, *, by: str) -> ibis.Table:
    """Return touches: ``visitor, at, sec, channel``, one row per visitor, moment and channel.

    `events` is the canonical table of touchpoints; `by` the column that names the channel. Events
    of one session and channel are one touch, at the first of them. Ghosts of a holdout
    (``is_holdout``), outcomes and events without a channel are no touches.
    """
    kept = met(events, by=by)
    if "is_holdout" in events.columns:
        kept = kept.filter(~kept.is_holdout.cast("boolean").fill_null(NO))
    at = kept.event_time
    keyed = kept.select(
        visitor=kept.visitor_id,
        at=at,
        channel=kept[by].cast("string"),
        session=ibis.coalesce(kept.session_id, at.cast("string")),
    )
    found = keyed.group_by("visitor", "channel", "session").aggregate(at=keyed.at.min())
    return found.mutate(sec=found.at.epoch_seconds()).drop("session")


def conversions(events: ibis.Table) -> ibis.Table:
    """Return ``visitor, order, own, at, sec, conversions, value``: one row per order and visitor.

    An order counts once, at its first moment and its highest value, however often it was exported
    and whoever names it: a cookie and a device that share an ``order_id`` made one order. ``own``
    is when this visitor first named it. Purchases without any id count each.
    """
    sold = events.filter(events.event_name == "purchase", events.visitor_id.notnull())
    shared = sold.order_id.nullif(UNSET)
    name = ibis.coalesce(shared, sold.event_id)
    own = sold.visitor_id + GLUE + ibis.coalesce(name, sold.event_time.cast("string"), "")
    keyed = sold.select(
        visitor=sold.visitor_id,
        at=sold.event_time,
        order=ibis.coalesce(shared, own),
        named=name.notnull(),
        value=sold.value.cast(MONEY).fill_null(0),
    )
    once = keyed.group_by("visitor", "order", "named").aggregate(
        own=keyed.at.min(), rows=keyed.count(), most=keyed.value.max(), total=keyed.value.sum()
    )
    anyone = ibis.window(group_by=[once.order, once.named])
    first = once.own.min().over(anyone)
    return once.select(
        "visitor",
        "order",
        "own",
        at=first,
        sec=first.epoch_seconds(),
        conversions=once.named.ifelse(1, once.rows),
        value=once.named.ifelse(once.most.max().over(anyone), once.total).cast(MONEY),
    )


def from_events(
    events: ibis.Table,
    seen: ibis.Table,
    sold: ibis.Table,
    *,
    lookback_days: int,
    basis: str,
    start: date | None = None,
    end: date | None = None,
) -> ibis.Table:
    """Return journeys: ``channels, ages, conversions, nulls, value, open, touched``.

    `seen` are the `touches` of `events` and `sold` its `conversions`. Each order looks back
    `lookback_days` over the touches of all visitors who name it, oldest first; ties in time go by
    channel. Touches in no order's window are journeys without conversion, cut where a visitor
    pauses longer than the lookback; ``open`` is 1 where the data ends before its window does.
    ``ages`` are days before the order, 0 without one. The period from `start` to `end` holds
    orders (``basis="order"``) or touches (``basis="click"``).
    """
    counted = within(seen, start, end)
    if basis == "click":
        seen = counted
    back = lookback_days * DAY
    lost = counted.anti_join(sold, _window(counted, sold, back))
    closed = events.event_time.max().epoch_seconds() - back
    asked = sold if basis == "click" else within(sold, start, end)
    before = seen.rename(touch_at="at", touch_sec="sec")
    pairs = before.join(asked, _window(before, asked, back, "touch_sec"))
    steps = pairs.mutate(
        step=ibis.struct(
            {
                "at": pairs.touch_at,
                "channel": pairs.channel,
                "age": (pairs.sec - pairs.touch_sec) / float(DAY),
            }
        )
    )
    won = steps.group_by("order").aggregate(
        steps=steps.step.collect(),
        conversions=steps.conversions.max(),
        nulls=ibis.literal(0),
        open=ibis.literal(0),
        value=steps.value.max(),
    )
    unfinished = _unfinished(lost, back, closed.as_scalar())
    return _ordered(won.drop("order")).union(_ordered(unfinished))


def untouched(
    seen: ibis.Table,
    sold: ibis.Table,
    *,
    lookback_days: int,
    start: date | None = None,
    end: date | None = None,
) -> ibis.Table:
    """Return the orders of the period without a touch within their look-back, one row each."""
    sold = within(sold, start, end)
    reached = sold.semi_join(seen, _window(seen, sold, lookback_days * DAY))
    return sold.anti_join(reached, "order").drop("visitor", "own").distinct()


def within(table: ibis.Table, start: date | None, end: date | None) -> ibis.Table:
    """Return the rows whose ``at`` lies on a day from `start` to `end`."""
    if start:
        table = table.filter(table.at.date() >= ibis.literal(start))
    return table.filter(table.at.date() <= ibis.literal(end)) if end else table


def _window(seen: ibis.Table, sold: ibis.Table, back: int, sec: str = "sec") -> list[Any]:
    return [seen.visitor == sold.visitor, seen[sec] <= sold.sec, seen[sec] >= sold.sec - back]


def _unfinished(lost: ibis.Table, back: int, closed: Any) -> ibis.Table:
    window = ibis.window(group_by=lost.visitor, order_by=[lost.at, lost.channel])
    pause = lost.sec - lost.sec.lag().over(window)
    marked = lost.mutate(fresh=(pause > back).fill_null(NO).ifelse(1, 0))
    running = ibis.cumulative_window(group_by=marked.visitor, order_by=[marked.at, marked.channel])
    numbered = marked.mutate(number=marked.fresh.sum().over(running))
    step = ibis.struct({
        "at": numbered.at, "channel": numbered.channel, "age": ibis.literal(0.0)
    })  # fmt: skip
    return (
        numbered.mutate(step=step)
        .group_by("visitor", "number")
        .aggregate(
            steps=ibis._.step.collect(),
            conversions=ibis.literal(0),
            nulls=ibis.literal(1),
            open=(ibis._.sec.max() > closed).cast("int64"),
            value=ibis.literal(0).cast(MONEY),
        )
        .drop("visitor", "number")
    )


def _ordered(journeys: ibis.Table) -> ibis.Table:
    steps = journeys.steps.sort()
    return journeys.select(
        channels=steps.map(lambda s: s.channel),
        ages=steps.map(lambda s: s.age),
        conversions=journeys.conversions.cast("float64"),
        nulls=journeys.nulls.cast("float64"),
        open=journeys.open.cast("float64"),
        touched=YES,
        value=journeys.value.cast(MONEY),
    )


def with_numbers(paths: ibis.Table) -> ibis.Table:
    """Return a path table with its counts and value as numbers.

    Raises `DataError` when cells are no numbers, or counts negative: with how many, by column.
    """
    names = [c for c in ("conversions", "nulls", "value") if c in paths.columns]
    numbers = {c: paths[c].try_cast("float64") for c in names if paths[c].type().is_string()}
    tests = {c: numbers.get(c, paths[c]) < 0 for c in names if c != "value"}
    for c, number in numbers.items():
        unread = paths[c].notnull() & number.isnull()
        tests[c] = tests[c].fill_null(unread) | unread if c in tests else unread
    if wrong := {c: n for c, n in passing(paths, tests).items() if n}:
        raise DataError("path_numbers", columns=[f"{c} {n:,}" for c, n in wrong.items()])
    return paths.mutate(**numbers)


def from_paths(paths: ibis.Table, *, careful: bool = False) -> ibis.Table:
    """Return journeys from paths: ``path`` (channels joined by >), ``conversions, nulls, value``.

    Such a table has no times, so ``ages`` is null. ``nulls`` and ``value`` are optional. Paths are
    split at " > "; `careful` splits at ">", drops spaces around channels and empty channels, which
    takes several times as long (see `is_tidy`).
    """
    columns = paths.columns
    zero = ibis.literal(0.0)
    whole = paths.path.fill_null("")
    channels = whole.split(" > ")
    if careful:
        parts = whole.split(">").map(lambda part: part.strip())
        channels = parts.filter(lambda part: part != "")
    won = paths.conversions.cast("float64").fill_null(0.0)
    money = paths.value.cast(MONEY) if "value" in columns else zero.cast(MONEY)
    return paths.select(
        channels=channels,
        ages=ibis.null("array<float64>"),
        conversions=won,
        nulls=paths.nulls.cast("float64").fill_null(0.0) if "nulls" in columns else zero,
        open=zero,
        touched=channels.length() > 0 if careful else YES,
        value=(won > 0).ifelse(money.fill_null(0), 0).cast(MONEY),
    )


def is_tidy(channels: Iterable[str]) -> bool:
    """Return whether paths split at " > " gave whole channels.

    >>> is_tidy(["search", "feed"]), is_tidy(["search>feed"])
    (True, False)
    """
    return all(channel == channel.strip() != "" and ">" not in channel for channel in channels)
