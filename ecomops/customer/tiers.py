"""What membership tiers cost, what members must add for them to pay, what points are owed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import ibis
import numpy as np

from ecomops.base import checks
from ecomops.base.errors import OptionError
from ecomops.customer import points
from ecomops.data.policy import POLICY, coverage
from ecomops.data.tables import frame, passing
from ecomops.maths.loyalty import split_sale
from ecomops.result import Action, Basis, Finding, Need, Result, lacking, style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

NEAR = 0.1  # of the threshold, on either side
YEAR = 365
LEHR = 16  # 2 * (1.96 + 0.84) ** 2, rounded: power 80 %, two-sided level 5 %
COSTS = ("points_cost", "discount_cost", "gift_cost", "postage_cost")
COLOURS = (style.CATEGORICAL[0], style.CATEGORICAL[2], style.CATEGORICAL[4], style.CATEGORICAL[1])


@dataclass(frozen=True)
class Tier:
    """A tier and what its members get.

    `start` is the net spending within the window from which one belongs to it; `points` are
    granted per unit of money paid, `discount` is a share of the price, `gift` is worth money per
    member and year, `postage` is what the shop pays per order.
    """

    name: str
    start: float
    points: float = 0.0
    discount: float = 0.0
    gift: float = 0.0
    postage: float = 0.0


EXAMPLE = (
    Tier("basic", 0, points=1),
    Tier("silver", 400, points=1.2, discount=0.02),
    Tier("gold", 1_000, points=1.5, discount=0.05, postage=6),
    Tier("diamond", 2_500, points=2, discount=0.05, gift=60, postage=6),
)


def members(shop: Shop, tiers: Sequence[Tier], since: date, as_of: date | None) -> pd.DataFrame:
    """Return one row per tier, by their order: ``members, orders, value, squares, below, above``.

    `value` is net money since the day, `squares` the sum of its squares over members; `below` and
    `above` count customers within 10 % of the threshold on either side.
    """
    sold = POLICY.sales(shop.orders, as_of=as_of)
    sold = sold.filter(sold.at.date() >= since)
    each = sold.group_by("customer_id").aggregate(
        value=sold.net.sum(), orders=(sold.net > 0).ifelse(1, 0).sum()
    )
    spent = each.value.cast("float64")
    place: Any = ibis.literal(-1, "int64")
    for tier in tiers:
        place = place + (spent >= tier.start).ifelse(1, 0)
    known = each.customer_id.notnull() & (each.value > 0)  # noqa: PD004 - ibis has no other
    each = each.mutate(place=place, spent=spent).filter(known)
    by = each.group_by("place").aggregate(
        members=each.count(),
        orders=each.orders.sum(),
        value=each.value.sum(),
        squares=(each.spent * each.spent).sum(),
    )
    found = frame(by).set_index("place").reindex(range(len(tiers)), fill_value=0)
    return found.assign(**_near(each, tiers)).reset_index(drop=True)


def _near(each: ibis.Table, tiers: Sequence[Tier]) -> dict[str, list[float]]:
    # rounded: 0.9 * 99 + 0.1 * 99 is more than 99, and who has reached a threshold is not below it
    sides = {"below": (1 - NEAR, 1), "above": (1, 1 + NEAR)}
    tests = {
        f"{side}_{i}": (each.spent >= round(low * t.start, 6))
        & (each.spent < round(high * t.start, 6))
        for side, (low, high) in sides.items()
        for i, t in enumerate(tiers)
    }
    counts = passing(each, tests)
    return {side: [float(counts[f"{side}_{i}"]) for i in range(len(tiers))] for side in sides}


def priced(
    found: pd.DataFrame,
    tiers: Sequence[Tier],
    *,
    point_value: float,
    redeemed: float,
    margin: float | None,
    years: float = 1.0,
) -> pd.DataFrame:
    """Return what each tier costs on what its members buy now, and the rise that pays for it.

    With v spent, w its share that goes into points, discount and postage, G in gifts and margin m:
    v (1 + x) (m - w) - G = v m gives x = (w v + G) / (v (m - w)); without gifts that is
    m / (m - w) - 1, infinite where the benefits eat the margin.
    """
    rows = found.assign(tier=[t.name for t in tiers], start=[float(t.start) for t in tiers])
    rows["points_cost"] = rows["value"] * [t.points * point_value * redeemed for t in tiers]
    rows["discount_cost"] = rows["value"] * [t.discount for t in tiers]
    rows["gift_cost"] = rows["members"] * [t.gift * years for t in tiers]
    rows["postage_cost"] = rows["orders"] * [t.postage for t in tiers]
    rows["cost"] = rows[list(COSTS)].sum(axis=1)
    rows["cost_share"] = rows["cost"] / rows["value"].where(rows["value"] > 0)
    moving = (rows["cost"] - rows["gift_cost"]) / rows["value"].where(rows["value"] > 0)
    left = (np.nan if margin is None else margin) - moving
    lift = (rows["cost_share"] / left).mask(left <= 0, np.inf)
    rows["breakeven"] = lift.where(rows["members"] > 0)
    rows["bunching"] = rows["above"] / rows["below"].where(rows["below"] > 0)
    return rows


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Tiers(Result):
    """One row per tier: members, what its benefits cost, and the rise in spending that pays them.

    `params` holds the sums: ``cost, share, deferred, face, redeemed, margin``.
    """

    code: ClassVar[str] = "customer.tiers"
    evidence: ClassVar[str] = "arithmetic"
    columns: ClassVar[Mapping[str, str]] = {
        "tier": "label",
        "start": "money",
        "members": "count",
        "value": "money",
        **dict.fromkeys((*COSTS, "cost"), "money"),
        "cost_share": "percent",
        "breakeven": "percent",
        "below": "count",
        "bunching": "number",
    }

    def findings(self) -> tuple[Finding, ...]:
        """Say what the tiers cost, what must come back, what points are owed, who is close."""
        p, n = self.params, self.basis.n
        sums = {k: p[k] for k in ("cost", "share", "members")}
        said = [Finding("cost", "note", sums, n)] if np.isfinite(p["share"]) else []
        said += [Finding("example", "note", {}, n)] if p["example"] else []
        top = self._dearest()
        if top is not None:
            facts = {"tier": top["tier"], "members": top["members"], "each": p["each"]}
            if np.isfinite(top["breakeven"]):
                lift = facts | {"lift": top["breakeven"], "margin": p["margin"]}
                said.append(Finding("breakeven", "watch", lift, n))
            else:
                said.append(Finding("loss", "act", facts | {"margin": p["margin"]}, n))
        elif p["margin"] is None:
            said.append(Finding("no_margin", "note", {}, n))
        if p["face"] > 0:
            owed = {k: p[k] for k in ("paid", "deferred", "face")}
            said += [Finding("deferred", "note", owed, n), self._used(n)]
        close = self.rows[(self.rows["start"] > 0) & (self.rows["below"] > 0)]
        if len(close):
            row = close.sort_values(["below", "tier"]).iloc[-1]
            values = {k: row[k] for k in ("tier", "start", "below", "bunching")}
            known = np.isfinite(row["bunching"])
            said.append(Finding("close" if known else "close_only", "note", values, n))
        return tuple(said)

    def _used(self, n: int) -> Finding:
        p = self.params
        if p["measured"]:
            used = {"used": p["redeemed"], "low": p["redeemed_low"], "high": p["redeemed_high"]}
            return Finding("used", "note", used | {"owed": p["owed"]}, n)
        return Finding("assumed", "watch", {"used": p["redeemed"]}, n)

    def _dearest(self) -> Any:
        """Return the tier that asks for the largest rise, of those that have members and cost."""
        known = self.rows[self.rows["breakeven"].notna() & (self.rows["cost"] > 0)]
        return None if known.empty else known.iloc[int(known["breakeven"].argmax())]

    def propose(self) -> tuple[Action, ...]:
        """Propose the test that tells whether a tier earns its benefits; members differ anyway."""
        top = self._dearest()
        if top is None or not np.isfinite(top["breakeven"]):
            return ()
        people = self.params["people"]
        change = {"tier": top["tier"], "lift": top["breakeven"], "people": people}
        change |= {"members": int(top["members"])}
        until = (self.basis.end or date.max) + timedelta(days=90)
        code = "test" if 2 * people <= top["members"] else "too_few"
        subject = f"segment:tier {top['tier']}"
        return (Action(code, ("breakeven",), change, "D", until, subject=subject),)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        height = 64 + (44 if wide else 62) * len(self.rows)
        if wide:
            return style.Layout(height, left=150, right=150, top=30, bottom=30)
        return style.Layout(height, left=10, right=28, top=44, bottom=30)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw each tier's cost as a bar in its four parts, with the rise that pays for it."""
        rows, left = self.rows, np.zeros(len(self.rows))
        for part, colour in zip(COSTS, COLOURS, strict=True):
            ax.barh(
                range(len(rows)), rows[part], left=left, height=0.4 if wide else 0.26, color=colour
            )
            left = left + rows[part].to_numpy()
        top = max(float(rows["cost"].max()), 1.0)
        for i, row in enumerate(rows.to_dict("records")):
            code = "rise" if np.isfinite(row["breakeven"]) else "bare"
            text = words.say("labels", code, **{k: row[k] for k in ("cost", "breakeven")})
            name = words.say("labels", "row", tier=row["tier"], members=row["members"])
            if wide:
                style.tag(ax, 0, i, name, -10, 0, at="left", ha="right")
                style.tag(ax, row["cost"], i, text, 8, 0, size=style.SMALL)
            else:
                style.tag(ax, 0, i, name, 0, 18)
                style.tag(ax, top, i, text, 0, 18, size=style.SMALL, ha="right", color=style.MUTE)
        self._key(ax, wide=wide, words=words)
        ax.set(ylim=(len(rows) - 0.5, -0.6), xlim=(0, top * 1.02))
        ax.set_yticks([])
        ax.xaxis.set_major_formatter(lambda v, _: words.format_field(v, "money"))
        ax.locator_params(axis="x", nbins=6 if wide else 4)

    def _key(self, ax: Axes, *, wide: bool, words: Words) -> None:
        place = 0.0 if wide else 0
        for part, colour in zip(COSTS, COLOURS, strict=True):
            if self.rows[part].sum() > 0:
                text = f"■ {words.label(part)}"
                look: dict[str, Any] = {"color": colour, "size": style.SMALL}
                style.tag(ax, 0, 1, text, place, 16 if wide else 30, at="above", **look)
                place += 130 if wide else 82


def tiers(
    shop: Shop,
    *,
    tiers: Sequence[Tier] = EXAMPLE,
    point_value: float = 0.01,
    redeemed: float | None = None,
    expires_days: int = YEAR,
    days: int = YEAR,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Tiers:
    """Price membership tiers on what customers buy now: cost, break-even, points owed.

    Parameters
    ----------
    shop
        Needs `orders`; `order_lines` with costs give the margin, `loyalty_ledger` the share of
        points that is used.
    tiers
        `Tier` records by rising `start`, the first from 0.
    point_value
        Money off per point, in the shop's currency.
    redeemed
        Share of points that will be used, 0 to 1. None: measured in `loyalty_ledger`; without
        one, 1, the dearest case.
    expires_days
        Days after which points lapse.
    days
        Days of spending that decide the tier, 30 to 730.
    as_of
        Last day known; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Tiers
        `.table`: one row per tier: ``tier, start, members, value`` (net money within the window),
        ``points_cost, discount_cost, gift_cost, postage_cost, cost, cost_share`` (0-1),
        ``breakeven`` (rise in members' spending that pays the benefits; infinite: none does;
        missing without margin), ``below`` (customers up to 10 % below the threshold),
        ``bunching`` (those up to 10 % above over those below).

    Raises
    ------
    OptionError
        When tiers do not start at 0 and rise, or a parameter is out of range.

    Notes
    -----
    Purchases stay as they are: members of high tiers spend more than others because that is how
    they became members, which says nothing about the tier. IFRS 15 B39-B43 and IE267-IE270 for
    points. Lehr (1992) for the size of the test.

    Examples
    --------
    >>> import ecomops as eo
    >>> result = tiers(eo.open("demo"), tiers=(Tier("all", 0, discount=0.05),))
    >>> print(round(float(result.table["cost_share"].iloc[0]), 4))
    0.05
    """
    as_of = checks.day("as_of", as_of)
    _check(tiers, point_value, days)
    if absent := lacking(shop, "orders"):
        return Tiers.lock(absent, lang=lang)
    facts = coverage(shop.orders, as_of=as_of)
    last = as_of or facts.last_day
    since = max(last - timedelta(days=days - 1), facts.first_day)
    found = members(shop, tiers, since, as_of)
    if not found["members"].sum():
        need = Need("rows", {"needed": 1, "unit": "customers", "found": 0})
        return Tiers.lock((need,), lang=lang)
    use = points.usage(shop, last, expires_days, redeemed)
    margin = shop.margins(as_of).net
    worth = {"point_value": point_value, "redeemed": use["redeemed"], "margin": margin}
    span = ((last - since).days + 1) / YEAR
    rows = priced(found, tiers, years=span, **worth)
    basis = Basis(
        n=int(rows["members"].sum()),
        unit="customers",
        start=since,
        end=last,
        currency=facts.currency,
        excluded=facts.excluded_customers,
    )
    granted = float((rows["value"] * [t.points for t in tiers]).sum())
    params = _sums(rows, granted, point_value, use) | {"margin": margin}
    params["example"] = tiers is EXAMPLE
    shown = rows[list(Tiers.columns)]
    return Tiers(rows=shown, basis=basis, params=params, lang=checks.language(lang))


def _check(tiers: Sequence[Tier], point_value: float, days: int) -> None:
    checks.between("point_value", point_value, 0, 1e6)
    checks.between("days", days, 30, 2 * YEAR)
    starts = [tier.start for tier in tiers]
    if not starts or starts[0] != 0 or any(np.diff(starts) <= 0):
        raise OptionError("tiers_not_rising", starts=starts)
    for tier in tiers:
        checks.between(f"{tier.name}.discount", tier.discount, 0, 1)


def _sums(rows: pd.DataFrame, granted: float, value: float, use: Mapping[str, Any]) -> Any:
    paid, cost = float(rows["value"].sum()), float(rows["cost"].sum())
    known = rows[rows["breakeven"].notna() & np.isfinite(rows["breakeven"]) & (rows["cost"] > 0)]
    top = known.iloc[int(known["breakeven"].argmax())] if len(known) else None
    return {
        "cost": cost,
        "share": cost / paid,
        "members": int(rows["members"].sum()),
        "paid": paid,
        "face": granted * value,
        "deferred": split_sale(paid, granted, value, use["redeemed"]).points,
        "owed": use["balance"] * value * use["redeemed"],
        "each": float((rows["cost"] / rows["members"].where(rows["members"] > 0)).max()),
        "people": 0 if top is None else _people(rows, float(top["breakeven"])),
        **use,
    }


def _people(rows: pd.DataFrame, lift: float) -> int:
    """Return how many members each group needs to see a rise as large as `lift`.

    The spread is that of all members: within a tier it is cut off by the tier's own thresholds.
    """
    n, total, squares = (float(rows[c].sum()) for c in ("members", "value", "squares"))
    return int(np.ceil(LEHR * (squares * n / total**2 - 1) / lift**2))
