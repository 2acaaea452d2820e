"""Shops whose advertising does what the simulator's media module plants, as plain frames."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

import ecomops as eo
from ecomops.data.festivals import days, festivals
from ecomops.sim import media
from ecomops.sim.settings import Channel

NAMES = ("直通车", "引力魔方", "短视频")
FORMS = ((0.3, 1.2, 1.3), (0.6, 1.5, 1.4), (0.5, 1.0, 1.0))  # retention, half, slope
MARGIN = 0.5
BAD = (6000.0, 9000.0, 800.0), (900, 1500, 600)  # tops a day, budgets a day
NEAR = (4212.5, 4640.3, 5400.0), (900, 1000, 900)  # one more unit brings 1.5 on each
NONE = (0.0, 0.0, 0.0), (900, 1500, 600)


@dataclass(frozen=True)
class Planted:
    """A shop's frames and the curves behind them."""

    frames: dict[str, pd.DataFrame]
    channels: tuple[Channel, ...]
    tops: tuple[float, ...]

    @property
    def shop(self):
        return eo.open(self.frames, currency="CNY")

    def sales(self, spend) -> np.ndarray:
        """Return the true sales a day of each channel at a steady spend a day."""
        scaled = np.asarray(spend) / [c.budget / 100 for c in self.channels]
        half, slope = (np.array([getattr(c, f) for c in self.channels]) for f in ("half", "slope"))
        return np.array(self.tops) * scaled**slope / (scaled**slope + half**slope)

    def marginal(self, spend) -> np.ndarray:
        """Return the true sales of one more unit of spend."""
        spend = np.asarray(spend)
        return (self.sales(spend * 1.0005) - self.sales(spend * 0.9995)) / (spend * 0.001)


def planted(seed, plan=BAD, *, n=730, noise=0.08, forms=FORMS, settled=False) -> Planted:
    """Return two years of 10,000 a day, plus what three channels bring, times a calendar.

    `settled`: the last 56 days are spent exactly by budget.
    """
    tops, budgets = plan
    channels = tuple(
        Channel(name, name, True, 0.1, 0.1, 0.03, budget=b * 100, retention=r, half=h, slope=s)
        for name, b, (r, h, s) in zip(NAMES, budgets, forms, strict=True)
    )
    random = np.random.default_rng(seed + 1000)
    facts = days(date(2024, 1, 1), n, festivals())
    season = 0.15 * np.sin(2 * np.pi * facts.years) + 0.1 * (facts.weekday >= 5)
    share = np.exp(season + 0.5 * facts.festive)
    spend = np.array([media.spending(c, n, seed) / 100 for c in channels])
    if settled:
        spend[:, -56:] = np.array(budgets)[:, None]
    effect = np.array([_effect(c, s) for c, s in zip(channels, spend, strict=True)])
    level = 10_000 * np.exp(np.cumsum(random.normal(0, 0.004, n)))
    sales = level + np.array(tops) @ effect + 10_000 * noise * random.standard_normal(n)
    paid = np.maximum(sales * share / share.mean(), 1).round(2)
    return Planted(frames(paid, spend), channels, tops)


def _effect(channel, spend):
    stock = media.adstock(spend * 100 / channel.budget, channel.retention)
    return media.hill(stock * (1 - channel.retention), channel.half, channel.slope)


def frames(paid, spend) -> dict[str, pd.DataFrame]:
    """Return one order a day of `paid`, half of it cost, and the ad reports of `spend`."""
    n = len(paid)
    day = pd.date_range("2024-01-01", periods=n)
    order = pd.DataFrame({"order_id": [f"o{i:04d}" for i in range(n)], "created_at": day})
    order["created_at"] += pd.Timedelta(hours=12)
    line = {"product_id": "p", "quantity": 1, "line_paid_amount": paid}
    lines = order[["order_id"]].assign(**line, line_cost=(paid * MARGIN).round(2))
    ads = [
        pd.DataFrame(
            {
                "date": day.date,
                "platform": "alimama",
                "account_id": "A",
                "scene_name": NAMES[k],
                "campaign_id": f"c{k}",
                "impressions": 1000,
                "clicks": (spend[k] / 1.5).round().astype(int),
                "spend": spend[k].round(2),
                "attribution_model": "last_click",
                "attribution_window_days": 15,
                "conversions": (spend[k] / 60).round().astype(int),
            }
        )
        for k in range(len(spend))
    ]
    return {
        "orders": order.assign(paid_amount=paid),
        "order_lines": lines,
        "ad_reports": pd.concat(ads, ignore_index=True),
    }
