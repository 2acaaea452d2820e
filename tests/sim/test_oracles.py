"""What is put in comes back out, for estimators that know the design: they prove the simulator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from ecomops.maths.lunar import solar
from ecomops.sim import preset, world
from ecomops.sim.calendar import DAY, events
from ecomops.sim.media import adstock, hill, response, spending
from ecomops.sim.plan import NOBODY
from ecomops.sim.presets import sized
from ecomops.sim.prices import FULL


def only(base, customers, **changes):
    """Return a preset in another size with some modules' settings changed (names may end in _)."""
    settings = sized(preset(base), customers)
    changes = {m.removesuffix("_"): values for m, values in changes.items()}
    parts = {m: replace(getattr(settings, m), **v) for m, v in changes.items()}
    return replace(settings, **parts)


def repeat_summary(made, until):
    """Return (repeats, time of the last, time observed) in operational days up to `until`."""
    people, clock = made.scenes[0].part.people, made.plan.clock
    part, sale = made.scenes[0].part, made.scenes[0].sale
    rows = np.flatnonzero(sale.exists & ~sale.unpaid)
    owner, tau = part.orders.customer[rows], clock.operational(part.orders.time[rows])
    first = clock.operational(people.arrival)
    here = tau <= until
    count = np.bincount(owner[here], minlength=len(people)) - 1
    last = np.zeros(len(people))
    np.maximum.at(last, owner[here], (tau - first[owner])[here])
    after = np.bincount(owner[~here], minlength=len(people))
    known = first < until
    return count[known], last[known], (until - first)[known], after[known]


def bgnbd_loss(log_parameters, x, t_x, t):
    """Return minus the BG/NBD log-likelihood (Fader, Hardie & Lee 2005, equation 6)."""
    r, alpha, a, b = np.exp(log_parameters)
    head = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    alive = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + t)
    ends = betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x)
    return -(head + np.logaddexp(alive, np.where(x > 0, ends, -np.inf))).mean()


@pytest.fixture(scope="module")
def clean():
    process = {"r": 0.6, "alpha": 25.0, "a": 0.8, "b": 3.5}
    return world(only("clean", 15_000, orders={"unpaid": 0.0}, customers_=process), seed=21)


def test_bgnbd_in_operational_time_comes_back(clean):
    """Truth: planted r, alpha, a, b; holdout orders by the published conditional expectation."""
    c = clean.plan.settings.customers
    split = clean.plan.clock.tau[-1] * 0.75
    x, t_x, t, later = repeat_summary(clean, split)
    start = np.log([1.0, 100.0, 1.0, 3.0])
    fit = minimize(bgnbd_loss, start, args=(x, t_x, t), method="L-BFGS-B")
    r, alpha, a, b = np.exp(fit.x)
    assert r / alpha == pytest.approx(c.r / c.alpha, rel=0.05)
    assert a / (a + b) == pytest.approx(c.a / (c.a + c.b), rel=0.05)
    assert r == pytest.approx(c.r, rel=0.05)
    ahead = clean.plan.clock.tau[-1] - split
    z = ahead / (alpha + t + ahead)
    shrink = ((alpha + t) / (alpha + t + ahead)) ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, z)
    odds = np.where(x > 0, a / (b + x - 1) * ((alpha + t) / (alpha + t_x)) ** (r + x), 0)
    expected = (a + b + x - 1) / (a - 1) * (1 - shrink) / (1 + odds)
    assert 0.95 < later.sum() / expected.sum() < 1.05


def test_expected_orders_of_the_living(clean):
    """Truth: orders in the last 90 operational days of customers alive before, from latents."""
    part = clean.scenes[0].part
    clock = clean.plan.clock
    split = clock.tau[-1] - 90
    tau = clock.operational(part.orders.time)
    made = np.bincount(part.orders.customer[tau <= split], minlength=len(part.people)) - 1
    alive = (made >= 0) & (made < part.people.leaves)
    rate, drop = part.people.rate[alive], part.people.drop[alive]
    expected = (-np.expm1(-rate * drop * 90) / drop).sum()
    later = np.bincount(part.orders.customer[tau > split], minlength=len(part.people))[alive].sum()
    assert later == pytest.approx(expected, rel=0.06)


def test_pareto_nbd_customers_leave_in_time():
    """Truth: the Pareto/NBD mean of Schmittlein, Morrison & Colombo 1987, simulated arrivals."""
    made = world(only("clean", 30_000, customers_={"death": "pareto", "s": 1.5}), seed=5)
    c = made.plan.settings.customers
    part = made.scenes[0].part
    tau = made.plan.clock.tau[-1] - made.plan.clock.operational(part.people.arrival)
    mean = c.r * c.beta / c.alpha / (c.s - 1) * (1 - (c.beta / (c.beta + tau)) ** (c.s - 1))
    repeats = part.blocks["orders"] - len(part.people)
    assert repeats == pytest.approx(mean.sum(), rel=0.05)


def test_gamma_gamma_spend_comes_back(clean):
    """Truth: planted mean, within and between variation of the list amount per order."""
    c, scene = clean.plan.settings.customers, clean.scenes[0]
    owner = scene.part.orders.customer
    amount = scene.sale.listed.astype(float)
    count = np.bincount(owner)
    mean = np.bincount(owner, amount) / count
    many = count >= 3
    inside = np.bincount(owner, (amount - mean[owner]) ** 2) / np.maximum(count - 1, 1)
    cv = np.sqrt((inside[many] / mean[many] ** 2).mean())
    assert amount.mean() == pytest.approx(c.spend, rel=0.05)
    assert cv == pytest.approx(1 / np.sqrt(c.p), rel=0.15)
    assert np.corrcoef(scene.part.people.spend[many], mean[many])[0, 1] > 0.7


def test_correlated_spend_is_planted():
    """Truth: the Gaussian copula's correlation, recovered by ranks (Spearman 6/π·asin(ρ/2))."""
    people = world("correlated_spend", seed=2, customers=20_000).scenes[0].part.people
    rank = [np.argsort(np.argsort(v)) for v in (people.rate, people.spend)]
    expected = 6 / np.pi * np.arcsin(0.5 / 2)
    assert np.corrcoef(rank)[0, 1] == pytest.approx(expected, abs=0.03)


def price_counts(made):
    """Return lines by (priced product, day) in the world, and in the twin without price changes."""
    keys = [k for k in made.interventions if k.startswith("price:")]
    counts = []
    for one in (made, made.without(*keys)):
        scene, total = one.scenes[0], np.zeros((len(made.plan.prices.product), made.plan.days))
        rows = scene.line_rows
        slot = made.plan.prices.slot[scene.sale.product[rows]]
        day = (scene.sale.created[scene.part.lines.order[rows]] // DAY).astype(int)
        np.add.at(total, (slot[slot != NOBODY], day[slot != NOBODY]), 1)
        counts.append(total)
    return counts


def test_planted_elasticities_come_back():
    """Truth: planted elasticities; the estimator knows demand at the list price from the twin."""
    settings = only("tiny", 60_000, prices={"design": "random", "products": 30, "cell": 14})
    made = world(replace(settings, promotions=()), seed=8)
    found, base = price_counts(made)
    factor = made.plan.prices.factor / FULL
    grid = np.linspace(-4.5, -0.2, 431)
    loglik = [(found * beta * np.log(factor) - base * factor**beta).sum(axis=1) for beta in grid]
    estimate = grid[np.argmax(loglik, axis=0)]
    weight = base.sum(axis=1)
    truth = made.plan.prices.elasticity
    assert np.average(estimate, weights=weight) == pytest.approx(
        np.average(truth, weights=weight), rel=0.05
    )
    assert np.corrcoef(estimate, truth)[0, 1] > 0.5


def test_endogenous_prices_follow_demand():
    """Truth: the planted strength; prices rise exactly where the product's demand shock does."""
    made = world("endogenous_price", seed=3, customers=500)
    prices, goods = made.plan.prices, made.plan.catalogue
    month = np.arange(made.plan.days) // 30
    shock = goods.shock[prices.product][:, month.clip(max=goods.months - 1)]
    slope = np.polyfit(shock.ravel(), np.log(prices.factor / FULL).ravel(), 1)[0]
    assert slope == pytest.approx(made.plan.settings.prices.rho, abs=0.02)


def test_experiment_lift_comes_back():
    """Truth: planted lift of 20 %; conversion by arm of the exposures, 3 standard errors."""
    settings = only("tiny", 60_000)
    test = replace(preset("course").experiments[0], lift=0.20, days=200)
    made = world(replace(settings, experiments=(test,)), seed=6)
    shown = made.tables["experiment_exposures"].to_pandas()
    buyers = shown[shown.orders > 0].groupby("arm").size()
    visitors = shown.groupby("arm").size()
    rate = buyers / visitors
    error = np.sqrt((1 / buyers).sum()) * rate["B"] / rate["A"]
    assert rate["B"] / rate["A"] - 1 == pytest.approx(0.20, abs=3 * error)
    assert error < 0.05


def test_sample_ratio_mismatch_is_planted():
    """Truth: 6 % of B's rows without orders are gone; 5 standard errors from one half."""
    shown = world("srm", seed=6, customers=40_000).tables["experiment_exposures"].to_pandas()
    share = (shown.arm == "B").mean()
    assert (share - 0.5) / np.sqrt(0.25 / len(shown)) < -5


def test_adstock_comes_back():
    """Truth: planted retention and curve; daily newcomers of one channel, a grid of retentions."""
    settings = only("course", 60_000)
    made = world(replace(settings, promotions=(), live=preset("tiny").live), seed=9)
    channel = next(c for c in settings.channels if c.name == "短视频")
    cause = made.scenes[0].part.people
    arrival = cause.arrival[cause.cause == made.plan.index[channel.key]]
    daily = np.bincount((arrival // DAY).astype(int), minlength=made.plan.days)
    spend = spending(channel, made.plan.days, 9) / channel.budget

    def loglik(retention):
        stock = adstock(spend, retention) * (1 - retention)
        mean = hill(stock, channel.half, channel.slope) * made.plan.daily
        share = np.maximum(mean / mean.sum(), 1e-12)
        return (daily * np.log(share)).sum()

    grid = np.arange(0.05, 0.96, 0.05)
    best = grid[np.argmax([loglik(g) for g in grid])]
    assert best == pytest.approx(channel.retention, abs=0.11)
    expected = response(channel, made.plan.days, 9) * made.plan.daily
    expected *= daily.sum() / expected.sum()
    seen = expected > 0.3
    chi_squared = ((daily - expected)[seen] ** 2 / expected[seen]).mean()
    assert chi_squared == pytest.approx(1.0, abs=0.25)


def test_ghost_holdout_recovers_channel_effects():
    """Truth: orders the panel's channels caused; held out against met, 3 standard errors."""
    settings = only("tiny", 60_000, panel={"journeys": 80_000})
    made = world(settings, seed=4)
    touches = made.tables["touchpoints"].to_pandas()
    bought = set(touches[touches.event_name == "purchase"].visitor_id)
    met = touches[touches.event_name != "purchase"]
    held = met.groupby(["channel", "visitor_id"]).is_holdout.max().reset_index()
    held["bought"] = held.visitor_id.isin(bought)
    truth = made.truth["channel"].to_pandas().set_index("channel").panel_orders
    for channel in truth.index:
        mine = held[held.channel == channel]
        seen, ghost = mine[~mine.is_holdout].bought, mine[mine.is_holdout].bought
        effect = len(seen) * (seen.mean() - ghost.mean())
        error = len(seen) * np.sqrt(seen.var() / len(seen) + ghost.var() / len(ghost))
        assert effect == pytest.approx(truth[channel], abs=3.2 * error), channel


def test_messages_move_the_persuadable_and_lose_the_annoyed():
    """Truth: planted lift; randomised sends, extra orders within a week, 4 standard errors."""
    made = world("loyal_buyers", seed=4, customers=20_000)
    truth = made.truth
    kinds = truth["crm"].to_pandas().set_index("customer_id").kind
    found = truth["orders"].to_pandas()
    mine = found[found.intervention.fillna("").str.startswith("message:")]
    sent = made.tables["message_sends"].to_pandas()
    sent = sent[~sent.is_holdout]
    persuadable = sent.customer_id.map(kinds) == "persuadable"
    extra = (mine.cause == "incremental").sum()
    alive = made.scenes[0].part.blocks["message"]
    assert 0 < extra <= alive
    assert extra < persuadable.sum() * made.plan.settings.crm.lift * 1.1
    assert (mine.cause == "lost").sum() > 20
    assert mine[mine.cause == "lost"].effect.sum() < 0


def test_hosts_differ_as_planted():
    """Truth: host factors 1.8, 1.0, 0.5; direct orders by host, 4 standard errors."""
    made = world("live_room", seed=7, customers=20_000)
    sessions = made.tables["live_sessions"].to_pandas()
    orders = sessions.groupby("anchor_name").order_count.sum()
    ratio = orders["主播小禾"] / orders["主播米米"]
    error = ratio * np.sqrt(1 / orders["主播小禾"] + 1 / orders["主播米米"])
    assert ratio == pytest.approx(1.8 / 0.5, abs=4 * error)
    moved = made.truth["orders"].to_pandas()
    shifted = moved[moved.intervention.fillna("").str.startswith("live:")]
    assert (shifted.cause == "pulled").sum() > 100


def test_bad_batch_jumps():
    """Truth: planted 45 points more returns of one product from half-way on."""
    made = world("bad_batch", seed=2, customers=30_000)
    key = next(k for k in made.interventions if k.startswith("batch:"))
    lines = made.tables["order_lines"].to_pandas()
    mine = lines[(lines.product_id == key.split(":")[1]) & lines.paid_at.notna()]
    start = made.truth["incidents"].to_pandas().start_at[0]
    rate = (mine.refund_status != "none").groupby(mine.paid_at >= start).mean()
    assert rate[True] - rate[False] == pytest.approx(0.45, abs=0.12)


def test_stockouts_hide_demand():
    """Truth: the twin in which everything was there; nothing is sold in a spell."""
    made = world("heavy_stockout", seed=2, customers=8_000)
    causes = made.truth["orders"].to_pandas()
    mine = causes[causes.intervention.fillna("").str.startswith("stockout:")]
    assert (mine.cause == "lost").sum() > 100
    assert mine.effect.sum() < 0
    stock = made.tables["inventory_snapshots"].to_pandas()
    assert (stock.on_hand >= 0).all()
    assert (stock.on_hand == 0).sum() > 50
    first, last = made.plan.stock.first * DAY, made.plan.stock.last * DAY
    assert (last > first).all()


def test_niches_are_short_of_offers():
    """Truth: planted cells; observed over expected under independence ranks them first."""
    made = world("lazy_clothes", seed=3, customers=200)
    table = made.truth["niches"].to_pandas()
    offers = table.groupby("category").offers.transform("sum") * table.groupby(
        "segment"
    ).offers.transform("sum")
    searches = table.groupby("category").searches.transform("sum") * table.groupby(
        "segment"
    ).searches.transform("sum")
    gap = (table.searches / searches * table.searches.sum()) / (
        table.offers / offers * table.offers.sum()
    )
    assert set(gap.nlargest(3).index) == set(table.index[table.gap])


def test_search_views_follow_true_demand():
    """Truth: planted searches; Baidu-like is proportional, Google-like within each request."""
    made = world("lazy_clothes", seed=3, customers=200)
    index = made.tables["search_index"].to_pandas()
    truth = made.truth["demand"].to_pandas().set_index(["keyword", "date"]).index_value
    baidu = index[index.source == "baidu_index"].set_index(["keyword", "date"]).index_value
    assert (baidu - 0.6 * truth.reindex(baidu.index)).abs().max() <= 0.5
    google = index[(index.source == "google_trends") & (index.region == "CN-1")]
    assert google.groupby("keyword").index_value.max().eq(100).all()
    one = google[google.keyword == "连衣裙"].set_index(["keyword", "date"]).index_value
    assert np.corrcoef(one, truth.reindex(one.index))[0, 1] > 0.95


def test_referred_customers_come_after_their_referrers():
    """Truth: the branching process: every referral points to an earlier arrival."""
    made = world("course", seed=2, customers=4000)
    tree = made.truth["referrals"].to_pandas()
    arrived = made.truth["customers"].to_pandas().set_index("customer_id").arrived_at
    assert len(tree) > 100
    assert (tree.referred_at >= arrived.reindex(tree.referrer_id).to_numpy()).all()


def test_calendar_agrees_with_a_second_table():
    """Truth: the package's other lunar table, made independently."""
    lunar = {"春节": (1, 1), "元宵节": (1, 15), "端午节": (5, 5), "七夕": (7, 7), "中秋节": (8, 15)}
    found = [(day, name) for day, name in events() if name in lunar]
    assert len(found) == 5 * 21
    assert all(solar(day.year, *lunar[name]) == day for day, name in found)


def test_part_of_a_price_cut_is_taken_from_rivals():
    """Truth: planted share 0.5; the rival's twin sells what the cheaper product took from it."""
    changes = {"design": "markdown", "products": 40, "factors": (600,), "cross": 0.5}
    settings = replace(only("tiny", 20_000, prices=changes), promotions=())
    made = world(settings, seed=3)
    causes = made.truth["orders"].to_pandas()
    mine = causes[causes.intervention.fillna("").str.startswith("price:")]
    assert (mine.cause == "switched").sum() > 100
    factor = made.plan.prices.factor
    assert (np.diff(factor, axis=1) <= 0).all()
    assert set(np.unique(factor)) == {600, FULL}
    none = world(replace(settings, prices=replace(settings.prices, cross=0.0)), seed=3)
    share = made.scenes[0].part.blocks["price"] / none.scenes[0].part.blocks["price"]
    assert share == pytest.approx(0.5, abs=0.06)
