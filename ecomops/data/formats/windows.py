"""Days of ad reports whose figures may still change: attribution has not closed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ecomops.data.formats import sql
from ecomops.data.problems import Problem

if TYPE_CHECKING:
    import ibis


def open_windows(reports: ibis.Table, con: Any) -> list[Problem]:
    """Return the rows whose day lies within their attribution window of the last day reported.

    A conversion counts back to its click for so many days, so these rows grow in the next export;
    where the export does not name its window, nothing can be said, and that is said.
    """
    if "attribution_window_days" not in reports.columns:
        return []
    rows = sql.name(reports.get_name())
    value = "conversion_value" if "conversion_value" in reports.columns else "NULL::DECIMAL(18,2)"
    query = sql.queries("across")["windows"].format(rows=rows, value=value)
    ((count, first, newest, longest, amount, unknown),) = sql.rows(con, query)
    found = []
    if count:
        shown = (f"{first} – {newest}: {longest} d",)
        money = None if amount is None else Decimal(amount)
        found.append(Problem("open_window", "ad_reports", "flagged", count, shown, money))
    if unknown:
        found.append(Problem("window_unknown", "ad_reports", "flagged", unknown))
    return found
