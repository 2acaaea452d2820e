"""Who keeps the store alive: recency, frequency and money of every customer, and their segments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import ibis
import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.base.errors import OptionError
from ecomops.customer import holdout, segments
from ecomops.customer.basis import basis
from ecomops.customer.charts import draw_grid, draw_shares
from ecomops.customer.scores import SCORES, SUMS, Cuts, by_code, measured, quantile_cuts, scored
from ecomops.data.tables import NO, frame, home, opened
from ecomops.metrics.customers import customers
from ecomops.result import Action, Finding, Need, Result, style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from ecomops.result.words import Words

PRESETS = ("grid", "shopify", "eight")
MEASURES = ("recency", "frequency", "monetary")
WIDEST = 10  # points: no message moves purchase by more; where less does not show, no test


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RFM(Result):
    """Segments by size and money; `customers` has everyone, `cells` the grid, `cuts` the rule."""

    code: ClassVar[str] = "customer.rfm"
    columns: ClassVar[dict[str, str]] = {
        "segment": "label",
        "customers": "count",
        "customer_share": "percent",
        "amount": "money",
        "amount_share": "percent",
        "recency_days": "days",
        "frequency": "number",
        "monetary": "money",
    }

    customers: ibis.Table | None = None
    cells: pd.DataFrame = field(default_factory=pd.DataFrame)
    cuts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def findings(self) -> tuple[Finding, ...]:
        """Say who brings the money, how much of it drifts away, and what was set apart."""
        n = int(self.rows["customers"].sum())
        said = [self._answer(n), self._one_time(n)]
        away = self._total(segments.DRIFTING[self.params["preset"]])
        if away["customers"]:
            said.append(Finding("drifting", "watch", away, n))
        unscored = self._total((segments.NO_NET_SPEND,))
        if unscored["customers"]:
            said.append(Finding("no_net_spend", "watch", unscored, n))
        if later := self.basis.excluded.get("later", 0):
            said.append(Finding("later", "watch", {"orders": later, "day": self.basis.end}, n))
        return tuple(said)

    def _answer(self, n: int) -> Finding:
        best = segments.BEST[self.params["preset"]]
        named = self.rows.set_index("segment")
        if not named.loc[best, "customers"]:
            best = str(named.loc[named["customers"] > 0, "amount"].idxmax())
        row = named.loc[best]
        facts = ("customers", "customer_share", "amount_share", "monetary")
        return Finding("answer", "note", {"segment": best, **{c: row[c] for c in facts}}, n)

    def _one_time(self, n: int) -> Finding:
        return Finding("one_time", "note", {"share": self.params["one_time"]}, n)

    def _total(self, names: Sequence[str]) -> dict[str, Any]:
        chosen = self.rows[self.rows["segment"].isin(names) & (self.rows["customers"] > 0)]
        sums = chosen[["customers", "customer_share", "amount_share"]].sum()
        return {
            "segments": list(chosen["segment"]),
            "customers": int(sums["customers"]),
            "customer_share": sums["customer_share"],
            "amount_share": sums["amount_share"],
        }

    def propose(self) -> tuple[Action, ...]:
        """Propose to win back those who drift away; orders alone give that no value."""
        away = self._total(segments.DRIFTING[self.params["preset"]])
        days = 60
        change = {
            "segments": away["segments"],
            "customers": away["customers"],
            "amount_share": away["amount_share"],
            "days": days,
            "points": 100 * holdout.visible_difference(away["customers"]),
        }
        expires = (self.basis.end or date.max) + timedelta(days=30)
        code = "win_back" if change["points"] <= WIDEST else "too_few"
        return (Action(code, ("drifting",), change, "D", expires),)

    def migration(self, earlier: RFM) -> pd.DataFrame:
        """Count how customers moved between segments since an earlier analysis.

        Returns
        -------
        One row per pair and move that occur: ``from, to, customers, share`` (of those in ``from``),
        ``move``. Whoever was no customer yet comes from ``"none"``, or from ``"prospects"``, and
        has joined; whoever bought again after having been away is ``reactivated``, never new;
        whoever only the scores of others have lifted has ``moved``.

        Raises
        ------
        OptionError
            When the two use different presets, or `earlier` is no analysis of an earlier day.
        """
        if not isinstance(earlier, RFM):
            raise OptionError("not_an_rfm", kind=type(earlier).__name__)
        if self.customers is None or earlier.customers is None:
            return pd.DataFrame(columns=["from", "to", "customers", "share", "move"])
        presets = (earlier.params["preset"], self.params["preset"])
        if len(set(presets)) > 1:
            raise OptionError("presets_differ", earlier=presets[0], later=presets[1])
        if (earlier.basis.end or date.min) > (self.basis.end or date.max):
            raise OptionError("not_earlier", earlier=earlier.basis.end, later=self.basis.end)
        pairs = _pairs(earlier.customers, self.customers)
        moves = [_move(a, b, presets[0]) for a, b in zip(pairs["from"], pairs["to"], strict=True)]
        lifted = ~pairs["again"] & (np.array(moves) == "reactivated")
        pairs = pairs.assign(move=np.where(lifted, "moved", moves))
        rows = pairs.groupby(["from", "to", "move"])[["customers"]].sum().reset_index()
        rows["share"] = rows["customers"] / rows.groupby("from")["customers"].transform("sum")
        return rows[["from", "to", "customers", "share", "move"]]

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        if self.params["preset"] == "grid":
            height, left = (440, 44) if wide else (404, 26)
            return style.Layout(height, left=left, right=1, top=4, bottom=66 if wide else 46)
        left, right = (150, 150) if wide else (92, 118)
        return style.Layout(34 * len(self.rows) + 34, left=left, right=right, top=26, bottom=8)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the grid of ten segments, or one row per segment for the other presets."""
        if self.params["preset"] == "grid":
            draw_grid(ax, self.cells, self.rows, self.cuts, wide=wide, words=words)
        else:
            draw_shares(ax, self.rows, wide=wide, words=words)


def _pairs(before: ibis.Table, after: ibis.Table) -> pd.DataFrame:
    old = before.select("customer_id", old=before.segment, had=before.frequency)
    if home(before) is not home(after):
        old = opened(frame(old))
    new = after.select(id=after.customer_id, new=after.segment, has=after.frequency)
    both = old.outer_join(new, old.customer_id == new.id)
    segment = {c: both[c].fill_null("none") for c in ("old", "new")}
    named = both.select(**segment, again=(both.has > both.had).fill_null(NO))
    counted = frame(named.group_by([*segment, "again"]).aggregate(customers=named.count()))
    return counted.rename(columns={"old": "from", "new": "to"})


def _move(old: str, new: str, preset: str) -> str:
    away = (*segments.AWAY[preset], segments.NO_NET_SPEND)
    if old == new:
        return "stayed"
    if old in ("none", segments.PROSPECTS):
        return "joined"
    if old in away and new not in away:
        return "reactivated"
    return "drifted" if old not in away and new in away else "moved"


def rfm(
    orders: object,
    *,
    as_of: date | str | None = None,
    bins: int = 5,
    preset: str = "grid",
    thresholds: Mapping[str, Sequence[float]] | None = None,
    lang: str | None = None,
) -> RFM:
    """Score every customer by recency, frequency and money, and say which segments carry the store.

    Parameters
    ----------
    orders
        One row per order: ``order_id, customer_id, created_at`` or ``paid_at``, ``paid_amount``,
        where there are ``refund_amount, order_status``. Money in the shop's currency.
    as_of
        Last day that counts; None is the last day with a sale. Recency is counted to this day.
    bins
        How many scores, 2 to 10 (5 to 10 for the grid and Shopify's groups, which map them to
        fifths).
    preset
        ``"grid"`` (ten names by recency and frequency), ``"shopify"`` (eleven groups) or
        ``"eight"`` (重要价值 …: each score against the mean score; above it is high, for recency
        from it on).
    thresholds
        Fixed cuts instead of quantiles: ``"recency"`` in days, ``"frequency"`` in orders,
        ``"monetary"`` in money, each ``bins - 1`` rising numbers that belong to the better side.
    lang
        Language of the words.

    Returns
    -------
    RFM
        `.table`: one row per segment: ``segment, customers, customer_share, amount``
        (net money), ``amount_share`` (0-1) and the means ``recency_days, frequency, monetary``.
        Customers whose net money is 0 or less are a segment of their own, ``no_net_spend``.
        `.customers`: an ibis table with one row per customer: ``customer_id, recency_days,
        frequency, monetary, r_score, f_score, m_score, segment``.

    Raises
    ------
    DataError
        When there is no sale, more than one currency or an impossible date.
    OptionError
        When a parameter is out of range.

    Notes
    -----
    Hughes, Strategic Database Marketing (1994), with a rule for ties: a score is read off the value
    alone. Cuts are quantiles at k / bins; whoever bought once has frequency score 1, the others
    share the remaining scores among themselves: see `scores.frequency_cuts`.

    Examples
    --------
    >>> orders = pd.DataFrame(
    ...     {
    ...         "order_id": ["1", "2", "3", "4"],
    ...         "customer_id": ["a", "a", "b", "c"],
    ...         "created_at": ["2025-01-05", "2025-03-01", "2025-02-28", "2024-12-01"],
    ...         "paid_amount": [120.0, 80.0, 50.0, 50.0],
    ...     }
    ... )
    >>> made = rfm(orders, as_of="2025-03-01")
    >>> rows = made.customers.order_by("customer_id").to_pandas()
    >>> print(rows[["customer_id", "recency_days", "f_score", "segment"]].to_string(index=False))
    customer_id  recency_days  f_score             segment
              a             0        2 potential_loyalists
              b             1        1      about_to_sleep
              c            90        1         hibernating
    """
    checks.choice("preset", preset, PRESETS)
    bins = checks.whole("bins", bins, 2 if preset == "eight" else segments.BINS, 10)
    fixed = _fixed(thresholds, bins)
    if orders is None:
        return RFM.lock((Need("table", {"table": "orders"}),), lang=lang)
    facts = customers(orders, as_of=as_of)
    params = {"preset": preset, "bins": bins, "as_of": facts.as_of}
    if not facts.coverage.purchases:
        need = Need("rows", {"needed": 1, "unit": "customers", "found": 0})
        return RFM.lock((need,), lang=lang, **params)
    rows = measured(facts)
    cuts = (quantile_cuts(rows, bins) if len(fixed) < len(MEASURES) else {}) | fixed
    rows = scored(rows, cuts, bins, tuple(fixed))
    codes = _with_segments(by_code(rows), preset, bins)
    table = _table(codes, preset)
    people, once = facts.heads
    return RFM(
        rows=table,
        basis=basis(facts, int(table["customers"].sum())),
        params=params | {"one_time": once / people},
        lang=checks.language(lang),
        customers=_customers(rows, codes, preset, bins),
        cells=_cells(codes, bins),
        cuts=cuts,
    )


def _fixed(thresholds: Mapping[str, Sequence[float]] | None, bins: int) -> Cuts:
    given = thresholds or {}
    if not hasattr(given, "items"):
        checks.choice("thresholds", str(given), MEASURES)
    return {
        checks.choice("thresholds", name, MEASURES): _rising(name, cuts, bins - 1)
        for name, cuts in given.items()
    }


def _rising(name: str, cuts: Any, needed: int) -> tuple[float, ...]:
    listed = list(cuts) if np.iterable(cuts) else [cuts]
    try:
        numbers = tuple(map(float, listed))
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != needed or not np.isfinite(numbers).all() or (np.diff(numbers) <= 0).any():
        raise OptionError("bad_thresholds", measure=name, cuts=listed, needed=needed)
    return numbers


def _means(codes: pd.DataFrame) -> tuple[float, float, float]:
    """Return the mean scores, each customer counting once."""
    known = codes.dropna(subset=SCORES)
    return tuple(  # type: ignore[return-value]
        float((known[s] * known["customers"]).sum() / known["customers"].sum()) for s in SCORES
    )


def _with_segments(codes: pd.DataFrame, preset: str, bins: int) -> pd.DataFrame:
    known = codes[SCORES].notna().all(axis=1)
    scores = [codes.loc[known, s].astype(int).to_numpy() for s in SCORES]
    names = np.where(codes["paid"], segments.NO_NET_SPEND, segments.PROSPECTS).astype(object)
    if known.any():
        means = _means(codes)
        names[known] = segments.segment(preset, *scores, bins=bins, means=means)
    codes = codes.assign(segment=names)
    return codes if preset == "shopify" else codes[codes["segment"] != segments.PROSPECTS]


def _table(codes: pd.DataFrame, preset: str) -> pd.DataFrame:
    names = [*segments.NAMES[preset], segments.NO_NET_SPEND]
    sums = codes.groupby("segment")[SUMS].sum()
    sums = sums.reindex(names).fillna(0)
    if not sums.loc[segments.NO_NET_SPEND, "customers"]:
        sums = sums.drop(index=segments.NO_NET_SPEND)
    heads, total = sums["customers"], sums["amount"].sum()
    base = heads.where(heads > 0)
    return pd.DataFrame(
        {
            "segment": sums.index,
            "customers": heads.astype(int),
            "customer_share": heads / heads.sum(),
            "amount": sums["amount"],
            "amount_share": sums["amount"] / total if total > 0 else np.nan,
            "recency_days": sums["days"] / sums["bought"].where(sums["bought"] > 0),
            "frequency": sums["orders"] / base,
            "monetary": sums["amount"] / base,
        }
    ).reset_index(drop=True)


def _cells(codes: pd.DataFrame, bins: int) -> pd.DataFrame:
    """Return customers and share of money in each of the 5 x 5 cells of recency and frequency."""
    known = codes.dropna(subset=SCORES)
    fifths = known.assign(
        r=segments.recency_fifth(known["r_score"].astype(int), bins),
        f=segments.frequency_fifth(known["f_score"].astype(int), bins),
    )
    every = pd.MultiIndex.from_product([range(1, 6), range(1, 6)], names=["r", "f"])
    sums = fifths.groupby(["r", "f"])[["customers", "amount"]].sum().reindex(every).fillna(0)
    sums["amount_share"] = sums["amount"] / codes["amount"].sum()
    return sums.reset_index()


def _customers(rows: ibis.Table, codes: pd.DataFrame, preset: str, bins: int) -> ibis.Table:
    """Return every customer with scores and segment, lazily."""
    means = _means(codes) if codes[SCORES].notna().all(axis=1).any() else (0.0, 0.0, 0.0)
    tests = segments.rules(preset, bins, means)(rows.r_score, rows.f_score, rows.m_score)
    unscored = rows.monetary.notnull().ifelse(segments.NO_NET_SPEND, segments.PROSPECTS)  # noqa: PD004 - ibis has no other
    named = rows.mutate(
        segment=ibis.cases(
            (~rows.scored.fill_null(NO), unscored),
            *((test, name) for name, test in tests.items()),
            else_="",
        )
    )
    if preset != "shopify":  # whoever never paid is a prospect: no other preset has them
        named = named.filter(named.monetary.notnull())  # noqa: PD004 - ibis has no other
    columns = ["customer_id", "recency_days", "frequency", "monetary", *SCORES, "segment"]
    return named.select(*columns)
