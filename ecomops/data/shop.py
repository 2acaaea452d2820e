"""A shop: its canonical tables, its money and zone, and what its data is worth."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import ibis

from ecomops.base import checks
from ecomops.base.errors import DataError, MissingError, OptionError, suggestion
from ecomops.base.options import LANGUAGES, options
from ecomops.base.packaged import share
from ecomops.data import formats, schema
from ecomops.data.festivals import calendar_of, usual
from ecomops.data.policy import Coverage, Margins, coverage, currency_of, margins
from ecomops.data.problems import Problem
from ecomops.data.tables import ALONE, engine, frame, number, opened, read_file, sources, table
from ecomops.data.views import views

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from ecomops.data.festivals import Festival

ZONES = {"CNY": "Asia/Shanghai", "GBP": "Europe/London", "BRL": "America/Sao_Paulo"}
SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Shop:
    """The canonical tables of one shop, in the engine where they live.

    Tables are attributes: ``shop.orders``, ``shop.traffic_daily`` … Each is an ibis table with the
    canonical columns and types; one that the shop lacks raises `MissingError`. `extras` holds, by
    canonical table, what its exports told beyond that: the key and the other columns as text.
    """

    name: str
    tables: Mapping[str, ibis.Table]
    currency: str
    timezone: str
    source: str
    names: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    extras: Mapping[str, ibis.Table] = field(default_factory=dict)
    folder: Path | None = None  # where the shop may keep things of its own; none for the demo

    def __getattr__(self, name: str) -> ibis.Table:
        """Return the canonical table `name`."""
        if name in self.__dict__.get("tables", {}):
            return self.tables[name]
        if name in schema.tables():
            raise MissingError("table_absent", table=name, present=sorted(self.tables))
        near = "" if name.startswith("_") else suggestion(name, schema.tables())
        known = list(schema.tables())
        said = MissingError("unknown_table", name=name, allowed=known, near=near)
        raise AttributeError(str(said) if near else name)

    def get(self, name: str) -> ibis.Table | None:
        """Return the canonical table `name`, or None when the shop lacks it."""
        return self.tables[name] if name in self else None

    def __repr__(self) -> str:
        listed = ", ".join(sorted(self.tables))
        return f"<Shop {self.name}: {self.currency}, {self.timezone}, {self.source}; {listed}>"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.tables]

    def __contains__(self, name: str) -> bool:
        return name in self.tables

    def title(self, lang: str | None = None) -> str:
        """Return the shop's name in `lang`."""
        return self.names.get(checks.language(lang), self.name)

    @cached_property
    def coverage(self) -> Coverage:
        """What the orders hold: counts by reason, days spanned, currency."""
        return coverage(self.orders)

    def festivals(
        self, calendar: str | None = None, own_days: Iterable[Mapping[str, Any]] = ()
    ) -> tuple[Festival, ...]:
        """Return the festivals of `calendar`, by the shop's money when None, with its `own_days`.

        Raises `OptionError` for a calendar other than "cn", "western" or "all".
        """
        return calendar_of(calendar or usual(self.currency), own_days)

    @property
    def margin(self) -> float | None:
        """Margin per unit of paid money, later refunds deducted; None without costs of lines."""
        return self._margins.paid

    @property
    def gross_margin(self) -> float | None:
        """Margin per unit of net sales, gifts aside: for money already without refunds."""
        return self._margins.net

    @cached_property
    def _margins(self) -> Margins:
        return self.margins()

    def margins(self, as_of: date | None = None) -> Margins:
        """Return `margin` and `gross_margin` as `paid` and `net`, without orders after `as_of`."""
        lines = self.get("order_lines")
        if lines is None:
            return Margins()
        if as_of and "orders" in self:
            at = ibis.coalesce(ibis._.paid_at, ibis._.created_at)
            later = self.orders.filter(at.date() > ibis.literal(as_of))
            lines = lines.anti_join(later, "order_id")
        return margins(lines)

    def check(self, *, lang: str | None = None) -> Any:
        """Return the data-quality report (see `ecomops.store.check`)."""
        from ecomops.store.quality import check  # noqa: PLC0415 - the one arrow that points up

        return check(self, lang=lang)


def open_shop(
    source: object,
    *,
    format: str | None = None,
    currency: str | None = None,
    timezone: str | None = None,
    lang: str | None = None,
) -> Shop:
    """Open a shop from wherever its data is.

    Parameters
    ----------
    source
        ``"demo"``; a folder with one Parquet or CSV file per canonical table and an optional
        ``shop.toml``; a platform's export (file or folder); a dict of frames by canonical name;
        or an ibis connection that holds canonical tables.
    format
        The export layout, such as ``"uci"`` or ``"shopify_orders"``; recognised when None.
    currency
        Keep only orders in this currency. By default the data must hold a single one.
    timezone
        The shop's IANA zone, to which zoned times are converted.
    lang
        ``"zh"`` or ``"en"``: also becomes the session's language.

    Raises `MissingError`, `DataError` or `OptionError`; nothing is ever written.

    >>> open_shop("demo").currency
    'CNY'
    """
    if lang:
        options.lang = checks.language(lang)
    _check_zone(timezone)
    with ALONE:
        return _opened(source, format, str(currency or "").upper(), timezone)


def _opened(source: object, layout: str | None, currency: str, timezone: str | None) -> Shop:
    options.glossary = {}  # of the shop that was open before
    if isinstance(source, Mapping):
        shop = _from_frames(source, currency, timezone)
    elif isinstance(source, str | Path):
        shop = replace(_from_path(source, layout, currency, timezone), folder=_own_folder(source))
    elif isinstance(source, ibis.BaseBackend):
        shop = _from_connection(source, currency, timezone)
    else:
        raise OptionError("not_a_table", kind=type(source).__name__)
    told = shop.currency if shop.source == "canonical" else ""  # in shop.toml
    shop = _in_one_currency(_with_tickets(shop), currency or told)
    return replace(shop, tables=views(shop.tables))


def demo_folder() -> Path:
    """Return the folder of the built-in shop, in the wheel or in the checkout."""
    return share("datasets") / "demo"


def _own_folder(source: str | Path) -> Path | None:
    path = Path(source)
    return None if source == "demo" else path if path.is_dir() else path.parent


def _check_zone(timezone: str | None) -> None:
    if timezone:
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, TypeError, ValueError):
            raise OptionError("unknown_timezone", timezone=timezone) from None


def _zone(timezone: str | None, currency: str, orders: object) -> str:
    """Return the zone as told, else that of the money, which the orders tell if nobody does."""
    if not (timezone or currency or orders is None):
        currency = currency_of(opened(orders))
    return timezone or ZONES.get("CNY" if currency in ("", "XXX") else currency, "UTC")


def _from_frames(frames: Mapping[str, object], currency: str, timezone: str | None) -> Shop:
    zone = _zone(timezone, currency, frames.get("orders"))
    tables = {name: table(f, name, timezone=zone) for name, f in frames.items()}
    _refuse_several_engines(tables)
    return Shop(name="shop", tables=tables, currency=currency, timezone=zone, source="frames")


def _refuse_several_engines(tables: Mapping[str, ibis.Table]) -> None:
    """Raise when tables live in different connections: no query can join them."""
    homes: dict[int, list[str]] = {}
    for name, t in tables.items():
        for home in set(map(id, sources(t))):
            homes.setdefault(home, []).append(name)
    if len(homes) > 1:
        groups = [" + ".join(names) for names in homes.values()]
        raise DataError("several_connections", count=len(homes), groups=groups)


def _from_connection(con: ibis.BaseBackend, currency: str, timezone: str | None) -> Shop:
    found = [name for name in schema.tables() if name in con.list_tables()]
    if not found:
        raise MissingError("no_shop_tables", path=con.name, entries=con.list_tables() or ["—"])
    shop = _from_frames({name: con.table(name) for name in found}, currency, timezone)
    return replace(shop, name=con.name, source=con.name)


def _from_path(source: str | Path, layout: str | None, currency: str, timezone: str | None) -> Shop:
    path = demo_folder() if source == "demo" else checks.path(source)
    try:
        if not path.exists():
            raise MissingError("no_such_file", path=str(path))
        formats.complete(path)
        files = canonical_files(path)
    except PermissionError:
        raise DataError("no_rights", path=str(path)) from None
    if not files or layout not in (None, "canonical"):
        return _from_export(path, layout, currency, timezone)
    try:
        return _from_files(path, files, currency, timezone)
    except DataError as error:
        if layout or error.code not in ("missing_columns", "cells_differ"):
            raise
        with suppress(DataError):  # an export that somebody called orders.csv
            return _from_export(path, None, currency, timezone)
        raise


def _from_export(path: Path, layout: str | None, currency: str, timezone: str | None) -> Shop:
    loaded = formats.load(path, con=engine(), format=layout, timezone=timezone)
    zone = loaded.timezone
    return Shop(
        name=path.stem,
        tables={name: table(t, name, timezone=zone) for name, t in loaded.tables.items()},
        currency=currency or loaded.currency or "",
        timezone=zone,
        source=loaded.format,
        problems=loaded.problems,
        extras=loaded.extras,
    )


def canonical_files(path: Path) -> dict[str, Path]:
    """Return canonical table name -> file of a shop folder (or of one such file)."""
    entries = sorted(path.iterdir()) if path.is_dir() else [path]
    known = [e for e in entries if e.suffix.lower() in SUFFIXES and e.is_file()]
    found: dict[str, list[Path]] = {}
    for file in known:
        found.setdefault(file.stem.lower(), []).append(file)
    named = {name: files for name, files in found.items() if name in schema.tables()}
    if twice := [file.name for files in named.values() if len(files) > 1 for file in files]:
        raise DataError("table_twice", files=twice)
    return {name: file for name, (file,) in named.items()}


def _from_files(path: Path, files: Mapping[str, Path], currency: str, timezone: str | None) -> Shop:
    settings = _settings(path if path.is_dir() else path.parent)
    options.glossary = settings.get("english", {})
    currency = currency or settings.get("currency", "").upper()
    raw = {name: read_file(file) for name, file in files.items()}
    zone = _zone(timezone or settings.get("timezone"), currency, raw.get("orders"))
    return Shop(
        name=settings.get("name", path.stem),
        names={x: settings[f"name_{x}"] for x in LANGUAGES if f"name_{x}" in settings},
        tables={name: table(t, name, timezone=zone) for name, t in raw.items()},
        currency=currency,
        timezone=zone,
        source="canonical",
        extras=_extras(path),
        problems=_passed_over(path, files.values()),
    )


def _passed_over(path: Path, read: Iterable[Path]) -> tuple[Problem, ...]:
    """Return the files of a shop folder that look like data and are not read."""
    others = {*path.iterdir()} - {*read} if path.is_dir() else set()
    kinds = (*SUFFIXES, ".xlsx", ".xls")
    left = (f.name for f in others if f.suffix.lower() in kinds and formats.SUFFIX not in f.name)
    names = tuple(sorted(left))
    return (Problem("file_passed_over", "orders", "flagged", len(names), names),) if names else ()


def _extras(path: Path) -> dict[str, ibis.Table]:
    found = sorted(path.glob(f"*{formats.SUFFIX}.parquet")) if path.is_dir() else []
    return {file.stem.removesuffix(formats.SUFFIX): read_file(file) for file in found}


def _settings(folder: Path) -> dict[str, Any]:
    file = folder / "shop.toml"
    if not file.exists():
        return {}
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError("bad_shop_toml", path=str(file), reason=str(error)) from error
    texts = ("name", "name_zh", "name_en", "currency", "timezone", "lang")
    if wrong := [key for key in texts if not isinstance(settings.get(key, ""), str)]:
        said = ", ".join(f"{key} = {settings[key]!r}" for key in wrong)
        raise DataError("bad_shop_toml", path=str(file), reason=said)
    _check_zone(settings.get("timezone"))
    return settings


def _with_tickets(shop: Shop) -> Shop:
    """Return `shop` with refunds as its tickets tell them where orders, or lines, tell none."""
    for name, line in {"orders": "", "order_lines": "line_"}.items() if "refunds" in shop else ():
        rows, column, paid = shop.get(name), f"{line}refund_amount", f"{line}paid_amount"
        if rows is None or number(rows[column].count()):
            continue
        tickets = shop.refunds.filter(ibis._.refund_status.fill_null("refunded") == "refunded")
        told = number(tickets.semi_join(rows, "order_id").count())
        made = rows.mutate(**{column: ibis.literal(0.0)})
        for key in (["order_id", "order_line_id"], ["order_id"])[not line :]:
            sums = tickets.group_by(key).aggregate(_back=tickets.refund_amount.sum())
            both = made.left_join(sums, key)  # what names no line is spread over those of its order
            back, each = both["_back"].cast("float64"), both[paid].cast("float64")
            part = back * each / each.sum().over(group_by=key).nullif(0)
            made = both.mutate(**{column: both[column] + part.fill_null(0)}).select(rows.columns)
            tickets = tickets.anti_join(rows, key)
        if told:
            made = made.mutate(**{column: made[column].round(4).cast("decimal(18, 4)")})
            noted = (*shop.problems, Problem("refund_from_ticket", name, "changed", told))
            shop = replace(shop, tables={**shop.tables, name: made}, problems=noted)
    return shop


def _in_one_currency(shop: Shop, currency: str) -> Shop:
    """Return `shop` with its orders in one currency, or raise when they mix and none was named."""
    if "orders" not in shop:
        return shop
    money = currency or shop.currency or coverage(shop.orders).currency
    orders = shop.orders.mutate(currency=shop.orders.currency.fill_null(money))
    tables = {name: _priced(t, money) for name, t in shop.tables.items()} | {"orders": orders}
    if not currency:
        return replace(shop, tables=tables, currency=money)
    told = frame(shop.orders.group_by("currency").aggregate(n=shop.orders.count()))
    held = told["n"].groupby(told["currency"].fillna(money)).sum()
    if len(held) and money not in held:
        raise DataError("no_such_currency", currency=money, found=sorted(held.index))
    count = int(held.sum() - held.get(money, 0))
    kept = orders.filter(orders.currency == money) if count else orders
    if count:  # their lines and refunds go with them
        others = orders.filter(orders.currency != money)
        held_back = [n for n, t in tables.items() if n != "orders" and "order_id" in t.columns]
        tables |= {name: tables[name].anti_join(others, "order_id") for name in held_back}
    dropped = [Problem("other_currency", "orders", "dropped", count)] if count else []
    tables["orders"] = kept.mutate(currency=ibis.literal(money))  # so that no query reads it again
    return replace(shop, tables=tables, currency=money, problems=(*shop.problems, *dropped))


def _priced(t: ibis.Table, currency: str) -> ibis.Table:
    """Return `t` with the shop's currency beside its money, so that a table alone tells it."""
    has_money = any(dtype.is_decimal() for dtype in t.schema().values())
    bare = has_money and "currency" not in t.columns
    return t.mutate(currency=ibis.literal(currency)) if bare else t
