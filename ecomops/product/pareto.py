"""How concentrated sales are: ABC classes, Lorenz curve, Gini and HHI."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.data.policy import currency_of, line_exclusions, sold_lines
from ecomops.data.tables import frame, number, table
from ecomops.maths import bootstrap, concentration
from ecomops.result import Action, Basis, Finding, Need, Result, style

if TYPE_CHECKING:
    import ibis
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

VALUES = ("amount", "margin", "quantity")
CUTS = (0.8, 0.95)
TITLED = ("product_id", "sku_id", "sku_code", "product_name")  # else several products, no title
HEAVY_ITEM = 0.1
APART = 0.04  # least distance between two letters on a phone, as a share of the axis
SEED = 20_240_618


def values_by_item(lines: ibis.Table, *, by: str, value: str) -> ibis.Table:
    """Return one row per item: ``item, name, amount``; an item without a name is called so itself.

    `lines` is order lines; `amount` is paid money, margin (paid less cost, of lines whose cost is
    known) or pieces by `value`. Lines without an item are one item of their own, named missing.
    """
    sold = sold_lines(lines)
    if value == "margin":  # a cost that nobody knows is no margin of 0
        sold = sold.drop_null("line_cost")
    worth = {
        "amount": sold.line_paid_amount,
        "margin": sold.line_paid_amount - sold.line_cost,
        "quantity": sold.quantity,
    }[value]
    keyed = sold.mutate(item=sold[by].cast("string").nullif(""), worth=worth.cast("decimal(38,4)"))
    text = keyed.product_name.nullif("") if by in TITLED else keyed["item"]
    items = keyed.group_by("item").aggregate(
        name=text.max(where=keyed["item"] != ""), amount=keyed.worth.sum(), days=keyed.paid_at.max()
    )
    return items.mutate(name=items["name"].fill_null(items["item"]))


def left_out(lines: ibis.Table, value: str) -> dict[str, int]:
    """Return how many lines are left out for each reason; of a margin those without a cost too."""
    counts = line_exclusions(lines)
    if value == "margin":
        sold = sold_lines(lines)
        counts["no_cost"] = number(sold.count() - sold.line_cost.count())
    return counts


def ranked(items: pd.DataFrame) -> pd.DataFrame:
    """Return items from largest to smallest with ``share, cumulative_share, abc_class``.

    Shares are of the total of positive amounts; items of 0 or less (a negative margin) stay in
    class C and add nothing. Equal amounts are ordered by item, so the order of rows is no matter.
    """
    rows = items.sort_values(["amount", "item"], ascending=[False, True], ignore_index=True)
    gains = rows["amount"].clip(lower=0)
    share = gains / gains.sum() if gains.sum() > 0 else gains * np.nan
    return rows.assign(
        share=share,
        cumulative_share=share.cumsum(),
        abc_class=concentration.abc_classes(rows["amount"], CUTS),
    )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Pareto(Result):
    """Items by size; `gini`, `hhi` and `top_share` are (value, low, high) with 90 % intervals."""

    code: ClassVar[str] = "product.pareto"
    columns: ClassVar[dict[str, str]] = {
        "item": "text",
        "amount": "money",
        "share": "percent",
        "cumulative_share": "percent",
        "abc_class": "text",
        "name": "text",
    }

    gini: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    hhi: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    top_share: tuple[float, float, float] = (np.nan, np.nan, np.nan)

    def findings(self) -> tuple[Finding, ...]:
        """Say how few items carry the total, how sure that is, and what stands out."""
        n, losing = len(self.rows), int((self.rows["amount"] < 0).sum())
        of = {"of": "gains" if losing else self.params["value"]}
        if self.rows["amount"].max() <= 0:  # nothing earned that could be concentrated
            worst, loss = self.rows.iloc[-1], -self.rows["amount"].sum()
            facts = {"items": n, "loss": loss, "item": worst["name"], "most": -worst["amount"]}
            return (Finding("no_gain", "act", facts, n),)
        largest = self.rows.dropna(subset="item").iloc[0]
        classes = self.rows.groupby("abc_class")["share"].agg(["size", "sum"])
        (a, a_money), (c, c_money) = classes.reindex(["A", "C"], fill_value=0).to_numpy()
        facts = {"items": n, "a_items": int(a), "a_share": a / n, "a_money": a_money}
        measures = dict(zip(("gini", "low", "high"), self.gini, strict=True)) | {"hhi": self.hhi[0]}
        heavy = {"item": largest["name"], "share": largest["share"]} | of
        if (self.rows["name"] == heavy["item"]).sum() > 1:  # SKUs of one product
            heavy["item"] = largest["item"]
        said = [Finding("concentration", "note", facts | of, n)]
        if n > 1:
            said.append(Finding("gini", "note", measures, n))
        if largest["share"] > HEAVY_ITEM:
            said.append(Finding("heavy_item", "watch", heavy, n))
        if losing:
            loss = -self.rows["amount"].clip(upper=0).sum()
            said.append(Finding("losing", "act", {"losing": losing, "loss": loss}, n))
        if c:
            said.append(Finding("tail", "note", {"c_items": int(c), "c_money": c_money} | of, n))
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose to test the tail before delisting; the table alone gives that no value."""
        items = int((self.rows["abc_class"] == "C").sum())
        expires = (self.basis.end or pd.Timestamp.max.date()) + timedelta(days=28)
        return (Action("review_tail", ("tail",), {"c_items": items}, "D", expires),)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        if wide:
            return style.Layout(360, left=52, right=190, top=14, bottom=52)
        return style.Layout(320, left=40, right=14, top=14, bottom=50)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the running share of money over the share of items, with the ends of A and B."""
        n = len(self.rows)
        reached = np.r_[0, self.rows["cumulative_share"].to_numpy(dtype=float)]
        ax.grid(axis="y")
        ax.plot([0, 1], [0, 1], color=style.OTHER, lw=1.2, ls=(0, (4, 3)))
        ax.plot(np.arange(n + 1) / n, reached, color=style.UP)
        self._mark_classes(ax, wide=wide, words=words)
        ax.set(xlim=(0, 1), ylim=(0, 1.02))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")
        quiet = {"size": style.SMALL, "color": style.MUTE, "ha": "right"}
        style.tag(ax, 1, 0, words.say("labels", "x_axis"), 0, -36, at="below", **quiet)

    def _mark_classes(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Mark where each class ends; a phone has room for a letter there and for a key below."""
        ends = self.rows.groupby("abc_class", sort=True)["cumulative_share"].agg(["size", "max"])
        ends["x"] = ends["size"].cumsum() / len(self.rows)
        look: dict[str, Any] = {"size": style.SMALL}
        ring: dict[str, Any] = {"ms": 7, "mfc": style.BG, "mec": style.UP, "mew": 2}
        rest, before = len(ends), -1.0
        for letter, (size, reached, x) in ends.iterrows():
            text = words.say("labels", "class_end", letter=letter, items=int(size), reached=reached)
            ax.plot([x], [reached], "o", clip_on=False, **ring)
            if wide:
                below = 0 if letter == "C" else -13
                style.tag(ax, x, reached, text, 9, below, clear=letter != "C", **look)
                continue
            rest, before = rest - 1, max(x, before + APART)
            style.tag(ax, before, reached, str(letter), -9, 10, weight="bold", **look)
            style.tag(ax, 1, 0, text, 0, 10 + 16 * rest, ha="right", clear=True, **look)


def pareto(
    order_lines: object, *, by: str = "product_id", value: str = "amount", lang: str | None = None
) -> Pareto:
    """Rank items by what they bring and say how concentrated that is.

    Parameters
    ----------
    order_lines
        One row per order line: ``order_id, quantity, line_paid_amount``, the column named by `by`
        and, for ``value="margin"``, ``line_cost``. Money in the shop's currency, before refunds.
    by
        Column that names the item: ``"product_id"``, ``"sku_id"``, ``"product_name"`` …
    value
        ``"amount"`` (paid money), ``"margin"`` (paid less cost; lines without a cost are left out
        and counted) or ``"quantity"`` (pieces).
    lang
        Language of the words.

    Returns
    -------
    Pareto
        `.table`: one row per item, largest first: ``item, amount, share`` (0-1),
        ``cumulative_share, abc_class, name``. The item that crosses a line (80 %, 95 %) stays in
        the better class.

    Raises
    ------
    DataError
        When a column is missing.

    Notes
    -----
    Gini 1912; HHI: Herfindahl 1950. Intervals: Poisson bootstrap over items, 90 %.

    Examples
    --------
    >>> lines = pd.DataFrame(
    ...     {
    ...         "order_id": ["1", "2", "3"],
    ...         "product_id": ["a", "b", "c"],
    ...         "quantity": [1, 1, 1],
    ...         "line_paid_amount": [85.0, 10.0, 5.0],
    ...     }
    ... )
    >>> print(pareto(lines).table[["item", "share", "abc_class"]].to_string(index=False))
    item  share abc_class
       a   0.85         A
       b   0.10         B
       c   0.05         C
    """
    checks.choice("value", value, VALUES)
    if order_lines is None:
        return Pareto.lock((Need("table", {"table": "order_lines"}),), lang=lang)
    lines = table(order_lines, "order_lines", once=True)
    checks.columns("order_lines", lines.columns, (by,))
    items = frame(values_by_item(lines, by=by, value=value))
    excluded = left_out(lines, value)
    params = {"by": by, "value": value}
    if items["amount"].isna().all() or items["item"].isna().all():
        column = "line_cost" if excluded.get("no_cost") else by
        need = Need("column", {"table": "order_lines", "column": column})
        if column == by and items.empty:
            need = Need("rows", {"needed": 1, "found": 0, "unit": "lines"})
        return Pareto.lock((need,), lang=lang, **params)
    rows = ranked(items.assign(amount=items["amount"].fillna(0)))
    last = items["days"].max()
    basis = Basis(
        n=len(rows),
        unit="products",
        end=None if pd.isna(last) else last.date(),
        currency=currency_of(lines) if value != "quantity" else "XXX",
        excluded=excluded,
    )
    return Pareto(
        rows=rows[list(Pareto.columns)],
        basis=basis,
        params=params,
        lang=checks.language(lang),
        **_measures(rows["amount"]),
    )


def _measures(amounts: pd.Series[Any]) -> dict[str, Any]:
    """Return each measure of concentration with its bootstrap interval."""
    sizes = amounts.clip(lower=0).to_numpy(dtype=float)
    measures = {
        "gini": (concentration.gini, bootstrap.weighted_gini),
        "hhi": (concentration.hhi, bootstrap.weighted_hhi),
        "top_share": (concentration.top_share, bootstrap.weighted_top_share),
    }
    return {
        name: (whole(sizes), *bootstrap.interval(sizes, weighted, seed=SEED))
        for name, (whole, weighted) in measures.items()
    }
