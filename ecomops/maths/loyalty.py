"""What points and tiers cost: revenue deferred, breakage, liability, break-evens."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Deferral:
    """How a sale splits between goods and the points that came with it."""

    goods: float
    points: float


def split_sale(price: float, points: float, point_value: float, redeemed: float) -> Deferral:
    """Return the transaction price split by relative stand-alone value (IFRS 15, IE267-IE270).

    `price` is paid and the goods' own value, `points` the pieces granted, `point_value` money off
    per point, `redeemed` the share of points expected to be used.

    >>> sale = split_sale(100_000, 10_000, 1, 0.95)
    >>> print(round(sale.goods), round(sale.points))
    91324 8676
    """
    worth = points * point_value * redeemed
    return Deferral(price * price / (price + worth), price * worth / (price + worth))


def recognised(deferred: float, used: float, expected: float) -> float:
    """Return the revenue earned so far by points used, given how many are expected to be.

    Catch-up: earlier years stay as booked, so the difference to them is this year's revenue
    (IFRS 15.B47: estimates of use change, past revenue is corrected in the year of the change).

    >>> round(recognised(8676, 4500, 9500))
    4110
    """
    return deferred * (min(used / expected, 1.0) if expected > 0 else 1.0)


def liability(deferred: float, used: float, expected: float) -> float:
    """Return what is still owed for points after `used` of the `expected` were used.

    >>> round(liability(8676, 4500, 9500))
    4566
    """
    return deferred - recognised(deferred, used, expected)


def breakeven_lift(margin: float, discount: float) -> float:
    """Return by how much pieces must rise for a price cut to pay: m / (m - d) - 1.

    `margin` and `discount` are shares of the old price; infinite when the cut eats the margin.

    >>> round(breakeven_lift(0.30, 0.10), 4)
    0.5
    """
    return margin / (margin - discount) - 1 if margin > discount else float("inf")


def breakeven_coupon(face: float, order_value: float, margin: float) -> float:
    """Return the share of coupon orders that must be extra for a coupon to pay.

    `order_value` before the coupon, `margin` its share of it: face / (margin x order value);
    infinite without a margin.

    >>> round(breakeven_coupon(10, 120, 0.30), 3)
    0.278
    """
    return face / (margin * order_value) if margin * order_value > 0 else float("inf")


def breakeven_benefit(cost: float, member_value: float, margin: float) -> float:
    """Return by what share a tier's members must spend more for its benefits to pay.

    `cost` of the benefits and `member_value` spent, both per member and year; infinite without a
    margin.

    >>> round(breakeven_benefit(60, 1000, 0.3), 3)
    0.2
    """
    return cost / (member_value * margin) if member_value * margin > 0 else float("inf")
