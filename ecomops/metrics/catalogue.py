"""The metrics of the field as data: name, formula, unit, good direction, variant, measures."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

from ecomops.base.errors import MissingError, OptionError, suggestion
from ecomops.base.options import LANGUAGES
from ecomops.base.packaged import packaged

if TYPE_CHECKING:
    from collections.abc import Mapping

Terms = tuple[tuple[float, tuple[str, ...]], ...]
GMV = ("gmv_placed", "gmv_paid", "gmv_net")


@dataclass(frozen=True)
class Metric:
    """One metric; a ratio where it has a denominator.

    `numerator` and `denominator` are sums of terms ``(factor, measures)``, the measures multiplied
    with each other. `elsewhere` names the analysis that answers it, `external` (by language) what
    no canonical table holds. `source` is ``"S"`` (a platform's definition) or ``"M"`` (common use).
    """

    code: str
    names: Mapping[str, str]
    formula: Mapping[str, str]
    unit: str
    good: str
    source: str
    variant: Mapping[str, str] = field(default_factory=dict)
    numerator: Terms = ()
    denominator: Terms = ()
    elsewhere: str = ""
    external: Mapping[str, str] = field(default_factory=dict)

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that numerator and denominator ask for, in order."""
        terms = (*self.numerator, *self.denominator)
        return tuple(dict.fromkeys(name for _, names in terms for name in names))

    @property
    def is_ratio(self) -> bool:
        """Whether the value is numerator over denominator."""
        return bool(self.denominator)


def terms(text: str) -> Terms:
    """Return an expression of measures as signed terms.

    >>> terms("lines.list - 2 * lines.paid")
    ((1.0, ('lines.list',)), (-2.0, ('lines.paid',)))
    """
    signed = text.replace("- ", "+ -1 * ").split("+ ")
    return tuple(_term(part) for part in signed if part.strip())


def _term(text: str) -> tuple[float, tuple[str, ...]]:
    words = [part.strip() for part in text.split("*")]
    names = tuple(word for word in words if not word.lstrip("-").isdigit())
    return prod((float(word) for word in words if word not in names), start=1.0), names


def _metric(code: str, raw: Mapping[str, Any]) -> Metric:
    names = {lang: raw[lang] for lang in LANGUAGES}
    sums = {part: terms(raw[part]) for part in ("numerator", "denominator") if part in raw}
    return Metric(code=code, names=names, **({k: raw[k] for k in raw if k not in names} | sums))


@cache
def catalogue() -> Mapping[str, Metric]:
    """Return every metric by code, in the order of the dictionary of the field.

    >>> catalogue()["aov_buyer"].formula["en"]
    'amount paid ÷ buyers'
    """
    return {code: _metric(code, raw) for code, raw in packaged("metrics/catalogue.yaml").items()}


def metric(code: str) -> Metric:
    """Return one metric.

    Raises `OptionError` for a bare ``"gmv"``, whose variant must be named, and `MissingError`
    naming the nearest code for an unknown one.

    >>> metric("cvr_pay").names["zh"]
    '支付转化率'
    """
    if code == "gmv":
        raise OptionError("gmv_variant", name=code, allowed=list(GMV))
    if code in catalogue():
        return catalogue()[code]
    near = suggestion(code, catalogue()) or "pay_amount"
    raise MissingError("unknown_metric", name=code, near=near, count=len(catalogue()))
