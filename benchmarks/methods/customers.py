"""Customers: who comes back and when, what scores and messages are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

import ecomops as eo
from benchmarks.methods.common import Estimate, Found, Method, bare, emitted, orders
from ecomops.customer import points, sends
from ecomops.metrics.customers import customers as customer_facts
from ecomops.sim.calendar import DAY

if TYPE_CHECKING:
    from ecomops.sim import World

ENOUGH = 40
DAYS = (30, 60, 90, 180, 365)
PEOPLE = 20_000
COST = 1.0
FEATURES = ["recency", "orders", "coupon", "spend", "luck"]


def _process(made: World) -> tuple[float, float, float, float]:
    c = made.plan.settings.customers
    return c.r, c.alpha, c.a, c.b


def repeat(made: World) -> Found:
    """Second order by day n, Kaplan-Meier and the plain rate of customers old enough.

    Truth: 1 - (alpha / (alpha + t))^r with t the operational time to the end of day n, averaged
    over the arrivals: before a second order nobody has left under BG/NBD.
    """
    result = eo.customer.repeat(orders(made))
    found: list[Estimate] = []
    for n in DAYS:
        truth = _repeated(made, n)
        row = result.at(n)
        found.append((f"curve {n} d", row["repeated"], truth, row["low"], row["high"]))
        plain = result.rates.set_index("day").loc[n]
        found.append((f"rate {n} d", plain["rate"], truth, plain["low"], plain["high"]))
    return Found(found, emitted(result))


def _repeated(made: World, n: int) -> float:
    """Return the true chance of a second order by day n, over customers old enough."""
    r, alpha, _, _ = _process(made)
    arrival, clock = made.scenes[0].part.people.arrival, made.plan.clock
    end = (arrival // DAY + n + 1) * DAY
    old = end <= made.plan.horizon
    gap = clock.operational(end[old]) - clock.operational(arrival[old])
    return float((1 - (alpha / (alpha + gap)) ** r).mean())


def cohorts(made: World) -> Found:
    """Monthly retention cells that are fully observed, at age 1 and above.

    Truth: P(alive at the month's start and at least one order in it) under BG/NBD, where life
    ends at rate lambda·p: E (alpha/(alpha+p·t))^r - (alpha/(alpha+p·t+d))^r over p and arrivals.
    """
    result = eo.customer.cohorts(orders(made))
    cells = result.table
    cells = cells[(cells["observed"] == "full") & (cells["age"] > 0)]
    lines = cells[cells["cohort"] == "all"].set_index("age")
    cells = cells[cells["cohort"] != "all"]
    start = pd.Timestamp(made.plan.settings.store.start)
    people = made.scenes[0].part.people
    month = (start + pd.to_timedelta(people.arrival, unit="s")).to_period("M")
    drops = np.random.default_rng(1).beta(*_process(made)[2:], 400)
    found: list[Estimate] = []
    sums: dict[int, list[tuple[float, float]]] = {}
    for cell in cells.itertuples():
        first = pd.Period(cell.cohort, "M")
        low, high = ((first + cell.age + k).start_time - start for k in (0, 1))
        mine = people.arrival[month == first]
        truth = _active(made, mine, drops, low.total_seconds(), high.total_seconds())
        sums.setdefault(cell.age, []).append((cell.size, truth))
        if cell.size >= ENOUGH:
            found.append((_ages(cell.age), cell.value, truth, cell.low, cell.high))
    for age, line in lines.iterrows():
        size, truth = np.array(sums[age]).T
        if size.sum() == line["size"]:
            whole = float((size * truth).sum() / size.sum())
            found.append(("all cohorts", line["value"], whole, line["low"], line["high"]))
    return Found(found, emitted(result))


def _ages(age: int) -> str:
    return "age 1-3" if age <= 3 else "age 4-12" if age <= 12 else "age 13-"


def _active(made: World, arrival: Any, drops: Any, low: float, high: float) -> float:
    r, alpha, _, _ = _process(made)
    clock = made.plan.clock
    start, end = (float(clock.operational(np.array([t]))[0]) for t in (low, high))
    gone = start - clock.operational(arrival)[:, None]
    alive = (alpha / (alpha + drops * gone)) ** r
    idle = (alpha / (alpha + drops * gone + end - start)) ** r
    return float((alive - idle).mean())


def rfm(made: World) -> Found:
    """Rank agreement (Kendall) of the sum of scores with true expected margin; no intervals."""
    result = eo.customer.rfm(orders(made))
    scores = result.customers.to_pandas().set_index("customer_id")
    truth = made.truth["customers"].to_pandas().set_index("customer_id")
    value = (truth["expected_orders"] * truth["mean_spend"].astype(float)).reindex(scores.index)
    total = scores[["r_score", "f_score", "m_score"]].sum(axis=1).astype(float)
    agreement = float(kendalltau(total, value).statistic)
    return Found([bare("kendall", agreement, 1.0)], emitted(result))


def winback(made: World) -> Found:
    """Extra share that returns because of a message, and the share of points used.

    Truth: the twin world without messages, people and all other draws the same; 40 % of points
    are meant for gifts, after 120 days on average, before they lapse in a year. Naive: all who
    return after a message, as if none had returned without it.
    """
    shop = made.shop
    result = eo.customer.winback(shop)
    messages = [key for key in made.interventions if key.startswith("message:")]
    quiet = customer_facts(made.without(*messages).shop.orders, as_of=result.basis.end)
    with_, without = (_back(f, shop.message_sends) for f in (customer_facts(shop.orders), quiet))
    p, gap = result.params, with_ - without
    found: list[Estimate] = [("uplift", p["uplift"], gap, p["low"], p["high"])]
    found.append(bare("all who return", with_, gap))
    if made.plan.settings.crm.points:
        share = points.usage(shop, result.basis.end, 365, None)
        numbers = (float(share[k]) for k in ("redeemed", "redeemed_low", "redeemed_high"))
        mid, low, high = numbers
        truth = made.plan.settings.crm.redeemed * (1 - np.exp(-365 / 120))
        found.append(("points used", mid, truth, low, high))
    return Found(found, emitted(result))


def _back(facts: Any, log: Any) -> float:
    """Return the share of those sent to who bought within 30 days."""
    seen = sends.outcomes(facts, log, 30)
    return float(seen.filter(seen.treated == 1).back.mean().to_pandas())


def send(preset: str, people: int, seed: int) -> pd.DataFrame:
    """Return a random send: coupon lovers gone quiet are persuadable, recent others annoyed.

    Outcomes are 0 for most and log-normal for the rest; `tau` is the planted effect in margin,
    `base` the chance to buy unasked, which is highest where messages do nothing or harm. On
    "no_effect" messages do nothing to anybody, and cost nothing that could be saved.
    """
    random = np.random.default_rng(seed)
    n = people
    rows = pd.DataFrame(
        {
            "customer_id": [f"c{i:06d}" for i in range(n)],
            "recency": random.gamma(2, 60, n),
            "orders": random.geometric(0.45, n),
            "coupon": random.beta(2, 3, n),
            "spend": np.exp(random.normal(4, 0.6, n)),
            "luck": random.normal(size=n),
        }
    )
    base = 0.25 * np.exp(-rows["recency"] / 60) * np.minimum(rows["orders"], 5) / 3 + 0.01
    persuadable = (rows["coupon"] > 0.45) & (rows["recency"] > 60)
    annoyed = (rows["recency"] < 30) & (rows["coupon"] < 0.35)
    lift, loss = random.uniform(0.05, 0.12), random.uniform(0.5, 0.9)
    if preset == "no_effect":
        lift = loss = 0.0
    moved = np.clip(base + np.select([persuadable, annoyed], [lift, -loss * base], 0.0), 0, 1)
    treated = (random.random(n) < 0.5).astype(int)
    buys = random.random(n) < np.where(treated, moved, base)
    margin = 0.5 * rows["spend"]
    outcome = buys * margin * random.lognormal(0, 0.4, n)
    tau = (moved - base) * margin * np.exp(0.08)
    cost = 0.0 if preset == "no_effect" else COST
    return rows.assign(treated=treated, outcome=outcome, tau=tau, base=base, cost=cost)


def targeting(rows: pd.DataFrame) -> Found:
    """Net value of the list: by the planted effect of each person; best: who knows the effects.

    Naive: as many of the likeliest buyers, and everybody.
    """
    shown = rows[["customer_id", "treated", "outcome", *FEATURES]]
    cost = float(rows["cost"].iloc[0])
    result = eo.customer.targeting(shown, features=FEATURES, cost=cost)
    net = rows["tau"].to_numpy() - cost  # ids are in order, as scores are
    chosen = result.scores["send"].to_numpy()
    likely = np.argsort(-rows["base"].to_numpy(), kind="stable")[: chosen.sum()]
    low, mid, high = result.params["policy"]
    gained, best = float(net[chosen].sum()), float(net[net > 0].sum())
    found: list[Estimate] = [
        ("list", mid, gained, low, high),
        bare("likely buyers", net[likely].sum(), gained),
        bare("everybody", net.sum(), gained),
    ]
    count = emitted(result)
    return Found(found, count, gained=gained if count else 0.0, best=best)


METHODS = {
    "repeat": Method(
        repeat,
        ("clean", "no_effect"),
        truths=lambda made: {str(n): _repeated(made, n) for n in DAYS},
    ),
    "cohorts": Method(cohorts, ("clean", "no_effect")),
    "rfm": Method(rfm, ("clean", "correlated_spend", "no_effect")),
    "winback": Method(winback, ("loyal_buyers", "no_effect"), 5_000),
    "targeting": Method(targeting, ("drawn", "no_effect"), PEOPLE, send),
}
