"""Segment and target lists in the shapes that CRM and e-mail tools import."""

from __future__ import annotations

import csv
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis

from ecomops.base.errors import DataError, MissingError, UnsafeError
from ecomops.base.packaged import packaged
from ecomops.data.formats.registry import format_of, formats
from ecomops.data.formats.write import encoding_of
from ecomops.data.formats.write import write as write_layout
from ecomops.data.tables import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

CHUNK = 50_000
# Columns that say by their name who must not be written to, or who alone may be.
NEVER = (
    "excluded", "exclude", "do_not_contact", "unsubscribed", "blacklisted", "held", "held_out",
    "holdout", "control",
)  # fmt: skip
ONLY = ("send", "contact")
YES = ("true", "yes", "y", "1", "是", "subscribed")
FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠\t\r\n]")
HARMLESS = re.compile(r"^(\+?\d[\d ]*|-?\d+(\.\d+)?)$")  # a phone number, a number
EMAIL = re.compile(r"^[^@\s*]+@[^@\s*]+\.[^@\s*]+$")
PHONE = re.compile(r"^\+?[\d ()-]{5,}$")


@dataclass(frozen=True)
class ListShape:
    """The columns a tool imports, by header: the field of a person that each is filled from.

    `consent` is the opt-in without which a person is left out (None: the file says it instead);
    a person needs one of `reach` to be found again by the tool.
    """

    id: str
    zh: str
    en: str
    columns: Mapping[str, str]
    reach: Sequence[str]
    evidence: str
    consent: str | None = None
    encoding: str = "utf-8"

    @property
    def by_id(self) -> bool:
        """Whether it names people by the platform's id: the platform asks its members itself."""
        return list(self.reach) == ["customer_id"]


LISTS: Mapping[str, ListShape] = {
    name: ListShape(name, **told) for name, told in packaged("data/lists.toml").items()
}


@dataclass(frozen=True)
class Written:
    """Files written; for lists also how many people, and how many were left out and why."""

    paths: tuple[Path, ...]
    people: int | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)


def write(source: Any, *, format: str, path: str | Path, people: object = None) -> Written:
    """Write a shop as an export of a platform, or a list of people for a tool to import.

    Parameters
    ----------
    source
        A shop (or its canonical tables by name) for a layout of ``ecomops formats``; for a list a
        table with ``customer_id`` and, if there is one, ``segment``: ``rfm.customers``, a
        targeting's ``scores``. None makes an empty file of a layout, with its header to fill in.
    format
        A layout's id, or ``"klaviyo_list"``, ``"mailchimp_list"``, ``"shopify_customers_list"``,
        ``"qianniu_crm_list"``.
    path
        The file to make; nothing is written over.
    people
        For lists: a table by ``customer_id`` with ``email``, ``phone``, ``first_name``,
        ``last_name``, ``email_opt_in``, ``sms_opt_in``, which a shop does not keep by itself.

    People whose opt-in the tool takes for granted must have given it; columns such as
    ``excluded``, ``unsubscribed`` or ``held`` leave people out, ``send`` lets only some in. Cells
    that a spreadsheet would run as a formula begin with an apostrophe.

    Raises `DataError` when contacts or consent are not there, or the tables hold nothing the
    layout can show; `MissingError` when there is no such folder; `UnsafeError` when a file is in
    the way.

    >>> import tempfile
    >>> rows = {
    ...     "customer_id": ["1", "2"],
    ...     "segment": ["=vip", "=vip"],
    ...     "email_opt_in": [True, False],
    ... }
    >>> known = {"customer_id": ["1", "2"], "email": ["a@b.org", "c@d.org"]}
    >>> import pandas as pd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "vip.csv"
    ...     done = write(
    ...         pd.DataFrame(rows), format="mailchimp_list", path=file, people=pd.DataFrame(known)
    ...     )
    ...     print(file.read_text().splitlines()[1], done.left_out)
    a@b.org,,,'=vip {'no_consent': 1}
    """
    if not (folder := Path(path).parent).is_dir():
        raise MissingError("no_such_file", path=str(folder))
    if format not in LISTS or format in formats():
        made = [_blank(format, Path(path))] if source is None else None
        return Written(tuple(made or write_layout(source, format=format, path=path)))
    target, shape = Path(path), LISTS[format]
    if target.exists():
        raise UnsafeError("file_in_the_way", path=str(target))
    found = _people(source, people, shape)
    left_out: dict[str, int] = {}
    temporary = target.with_name(target.name + ".part")
    try:
        with temporary.open("w", encoding=shape.encoding, errors="replace", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow(shape.columns)
            count = 0
            for person in _chosen(_rows(found), shape, left_out):
                writer.writerow([tame(person.get(name)) for name in shape.columns.values()])
                count += 1
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return Written((target,), count, left_out)


def _blank(format: str, path: Path) -> Path:
    layout = format_of(format)
    if path.exists():
        raise UnsafeError("file_in_the_way", path=str(path))
    with path.open("w", encoding=encoding_of(layout), newline="") as file:
        csv.writer(file, lineterminator="\r\n").writerow(layout.headers)
    return path


def tame(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula; phone numbers stay as they are.

    >>> tame("=1+1"), tame("+86 138 0000 0000"), tame(None), tame("-5")
    ("'=1+1", '+86 138 0000 0000', '', '-5')
    """
    text = "" if value is None else str(value)
    return f"'{text}" if FORMULA.match(text) and not HARMLESS.match(text) else text


def _people(source: Any, people: object, shape: ListShape) -> ibis.Table:
    """Return the people asked for with what is known of each, in the order of their ids.

    Raises `DataError` when nobody can be reached or nobody was asked for consent.
    """
    rows = opened(source)
    if "customer_id" not in rows.columns:
        raise DataError("list_without_customers", format=shape.id, columns=list(rows.columns))
    rows = rows.filter(rows.customer_id.notnull())
    rows = rows.mutate(customer_id=rows.customer_id.cast("string"))
    if people is not None:
        known = opened(people)
        known = known.mutate(customer_id=known.customer_id.cast("string"))
        own = [c for c in known.columns if c in rows.columns and c != "customer_id"]
        rows = rows.rename({f"{c}_own": c for c in own}).left_join(known, "customer_id")
        rows = rows.mutate(**{c: ibis.coalesce(rows[c], rows[f"{c}_own"]) for c in own})
    have = set(rows.columns)
    if not have & set(shape.reach):
        raise DataError("list_without_contacts", format=shape.id, columns=list(shape.reach))
    if shape.consent and shape.consent not in have and not shape.by_id:
        raise DataError("list_without_consent", format=shape.id, column=shape.consent)
    return rows.order_by("customer_id")


def _rows(found: ibis.Table) -> Iterator[dict[str, Any]]:
    batches = iter(found.to_pyarrow_batches(chunk_size=CHUNK))
    while True:
        with warnings.catch_warnings():  # ibis 12 asks DuckDB 1.5 by an old name
            warnings.simplefilter("ignore", DeprecationWarning)
            batch = next(batches, None)
        if batch is None:
            return
        yield from batch.to_pylist()


def _chosen(
    rows: Iterable[dict[str, Any]], shape: ListShape, left_out: dict[str, int]
) -> Iterator[dict[str, Any]]:
    """Yield who may be written to, once each; count the others by reason."""
    seen: set[str] = set()
    for row in rows:
        person = row | _reachable(row)
        reached = next((str(person[c]) for c in shape.reach if person.get(c)), "")
        reason = _reason(row, shape) or ("" if reached else "no_contact")
        reason = reason or ("duplicate" if reached in seen else "")
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        seen.add(reached)
        yield person


def _reachable(row: Mapping[str, Any]) -> dict[str, str]:
    """Return addresses that are ones (masked and hashed ones are not), and the consent in words."""
    email, phone = (str(row.get(c) or "").strip() for c in ("email", "phone"))
    phone = phone if PHONE.match(phone) else ""
    by_sms = _agreed(row, "sms_opt_in") is True
    return {
        "email": email.lower() if EMAIL.match(email) else "",
        "phone": phone,
        "sms_phone": phone if by_sms else "",
        "email_yes": "yes" if _agreed(row, "email_opt_in") else "no",
        "sms_yes": "yes" if by_sms else "no",
    }


def _agreed(row: Mapping[str, Any], name: str) -> bool | None:
    """Return what is known under a name, in the list or of the person: one no outweighs a yes."""
    told = [_truth(row.get(c)) for c in (name, f"{name}_own")]
    return None if told == [None, None] else all(each is not False for each in told)


def _truth(value: object) -> bool | None:
    if value is None or value == "" or value != value:  # noqa: PLR0124 - not a number
        return None
    return value.strip().lower() in YES if isinstance(value, str) else bool(value)


def _reason(row: Mapping[str, Any], shape: ListShape) -> str:
    """Return why a person is left out, empty where nothing speaks against writing."""
    named = [(c, _truth(row.get(c)), _truth(row.get(f"{c}_own"))) for c in (*NEVER, *ONLY)]
    if any((c not in ONLY) in (known, own) for c, known, own in named):
        return "excluded"
    if shape.consent is None:
        return ""
    given = _agreed(row, shape.consent)
    return "no_consent" if given is False or (not shape.by_id and not given) else ""
