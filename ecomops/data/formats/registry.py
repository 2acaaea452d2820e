"""The known export layouts, read from ``registry/*.yaml``."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml

from ecomops.base.errors import DataError, OptionError, suggestion
from ecomops.base.packaged import packaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

ALIASES = {"uci": "uci_online_retail", "olist": "olist_orders", "shopify": "shopify_orders"}
FIXED: Mapping[str, Any] = packaged("data/formats/fixed.toml")["layouts"]
_CURRENCY = re.compile(r"\((usd|eur|gbp|cny|rmb|jpy|cad|aud|brl|inr|元)\)")


def fold(name: str) -> str:
    """Return a header as it is compared: NFKC, no blanks, no case, no unit of money.

    >>> fold("收货地址 "), fold("Amount spent (USD)"), fold("店铺Id") == fold("店铺ＩＤ")
    ('收货地址', 'amountspent', True)
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    text = re.sub(r"[\s\ufeff'\"]+", "", text)
    return _CURRENCY.sub("", text) or text


@dataclass(frozen=True)
class Target:
    """Where a source column goes: canonical table and column, and the rule that types it."""

    table: str
    column: str
    rule: str


@dataclass(frozen=True, eq=False)
class Format:
    """One export layout.

    `confidence` is A (header seen in public sources), B, C (from memory) or T (our own template).
    """

    id: str
    family: str
    zh: str
    en: str
    headers: tuple[str, ...]
    optional: tuple[str, ...]
    targets: Mapping[str, tuple[Target, ...]]
    aliases: Mapping[str, str]
    constants: Mapping[tuple[str, str], object]
    required: tuple[str, ...]
    platform: str = "own"
    container: str = "csv"
    encoding: str = "utf-8"
    confidence: str = "C"
    evidence: str = ""
    statuses: str | None = None
    finish: str | None = None
    period: tuple[str, str] | None = None
    timezone: str | None = None
    currency: str | None = None
    money_scale: int = 2
    footer_blank: tuple[str, ...] = ()
    explanation_row: bool = False
    free_columns: bool = False
    patterns: tuple[str, ...] = ()
    folded: frozenset[str] = field(default_factory=frozenset)

    @property
    def tables(self) -> tuple[str, ...]:
        """The canonical tables this layout feeds, in the order of its columns."""
        names = [t.table for targets in self.targets.values() for t in targets]
        return tuple(dict.fromkeys(name for name in names if not name.startswith("_")))

    def place(self, header: str) -> str:
        """Return where a column goes, as text; empty where it has no canonical place."""
        return ", ".join(f"{t.table}.{t.column}" for t in self.targets.get(fold(header), ()))

    @property
    def zone(self) -> str:
        """The time zone its time stamps are in when the cells do not say."""
        return self.timezone or ("UTC" if self.platform in FIXED["abroad"] else "Asia/Shanghai")

    @property
    def money(self) -> str | None:
        """The currency of its amounts, None where only the file knows."""
        return self.currency or (None if self.platform in FIXED["abroad"] else "CNY")


def _targets(raw: str | list[str]) -> tuple[Target, ...]:
    found = []
    for text in [raw] if isinstance(raw, str) else raw:
        place, _, rule = text.partition(" ")
        found.append(Target(*_place(place), rule.strip() or "text"))
    return tuple(found)


def _place(text: str) -> tuple[str, str]:
    table, _, column = text.partition(".")
    return table, column


def _key_headers(mapping: Mapping[str, tuple[Target, ...]]) -> tuple[str, ...]:
    """Return the headers that tell rows apart: ids of the main table, or dates."""
    keys = {"orders.order_id", "order_lines.order_line_id", "order_lines.order_id"}
    keys |= {"refunds.refund_id", "customers.customer_id", "_uci.invoice", "_uci.at"}
    dates = {"traffic_daily.date", "ad_reports.date", "live_sessions.started_at"}
    found = [h for h, ts in mapping.items() if any(f"{t.table}.{t.column}" in keys for t in ts)]
    return tuple(found[:1]) or tuple(
        h for h, ts in mapping.items() if any(f"{t.table}.{t.column}" in dates for t in ts)
    )


def parse(fid: str, raw: Mapping[str, Any]) -> Format:
    """Return the layout described by one entry of a YAML file.

    Raises `DataError` when it lacks headers or maps a header it does not list.

    >>> parse("mine", {"headers": ["no", "sum"], "mapping": {"no": "orders.order_id id"}}).tables
    ('orders',)
    """
    headers = tuple(str(h) for h in raw.get("headers", ()))
    optional = tuple(str(h) for h in (*raw.get("extra_seen", ()), *raw.get("old_alias", ())))
    mapping = {fold(str(h)): _targets(t) for h, t in (raw.get("mapping") or {}).items()}
    known = {fold(h) for h in (*headers, *optional)}
    unknown = sorted(set(mapping) - known)
    if not headers or unknown:
        raise DataError("bad_format", format=fid, columns=unknown or ["headers"])
    aliases = {
        fold(str(other)): fold(str(header))
        for header, others in (raw.get("aliases") or {}).items()
        for other in others
    }
    required = raw.get("required")
    raw = {"family": fid, "zh": fid, "en": fid, **raw}
    return Format(
        id=fid,
        headers=headers,
        optional=optional,
        targets=mapping,
        aliases=aliases,
        constants={_place(k): v for k, v in (raw.get("set") or {}).items()},
        required=tuple(fold(h) for h in required) if required else _key_headers(mapping),
        period=_place(raw["period"]) if "period" in raw else None,
        footer_blank=tuple(fold(h) for h in raw.get("footer_blank", ())),
        patterns=tuple(raw.get("patterns", ())),
        folded=frozenset(known),
        **{name: raw[name] for name in FIXED["plain"] if name in raw},
    )


def _read(text: str) -> dict[str, Format]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return {fid: parse(fid, raw) for fid, raw in (yaml.load(text, Loader=loader) or {}).items()}  # noqa: S506


@cache
def formats() -> Mapping[str, Format]:
    """Return every layout that ships with the library, by id.

    >>> len(formats()) >= 72, formats()["taobao_orders_2018"].confidence
    (True, 'A')
    """
    folder = resources.files("ecomops.data.formats") / "registry"
    files = sorted(folder.iterdir(), key=lambda entry: entry.name)
    merged: dict[str, Format] = {}
    for file in files:
        if file.name.endswith(".yaml"):
            merged |= _read(file.read_text(encoding="utf-8"))
    return merged


def own_formats(folder: Path) -> dict[str, Format]:
    """Return the layouts a shop describes in ``formats/*.yaml`` of its folder."""
    found: dict[str, Format] = {}
    for file in sorted((folder / "formats").glob("*.yaml")):
        found |= _read(file.read_text(encoding="utf-8"))
    return found


def format_of(name: str, known: Mapping[str, Format] | None = None) -> Format:
    """Return the layout called `name` (an id or a short alias).

    Raises `OptionError` naming the nearest id otherwise.

    >>> format_of("uci").id
    'uci_online_retail'
    """
    known = known or formats()
    fid = ALIASES.get(name, name)
    if fid in known:
        return known[fid]
    near = suggestion(name, (*known, *ALIASES))
    raise OptionError("unknown_format", name=name, near=near or "—", count=len(known))


def relatives(fmt: Format, known: Iterable[Format]) -> tuple[Format, ...]:
    """Return `fmt` and then the other layouts of its family, whose column names it may use."""
    others = (f for f in known if f.family == fmt.family and f is not fmt)
    return (fmt, *sorted(others, key=lambda f: f.id))
