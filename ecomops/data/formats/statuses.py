"""Platforms' wording of states, mapped to the canonical ones."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any

import ibis

from ecomops.base.packaged import packaged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


ORDER_OF: Sequence[str] = packaged("data/formats/tables.toml")["reached"]["order"]


@cache
def statuses() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return platform -> ``order`` or ``refund`` -> wording -> canonical status.

    >>> statuses()["taobao"]["order"]["交易成功"]
    'completed'
    """
    return packaged("data/formats/statuses.yaml")  # type: ignore[no-any-return]


def wording(platform: str | None, kind: str) -> dict[str, str]:
    """Return the wordings of a platform without blanks and full-width commas."""
    found = statuses().get(platform or "", {}).get(kind, {})
    return {_plain(str(said)): meant for said, meant in found.items()}


def _plain(said: str) -> str:
    return unicodedata.normalize("NFKC", said).replace(" ", "").lower()


def order_status(raw: Any, said: list[str], paid: Any, platform: str | None) -> Any:
    """Return the canonical status of an order; null stays null, unknown words say so.

    `said` are the wordings that occur; `paid` says whether the order was paid, None where that is
    not known: then a closed order is just ``closed``.
    """
    words = wording(platform, "order")
    meant = {word: words.get(_plain(word), "unknown") for word in said}
    if not meant:
        return ibis.null("string")
    status = raw.substitute(meant, else_=ibis.null("string"))
    if paid is None or "closed" not in meant.values():
        return status
    return (status == "closed").ifelse(paid.ifelse("closed_refunded", "closed_unpaid"), status)


def refund_status(raw: Any, said: list[str], platform: str | None) -> Any:
    """Return none, applied, refunding, refunded or closed; other wording stays as it is."""
    words = wording(platform, "refund")
    known = {word: words[_plain(word)] for word in said if _plain(word) in words}
    return raw.substitute(known, else_=raw) if known else raw


def furthest(status: Any) -> Any:
    """Return the status of the furthest line of a group."""
    place = {name: f"{i}{name}" for i, name in enumerate(ORDER_OF)}
    return status.substitute(place, else_=ibis.null("string")).max().substr(1)
