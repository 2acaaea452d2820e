"""What a load of exports did: files and layouts, rows, cells, columns, sums held, what is open."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from ecomops.base import checks
from ecomops.base.errors import DataError
from ecomops.data import formats
from ecomops.data.formats.part import finest
from ecomops.data.quality import holdings
from ecomops.data.shop import canonical_files, open_shop
from ecomops.data.tables import engine, needed, number, read_file, table
from ecomops.metrics.catalogue import catalogue
from ecomops.result import Basis, Finding, Result, style
from ecomops.store.places import PlaceWords, full_width
from ecomops.store.quality import analyses
from ecomops.store.unlock import downloads, locked_metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import ibis
    from matplotlib.axes import Axes

    from ecomops.data.formats import Identity, Loaded, Loading, SourceFile
    from ecomops.data.problems import Problem
    from ecomops.result.words import Words

FEW = 3
MOST_BARS = 8
WIDEST = 44
KEPT_COLUMNS = ("unmapped_column", "personal_column")
WINDOWS = ("open_window", "window_unknown")
SURE = 0.6
SAID = (
    "unreadable_cell", "overlap", "older_value", "rows_gone", "order_unsure", "duplicate_key",
    "question_typed", "question_unsure", "refund_below",
)  # fmt: skip
OF_ROWS = ("overlap", "older_value", "rows_gone")  # an order and its line may be one row
CALM = ("overlap", "older_value", "question_typed")


class LoadWords(PlaceWords):
    """The words of a load; layouts, tables and metrics are called by their own names."""

    def label(self, value: object) -> str:
        """Return the label of a code; layouts, metrics and, in Chinese, tables have their names."""
        text = str(value)
        if known := formats.formats().get(text):
            return known.en if self.lang == "en" else full_width(known.zh)
        if text in catalogue() and not isinstance(self.find("labels", text), str):
            return catalogue()[text].names[self.lang]
        return super().label(value)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LoadReport(Result):
    """One row per file, table, identity, problem, analysis, locked metric and column; see `kind`.

    `folder` is where the tables are now, None for a load that keeps nothing.
    """

    code: ClassVar[str] = "store.load"
    columns: ClassVar[Mapping[str, str]] = {
        "kind": "label",
        "item": "label",
        "place": "label",
        "status": "label",
        "count": "count",
        "of": "count",
        "share": "percent",
        "amount": "money",
        "examples": "labels",
    }

    folder: str | None = None

    def words(self, lang: str | None = None) -> Words:
        """Return the words of this report; layouts by their names."""
        return LoadWords(self.code, checks.language(lang or self.lang), self.basis.currency)

    def of(self, kind: str, *status: str) -> pd.DataFrame:
        """Return the rows of a kind, of some status only where one is given."""
        rows = self.rows[self.rows["kind"] == kind]
        return rows[rows["status"].isin(status)] if status else rows

    def headline(self) -> pd.DataFrame:
        """Return everything but the columns, which are many."""
        return self.rows[self.rows["kind"] != "column"]

    def findings(self) -> tuple[Finding, ...]:
        """Say what was read first, then what was lost, what does not add up and what is open."""
        said = [self._files(), *self._refused(), *self._rows_lost(), *self._held()]
        said += [*self._open(), *self._columns_kept(), *self._locked()]
        return tuple(said)

    def _say(self, code: str, level: str, **values: Any) -> Finding:
        return Finding(code, level, values, self.basis.n)

    def _files(self) -> Finding:
        read, all_ = self.of("file", "loaded"), self.of("file")
        facts = {"files": len(all_), "loaded": len(read), "layouts": read["place"].nunique()}
        tables = self.of("table")
        facts |= {"tables": len(tables), "rows": int(tables["of"].sum())}
        code = "kept" if self.folder else "files"
        return self._say(code, "good", **facts, folder=self.folder or "")

    def _refused(self) -> list[Finding]:
        refused = self.of("file", "refused")
        names = list(refused["item"])[:FEW]
        found = [self._say("refused", "watch", n=len(refused), list=names)] if names else []
        read = self.of("file", "loaded").sort_values(["share", "item"])
        if len(read) and read.iloc[0]["share"] < SURE:
            row = read.iloc[0]
            values = {"file": row["item"], "layout": row["place"], "share": row["share"]}
            found.append(self._say("unsure", "watch", **values))
        return found

    def _rows_lost(self) -> list[Finding]:
        """Say which rows were dropped, which cells could not be read, what the shop had already."""
        problems = self.of("problem")
        found = []
        lost = problems[problems["status"] == "dropped"]
        lost = lost[~lost["item"].isin(KEPT_COLUMNS)].sort_values("count", ascending=False)
        if len(lost):
            values = {"n": int(lost["count"].sum()), "most": int(lost.iloc[0]["count"])}
            found.append(self._say("dropped", "note", **values, item=lost.iloc[0]["item"]))
        for code in SAID:
            rows = problems[problems["item"] == code]
            if code in OF_ROWS:
                own = rows["place"].isin(self._finest())
                rows = rows[own] if own.any() else rows
            if len(rows):
                shown = [text for each in rows["examples"] for text in each][:FEW]
                n = int(rows["count"].sum())
                found.append(self._say(code, "note" if code in CALM else "watch", n=n, list=shown))
        return found

    def _finest(self) -> set[str | None]:
        """Return the tables that have a row per row of a file."""
        known = formats.formats()
        return {finest(known[f]) for f in self.of("file", "loaded")["place"] if f in known}

    def _held(self) -> list[Finding]:
        """Say which sums and ratios were held against the rows, and the worst that fails."""
        held = self.of("identity")
        if held.empty:
            return []
        fails = held[held["count"] > 0].sort_values(["share", "item"], ascending=[False, True])
        if fails.empty:
            return [self._say("holds", "good", n=len(held), rows=int(held["of"].sum()))]
        row = fails.iloc[0]
        values = {"fails": len(fails), "n": len(held), "item": row["item"], "of": int(row["of"])}
        values |= {"count": int(row["count"])}
        if pd.isna(row["amount"]):
            return [self._say("fails", "watch", **values)]
        return [self._say("fails_money", "watch", **values, amount=row["amount"])]

    def _open(self) -> list[Finding]:
        problems = self.of("problem")
        rows = {code: problems[problems["item"] == code] for code in WINDOWS}
        return [
            self._say(code, "note", n=int(each["count"].sum()), days=list(each.iloc[0]["examples"]))
            for code, each in rows.items()
            if len(each)
        ]

    def _columns_kept(self) -> list[Finding]:
        found = []
        for code, status in (("personal", "dropped"), ("personal", "kept"), ("spare", "kept")):
            rows = self.of("column", f"{code}_{status}")
            if len(rows):
                names = list(dict.fromkeys(rows["item"]))[:FEW]
                level = "watch" if (code, status) == ("personal", "kept") else "note"
                found.append(self._say(f"{code}_{status}", level, n=len(rows), list=names))
        return found

    def _locked(self) -> list[Finding]:
        """Say which analyses and metrics stay locked, and what would unlock the most of them."""
        found = []
        for kind, code in (("analysis", "locked"), ("metric", "metrics")):
            rows = self.of(kind, "locked")
            if len(rows):
                ids = _most(key for row in rows["examples"] for key in row)
                keys = _most(key for row in rows["place"] for key in row.split(", "))
                shown = list(rows["item"]) if kind == "analysis" else list(rows["item"])[:FEW]
                values = {"n": len(rows), "list": shown, "keys": keys, "layouts": ids}
                found.append(self._say(code if ids else f"{code}_bare", "note", **values))
        return found

    def bars(self) -> pd.DataFrame:
        """Return the rows of the chart: layouts with their files, rows and least confidence."""
        files = self.of("file", "loaded")
        made = files.groupby("place", as_index=False, sort=True).agg(
            files=("item", "size"), rows=("count", "sum"), share=("share", "min")
        )
        return made.sort_values(["rows", "place"], ascending=[False, True]).head(MOST_BARS)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        height = (30 if wide else 60) * max(len(self.bars()), 1) + 12
        return style.Layout(height, left=330 if wide else 4, right=190 if wide else 4)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw how sure each layout is; rust where a second look is advised."""
        bars = self.bars()
        for y, row in enumerate(bars.itertuples(index=False)):
            self._bar(ax, row, -y, wide=wide, words=words)
        ax.set(xlim=(0, 1), ylim=(-max(len(bars), 1) + 0.5, 0.5))
        ax.axis("off")

    def _bar(self, ax: Axes, row: Any, y: float, *, wide: bool, words: Words) -> None:
        shift, height = (0.0, 0.56) if wide else (-0.22, 0.14)
        colour = style.DOWN if row.share < SURE else style.OTHER
        ax.barh(y + shift, row.share, height=height, color=colour)
        name, text = _short(words.label(row.place)), words.say("labels", "bar", **row._asdict())
        if wide:
            style.tag(ax, 0, y, name, -330, at="left")
            style.tag(ax, row.share, y, text, 7, size=style.SMALL, color=style.MUTE)
        else:
            style.tag(ax, 0, y + 0.34, name, at="left", size=style.SMALL)
            style.tag(ax, 0, y + 0.06, text, at="left", size=style.SMALL, color=style.MUTE)


def _most(keys: Iterable[str]) -> list[str]:
    """Return the few that occur most often, ties in the order they come."""
    return [key for key, _ in Counter(keys).most_common(FEW)]


def _short(name: str) -> str:
    """Return a layout's name as far as it fits beside its bar; Chinese signs are twice as wide."""
    width = 0
    for place, sign in enumerate(name):
        width += 2 if sign > "\u2e80" else 1
        if width > WIDEST:
            return name[:place].rstrip(" (（·") + "…"
    return name


def load(
    path: str | Path,
    *,
    format: str | None = None,
    into: str | Path | None = None,
    timezone: str | None = None,
    keep_personal: bool = False,
    lang: str | None = None,
) -> LoadReport:
    r"""Load exports and say everything that was done with them.

    Parameters
    ----------
    path
        An export file, a zip or a folder of downloads of any kind.
    format
        The layout's id where it should not be recognised; see ``ecomops formats``.
    into
        The shop's folder, one Parquet file per canonical table: what it holds is merged with the
        exports, the newest one of a document winning, all of it or nothing. None keeps nothing.
    timezone
        The shop's IANA zone, for time stamps that state an offset.
    keep_personal
        Keep names, phones, addresses and e-mails as text in ``<table>__extra``; dropped otherwise.
    lang
        Language of the words.

    Returns
    -------
    LoadReport
        `.table`: one row per file (``place`` its layout, ``share`` the confidence, ``count`` its
        rows), canonical table (``count`` rows now, ``of`` rows loaded), problem, identity
        (``count`` rows that fail ``of`` those tested, ``amount`` the gap), analysis and locked
        metric (``place`` what it lacks, ``examples`` the layouts that would unlock it) and column
        (``place`` where it went).

    Raises
    ------
    MissingError
        When there is nothing at `path`.
    DataError
        When a file is unreadable, in no known layout or in two equally well; in a folder such
        files are listed as refused, unless nothing else is there.
    UnsafeError
        When the shop's folder cannot be written; nothing has changed then.

    >>> import tempfile
    >>> from pathlib import Path
    >>> rows = "Created date (UTC),Converted Amount,Fee,id\n2026-06-01 10:00:00,9.50,1,ch_1\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "payments.csv").write_text(rows)
    ...     report = load(folder, format="stripe_payments", lang="en")
    >>> report.of("file")[["item", "place", "count"]].values.tolist()
    [['payments.csv', 'stripe_payments', 1]]
    """
    lang = checks.language(lang)
    try:
        return _loaded(path, into, format, timezone, keep_personal=keep_personal, lang=lang)
    except DataError as error:
        if own := [] if format else _canonical(checks.path(path)):
            raise DataError("already_canonical", path=str(path), tables=own) from error
        raise


def _canonical(path: Path) -> list[str]:
    """Return the canonical tables at `path`, which are no export and need no loading."""
    files = canonical_files(path)
    return [name for name, f in files.items() if {*needed(name)} <= {*read_file(f).columns}]


def _loaded(
    path: str | Path, into: str | Path | None, format: str | None, timezone: str | None, *,
    keep_personal: bool, lang: str,
) -> LoadReport:  # fmt: skip
    if into is not None:
        done = formats.load_into(
            path, checks.path(into), format=format, timezone=timezone, keep_personal=keep_personal
        )
        tables: Mapping[str, ibis.Table] = open_shop(into).tables
        changed = {c.table: (c.after, c.loaded) for c in done.changes}
        return report(done, changed, tables, lang=lang, folder=str(into))
    found = formats.load(
        path, con=engine(), format=format, timezone=timezone, keep_personal=keep_personal
    )
    tables = {name: table(t, name, timezone=found.timezone) for name, t in found.tables.items()}
    counts = {name: number(t.count()) for name, t in tables.items()}
    return report(found, {n: (c, c) for n, c in counts.items()}, tables, lang=lang)


def report(
    done: Loaded | Loading, counts: Mapping[str, tuple[int, int]], tables: Mapping[str, ibis.Table],
    *, lang: str, folder: str | None = None,
) -> LoadReport:  # fmt: skip
    """Return the report of a load: `counts` are rows now and rows loaded, by canonical table."""
    identities = [*done.identities]
    known = {each.code for each in identities} | {"total_differs"}
    problems = [p for p in done.problems if p.code not in known or p.action == "dropped"]
    files = [_file(file) for file in done.files]
    rows = [
        *(row for row in files if row[3] == "refused"),
        *(_row("table", name, "", "stored", now, of) for name, (now, of) in counts.items()),
        *(_identity(each, done.problems) for each in identities),
        *(_problem(each) for each in problems if each.code != "file_refused"),
        *_analyses(tables, done.files),
        *_metrics(tables, done.files),
        *(row for row in files if row[3] != "refused"),
        *_columns(done.files, done.problems),
    ]
    return LoadReport(
        rows=pd.DataFrame(rows, columns=list(LoadReport.columns)),
        basis=Basis(
            n=sum(of for _, of in counts.values()), unit="rows", currency=done.currency or "XXX"
        ),
        lang=lang,
        folder=folder,
    )


def _row(
    kind: str, item: str, place: str, status: str, count: int, of: float = float("nan"),
    share: float = float("nan"), amount: float | None = None, examples: Sequence[str] = (),
) -> tuple[Any, ...]:  # fmt: skip
    gap = float("nan") if amount is None else float(amount)
    return (kind, item, place, status, count, of, share, gap, tuple(examples))


def _file(file: SourceFile) -> tuple[Any, ...]:
    told = (file.reason,) if file.reason else (file.encoding,)
    sure = file.confidence if file.format else float("nan")
    return _row(
        "file", file.name, file.format or "", file.status, file.rows, share=sure, examples=told
    )


def _problem(problem: Problem) -> tuple[Any, ...]:
    amount = None if problem.amount is None else float(problem.amount)
    return _row(
        "problem", problem.code, problem.table, problem.action, problem.count, amount=amount,
        examples=problem.examples[:FEW],
    )  # fmt: skip


def _identity(held: Identity, problems: Sequence[Problem]) -> tuple[Any, ...]:
    """Return an identity as a row; a total's gap is told by the problem it became."""
    amount, examples = held.amount, held.examples
    if held.code == "total_row" and held.failed:
        gaps = [p for p in problems if p.code == "total_differs" and p.table == held.table]
        amount = next((p.amount for p in gaps), None)
        examples = tuple(text for p in gaps for text in p.examples)
    status = "fails" if held.failed else "holds"
    return _row(
        "identity", held.code, held.table, status, held.failed, held.rows,
        held.failed / held.rows if held.rows else float("nan"),
        None if amount is None else float(amount), examples[:FEW],
    )  # fmt: skip


def _analyses(tables: Mapping[str, ibis.Table], files: Sequence[SourceFile]) -> list[Any]:
    """Return each analysis with what would unlock it: the layouts that bring what it lacks."""
    have = [f.format for f in files if f.format]
    rows = []
    for row in analyses(holdings(tables)).to_dict("records"):
        keys = str(row["examples"]).split(", ") if row["examples"] else []
        ids = dict.fromkeys(layout for key in keys for layout in downloads(key, have))
        told = (str(row["item"]), ", ".join(keys), str(row["status"]), int(row["count"]))
        rows.append(_row("analysis", *told, examples=tuple(ids)[:FEW]))
    return rows


def _metrics(tables: Mapping[str, ibis.Table], files: Sequence[SourceFile]) -> list[Any]:
    """Return each metric that cannot be had with what it lacks and the layouts that bring it."""
    have = [f.format for f in files if f.format]
    rows = []
    for code, keys in locked_metrics(tables).items():
        ids = dict.fromkeys(layout for key in keys for layout in downloads(key, have))
        told = ("metric", code, ", ".join(keys), "locked", len(keys))
        rows.append(_row(*told, examples=tuple(ids)[:FEW]))
    return rows


def _columns(files: Sequence[SourceFile], problems: Sequence[Problem]) -> list[Any]:
    """Return where each column of each layout went, once however many files have it."""
    kept = {name for p in problems if p.code == "unmapped_column" for name in p.examples}
    personal = {
        name: p.action for p in problems if p.code == "personal_column" for name in p.examples
    }
    rows, seen = [], set()
    for file in files:
        for name, places in file.columns:
            if (file.format, name) in seen:
                continue
            seen.add((file.format, name))
            status = "mapped" if places else "empty"
            if name in personal:
                status = f"personal_{personal[name]}"
            elif name in kept and not places:
                status = "spare_kept"
            rows.append(_row("column", name, places, status, 1, examples=(file.format or "",)))
    return rows
