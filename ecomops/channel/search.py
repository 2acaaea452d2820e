"""What people search for: trend, season and lead of search indices, each on its own scale."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.base.errors import DataError
from ecomops.base.formatting import shown
from ecomops.channel import keywords as chart
from ecomops.data.festivals import days
from ecomops.data.tables import frame
from ecomops.maths import indices
from ecomops.maths.lunar import solar
from ecomops.maths.multiplicity import benjamini_hochberg
from ecomops.metrics.daily import daily
from ecomops.result import Action, Basis, Finding, Need, Result, lacking, style
from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis
    from matplotlib.axes import Axes

    from ecomops.data.festivals import Festival
    from ecomops.data.shop import Shop
    from ecomops.maths.arrays import Floats

SEED = 20_250_601
LEAST_DAYS = 400  # within a year growth cannot be told from season
AHEAD = 365  # days in which the next peak is looked for
SOON = 60
RECENT = 28
MOST = 12  # keywords, unless they are named
MOST_WEEKS = 8
SURE = 0.10
HIGHER = 1.15  # a peak this far above now is worth preparing for
MOBILE = date(2011, 1, 1)  # Baidu counts mobile searches from here on
KINDS = {"baidu": "baidu_index", "google": "google_trends"}
LUNAR = 45  # days around the Spring Festival in which years are aligned by it


def readings(search_index: ibis.Table, as_of: date | None) -> pd.DataFrame:
    """Return ``day, keyword, source, region, piece, value``: one row per reading of an index.

    A range such as "<1" is read as its middle; `piece` tells requests of one region apart, that
    each have a scale of their own (regions such as ``CN-0, CN-1``).
    """
    t = search_index
    middle = (t.index_low + t.index_high) / 2
    value = t.index_value.coalesce(t.index_pc + t.index_mobile, middle).cast("float64")
    kept = t.filter(t.date <= as_of) if as_of else t
    rows = frame(
        kept.select("date", "keyword", "source", "region", value=value).filter(
            lambda x: x.value >= 0
        )
    )
    region = rows["region"].fillna("").astype(str)
    rows["piece"] = region.str.extract(r"-(\d+)$", expand=False).fillna("0").astype(int)
    rows["region"] = region.str.replace(r"-\d+$", "", regex=True)
    rows["source"] = rows["source"].replace(KINDS)
    rows["day"] = pd.to_datetime(rows["date"])
    return rows.drop(columns="date").sort_values(["keyword", "source", "region", "piece", "day"])


@dataclass(frozen=True)
class _Typed(Words):
    """Words that leave keywords as people type them: no translation would find them again."""

    def own(self, value: object) -> str:
        """Return the keyword itself, whatever the shop's glossary calls it."""
        return shown(value, "text", self.lang)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Search(Result):
    """One row per keyword and index: growth, season and lead; levels never cross indices."""

    code: ClassVar[str] = "channel.search"
    evidence: ClassVar[str] = "descriptive"
    columns: ClassVar[Mapping[str, str]] = {
        "keyword": "text",
        "source": "label",
        "level": "number",
        "growth": "+percent",
        "low": "+percent",
        "high": "+percent",
        "change": "+percent",
        "aligned": "label",
        "peak": "date",
        "rise": "number.2",
        "lead": "number",
        "correlation": "number.2",
        "p": "number.3",
    }

    def words(self, lang: str | None = None) -> Words:
        """Return the words of the analysis, with keywords as they are typed."""
        return _Typed(self.code, checks.language(lang or self.lang), self.basis.currency)

    def findings(self) -> tuple[Finding, ...]:
        """Say what grows and falls beyond doubt, what peaks soon, and what runs ahead of sales."""
        rows, n = self.rows, self.basis.n
        top = rows.iloc[int(rows["growth"].argmax())]
        fields = ("keyword", "source", "growth", "low", "high")
        code = "fastest" if top["growth"] > 0 else "held"
        said = [Finding(code, "note", {k: top[k] for k in fields}, n)]
        most = rows.groupby("keyword")["high"].max()  # every index that has the word says so
        falling = sorted(most.index[most < 0])
        if falling:
            said.append(Finding("falling", "watch", {"keywords": falling}, n))
        for peak in self._soon().head(1).to_dict("records"):
            facts = {k: peak[k] for k in ("keyword", "source", "peak", "rise")}
            said.append(Finding("peak", "note", facts, n))
        said += self._split()
        leads = rows[(rows["p"] < SURE) & (rows["lead"] > 0)]
        if len(leads):
            row = leads.iloc[int(leads["correlation"].abs().argmax())]
            facts = {k: row[k] for k in ("keyword", "source", "lead", "correlation")}
            said.append(Finding("lead", "good", facts, n))
        elif rows["p"].notna().any():
            together = rows[(rows["p"] < SURE) & (rows["lead"] == 0) & (rows["correlation"] > 0)]
            facts = {"keywords": sorted(set(together["keyword"]))}
            said.append(Finding("together" if len(together) else "no_lead", "note", facts, n))
        return tuple(said)

    def _split(self) -> list[Finding]:
        """Name keywords that grow on one index and fall on another, both beyond doubt."""
        by = self.rows.groupby("keyword")
        apart = (by["low"].max() > 0) & (by["high"].min() < 0)
        names = sorted(apart.index[apart])
        return [Finding("apart", "watch", {"keywords": names}, self.basis.n)] if names else []

    def _soon(self) -> pd.DataFrame:
        end = pd.Timestamp(self.basis.end or date.max)
        rows = self.rows[self.rows["rise"] >= HIGHER]
        near = pd.to_datetime(rows["peak"]) <= end + pd.Timedelta(days=SOON)
        order = ["low", "rise", "keyword", "source"]
        kept = rows[near & (rows["high"] > 0)]
        return kept.sort_values(order, ascending=[False, False, True, True])

    def propose(self) -> tuple[Action, ...]:
        """Propose to prepare for the next peak of a word that does not fall; it has no value."""
        found = self._soon()
        if found.empty:
            return ()
        row = found.iloc[0]
        peak = pd.Timestamp(row["peak"]).date()
        change = {k: row[k] for k in ("keyword", "rise")}
        change |= {"peak": peak, "start": peak - timedelta(days=SOON // 2)}
        subject = f"keyword:{row['keyword']}"
        return (Action("prepare", ("peak",), change, "D", peak, subject=subject),)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        return chart.layout(self.rows["keyword"].nunique(), wide=wide)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the growth of each keyword with its interval, one mark per index."""
        chart.draw(ax, self.rows, wide=wide, words=words)


def search(
    shop: Shop,
    *,
    keywords: Sequence[str] | None = None,
    calendar: str | None = None,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Search:
    """Read search indices: what grows, when the season peaks, and whether they lead own sales.

    Parameters
    ----------
    shop
        Needs `search_index`, one row per day, keyword, source and region, at least 400 days;
        `orders` add the comparison with own sales.
    keywords
        Words to look at; the twelve with most days when None.
    calendar
        Festivals taken off: ``"cn"``, ``"western"`` or ``"all"``; by the currency when None.
    as_of
        Last day read; the last day of the index when None.
    lang
        Language of the words.

    Returns
    -------
    Search
        `.table`: ``level`` (mean of the last 28 days, on that index's own scale), ``growth, low,
        high`` (a year, beside season and festivals, 90 %), ``change`` (28 days against a year
        before, ``aligned`` by "lunar" or "civil" date), ``peak`` (day within a year) and ``rise``
        (its season against now), ``lead`` (days ahead of own sales), ``correlation`` (of
        ranks of weekly surprises), ``p`` (adjusted for the number of series).

    Raises
    ------
    OptionError
        When a keyword or option is unknown.

    Notes
    -----
    Google scales every request to its own maximum: windows are chained by the median ratio on the
    days they share (`maths.indices`). Baidu's index counts mobile searches from 2011 on only, so
    earlier days are left out. Growth and season compare across indices, levels never.

    Examples
    --------
    >>> import ecomops as eo
    >>> found = search(eo.open("demo"))
    >>> found.locked or bool((found.table["low"] <= found.table["growth"]).all())
    True
    """
    as_of = checks.day("as_of", as_of)
    if absent := lacking(shop, "search_index"):
        return Search.lock(absent, lang=lang)
    rows = readings(shop.search_index, as_of)
    named = checks.names("keywords", keywords)
    for word in named:
        checks.choice("keywords", word, sorted(set(rows["keyword"])))
    counts = rows.groupby("keyword")["day"].nunique().sort_index()
    chosen = named or list(counts.sort_values(ascending=False, kind="stable").index[:MOST])
    early = (rows["source"] == "baidu_index") & (rows["day"] < pd.Timestamp(MOBILE))
    kept = rows[rows["keyword"].isin(chosen) & ~early]
    festivals = shop.festivals(calendar)
    table, broken = _measured(kept, festivals, _sales(shop, festivals, as_of))
    if table.empty:
        found = int(counts.max()) if len(counts) else 0
        values = {"needed": LEAST_DAYS, "unit": "days", "found": found}
        return Search.lock((Need("rows", values),), lang=lang)
    known = table["p"].notna()
    table.loc[known, "p"] = benjamini_hochberg(table.loc[known, "p"])
    basis = Basis(
        n=len(table),
        unit="series",
        start=kept["day"].min().date(),
        end=kept["day"].max().date(),
        currency=shop.currency,
        excluded={"before_mobile": int(early.sum()), "no_overlap": broken},
    )
    return Search(rows=table, basis=basis, lang=checks.language(lang))


def _sales(
    shop: Shop, festivals: tuple[Festival, ...], as_of: date | None
) -> pd.Series[float] | None:
    """Return the weekly surprises of own sales, by the week's first day (Monday)."""
    if "orders" not in shop:
        return None
    sold = daily(shop.orders, as_of=as_of)
    if len(sold) < LEAST_DAYS:
        return None
    first = sold["day"].iloc[0].date()
    facts = days(first, len(sold), festivals)
    amount = sold["amount"].to_numpy()
    found = indices.trend(indices.Chain(amount, np.zeros(len(amount))), facts, seed=SEED, draws=2)
    return _weekly(found.left, first)


def _weekly(left: Floats, first: date) -> pd.Series[float]:
    series = pd.Series(left, index=pd.date_range(first, periods=len(left)))
    weeks: pd.Series[float] = series.resample("W-MON", label="left", closed="left").mean()
    return weeks


def _measured(
    kept: pd.DataFrame, festivals: tuple[Festival, ...], sold: pd.Series[float] | None
) -> tuple[pd.DataFrame, int]:
    """Return the table, and how many series could not be chained."""
    found, broken = [], 0
    for (word, source), rows in kept.groupby(["keyword", "source"], sort=True):
        region = rows["region"].value_counts().sort_index().idxmax()
        own = rows[rows["region"] == region]
        if (own["day"].max() - own["day"].min()).days + 1 < LEAST_DAYS:
            continue
        try:
            found.append({"keyword": word, "source": source} | _one(own, festivals, sold))
        except DataError:
            broken += 1
    return pd.DataFrame(found, columns=list(Search.columns)), broken


def _one(
    rows: pd.DataFrame, festivals: tuple[Festival, ...], sold: pd.Series[float] | None
) -> dict[str, Any]:
    """Return what one index says of one keyword."""
    first = rows["day"].min()
    length = (rows["day"].max() - first).days + 1
    pieces = [_piece(part, first) for _, part in rows.groupby("piece")]
    whole = indices.chain(pieces, length)
    facts = days(first.date(), length + AHEAD, festivals)
    found = indices.trend(whole, facts, seed=SEED)
    band = {k: float(np.expm1(v)) for k, v in _bands(found).items()}
    out = {"level": float(np.nanmean(whole.values[-RECENT:])), **band}
    out |= _change(whole.values, first.date()) | _peak(found, first.date(), length)
    return out | _lead(found, first.date(), sold)


def _bands(found: indices.Trend) -> dict[str, float]:
    return {"growth": found.slope, "low": found.low, "high": found.high}


def _piece(part: pd.DataFrame, first: pd.Timestamp) -> tuple[int, Floats]:
    """Return a window as (first day, values by day); weeks and months fill their days."""
    values = part.groupby("day")["value"].mean()
    every = pd.date_range(values.index[0], values.index[-1])
    step = int(pd.Series(values.index).diff().dt.days.median()) if len(values) > 1 else 1
    filled = values.reindex(every)
    if step > 1:
        filled = filled.ffill(limit=step - 1)
    return (values.index[0] - first).days, filled.to_numpy(dtype=float)


def year_before(day: date) -> tuple[int, str]:
    """Return how many days before `day` its counterpart of last year lies, and by what date.

    Around the Spring Festival years are aligned by it, else by weekday 52 weeks before.

    >>> year_before(date(2025, 1, 29)), year_before(date(2025, 6, 18))
    ((354, 'lunar'), (364, 'civil'))
    >>> year_before(date(2024, 12, 20))
    (354, 'lunar')
    """
    festival = solar((day + timedelta(days=LUNAR)).year, 1, 1)
    if abs((day - festival).days) <= LUNAR:
        return (festival - solar(festival.year - 1, 1, 1)).days, "lunar"
    return 364, "civil"


def _change(values: Floats, first: date) -> dict[str, Any]:
    end = len(values)
    last = first + timedelta(days=end - 1)
    none = {"change": np.nan, "aligned": None}
    if not solar_known((last + timedelta(days=LUNAR)).year):
        return none
    back, how = year_before(last)
    now, then = values[end - RECENT :], values[end - RECENT - back : end - back]
    if not np.nansum(then) > 0:
        return none
    return {"change": float(np.nanmean(now) / np.nanmean(then) - 1), "aligned": how}


def solar_known(year: int) -> bool:
    """Return whether the table of lunar years reaches from the year before to `year`.

    >>> solar_known(2025), solar_known(2012)
    (True, False)
    """
    return 2015 <= year <= 2040  # noqa: PLR2004 - the table of maths.lunar


def _peak(found: indices.Trend, first: date, length: int) -> dict[str, Any]:
    """Return the day within a year at which the season is highest, and how much above now."""
    season = np.exp(found.season)
    week = np.convolve(season, np.ones(7) / 7, mode="same")
    at = length + int(np.argmax(week[length : length + AHEAD - 3]))
    now = season[length - RECENT : length].mean()
    return {"peak": first + timedelta(days=at), "rise": float(week[at] / now)}


def _lead(found: indices.Trend, first: date, sold: pd.Series[float] | None) -> dict[str, Any]:
    none = {"lead": np.nan, "correlation": np.nan, "p": np.nan}
    if sold is None:
        return none
    both = pd.concat([_weekly(found.left, first), sold], axis=1, join="inner").dropna()
    if len(both) < 8 * MOST_WEEKS:
        return none
    at = indices.lead(both.iloc[:, 0], both.iloc[:, 1], MOST_WEEKS)
    return {"lead": float(at.steps * 7), "correlation": at.correlation, "p": at.p}
