"""Live sessions as cells: viewers, the product on show and its orders by quarter of an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd
from scipy.stats import nbinom, poisson

from ecomops.data.festivals import between
from ecomops.data.tables import frame
from ecomops.maths.arrays import Bools, Floats, floats
from ecomops.maths.crossed import Crossed, crossed_poisson

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from ecomops.data.festivals import Festival

SLOT = 15  # minutes
MOST = 200  # sessions looked at, the latest
FEW = 3  # sessions of a host before it is compared
Z = 1.6449
NOTHING = ""  # the product of minutes that show none
SUMS = ("viewers", "online", "orders", "amount", "comments")


def sessions(live_sessions: ibis.Table, as_of: date | None) -> pd.DataFrame:
    """Return the latest 200 sessions, oldest first, one row each.

    ``session, host, start, minutes, viewers, orders, amount, comments``; `online` is viewers times
    minutes watched where known, else viewers.
    """
    t = live_sessions
    kept = t.filter(t.started_at.date() <= as_of) if as_of else t
    kept = kept.order_by(ibis.desc("started_at"), "live_session_id").limit(MOST)
    length = ibis.coalesce(kept.duration_min, (kept.ended_at.epoch_seconds() - kept.started_at.epoch_seconds()) / 60)  # fmt: skip # noqa: E501
    rows = frame(
        kept.select(
            session="live_session_id",
            host=ibis.coalesce(kept.anchor_name, kept.anchor_id),
            start="started_at",
            minutes=length.cast("float64"),
            viewers="viewers",
            online=(kept.avg_online * length).cast("float64"),
            orders=ibis.coalesce(kept.order_count, kept.buyers),
            amount="gmv",
            comments="comments",
        )
    )
    return rows.sort_values(["start", "session"], ignore_index=True)


def cells(live_minutes: ibis.Table, chosen: pd.DataFrame) -> pd.DataFrame:
    """Return one row per session, quarter of an hour and product on show, sums of its minutes.

    ``session, host, slot, product, viewers`` (arrivals), ``online`` (viewer-minutes), ``orders,
    amount, comments``.
    """
    t = live_minutes.filter(live_minutes.live_session_id.isin(list(chosen["session"])))
    t = t.mutate(slot=(t.minute // SLOT).cast("int64"))
    shown = t.product_id.fill_null(NOTHING)
    by = t.group_by(session=t.live_session_id, slot=t.slot, product=shown).aggregate(
        viewers=t.arrivals.sum(),
        online=t.online.sum(),
        orders=t.order_count.sum(),
        amount=t.gmv.sum(),
        comments=t.comments.sum(),
    )
    rows = frame(by).merge(chosen[["session", "host", "start"]], on="session")
    rows[list(SUMS)] = rows[list(SUMS)].astype(float)
    return rows.sort_values(["start", "session", "slot", "product"], ignore_index=True)


def titles(products: ibis.Table, shown: pd.Series[str]) -> dict[str, str]:
    """Return the name of each product shown, by id; of two with one name, the id stays."""
    kept = products.filter(products.product_id.isin(sorted(set(shown.dropna()))))
    by = kept.group_by("product_id").aggregate(name=kept.product_name.max())
    rows = frame(by).dropna().drop_duplicates("name", keep=False)
    return dict(zip(rows["product_id"], rows["name"], strict=True))


def audience(chosen: pd.DataFrame, festivals: Iterable[Festival]) -> tuple[Crossed, list[Any]]:
    """Return what each host multiplies viewers by, weekday, month and festivals taken out."""
    start = pd.to_datetime(chosen["start"])
    month = (start.dt.year * 12 + start.dt.month).to_numpy()
    first, last = start.iloc[0].date(), start.iloc[-1].date()
    near = between(festivals, first, last)
    phases = np.array([_phase(day.date(), near) for day in start])
    times = (month, start.dt.day_of_week.to_numpy(), phases)
    levels = [np.unique(values, return_inverse=True)[1] for values in times]
    hosts, names = pd.factorize(chosen["host"], sort=True)
    minutes = chosen["minutes"].fillna(chosen["minutes"].median()).fillna(60.0)
    known = chosen["viewers"].notna()  # a session without a count tells nothing, unless all are
    minutes = minutes.where(known | (not known.any()), 0.0)
    viewers = chosen["viewers"].fillna(0).astype(float)
    return crossed_poisson(viewers, minutes, [hosts, *levels]), list(names)


def _phase(day: date, near: Any) -> str:
    """Return the phase of the festival whose window holds a day, the nearest one's; else ""."""
    inside = [f for f in near if f.start <= day <= f.end]
    best = min(inside, key=lambda f: (abs((day - f.day).days), f.code), default=None)
    return str(best.phase(day)) if best else ""


def selling(rows: pd.DataFrame, known: Bools | None = None) -> tuple[Crossed, list[Any]]:
    """Return what host, product and slot multiply orders per viewer by, and the levels' names."""
    parts = [pd.factorize(rows[name], sort=True) for name in ("host", "product", "slot")]
    found = crossed_poisson(rows["orders"], rows["online"], [codes for codes, _ in parts], known)
    return found, [list(names) for _, names in parts]


def ranges(found: Crossed, where: Bools) -> tuple[Floats, Floats, Floats]:
    """Return expected counts of some rows and where 90 % of such counts fall.

    Both the model's own uncertainty and the chance of counts are in the range.
    """
    mean, error = np.exp(found.log_mean[where]), found.log_error[where]
    variance = mean * found.scale + (mean * error) ** 2
    wide = variance > mean * 1.0001
    size = np.where(wide, mean**2 / np.maximum(variance - mean, 1e-12), 1.0)
    share = size / (size + mean)
    low, high = (
        np.where(wide, nbinom.ppf(q, size, share), poisson.ppf(q, mean)) for q in (0.05, 0.95)
    )
    return floats(mean), floats(low), floats(high)
