"""Text cells to typed values: one rule per kind of column, as engine expressions.

A rule takes the SQL of a text cell (null where there is nothing) and returns the SQL of its value;
a cell that does not parse becomes null, which the loader counts. Every rule tries the plain
spelling first: the engine evaluates the slower ones only for the cells that are left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecomops.base.packaged import packaged
from ecomops.data.formats.numerals import half_width, number
from ecomops.data.formats.sql import listed, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

WORDS = packaged("data/formats/tables.toml")["cells"]
BLANK = r"\s\x{00a0}\x{3000}\x{feff}"
CLOCKS = (" %H:%M:%S", " %H:%M", "", " %I:%M:%S %p", " %I:%M %p")
OFFSET: str = WORDS["offset"]
HALVES = r"\s*(上午|下午)\s*(\d{1,2}:\d{2}(?::\d{2})?)$"
SPAN = r"^(\d{8}|\d{4}-\d{2}-\d{2})\s*[-~～至]\s*\d{4}.*$"


@dataclass(frozen=True)
class Cells:
    """What a rule must know beside the cell: money's scale, zone, spreadsheet epoch, date order.

    With `yuan` no other currency's sign is read.
    """

    scale: int = 2
    zone: str | None = None
    serial_base: date | None = None
    day_first: bool = False
    percent: bool = False
    yuan: bool = False
    salt: str = ""


BLANKS = "\t\n\f\r \u00a0\u3000\ufeff"
QUOTED = tuple(f'{blank}"' for blank in BLANKS)
WRAPPED = f"""^[{BLANK}]*(?:="((?s:.*))"|'((?s:.*))')[{BLANK}]*$"""
EDGES = f"^[{BLANK}']+|[{BLANK}]+$"


def clean(x: str) -> str:
    """Return a cell without what exporters wrap text in (``="…"``, a leading ', tabs).

    The first character and the last decide whether it needs any of the slow steps.
    """
    inner = f"regexp_replace({x}, {text(WRAPPED)}, '\\1\\2')"
    bare = f"substring({x}, 3, length({x}) - 3)"
    wrapped = f"{x} > '=\"/' AND {x} < '=\"{{' AND suffix({x}, '\"') AND NOT {_ends(x, QUOTED)}"
    tidied = f"CASE WHEN {wrapped} THEN {bare} ELSE {_stripped(inner)} END"
    return filled(x, f"nullif(CASE WHEN {untidy(x)} THEN {tidied} ELSE {x} END, '')")


def filled(x: str, value: str) -> str:
    """Return a value that the engine need not think about where a cell is empty: most are."""
    return f"CASE WHEN {x} IS NOT NULL THEN {value} END"


def untidy(x: str) -> str:
    """Return whether a cell begins or ends with what exporters wrap text in."""
    return f"{_begins(x, BLANKS + chr(39) + '=')} OR {_ends(x, BLANKS)}"


def _ends(x: str, endings: Iterable[str]) -> str:
    return "(" + " OR ".join(f"suffix({x}, {text(end)})" for end in endings) + ")"


def _begins(x: str, characters: str) -> str:
    """Return whether a cell begins with one of a few characters (`IN` would join tables)."""
    return f"list_contains([{', '.join(str(ord(c)) for c in characters)}], unicode({x}))"


def _stripped(x: str) -> str:
    return f"regexp_replace({x}, {text(EDGES)}, '', 'g')"


def present(x: str, tokens: Iterable[str]) -> str:
    """Return null for the words that mean "nothing here"; none of them begins with a digit."""
    words = " ".join(f"WHEN {text(token)} THEN NULL" for token in tokens)
    told = f"CASE WHEN {x} >= '0' AND {x} < ':' THEN {x} ELSE CASE {x} {words} ELSE {x} END END"
    return filled(x, told)


def money(x: str, cells: Cells) -> str:
    """Return an amount with the layout's number of places."""
    return number(x, yuan=cells.yuan, places=cells.scale)


def whole(x: str, _: Cells) -> str:
    """Return an integer; a fraction is not one, and neither is silently rounded."""
    bare = f"regexp_replace({x}, '[人次件个张天]$', '')"
    exact = f"{number(bare)}::VARCHAR"
    slow = f"try_cast(regexp_extract({exact}, '^(-?\\d+)\\.0000$', 1) AS BIGINT)"
    return (
        f"CASE WHEN regexp_full_match({x}, '-?\\d+') THEN try_cast({x} AS BIGINT) ELSE {slow} END"
    )


def real(x: str, _: Cells) -> str:
    """Return a floating-point number."""
    said = f"try_cast({x} AS DOUBLE)"
    bare = f"regexp_replace({x}, '[秒分%]$', '')"
    slow = f"{number(bare)}::DOUBLE"
    return f"CASE WHEN isfinite({said}) THEN {said} ELSE {slow} END"


def fraction(x: str, cells: Cells) -> str:
    """Return a share: ``12.3%`` and, under a header with (%), ``12.3`` become 0.123."""
    plain = half_width(x)
    shape = r"^([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?)\s*%$"
    said = f"replace(regexp_extract({plain}, {text(shape)}, 1), ',', '')"
    bare = f"try_cast({plain} AS DOUBLE)" + (" / 100" if cells.percent else "")
    return f"round(coalesce(try_cast({said} AS DOUBLE) / 100, {bare}), 12)"


def identifier(x: str, _: Cells) -> str:
    """Return an id as text; ``17850.0`` and ``17,850`` are tidied, E notation is refused."""
    tail = f"regexp_matches({x}, '^\\d{{1,15}}\\.0+$')"
    lost = f"regexp_matches({x}, '^[-+]?\\d+(\\.\\d+)?[eE]\\+?\\d+$|^\\d{{16,}}\\.\\d*$')"
    odd = " OR ".join(f"contains({x}, '{sign}')" for sign in ".,eE")
    parted = f"regexp_full_match({x}, '\\d{{1,3}}(,\\d{{3}})+')"
    slow = (
        f"CASE WHEN {lost} THEN NULL WHEN {tail} THEN split_part({x}, '.', 1) "
        f"WHEN {parted} THEN replace({x}, ',', '') ELSE {x} END"
    )
    wide = f"WHEN {x} >= '\uff10' AND {x} < '\uff1a' THEN {half_width(x)}"
    return f"CASE WHEN {odd} THEN {slow} {wide} ELSE {x} END"


def moment(x: str, cells: Cells) -> str:
    """Return local wall time: an offset in the cell counts only where the shop's zone is known."""
    # the engine takes 3/10/24 for the year 3, and an offset for granted
    odd = f"contains(substring({x}, 2, 2), '/') OR suffix({x}, 'Z') OR contains({x}, '+')"
    fast = f"CASE WHEN length({x}) <= 19 AND NOT ({odd}) THEN try_cast({x} AS TIMESTAMP) END"
    return f"coalesce({fast}, {_slow_moment(x, cells)})"


def _slow_moment(x: str, cells: Cells) -> str:
    half = f"regexp_replace({x}, {text(HALVES)}, ' \\2 \\1')"
    half = f"replace(replace(replace({half}, '年', '-'), '月', '-'), '日 ', ' ')"
    half = f"replace(replace({half}, '上午', 'AM'), '下午', 'PM')"
    base = f"regexp_replace(regexp_replace({x}, {text(OFFSET)}, '\\1'), {text(SPAN)}, '\\1')"
    base = f"CASE WHEN contains({x}, '午') THEN {half} ELSE {base} END"
    date_part = "%d/%m/" if cells.day_first else "%m/%d/"
    slashed = [date_part + year + clock for year in ("%y", "%Y") for clock in CLOCKS]
    forms = "[" + ", ".join(text(f) for f in (*slashed, *WORDS["times"])) + "]"
    wall = f"try_strptime({half_width(base)}, {forms})"
    if cells.serial_base is not None:
        wall = f"coalesce({_serial(x, cells.serial_base)}, {wall})"
    if not cells.zone:
        return wall
    stated = f"regexp_matches({x}, {text(OFFSET)})"
    return f"CASE WHEN {stated} THEN {_shifted(wall, x, cells.zone)} ELSE {wall} END"


def _serial(x: str, base: date) -> str:
    """Return the spreadsheet's day number as a time stamp, for workbooks only."""
    days = f"CASE WHEN regexp_matches({x}, '^\\d{{5}}(\\.\\d+)?$') THEN {x}::DOUBLE END"
    return f"(TIMESTAMP '{base:%Y-%m-%d} 00:00:00' + to_seconds(round({days} * 86400)::BIGINT))"


def _shifted(wall: str, x: str, zone: str) -> str:
    sign = f"CASE WHEN regexp_matches({x}, '-\\d{{1,2}}:?(\\d{{2}})?$') THEN -1 ELSE 1 END"
    shape = "'[-+](\\d{1,2}):?(\\d{2})?$'"
    hours, minutes = (
        f"coalesce(try_cast(regexp_extract({x}, {shape}, {n}) AS BIGINT), 0)" for n in (1, 2)
    )
    return in_zone(f"({wall} - to_minutes({sign} * ({hours} * 60 + {minutes})))", zone)


def in_zone(utc: str, zone: str) -> str:
    """Return the wall time in `zone` of a time stamp that is in UTC."""
    return utc if zone == "UTC" else f"timezone({text(zone)}, timezone('UTC', {utc}))"


def moment_utc(x: str, cells: Cells) -> str:
    """Return the wall time of a cell that is in UTC."""
    wall = moment(x, Cells(serial_base=cells.serial_base, day_first=cells.day_first))
    return in_zone(wall, cells.zone or "UTC")


def day(x: str, cells: Cells) -> str:
    """Return the date of a cell, the first one of a range."""
    return f"{moment(x, cells)}::DATE"


def flag(x: str, _: Cells) -> str:
    """Return true or false for yes and no."""
    yes = listed(("true", "yes", "y", "1", "是", "有"))
    no = listed(("false", "no", "n", "0", "否", "没有"))
    return f"CASE WHEN lower({x}) IN {yes} THEN true WHEN lower({x}) IN {no} THEN false END"


def _end(x: str, *, low: bool) -> str:
    """Return one end of ``600 ~ 1200`` as text."""
    return f"trim(regexp_replace({x}, {text('[~～].*$' if low else '^.*[~～]')}, ''))"


def low_of(x: str, _: Cells) -> str:
    """Return the lower end of a range; ``<1`` begins at 0."""
    first = _end(x, low=True)
    below = f"starts_with({first}, '<') OR starts_with({first}, '＜')"
    return f"CASE WHEN {below} THEN 0.0::DOUBLE ELSE {number(first)}::DOUBLE END"


def high_of(x: str, _: Cells) -> str:
    """Return the upper end of a range."""
    last = f"regexp_replace({_end(x, low=False)}, '^[<＜]', '')"
    return f"{number(last)}::DOUBLE"


def low_share(x: str, cells: Cells) -> str:
    """Return the lower end of a range of percentages."""
    return fraction(_end(x, low=True), cells)


def high_share(x: str, cells: Cells) -> str:
    """Return the upper end of a range of percentages."""
    return fraction(_end(x, low=False), cells)


def seconds(x: str, _: Cells) -> str:
    """Return a duration in seconds."""
    part = "coalesce(try_cast(regexp_extract({0}, '([\\d.]+)\\s*{1}', 1) AS DOUBLE), 0)"
    hours, minutes, rest = (part.format(x, unit) for unit in ("(?:小时|时)", "分", "秒"))
    said = f"regexp_matches({x}, '[时分秒]')"
    total = f"{hours} * 3600 + {minutes} * 60 + {rest}"
    return f"CASE WHEN {said} THEN {total} ELSE try_cast({x} AS DOUBLE) END"


def _address(part: int) -> Callable[[str, Cells], str]:
    """Return province, city or district; what follows is a person's and is not read."""
    pattern = r"^\s*" + r"\S+\s+" * (part - 1) + r"(\S+)\s+\S"

    def rule(x: str, _: Cells) -> str:
        odd = " OR ".join(f"contains({x}, {text(blank)})" for blank in ("  ", *"\t\n\f\r"))
        slow = f"regexp_extract({x}, {text(pattern)}, 1)"
        more = f"split_part({x}, ' ', {part + 1}) <> ''"
        quick = f"CASE WHEN {more} THEN split_part({x}, ' ', {part}) END"
        return f"nullif(CASE WHEN {odd} THEN {slow} ELSE {quick} END, '')"

    return rule


def _hashed(x: str, cells: Cells) -> str:
    return f"substr(sha256({text(cells.salt)} || lower({x})), 1, 16)"


def _outgoing(x: str, cells: Cells) -> str:
    return f"-abs({money(x, cells)})"


def _points(x: str, _: Cells) -> str:
    return f"try_cast({number(x)} / 100 AS DECIMAL(18,2))"


def _text(x: str, _: Cells) -> str:
    return x


Rule = tuple["Callable[[str, Cells], str]", bool]
# rule -> (expression, whether an unreadable cell is a problem)
RULES: dict[str, Rule] = {
    "text": (_text, False), "token": (_text, False), "text_ffill": (_text, False),
    "status": (_text, False), "id": (identifier, True), "id_compose": (identifier, True),
    "money": (money, True), "money_or_token": (money, True), "money_line_sum": (money, True),
    "money_more": (money, True), "money_first_row": (money, True), "money_in": (money, True),
    "money_out": (_outgoing, True),
    "points": (_points, True), "int": (whole, True), "days": (whole, True), "float": (real, True),
    "pct": (fraction, True), "pct_low": (low_share, True), "pct_high": (high_share, True),
    "range_low": (low_of, True), "range_high": (high_of, True), "seconds": (seconds, True),
    "ts": (moment, True), "ts_utc": (moment_utc, True), "ts_or_order_id": (moment, True),
    "date": (day, True), "bool": (flag, True),
    "presale": (lambda x, _: f"{x} IS NOT NULL", False), "email": (_hashed, False),
    "ip_region": (lambda x, _: f"nullif(regexp_extract({x}, '\\(([^)]*)\\)', 1), '')", False),
    "address1": (_address(1), False), "address2": (_address(2), False),
    "address3": (_address(3), False),
}  # fmt: skip
TEXTS = tuple(r for r in RULES if not RULES[r][1] and r != "ip_region")
IDS = ("id", "id_compose")
TIMES = ("ts", "ts_utc", "ts_or_order_id", "date")
NUMBERS = tuple(r for r in RULES if RULES[r][1] and r not in {*IDS, *TIMES, "bool"})
