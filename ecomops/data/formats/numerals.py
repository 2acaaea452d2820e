"""Numbers as people and programs write them: signs of money, separators, 万 and 亿, brackets."""

from __future__ import annotations

from ecomops.base.packaged import packaged
from ecomops.data.formats.sql import text

HALF = "0123456789.,-+%:/()-- "
FULL = "".join(chr(ord(c) + 0xFEE0) for c in HALF[:-3]) + "\u2212\u2013\u3000"
YUAN = "¥￥"
GAP = r"[,\s\x{00a0}\x{202f}]"
# Groups of three (in India the upper ones of two): 12,50 is no such number and 12 50 are two.
GROUPED = r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d*)?"
SHAPE = (
    rf"^\s*((?:[-+]|\()?\s*(?:\d{{1,3}}(?:{GAP}\d{{2,3}})*{GAP}\d{{3}}|\d+)?"
    r"(?:\.\d*)?(?:[eE][-+]?\d+)?\s*[万亿]?(?:\)|-)?)\s*$"
)
_EURO = r"(?:\d{1,3}(?:[.\s\x{00a0}\x{202f}]\d{3})+|\d+)?(?:,\d*)?"
EUROPEAN = rf"^([^\d.,]*{_EURO}(?:[^\d.,]+{_EURO})?[^\d.,]*)$"
# What only one of the two ways to write fractions can mean; 1,234 and 1.234 may be either.
COMMA: str = packaged("data/formats/tables.toml")["cells"]["comma"]
EITHER = r"^[^\d.,]*[1-9]\d{0,2}[.,]\d{3}[^\d.,]*$"
POINT = r"\d\.(\d{1,2}|\d{4,})[^\d.,]*$|,\d{3}\.|,\d{3},\d{3}"


def number(x: str, *, yuan: bool = False, places: int = 4) -> str:
    """Return a decimal from any spelling of a number, rounded once; none but 元 with `yuan`.

    Each step names the one before it only once: the engine computes what occurs twice for every
    row, even where the plain cast has already succeeded. A cast that fails is ten times as slow as
    one that does not, so cells with a usual sign of money do not begin with one.
    """
    signs = YUAN if yuan else YUAN + "$"
    begins = f"list_contains([{', '.join(str(ord(c)) for c in signs)}], unicode({x}))"
    marked = f"suffix({x}, '元') OR {begins} OR contains({x}, ',')"
    grouped = f"regexp_extract({x}, {text(f'^[-+]?[{signs}]?[-+]?{GROUPED}元?$')})"
    dropped = f"{text(signs + '元,')}, ''"
    digits = f"{x} >= '0' AND {x} < ':' AND suffix({x}, '元')"
    told = (
        f"CASE WHEN contains({x}, ',') THEN translate({grouped}, {dropped}) "
        f"WHEN {digits} THEN substring({x}, 1, length({x}) - 1) ELSE translate({x}, {dropped}) END"
    )
    usual = f"try_cast(CASE WHEN {marked} THEN {told} ELSE {x} END AS DECIMAL(18,{places}))"
    return f"coalesce({usual}, try_cast({_spelt(x, yuan=yuan)} AS DECIMAL(18,{places})))"


def half_width(x: str) -> str:
    """Return a cell with full-width digits and signs as the half-width ones they are."""
    return f"translate({x}, {text(FULL)}, {text(HALF)})"


def _spelt(x: str, *, yuan: bool) -> str:
    """Return a number in an unusual spelling as the engine reads it, empty where it is none."""
    words = rf"(?i)[{YUAN}]|元|cny|rmb" + ("" if yuan else r"|us\$|r\$|[€£$]|usd|eur|gbp")
    bare = f"regexp_replace({half_width(x)}, {text(words)}, '', 'g')"
    whole = f"regexp_replace(regexp_extract({bare}, {text(SHAPE)}, 1), {text(GAP)}, '', 'g')"
    signed = rf"regexp_replace({whole}, '^\((.*)\)$|^([^-+].*)-$', '-\1\2')"
    return f"replace(replace({signed}, '万', 'e4'), '亿', 'e8')"


def european(x: str) -> str:
    """Return a cell whose fractions begin with a comma as one with a point; empty if it has none.

    Points may stand between thousands only, so that 12.50 is no number here.
    """
    found = f"regexp_extract({x}, {text(EUROPEAN)}, 1)"
    swapped = f"replace(replace({found}, '.', ''), ',', '.')"
    return f"CASE WHEN contains({x}, ',') OR contains({x}, '.') THEN {swapped} ELSE {x} END"


def written(shape: str, x: str) -> str:
    """Return whether a cell has a shape that only one way to write fractions has."""
    either = f"contains({x}, ',') OR {x} LIKE '%.%.%'" if shape == COMMA else f"contains({x}, '.')"
    return f"CASE WHEN {either} THEN regexp_matches({x}, {text(shape)}) END"
