"""Products: prices, demand behind empty shelves, niches, and what listings' defects cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import ecomops as eo
from benchmarks.methods.common import Estimate, Found, Method, bare, emitted
from ecomops.product.price import HORIZON
from ecomops.product.shelf import lost, shelf
from ecomops.sim import preset as settings_of
from ecomops.sim import shelves, world
from ecomops.sim.presets import sized
from ecomops.sim.truth import sku

if TYPE_CHECKING:
    from ecomops.sim import World

WORTH = {"images": -0.45, "attributes": -0.45, "video": 0.0}


def priced(preset: str, customers: int, seed: int) -> World:
    """Return the preset's world; in "tiny", 30 products get a price by lot every fortnight."""
    settings = sized(settings_of(preset), customers)
    if preset == "tiny":
        lot = replace(settings.prices, design="random", products=30, cell=14)
        settings = replace(settings, prices=lot)
    return world(settings, seed=seed)


def price(made: World) -> Found:
    """Elasticities, and the profit of the changes that are named; best: who knows elasticities.

    Truth: planted elasticities; pieces at the present price by what the last weeks sold. Naive:
    the slope of the logarithm of a product's pieces a month on that of its mean price.
    """
    lines = made.tables["order_lines"]
    result = eo.product.price(lines)
    planted = sku(made.plan).to_pandas()[["product_id", "elasticity"]]
    rows = result.table.merge(planted.rename(columns={"elasticity": "true"}), on="product_id")
    rows = rows[rows["true"].notna()]
    known = rows[(rows["reason"] == "known") & (rows["price"] > 0)]
    found: list[Estimate] = [
        ("elasticity", r.elasticity, r.true, r.low, r.high) for r in known.itertuples()
    ]
    slopes = naive_slopes(lines.to_pandas()).reindex(rows["product_id"])
    found += [bare("regression", s, t) for s, t in zip(slopes, rows["true"], strict=True)]
    if known.empty:
        return Found(found, emitted(result))
    worth = _profits(known, lines.to_pandas())
    sure = known["product_id"].isin(result.sure["product_id"]).to_numpy()
    gained, best = float(worth[sure, 0].sum()), float(worth[:, 1].sum())
    losing = int((worth[sure, 0] < 0).sum())
    return Found(
        found, emitted(result), named=int(sure.sum()), false=losing, gained=gained, best=best
    )


def naive_slopes(lines: pd.DataFrame) -> pd.Series[float]:
    """Return by product the slope of log pieces a month on the log of the mean list price."""
    paid = lines.dropna(subset="paid_at")
    paid = paid.assign(listed=paid["line_list_amount"].astype(float))
    by = paid.groupby(["product_id", paid["paid_at"].dt.to_period("M")])
    months = by[["quantity", "listed"]].sum()
    x = np.log(months["listed"] / months["quantity"])
    y = np.log(months["quantity"].astype(float))
    each = pd.DataFrame({"x": x, "y": y}).groupby("product_id")
    centred = pd.DataFrame({"x": x, "y": y}) - each.transform("mean")
    top = (centred["x"] * centred["y"]).groupby("product_id").sum()
    return top / (centred["x"] ** 2).groupby("product_id").sum()


def _profits(known: pd.DataFrame, lines: pd.DataFrame) -> np.ndarray:
    """Return by product the true profit of four weeks at `best`, and the most within the range."""
    paid = lines.dropna(subset="paid_at")
    recent = paid[paid["paid_at"] > paid["paid_at"].max() - pd.Timedelta(days=HORIZON)]
    sold = recent.groupby("product_id")["quantity"].sum()
    cost = paid.groupby("product_id")[["line_cost", "quantity"]].sum().astype(float)
    unit = cost["line_cost"] / cost["quantity"]
    found = []
    for r in known.itertuples():
        pieces, c = sold.get(r.product_id, 0), unit[r.product_id]
        grid = np.append(np.linspace(r.lowest, r.highest, 61), [r.best, r.price])
        gain = pieces * ((grid / r.price) ** r.true * (grid - c) - (r.price - c))
        found.append((gain[-2], gain.max()))
    return np.array(found)


def stock(made: World) -> Found:
    """Demand of products that ran out: corrected, as sold, and from the days with stock alone.

    Truth: what the simulator's buyers wanted, as a share of which all three are given.
    """
    end = made.shop.coverage.last_day
    kept = shelf(made.shop, days=365, as_of=end, lead=14.0)
    out = kept.empty.any(axis=1)
    wanted = shelves.demanded(made.plan, made.scenes).to_pandas().set_index("product_id")
    true = float(wanted["demanded"].reindex(kept.items["product_id"]).to_numpy()[out].sum())
    days = zip(kept.sold[out], kept.empty[out], strict=True)
    dropped = sum(s[~e].mean() * s.size for s, e in days)
    found = [
        bare("corrected", lost(kept).wanted[out].sum() / true, 1.0),
        bare("as sold", kept.sold[out].sum() / true, 1.0),
        bare("days dropped", dropped / true, 1.0),
    ]
    return Found(found, emitted(eo.product.stock(made.shop)))


def niche(made: World) -> Found:
    """Niches that are named; truth: cells in which the simulator left out offers.

    Naive: as many of the words most searched for, and of those with the fewest offers.
    """
    result = eo.product.niche(made.shop)
    truth = made.truth["niches"].to_pandas().set_index(["segment", "category"])
    gaps = int(truth["gap"].sum())
    named = result.found
    keys = zip(named["attribute"], named["category"], strict=True)
    right = sum(truth.loc[key, "gap"] for key in keys)
    found = [
        bare("found", right, gaps),
        bare("most searched", truth.nlargest(gaps, "searches")["gap"].sum(), gaps),
        bare("fewest offers", truth.nsmallest(gaps, "offers")["gap"].sum(), gaps),
    ]
    return Found(found, emitted(result), named=len(named), false=len(named) - int(right))


def listing(made: World) -> Found:
    """Loss of conversion by defects of listings, where any are planted.

    Truth: planted ones convert at 55 %, a missing video changes nothing.
    """
    result = eo.product.listing(made.shop)
    if made.plan.settings.listing.defects == 0:
        return Found(emitted=emitted(result))
    rows = result.table.set_index("rule")
    found: list[Estimate] = [
        (rule, rows.loc[rule, "effect"], effect, rows.loc[rule, "low"], rows.loc[rule, "high"])
        for rule, effect in WORTH.items()
    ]
    paid = set(rows.index[rows["loss"].notna()])
    return Found(
        found, emitted(result), named=len(paid), false=len(paid - {"images", "attributes"})
    )


METHODS = {
    "price": Method(price, ("tiny", "endogenous_price", "no_effect"), 11_200, priced),
    "stock": Method(stock, ("heavy_stockout",), 11_200),
    "niche": Method(niche, ("lazy_clothes",), 300),
    "listing": Method(listing, ("demo", "no_effect"), 11_200),
}
