"""Files whose columns are data: questions and search terms become rows; ledgers get types."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ecomops.base.packaged import packaged
from ecomops.data.formats import sql
from ecomops.data.formats.numerals import number
from ecomops.data.formats.part import response_of
from ecomops.data.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecomops.data.formats.finish import Context, Tables
    from ecomops.data.formats.part import Part
    from ecomops.data.formats.recognise import Matched

# Several answers in one cell: 问卷星 joins them by ┋, Google Forms by ; and Typeform by commas.
SEPARATORS = {"wenjuanxing": "┋", "google_forms": ";", "typeform": None}
BELOW = "<\uff1c"
SCORES: Mapping[str, Any] = packaged("data/formats/tables.toml")["survey"]
SKIPPED = ("-2", "-3", "(跳过)", "（跳过）", "(空)")
LEDGER: Mapping[str, str] = packaged("data/formats/fixed.toml")["ledger"]
GRAINS: Mapping[str, str] = packaged("data/formats/fixed.toml")["grains"]
ENTRY_TYPES: Mapping[str, str] = packaged("data/formats/tables.toml")["entries"]


def finish_survey(tables: Tables, context: Context) -> Tables:
    """Finish surveys: one row per response, and one per response, question and chosen option."""
    con = context.con
    answers = []
    for part in context.parts:
        if not part.free:
            continue
        keyed = sql.select({"r": response_of(part), "_row": "_row"}, sql.name(part.table))
        kept = con.table(part.free).columns
        asked = [c for c in part.columns if f"_free{c.position}" in kept]
        answers += [_answers(part, column, keyed, context) for column in asked]
    if answers:
        tables["survey_answers"] = con.table(
            sql.table(con, "load_answers", " UNION ALL ".join(answers))
        )
    return tables


def _score(column: Matched, cells: str, context: Context) -> str:
    """Return ``nps`` or ``csat`` for a question that asks for it on the scale of the metric.

    The wording states the scale, or an answer that no shorter one has proves it; a question that
    only looks like it is flagged.
    """
    text = re.sub(r"^\W*q?\d+\s*[、.):]", "", unicodedata.normalize("NFKC", column.name).lower())
    kinds = [kind for kind in ("nps", "csat") if re.search(SCORES[kind]["asks"], text)]
    if not kinds:
        return "number"
    kind, number = kinds[0], "try_cast(cell AS DOUBLE)"
    ends = {"bad": f"count_if({number} IS NULL OR {number} % 1 <> 0)"}
    ends |= {end: f"{end}({number})" for end in ("min", "max")}
    bad, least, most = sql.rows(context.con, sql.select(ends, cells))[0]
    if bad or least is None:
        return "number"
    own, other = (re.search(p, text) for p in (SCORES[kind]["scale"], SCORES["other"]["any"]))
    fits = SCORES[kind]["low"] <= least and most <= SCORES[kind]["high"]
    stated = own or (not other and most >= SCORES[kind]["proof"])
    sure = bool(fits and stated and not re.search(SCORES["other"]["down"], text))
    code, action = ("typed", "changed") if sure else ("unsure", "flagged")
    shown = (f"{column.name} → {kind}" if sure else column.name,)
    context.problems.append(Problem(f"question_{code}", "survey_answers", action, 1, shown))
    return kind if sure else "number"


def _answers(part: Part, column: Matched, keyed: str, context: Context) -> str:
    separator = SEPARATORS.get(part.fmt.id)
    cell = f"_free{column.position}"
    split = f"string_split({cell}, {sql.text(separator)})" if separator else f"[{cell}]"
    place = f"f._place + {part.first_row - 1}"
    joined = f"({keyed}) AS k JOIN {sql.name(part.free)} AS f ON {place} = k._row"
    kept = f"{cell} IS NOT NULL AND {cell} NOT IN {sql.listed(SKIPPED)}"
    options = {"a": f"trim(unnest({split}))", "i": f"unnest(generate_series(1, len({split})))"}
    each = sql.select({"r": "r", "_row": "_row", **options}, joined, where=kept)
    number = "try_cast(a AS DOUBLE)"
    score = sql.text(_score(column, sql.select({"cell": cell}, joined, where=kept), context))
    out = {
        "response_id": "r", "question_id": sql.text(f"q{column.position + 1}"), "option_index": "i",
        "question_text": sql.text(column.name), "answer_text": "a", "answer_value": number,
        "question_type": f"CASE WHEN {number} IS NOT NULL THEN {score} ELSE 'text' END",
        "_row": "_row", "_file": f"{part.index}::BIGINT", "_source": sql.text(part.name),
        "_format": sql.text(part.fmt.id), "_platform": sql.text(part.fmt.platform),
    }  # fmt: skip
    return sql.select(out, each)


def finish_trends(tables: Tables, context: Context) -> Tables:
    """Finish Google Trends: one row per term and date; ``<1`` is kept as a range from 0 to 1.

    Each request has a scale of its own, so that its days are told apart by the region's end: a
    request is known by its first and last day.
    """
    con, found = context.con, []
    for part in context.parts:
        have = con.table(part.free).columns if part.free else ()
        asked = [c for c in part.columns if not c.targets and f"_free{c.position}" in have]
        found += [_term(part, column, context) for column in asked]
    dates = tables.pop("search_index")
    if not found:  # dates without a term say nothing
        context.note("missing_key", "search_index", "dropped", dates)
        return tables
    made = sql.table(con, "load_trends", " UNION ALL ".join(found))
    return tables | {"search_index": con.table(made)}


def _term(part: Part, column: Matched, context: Context) -> str:
    """Return the query of one search term; cells that are no number are noted."""
    name, _, region = column.name.partition(":")
    cell = f"_free{column.position}"
    index = f"{number(f'ltrim({cell}, {sql.text(BELOW)})')}::DOUBLE"
    below = f"({' OR '.join(f'starts_with({cell}, {sql.text(sign)})' for sign in BELOW)})"
    place = f"f._place + {part.first_row - 1}"
    joined = f"{sql.name(part.table)} AS k JOIN {sql.name(part.free)} AS f ON {place} = k._row"
    said = {"n": "count(*)", "few": f"list_slice(list_sort(list(DISTINCT {cell})), 1, 3)"}
    bad = sql.select(said, joined, where=f"{cell} IS NOT NULL AND {index} IS NULL")
    ((count, few),) = sql.rows(context.con, bad)
    if count:
        shown = tuple(f"{column.name} = {each}" for each in few)
        context.problems.append(Problem("unreadable_cell", "search_index", "flagged", count, shown))
    out = {
        "date": "search_index__date", "keyword": sql.text(name.strip()),
        "source": "'google_trends'", "region": sql.text(_request(region, part, context.con)),
        "granularity": sql.text(_granularity(part.columns)),
        "index_value": f"CASE WHEN NOT {below} THEN {index} END",
        "index_low": f"CASE WHEN {below} THEN 0.0 ELSE {index} END", "index_high": index,
        "_row": "_row", "_file": f"{part.index}::BIGINT", "_source": sql.text(part.name),
        "_format": sql.text(part.fmt.id), "_platform": "'google'",
    }  # fmt: skip
    return sql.select(out, joined)


def _request(region: str, part: Part, con: Any) -> str:
    """Return the region with the request it was asked in, as ``Worldwide-2024010120241231``."""
    bare = region.strip(" ()\uff08\uff09:\uff1a")
    if re.search(r"-\d+$", bare):
        return bare
    day = "search_index__date"
    ends = {"first": f"strftime(min({day}), '%Y%m%d')", "last": f"strftime(max({day}), '%Y%m%d')"}
    ((first, last),) = sql.rows(con, sql.select(ends, sql.name(part.table)))
    return f"{bare}-{first}{last}"


def _granularity(columns: Sequence[Matched]) -> str:
    return next((GRAINS[c.folded] for c in columns if c.targets and c.folded in GRAINS), "day")


def finish_ledger(tables: Tables, context: Context) -> Tables:
    """Finish ledgers: what kind of movement each is, and the file's own total held against them.

    Rows without an amount (a settlement's heading) or never paid are left out; what a payment's
    row says of refunds and fees becomes rows of its own. Transfers to the shop's own account,
    advertising top-ups and deposits get the type ``transfer``: no profit or loss.
    """
    con, rows = context.con, sql.name(tables["settlements"].get_name())
    side = tables.pop("_ledger", None)
    beside = rows if side is None else sql.name(side.get_name())
    asked = sql.queries("ledger")["movements"].replace("{rows}", rows).replace("{side}", beside)
    made = sql.name(sql.table(con, "load_ledger", asked))
    failed, back = (sql.text(LEDGER[name]) for name in ("failed", "back"))
    reason = "CASE WHEN amount IS NULL THEN 'no_amount' "
    reason += f"WHEN regexp_matches(lower(state), {failed}) THEN 'unpaid' END"
    counts = sql.select({"why": reason, "n": "count(*)"}, made, group="1", order="1")
    for why, count in sql.rows(con, counts):
        if why:
            context.problems.append(Problem(why, "settlements", "dropped", count))
    cases = " ".join(
        f"WHEN regexp_matches(lower(entry_type_raw), {sql.text(w)}) THEN "
        + (f"CASE WHEN regexp_matches(lower(kind), {back}) THEN 'refund' ELSE 'sale' END"
           if t == "sale" else sql.text(t))
        for t, w in ENTRY_TYPES.items()
    )  # fmt: skip
    typed = {"*": "*", "entry_type": f"CASE {cases} ELSE 'other' END"}
    kept = sql.select(typed, made, where=f"({reason}) IS NULL")
    if side is not None and "total" in side.columns:
        _compare(beside, made, context)
    return tables | {"settlements": con.table(sql.table(con, "load_ledger", kept))}


def _compare(side: str, rows: str, context: Context) -> None:
    sums = {"said": "sum(total)", "name": "min(_source)"}
    said, name = sql.rows(context.con, sql.select(sums, side, where="total IS NOT NULL"))[0]
    (have,) = sql.rows(context.con, sql.select({"s": "sum(amount)"}, rows))[0]
    if said is not None and said != have:
        shown = (f"{name}: {said} ≠ {have}",)
        gap = Decimal(said) - Decimal(have or 0)
        context.problems.append(Problem("total_differs", "settlements", "flagged", 1, shown, gap))
