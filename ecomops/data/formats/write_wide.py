"""Layouts whose columns are data: a column per question of a survey, or per search term."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from ecomops.base.errors import DataError
from ecomops.base.packaged import packaged
from ecomops.data.formats import sql
from ecomops.data.formats.finish_wide import SEPARATORS
from ecomops.data.formats.registry import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ecomops.data.formats.registry import Format

CHUNK = 50_000
SPELT: Mapping[str, str] = packaged("data/formats/fixed.toml")["wide"]
PERIODS = {"day": "Day", "week": "Week", "month": "Month"}


def write_wide(tables: Any, fmt: Format, path: Path, save: Callable[..., None]) -> None:
    """Write surveys with their answers, or a search index, as one file of the layout.

    Raises `DataError` when the tables hold nothing of the kind.
    """
    asked = ("search_index",) if fmt.finish == "google_trends" else ("surveys", "survey_answers")
    found = {n: table_of(tables, n) for n in asked}
    if any(rows is None for rows in found.values()):
        raise DataError("nothing_to_write", format=fmt.id, tables=list(asked))
    con = next(iter(found.values())).get_backend()
    named = {n: f"({ibis.to_sql(rows, dialect='duckdb')})" for n, rows in found.items()}
    make = _trends if fmt.finish == "google_trends" else _answers
    head, query = make(fmt, named, con)
    reader = con.raw_sql(query)
    save(fmt, path, head, iter(lambda: reader.fetchmany(CHUNK), []))


def table_of(tables: Any, name: str) -> Any:
    """Return one of some tables by name, or of a shop's; None where it is not there."""
    return tables.get(name) if hasattr(tables, "get") else getattr(tables, name, None)


def _answers(fmt: Format, named: dict[str, str], con: Any) -> tuple[Sequence[Sequence[str]], str]:
    """Return the header and the query of a response per row, chosen options in one cell."""
    place = "try_cast(regexp_extract(question_id, '\\d+') AS INT)"
    seen = {"question_id": "question_id", "t": "min(question_text)", "p": f"min({place})"}
    listed = sql.select(seen, named["survey_answers"], group="question_id", order="p, question_id")
    asked = [(i, t) for i, t, _ in sql.rows(con, listed)]
    between = sql.text(SEPARATORS.get(fmt.id) or ", ")
    said = {
        f"a{n}": f"string_agg(answer_text, {between} ORDER BY option_index) "
        f"FILTER (question_id = {sql.text(i)})"
        for n, (i, _) in enumerate(asked)
    }
    told = sql.select(
        {"response_id": "response_id", **said}, named["survey_answers"], group="response_id"
    )
    joined = f"{named['surveys']} AS s LEFT JOIN ({told}) AS a USING (response_id)"
    have = _columns(con, named["surveys"])
    cells = {f"h{n}": _cell(fmt, h, have) for n, h in enumerate(fmt.headers)}
    cells |= {f"q{n}": f"coalesce(a{n}, '')" for n in range(len(asked))}
    query = sql.select(cells, joined, order="submitted_at, response_id")
    return [[*fmt.headers, *(t for _, t in asked)]], query


def _columns(con: Any, rows: str) -> set[str]:
    return {column for column, *_ in sql.rows(con, "DESCRIBE " + sql.select(None, rows))}


def _cell(fmt: Format, header: str, have: set[str]) -> str:
    targets = [t for t in fmt.targets.get(fold(header), ()) if t.column in have]
    if not targets:
        return "''"
    column = f"s.{sql.name(targets[0].column)}"
    return f"coalesce({SPELT.get(targets[0].rule, '{}::VARCHAR').format(column)}, '')"


def _trends(fmt: Format, named: dict[str, str], con: Any) -> tuple[Sequence[Sequence[str]], str]:
    """Return the head and the query of a date per row, ``<1`` for what is too small to tell."""
    rows = sql.select(None, named["search_index"], where="source = 'google_trends'")
    kinds = [k for (k,) in sql.rows(con, sql.select({"k": "DISTINCT granularity"}, rows))]
    terms = sql.rows(
        con, sql.select({"k": "DISTINCT keyword", "r": "coalesce(region, '')"}, rows, order="1, 2")
    )
    if len(kinds) != 1:
        raise DataError("nothing_to_write", format=fmt.id, tables=["search_index"])
    high = "index_high" if "index_high" in _columns(con, named["search_index"]) else "NULL"
    value = f"coalesce(index_value::BIGINT::VARCHAR, '<' || {high}::BIGINT::VARCHAR)"
    cells = {"d": "strftime(date, '%Y-%m-%d')"} | {
        f"k{n}": f"coalesce(max({value}) FILTER (keyword = {sql.text(k)} "
        f"AND coalesce(region, '') = {sql.text(r)}), '')"
        for n, (k, r) in enumerate(terms)
    }
    header = [PERIODS.get(kinds[0], "Week"), *(f"{k}: ({r})" for k, r in terms)]
    return [["Category: All categories"], [""], header], sql.select(
        cells, rows, group="date", order="date"
    )
