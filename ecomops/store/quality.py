"""What the shop's data is worth: a score, the problems behind it, and what can be answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from ecomops.base import checks
from ecomops.data.quality import Quality, quality
from ecomops.result import Basis, Finding, Need, Result, style
from ecomops.store.places import PlaceWords

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ecomops.data.problems import Problem
    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

# Points lost per row concerned, as a share of the table's rows: 1 where a number would be wrong,
# less where analyses only lose reach. What the order policy leaves out costs nothing.
WEIGHTS = {
    "duplicate_key": 1.0,
    "lines_differ": 1.0,
    "refund_over_paid": 1.0,
    "negative_paid": 1.0,
    "lone_dates": 1.0,
    "without_order": 1.0,
    "unreadable_cell": 1.0,
    "unreadable_row": 1.0,
    "no_time": 1.0,
    "without_lines": 0.5,
    "paid_before_created": 0.5,
    "duplicate_row": 0.5,
    "total_differs": 1.0,
    "guest": 0.25,
    "no_money": 0.25,
}
POLICIES = ("unpaid", "marked", "no_time", "no_money", "guest", "refunded")
BY_ACTION = {"dropped": 0.5, "flagged": 0.25, "changed": 0.0, "kept": 0.0}
# counts of no rows
SILENT = ("unmapped_column", "personal_column", "file_passed_over", "file_refused")
QUIET = 0.1
GOOD, FAIR = 90, 70
MOST_BARS = 8

# What each analysis cannot do without, and what makes it whole.
ANALYSES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "store.scorecard": (("orders",), ("traffic_daily", "orders.refund_amount", "shop_scores")),
    "store.drivers": (("orders",), ("traffic_daily",)),
    "customer.rfm": (("orders.customer_id",), ()),
    "customer.cohorts": (("orders.customer_id",), ()),
    "customer.repeat": (("orders.customer_id",), ()),
    "product.pareto": (("order_lines.product_id",), ("order_lines.line_cost",)),
    "channel.traffic": (("traffic_daily.visitors",), ("traffic_daily.pay_buyers",)),
    "channel.attribution": (("touchpoints.channel",), ("touchpoints.order_id",)),
    "channel.guardrails": (("ad_reports.conversions",), ()),
    "product.price": (
        ("order_lines.quantity", "order_lines.product_id"),
        ("order_lines.line_cost",),
    ),
    "product.inventory": (("order_lines.line_cost",), ("inventory_snapshots",)),
    "campaign.promotion": (("order_lines.quantity",), ("order_lines.line_cost",)),
}
ALL_MISSING = 1.0
# Gaps here mean something (never paid, no refund, no order): only an empty column is worth a row.
SPARSE = {
    ("orders", "paid_at"),
    ("orders", "refund_amount"),
    ("orders", "source_channel"),
    ("touchpoints", "channel"),
    ("touchpoints", "customer_id"),
    ("touchpoints", "order_id"),
    ("traffic_daily", "source_l1"),
}


def scored(found: Quality, excluded: Mapping[str, int]) -> pd.DataFrame:
    """Return problems and exclusions with their share of rows and the points they cost.

    Columns ``kind, item, table, status, count, share, points, examples``; costliest first.
    """
    known = [p for p in found.problems if not (p.code in excluded and p.table == "orders")]
    if any(p.code == "lines_differ" for p in known):  # the same rows, seen when they were read
        known = [p for p in known if p.code != "identity_lines"]
    rows = [_problem(problem, found) for problem in known]
    rows += [
        _exclusion(reason, excluded[reason], found) for reason in POLICIES if excluded.get(reason)
    ]
    if found.quiet_days:
        share = found.quiet_days / found.days
        rows.append(
            ("problem", "quiet_days", "orders", "flagged", found.quiet_days, share, QUIET, "")
        )
    names = ["kind", "item", "table", "status", "count", "share", "weight", "examples"]
    table = pd.DataFrame(rows, columns=names)
    table["points"] = (100 * table["weight"] * table["share"]).fillna(0.0)
    order = ["points", "share", "item"]
    return table.sort_values(order, ascending=[False, False, True])[list(Check.columns)]


def _problem(problem: Problem, found: Quality) -> tuple[Any, ...]:
    """Return a problem as a row; dropped rows count among those the table would have had."""
    code, count, action = problem.code, problem.count, problem.action
    there = found.rows.get(problem.table, 0) + (count if action == "dropped" else 0)
    counted = bool(there) and code not in SILENT
    share = min(count / there, 1.0) if counted else float("nan")
    weight = WEIGHTS.get(code, BY_ACTION[action]) if counted else 0.0
    examples = ", ".join(problem.examples[:3])
    return ("problem", code, problem.table, action, count, share, weight, examples)


def _exclusion(reason: str, count: int, found: Quality) -> tuple[Any, ...]:
    share, weight = count / found.rows["orders"], WEIGHTS.get(reason, 0.0)
    return ("excluded", reason, "orders", "policy", count, share, weight, "")


def analyses(found: Quality) -> pd.DataFrame:
    """Return each analysis as possible, partly possible or locked, with what would unlock it."""
    rows = []
    for name, (needed, wished) in ANALYSES.items():
        lacking = [what for what in needed if not _there(what, found)]
        wanting = [what for what in wished if not _there(what, found)]
        status = "locked" if lacking else "partly" if wanting else "possible"
        unlock = ", ".join(lacking or wanting)
        rows.append(("analysis", name, "", status, len(lacking or wanting), unlock))
    table = pd.DataFrame(rows, columns=["kind", "item", "table", "status", "count", "examples"])
    return table.assign(share=float("nan"), points=0.0)[list(Check.columns)]


def gaps(found: Quality) -> pd.DataFrame:
    """Return the columns that matter and are not filled throughout."""
    rows = [
        (
            "column",
            f"{table}.{column}",
            table,
            "empty" if share >= ALL_MISSING else "gaps",
            round(share * found.rows[table]),
            share,
        )
        for (table, column), share in found.nulls.items()
        if share > 0 and (share >= ALL_MISSING or (table, column) not in SPARSE)
    ]
    made = pd.DataFrame(rows, columns=["kind", "item", "table", "status", "count", "share"])
    return made.assign(points=0.0, examples="")[list(Check.columns)]


def _there(what: str, found: Quality) -> bool:
    table, _, column = what.partition(".")
    if not found.rows.get(table):
        return False
    return not column or found.nulls.get((table, column), 0.0) < ALL_MISSING


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Check(Result):
    """Problems, exclusions, gaps and analyses, one row each; `score` is 0 to 100.

    The score is 100 less the points of all rows; a row's points are 100 x weight x its share of
    the table's rows. Weight 1: a number would be wrong (doubles, sums that differ); 0.5 and 0.25:
    reach is lost (dropped rows, guests); 0: the order policy at work (unpaid, gifts, refunds).
    """

    code: ClassVar[str] = "store.check"
    columns: ClassVar[Mapping[str, str]] = {
        "kind": "label",
        "item": "label",
        "table": "label",
        "status": "label",
        "count": "count",
        "share": "percent",
        "points": "number.1",
        "examples": "text",
    }

    def words(self, lang: str | None = None) -> PlaceWords:
        """Return the words, with the Chinese names of tables."""
        return PlaceWords(self.code, checks.language(lang or self.lang), self.basis.currency)

    @property
    def score(self) -> int:
        """The score, 0 to 100."""
        return int(self.params["score"])

    def _of(self, kind: str, status: str | None = None) -> pd.DataFrame:
        rows = self.rows[self.rows["kind"] == kind]
        return rows if status is None else rows[rows["status"] == status]

    def findings(self) -> tuple[Finding, ...]:
        """Say the score, what costs most, what was left out and what can be answered."""
        n, problems = self.basis.n, self._of("problem")
        level = "good" if self.score >= GOOD else "note" if self.score >= FAIR else "watch"
        facts = {"score": self.score, "problems": len(problems), "rows": n}
        facts["sales"] = self.params["sales"]
        said = [Finding("score" if len(problems) else "sound", level, facts, n)]
        for code in ("file_refused", "file_passed_over"):
            for each in self.rows[self.rows["item"] == code].to_dict("records"):
                unread = {"count": each["count"], "files": each["examples"]}
                said.append(Finding(code, "watch", unread, n))
        costly = self.rows[(self.rows["points"] > 0) & (self.rows["item"] != "quiet_days")]
        if len(costly):
            row = costly.iloc[0]
            values = {k: row[k] for k in ("item", "table", "count", "share", "points")}
            said.append(Finding("costliest", "watch" if row["points"] >= 1 else "note", values, n))
        quiet = self.rows[self.rows["item"] == "quiet_days"]
        if len(quiet):
            row = quiet.iloc[0]
            values = {"quiet": row["count"], "days": self.params["days"], "share": row["share"]}
            said.append(Finding("quiet", "note", values, n))
        ready = {"ready": list(self._of("analysis", "possible")["item"])}
        said.append(Finding("ready", "note", ready, n))
        for status in ("partly", "locked"):
            rows = self._of("analysis", status)
            if len(rows):
                keys = sorted({key for text in rows["examples"] for key in text.split(", ")})
                said.append(Finding(status, "note", {"list": list(rows["item"]), "keys": keys}, n))
        return tuple(said)

    def bars(self) -> pd.DataFrame:
        """Return the rows of the chart: what costs points or was left out, the largest eight."""
        shown = (self.rows["points"] > 0) | (self.rows["kind"] == "excluded")
        kept = self.rows[shown & self.rows["share"].notna()]
        return kept.sort_values(["share", "item"], ascending=[False, True]).head(MOST_BARS)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        height = (30 if wide else 44) * max(len(self.bars()), 1) + 12
        return style.Layout(height, left=250 if wide else 4, right=150 if wide else 96)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw each kind's share of its table: rust costs points, grey does not."""
        bars = self.bars()
        if bars.empty:
            style.tag(ax, 0, 0, words.say("labels", "clean"), at="left", color=style.MUTE)
        top = max(float(bars["share"].max()) if len(bars) else 0, 1e-9)
        for y, row in enumerate(bars.itertuples(index=False)):
            self._bar(ax, row, -y, wide=wide, words=words)
        ax.set(xlim=(0, top), ylim=(-max(len(bars), 1) + 0.5, 0.5))
        ax.axis("off")

    def _bar(self, ax: Axes, row: Any, y: float, *, wide: bool, words: Words) -> None:
        colour = style.DOWN if row.points > 0 else style.OTHER
        shift, height = (0.0, 0.56) if wide else (-0.18, 0.36)
        ax.barh(y + shift, row.share, height=height, color=colour)
        name = words.say("labels", "bar", item=words.label(row.item), table=row.table)
        if wide:
            style.tag(ax, 0, y, name, -250, at="left")
        else:
            style.tag(ax, 0, y + 0.24, name, at="left", size=style.SMALL)
        text = words.say("labels", "amount", count=row.count, share=row.share)
        style.tag(ax, row.share, y + shift, text, 7, size=style.SMALL, color=style.MUTE)


def check(shop: Shop, *, lang: str | None = None) -> Check:
    """Say what the shop's data is worth and which questions it can answer.

    Parameters
    ----------
    shop
        The shop; every table it has is looked at.
    lang
        Language of the words.

    Returns
    -------
    Check
        `.score` (0 to 100) and `.table`: one row per problem, exclusion, gappy column and analysis:
        ``kind`` (problem, excluded, column, analysis), ``item`` (reason code, column or analysis),
        ``table``, ``status`` (dropped, kept, changed, flagged, policy; gaps, empty; possible,
        partly, locked), ``count`` (rows; for analyses what is lacking), ``share`` of the table's
        rows, ``points`` off the score, ``examples`` (ids; for analyses what would unlock them).

    Raises
    ------
    DataError
        When orders mix currencies or hold impossible dates only.

    Examples
    --------
    >>> import ecomops as eo
    >>> rows = {"order_id": ["1", "1"], "paid_amount": [5.0, 5.0], "currency": "CNY"}
    >>> orders = pd.DataFrame(rows | {"paid_at": "2025-11-01", "customer_id": "a"})
    >>> found = check(eo.open({"orders": orders}))
    >>> found.score, found.table.loc[0, "item"]
    (50, 'duplicate_key')
    """
    checks.shop(shop)
    if not shop.tables:
        return Check.lock((Need("table", {"table": "orders"}),), lang=lang)
    found = quality(shop)
    known = shop.coverage if found.rows.get("orders") else None
    parts = [scored(found, known.excluded if known else {}), analyses(found), gaps(found)]
    rows = pd.concat([part for part in parts if len(part)], ignore_index=True)
    score = max(0, round(100 - float(rows["points"].sum())))
    return Check(
        rows=rows,
        basis=Basis(
            n=found.rows.get("orders", 0),
            unit="orders",
            start=known.first_day if known else None,
            end=known.last_day if known else None,
            currency=shop.currency,
        ),
        params={
            "score": score,
            "sales": known.sales if known else 0,
            "days": found.days,
            "rows": dict(found.rows),
        },
        lang=checks.language(lang),
    )
