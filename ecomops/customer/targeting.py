"""Whom to send to: effects of a randomised message, and what a list is worth net of cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import ibis
import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from ecomops.base import checks
from ecomops.customer import contacts
from ecomops.data.shop import Shop
from ecomops.data.tables import frame
from ecomops.maths import uplift
from ecomops.result import Action, Basis, Finding, Need, Result, Value, style

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes

    from ecomops.maths.arrays import Bools
    from ecomops.result.words import Words

SEED = 20_250_818
LATE = 0.7  # from this share on a label beside it would leave a phone's screen
MOST = 200_000  # people learned from; more are sampled by their place in a sorted list
LEAST = 400  # people in each group
STEPS = 20
REPEATS = 3  # splits averaged: one alone ranks by its luck
BOTH = 1.96 / 1.645  # two pieces of advice: each is given where 97.5 of 100 cases gain
TELLTALE = 3.5  # standard errors from which features foretell who was sent to


def boosted(x: Any, y: Any) -> Callable[[Any], Any]:
    """Return a small gradient-boosted regression of `y` (n,) on `x` (n, p) as a function."""
    model = HistGradientBoostingRegressor(
        max_iter=40, max_depth=3, learning_rate=0.08, min_samples_leaf=60, random_state=SEED
    )
    predict: Callable[[Any], Any] = model.fit(x, y).predict
    return predict


def foretold(x: Any, treated: Any, wave: Any = None) -> float:
    """Return by how many standard errors features foretell who was sent to.

    Likelihood ratio of a logistic regression on ranks of the features (n, p) and their squares,
    as a normal score (Wilson and Hilferty 1931): around 0 for a random send, far above it where
    the sender chose. `wave` numbers the sends from 0, each with its own share.
    """
    ranks = rankdata(np.nan_to_num(x), axis=0) / len(x) - 0.5
    both = np.c_[ranks, ranks**2]
    moving = both[:, both.max(axis=0) > both.min(axis=0)]
    sends = np.zeros(len(x), dtype=int) if wave is None else wave
    each = np.eye(sends.max() + 1)[sends]
    within = moving - each @ (each.T @ moving / each.sum(axis=0)[:, None])
    free = int(np.linalg.matrix_rank(within)) if moving.size else 0
    if not free:
        return 0.0
    design = np.c_[StandardScaler().fit_transform(moving), each[:, 1:]]
    chance = LogisticRegression(C=1e6, max_iter=1000).fit(design, treated).predict_proba(design)
    share = each @ (each.T @ treated / each.sum(axis=0))
    gained = log_loss(treated, share) - log_loss(treated, chance)
    ratio = max(2 * len(x) * float(gained), 0.0)
    spread = 2 / (9 * free)
    return float(((ratio / free) ** (1 / 3) - (1 - spread)) / np.sqrt(spread))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Targeting(Result):
    """Net value of sending to the best 5 %, 10 % … of people by predicted effect.

    `scores` has one row per person: ``customer_id, effect`` (predicted, cross-fitted), ``send``, as
    they stood at their last send. `params` holds the policy's value, that of sending to all, Qini
    and its interval, and ``contacts``: the rows learned from, one per person and send.
    """

    code: ClassVar[str] = "customer.targeting"
    evidence: ClassVar[str] = "A"
    columns: ClassVar[Mapping[str, str]] = {
        "share": "percent",
        "people": "count",
        "value": "money",
        "low": "money",
        "high": "money",
        "random": "money",
    }

    scores: pd.DataFrame | None = None

    def findings(self) -> tuple[Finding, ...]:
        """Say what the list is worth, what sending to all is, whether the ranking has skill."""
        p, n = self.params, self.basis.n
        chosen = {"people": p["chosen"], "share": p["chosen"] / n}
        value = dict(zip(("low", "value", "high"), p["policy"], strict=True))
        level = "good" if value["low"] > 0 else "watch"
        said = [Finding("policy", level, chosen | value, n)]
        if value["low"] <= 0 and p["all"][0] <= 0 <= p["all"][2]:
            said.insert(0, Finding("unsure", "watch", {}, n))
        if p["contacts"] > n:
            said.append(Finding("pooled", "note", {"contacts": p["contacts"], "people": n}, n))
        everyone = dict(zip(("low", "value", "high"), p["all"], strict=True))
        said.append(Finding("all", "note", everyone, n))
        skilled = p["qini"][0] > 0
        said.append(Finding("skill" if skilled else "no_skill", "note", {}, n))
        if p["asleep"]:
            said.append(Finding("asleep", "watch", {"people": p["asleep"]}, n))
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose the list, and sparing the rest unless that loses; all where all alone earn."""
        p, n = self.params, self.basis.n
        sent = self.basis.end
        until = sent + timedelta(days=60) if sent else date.max
        numbers = {"people": p["chosen"], "rest": n - p["chosen"], "cost": p["cost"]}
        days = p["horizon_days"]
        send, spare, whole = (_value(p[key], days) for key in ("policy", "spared", "all"))
        if p["all"][0] > 0 >= p["policy"][0]:
            return (Action("everyone", ("all",), numbers | {"people": n}, "A", until, whole),)
        sending = Action("send", ("policy",), numbers, "A", until, send)
        sparing = Action("spare", ("all",), numbers, "A", until, spare)
        return (sending, sparing) if p["spared"][2] > 0 else (sending,)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        if wide:
            return style.Layout(320, left=62, right=110, top=20, bottom=50)
        return style.Layout(280, left=52, right=14, top=20, bottom=50)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw net value over the share sent to, its band, a random order, and the best share."""
        rows = self.rows
        ax.grid(axis="y")
        ax.fill_between(rows["share"], rows["low"], rows["high"], color=style.BAND, lw=0)
        ax.plot(rows["share"], rows["random"], color=style.OTHER, lw=1.2, ls=(0, (4, 3)))
        ax.plot(rows["share"], rows["value"], color=style.UP)
        share = self.params["chosen"] / self.basis.n
        ax.axvline(share, color=style.DOWN, lw=1.4)
        text = words.say("labels", "list", share=share)
        look: dict[str, Any] = {"color": style.DOWN, "size": style.SMALL}
        dx, side = (6, "left") if wide or share < LATE else (-6, "right")
        style.tag(ax, share, 1, text, dx, -6, at="above", ha=side, **look)
        if wide:
            style.tag(ax, 1, rows["random"].iloc[-1], words.label("random_order"), 8, 0, size=10)
        ax.axhline(0, color=style.AXIS, lw=1)
        ax.set(xlim=(0, 1))
        ax.xaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")
        ax.yaxis.set_major_formatter(lambda v, _: words.format_field(v, "money"))
        style.tag(ax, 1, 0, words.label("x_axis"), 0, -36, at="below", size=style.SMALL, ha="right")


def _value(interval: tuple[float, float, float], days: int) -> Value | None:
    low, mid, high = interval
    if low > 0 >= mid - BOTH * (mid - low):
        return None
    return Value(low=low, mid=mid, high=high, horizon_days=days)


def targeting(
    sends: object,
    *,
    features: Sequence[str] = (),
    chance: float = 0.5,
    cost: float | None = None,
    horizon_days: int = 30,
    sent_on: date | str | None = None,
    currency: str = "CNY",
    lang: str | None = None,
) -> Targeting:
    """Learn from randomised sends whom the next message pays off for.

    Parameters
    ----------
    sends
        A shop with `message_sends`, `orders` and costs in `order_lines`: its customers' days since
        the last and the first order, orders and money are what is known before. Or one row per
        person who could have been sent to: ``customer_id, treated`` (0/1), ``outcome`` (net margin
        within the horizon, in the shop's currency) and the columns of `features`.
    features
        Numeric columns of such rows that were known before the send; None as `sends` says what is
        needed.
    chance
        The probability with which people of such rows were drawn, 0.05 to 0.95.
    cost
        Cost of one message, coupon included, in the shop's currency; when None what the shop's
        messages cost, for rows 0.
    horizon_days
        Days over which outcomes count, 1 to 365.
    sent_on
        The day of the send of such rows; advice expires 60 days later.
    currency
        ISO code of the money of such rows.
    lang
        Language of the words.

    Returns
    -------
    Targeting
        `.table`: net value of sending to the best 5 %, 10 % … 100 % by predicted effect: ``share,
        people, value, low, high`` (90 %), ``random`` (the same number drawn at random). Locked when
        features foretell who was sent to, or groups are smaller than 400.

    Notes
    -----
    Doubly robust effects with cross-fitting (Kennedy 2023), averaged over three splits; the same
    people judge the list, but no model that scores a person has seen that person. Several sends
    are pooled: each was drawn anew, so their errors do not add up; money is that of one message
    to the people of the last send. Qini: Radcliffe (2007).

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> people = pd.DataFrame({"customer_id": range(2000), "age": random.normal(size=2000)})
    >>> people["treated"] = random.integers(0, 2, 2000)
    >>> people["outcome"] = 4 * people["treated"] * (people["age"] > 0) + random.normal(size=2000)
    >>> result = targeting(people, features=["age"], cost=1)
    >>> bool(0.4 < result.params["chosen"] / 2000 < 0.6)
    True
    """
    checks.between("chance", chance, 0.05, 0.95)
    checks.between("horizon_days", horizon_days, 1, 365)
    if sends is None:
        need = Need("sends", {"columns": ["customer_id", "treated", "outcome", *features]})
        return Targeting.lock((need,), lang=lang)
    if isinstance(sends, Shop):
        log = contacts.of_shop(sends, horizon_days, MOST)
    else:
        checks.between("features", len(features), 1, 500)
        log = contacts.of_rows(_people(sends, features), features, chance)
    needs = log if isinstance(log, tuple) else _needs(log)
    if isinstance(log, tuple) or not all(need.have for need in needs):
        return Targeting.lock(needs, lang=lang)
    paid = log.cost if cost is None else cost
    found = uplift.dr_learner(
        log.x, log.treated, log.outcome, log.chance, boosted, seed=SEED, repeats=REPEATS,
        person=log.person,
    )  # fmt: skip
    chosen = found.score > paid
    scores = pd.DataFrame({"customer_id": log.customer_id, "effect": found.score, "send": chosen})
    n = int(log.last.sum())
    params = _params(found, chosen, log, paid) | {"cost": paid, "horizon_days": horizon_days}
    return Targeting(
        rows=_curve(found, paid, log.last),
        scores=scores[log.last].reset_index(drop=True),
        basis=Basis(
            n=n,
            unit="customers",
            end=log.sent_on or checks.day("sent_on", sent_on),
            currency=log.currency or currency,
        ),
        params=params,
        lang=checks.language(lang),
    )


def _needs(log: contacts.Contacts) -> tuple[Need, ...]:
    """Return what sends must have to teach anything: people on both sides, drawn at random."""
    fewest = int(min(log.treated.sum(), (1 - log.treated).sum()))
    values = {"needed": LEAST, "found": fewest, "unit": "customers"}
    if fewest < LEAST:
        return (Need("rows", values),)
    score = foretold(log.x, log.treated, log.wave)
    return (Need("random", {"score": score}, score < TELLTALE),)


def _people(sends: object, features: Sequence[str]) -> pd.DataFrame:
    t = sends if isinstance(sends, ibis.Table) else ibis.memtable(sends)
    needed = ["customer_id", "treated", "outcome", *features]
    checks.columns("sends", t.columns, needed)
    rows = t.select(needed).mutate(customer_id=t.customer_id.cast("string"))
    return frame(rows.order_by("customer_id").limit(MOST))


def _params(
    found: uplift.Effects, chosen: Bools, log: contacts.Contacts, cost: float
) -> dict[str, Any]:
    each = log.last.mean()  # people of the last send for whom a row stands
    sums = (chosen, np.ones(chosen.size), ~chosen)
    policy, whole, rest = (uplift.policy_value(found.pseudo, each * g, cost) for g in sums)
    bottom = found.score <= np.quantile(found.score, 0.2)
    _, _, worst = uplift.policy_value(found.pseudo, bottom, 0.0)
    return {
        "contacts": chosen.size,
        "chosen": int((chosen & log.last).sum()),
        "policy": policy,
        "all": whole,
        "spared": tuple(-v for v in rest[::-1]),
        "qini": uplift.qini_interval(
            log.outcome, log.treated, found.place, seed=SEED, draws=100, crossed=True
        ),
        "asleep": int((bottom & log.last).sum()) if worst < 0 else 0,
    }


def _curve(found: uplift.Effects, cost: float, last: Bools) -> pd.DataFrame:
    _, whole, _ = uplift.policy_value(found.pseudo, np.full(last.size, last.mean()), cost)
    rows = []
    for step in range(STEPS + 1):
        sent = uplift.top(found.score, last.size * step // STEPS)
        low, value, high = uplift.policy_value(found.pseudo, last.mean() * sent, cost)
        people = float(sent @ last)
        share = people / last.sum()
        rows.append((share, round(people), value, low, high, whole * share))
    return pd.DataFrame(rows, columns=list(Targeting.columns))
