"""Canonical tables written back in a platform's own layout: the rules of loading, inverted."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis

from ecomops.base.errors import DataError, UnsafeError
from ecomops.base.packaged import packaged
from ecomops.data.formats import sql
from ecomops.data.formats.registry import Format, Target, fold, format_of
from ecomops.data.formats.statuses import statuses
from ecomops.data.formats.workbook import write_workbook
from ecomops.data.formats.write_public import as_public
from ecomops.data.formats.write_wide import table_of, write_wide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHUNK = 50_000
WRITTEN: Mapping[str, str] = packaged("data/formats/tables.toml")["written"]
SPELLINGS: Mapping[str, str] = packaged("data/formats/tables.toml")["spellings"]
BESIDE: Mapping[str, Mapping[str, str]] = packaged("data/formats/tables.toml")["beside"]
FINEST = ("reviews", "order_lines", "traffic_daily", "product_skus")
INSIDE = {"order_lines": ("order_id", "order_line_id"), "product_skus": ("product_id", "sku_id")}
FIRST_ROW_ONLY = {"shopify_orders"}
ON_EVERY_ROW = {"name", "customer_id", "created_at"}
ADDRESS = ("address1", "address2", "address3")


def write(tables: Mapping[str, ibis.Table] | Any, *, format: str, path: str | Path) -> list[Path]:
    """Write canonical tables as an export file of a known layout.

    Parameters
    ----------
    tables
        Canonical tables by name (all on DuckDB), or a shop.
    format
        The layout's id; see ``formats()``.
    path
        The file to make. Layouts that state their day above the header give one file per day,
        named after it.

    Encoding, wrapping of ids and the words of states are the platform's. Columns that the layout
    has and the tables lack stay empty. Returns the files written.

    Raises `DataError` when the tables hold nothing the layout can show and `UnsafeError` when a
    file is in the way.
    """
    fmt = format_of(format)
    path = Path(path)
    if path.exists():
        raise UnsafeError("file_in_the_way", path=str(path))
    if fmt.free_columns:
        write_wide(tables, fmt, path, _write_rows)
        return [path]
    rows = _rows(tables, fmt)
    mapped = {(t.table, t.column) for ts in fmt.targets.values() for t in ts}
    if fmt.period is None or fmt.period in mapped:
        _file(fmt, rows, path, None)
        return [path]
    made = []
    column = rows[f"{fmt.period[0]}__{fmt.period[1]}"]
    for day in sorted(column.name("d").as_table().distinct().to_pandas()["d"]):
        target = path.with_name(f"{path.stem}_{day:%Y-%m-%d}{path.suffix}")
        _file(fmt, rows.filter(column == day), target, day)
        made.append(target)
    return made


def _places(fmt: Format) -> dict[str, tuple[str, str]]:
    """Return mapped column -> the canonical table and column it is written from."""
    found = {}
    for targets in fmt.targets.values():
        for t in targets:
            source = WRITTEN.get(f"{t.table}.{t.column}", f"{t.table}.{t.column}")
            if not source.startswith("_"):
                table, _, column = source.partition(".")
                found[f"{t.table}__{t.column}"] = (table, column)
    return found


def _rows(tables: Any, fmt: Format) -> ibis.Table:
    """Return one row per row of the file: lines with their order, or the one table it shows."""
    places = _places(fmt)
    wanted = list(dict.fromkeys(table for table, _ in places.values()))
    have = {n: t for n in wanted if (t := table_of(tables, n)) is not None}
    if not have:
        raise DataError("nothing_to_write", format=fmt.id, tables=wanted or ["—"])
    main = next((n for n in FINEST if n in have), next(iter(have)))
    rows = have[main].select(**{f"{main}__{c}": have[main][c] for c in have[main].columns})
    level = fmt.constants.get((main, "level"))
    if level and f"{main}__level" in rows.columns:
        rows = rows.filter(rows[f"{main}__level"] == level)
    for name, source_rows in have.items():
        if not (key := BESIDE.get(main, {}).get(name)):
            continue
        other = source_rows.select(**{f"{name}__{c}": source_rows[c] for c in source_rows.columns})
        rows = rows.left_join(other, rows[f"{main}__{key}"] == other[f"{name}__{key}"])
    for made, (table, column) in places.items():
        source = f"{table}__{column}"
        if made not in rows.columns and source in rows.columns:
            rows = rows.mutate(**{made: rows[source]})
    if fmt.id == "shopify_orders" and main == "order_lines" and "orders" in have:
        rows = _as_shopify(rows)
    rows = _first_rows(rows, main)
    return as_public(fmt.id, rows)


def _as_shopify(rows: ibis.Table) -> ibis.Table:
    """Return rows with what Shopify shows instead of a status and of what each line cost."""
    lines, status = "order_lines__", rows["orders__order_status"]
    paid = rows[f"{lines}line_paid_amount"]
    full = (rows[f"{lines}unit_price"] * rows[f"{lines}quantity"]).cast("decimal(18, 2)")
    sent = {"completed": "fulfilled", "shipped": "fulfilled", "partially_shipped": "partial"}
    given = "orders__refund_amount"
    back = rows[given].fill_null(0) if given in rows.columns else 0
    live = status.isin(["paid", "shipped", "completed", "partially_shipped"])
    financial = status.substitute(dict.fromkeys(sent, "paid"))
    return rows.mutate(
        _shopify__subtotal=paid.sum().over(group_by=rows[f"{lines}order_id"]),
        _shopify__fulfillment=status.substitute(sent, else_="unfulfilled"),
        order_lines__line_discount=full - paid,
        orders__order_status=(live & (back > 0)).ifelse("partially_refunded", financial),
    )


def _first_rows(rows: ibis.Table, main: str) -> ibis.Table:
    """Mark each row's place in its order, and order the file by order and line."""
    if main not in INSIDE:
        return rows.mutate(_place=ibis.literal(1))
    whole, own = (f"{main}__{column}" for column in INSIDE[main])
    times = [c for c in ("order_lines__created_at", "orders__created_at") if c in rows.columns]
    inside = ibis.window(group_by=rows[whole], order_by=rows[own])
    placed = rows.mutate(_place=ibis.row_number().over(inside) + 1)
    return placed.order_by([placed[c] for c in (*times[:1], whole, own)])


def _file(fmt: Format, rows: ibis.Table, path: Path, day: Any) -> None:
    headers = list(fmt.headers)
    cells = {f"h{i}": _cell(h, fmt, rows) for i, h in enumerate(headers)}
    source = f"({ibis.to_sql(rows, dialect='duckdb')})"
    reader = rows.get_backend().raw_sql(sql.select(cells, source))
    head = [*_preamble(fmt, day, len(headers)), headers]
    _write_rows(fmt, path, head, iter(lambda: reader.fetchmany(CHUNK), []))


def _write_rows(fmt: Format, path: Path, head: Sequence[Sequence[str]], body: Any) -> None:
    temporary = path.with_name(path.name + ".part")
    if path.suffix.lower() in {".xlsx", ".xls"}:
        write_workbook(temporary, head, body)
    elif path.suffix.lower() == ".zip":
        text = io.StringIO(newline="")
        _write_csv(text, fmt, head, body)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            name = zipfile.ZipInfo(path.stem + ".csv", (2026, 1, 1, 0, 0, 0))
            archive.writestr(name, text.getvalue().encode(encoding_of(fmt)))
    else:
        with temporary.open("w", encoding=encoding_of(fmt), newline="") as file:
            _write_csv(file, fmt, head, body)
    temporary.replace(path)


def _write_csv(file: Any, fmt: Format, head: Sequence[Sequence[str]], body: Any) -> None:
    delimiter = "\t" if fmt.container.startswith("tsv") else ","
    ends = "\r\n" if fmt.money == "CNY" else "\n"
    writer = csv.writer(file, delimiter=delimiter, lineterminator=ends)
    writer.writerows(head)
    for block in body:
        writer.writerows(block)


def encoding_of(fmt: Format) -> str:
    """Return the first of the encodings a layout is seen in."""
    first = fmt.encoding.split(" ")[0].lower()
    return first if first in {"gb18030", "utf-8-sig", "utf-8"} else "utf-8-sig"


def _preamble(fmt: Format, day: Any, width: int) -> list[list[str]]:
    """Return rows above the header where the layout has some; the day is said there."""
    if day is None:
        return []
    said = [f"{fmt.zh}", f"统计日期: {day:%Y-%m-%d} 至 {day:%Y-%m-%d}", ""]
    if fmt.platform in {"google_ads", "ga4", "amazon", "meta_ads"}:
        said = [f"# {fmt.en}", f"# Start date: {day:%Y%m%d}", f"# End date: {day:%Y%m%d}"]
    return [[text, *[""] * (width - 1)] for text in said]


def _cell(header: str, fmt: Format, rows: ibis.Table) -> str:
    """Return the SQL of a cell's text: nothing where the tables have nothing to say."""
    targets = [
        t for t in fmt.targets.get(fold(header), ()) if f"{t.table}__{t.column}" in rows.columns
    ]
    if not targets:
        return "''"
    targets = [t for t in targets if t.column == "paid_at"] or targets
    if targets[0].rule in ADDRESS:
        parts = ", ".join(sql.name(f"{t.table}__{t.column}") for t in targets)
        return f"concat_ws(' ', {parts}, '合成路1号')"
    if targets[0].rule.startswith(("range_", "pct_")) and len(targets) > 1:
        low, high = (sql.name(f"{t.table}__{t.column}") for t in targets[:2])
        share = targets[0].rule.startswith("pct_")
        return f"coalesce({_plain(low, share=share)} || ' ~ ' || {_plain(high, share=share)}, '-')"
    value = _said(targets[0], header, fmt, rows)
    if targets[0].rule == "text_ffill" or fmt.finish == "shopify_products":
        return _ffilled(value, targets[0])
    if targets[0].table in {"orders", "_shopify"} and (
        fmt.id in FIRST_ROW_ONLY or targets[0].rule == "money_line_sum"
    ):
        blank = "'0.00'" if targets[0].rule == "money_line_sum" else "''"
        if targets[0].column not in ON_EVERY_ROW or fmt.id not in FIRST_ROW_ONLY:
            value = f"CASE WHEN _place = 1 THEN {value} ELSE {blank} END"
    return f"coalesce({value}, '')"


def _ffilled(value: str, target: Target) -> str:
    """Return a product's cell, which is told on the first of its variants' rows only."""
    if target.table != "products" or target.rule == "id":
        return f"coalesce({value}, '')"
    return f"CASE WHEN _place = 1 THEN coalesce({value}, '') ELSE '' END"


def _plain(x: str, *, share: bool) -> str:
    spelt = f"(round({x} * 100, 8)::DECIMAL(18,4)::DOUBLE)::VARCHAR || '%'"
    return spelt if share else f"{x}::VARCHAR"


def _said(target: Target, header: str, fmt: Format, rows: ibis.Table) -> str:
    x = sql.name(f"{target.table}__{target.column}")
    rule = target.rule
    if rule == "status":
        line, whole = "order_lines__line_status", fmt.id in FIRST_ROW_ONLY
        if target.column == "order_status" and line in rows.columns and not whole:
            x = f"coalesce({sql.name(line)}, {x})"
        return _status(target, x, fmt)
    if rule == "id":
        return _identifier(x, fmt)
    if rule == "id_compose":
        return f"split_part({x}, '-', -1)"
    if rule in {"money_in", "money_out"}:
        mine = f"{x} >= 0" if rule == "money_in" else f"{x} < 0"
        return f"CASE WHEN {mine} THEN {x}::VARCHAR END"
    if rule == "pct":
        return f"(round({x} * 100, 8))::VARCHAR" + ("" if "%" in header else " || '%'")
    return SPELLINGS.get(rule, "{x}::VARCHAR").format(x=x, name=sql.name("orders__order_id"))


def _identifier(x: str, fmt: Format) -> str:
    """Wrap an id the way the platform does, so that spreadsheets do not round it."""
    if fmt.family == "taobao_orders" and fmt.container == "csv":
        return f"'=\"' || {x} || '\"'"
    if fmt.platform in {"douyin", "pinduoduo"} and fmt.container.startswith("csv"):
        return f"{x} || chr(9)"
    return x


def _status(target: Target, x: str, fmt: Format) -> str:
    """Return the platform's first wording of a canonical status."""
    kind = "refund" if "refund" in target.column else "order"
    words = statuses().get(fmt.statuses or "", {}).get(kind, {})
    said: dict[str, str] = {}
    for wording, meant in words.items():
        said.setdefault(meant, wording)
    timed = any(t.column == "paid_at" for ts in fmt.targets.values() for t in ts)
    for closed in ("closed_unpaid", "closed_refunded"):
        told = (said.get("closed"), said.get(closed))
        said[closed] = next((w for w in (told if timed else told[::-1]) if w), "")
    known = ((sql.text(meant), sql.text(word)) for meant, word in said.items() if word)
    cases = " ".join(f"WHEN {meant} THEN {word}" for meant, word in known)
    return f"CASE {x} {cases} ELSE {x} END" if cases else x
