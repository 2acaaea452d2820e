"""Worlds and twins: causes explain the difference to the cent; modules never move each other."""

from __future__ import annotations

import hashlib
import itertools
import json
import tomllib
from dataclasses import fields, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zlib import crc32

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ecomops.base.errors import OptionError, UnsafeError
from ecomops.sim import preset, preset_names, simulate, streams, tables, world
from ecomops.sim.chunk import chunk
from ecomops.sim.plan import NOBODY, plan
from ecomops.sim.presets import build, sized
from ecomops.sim.settings import Channel, Customers, Incident, Promotion, Rule
from ecomops.sim.validation import MODULES, validate
from ecomops.sim.world import World
from tests.demo_script import write_demo

SMALL = [name for name in preset_names() if name not in ("bench", "huge")]
DEMO = Path(__file__).parents[2] / "datasets" / "demo"
HASHES = json.loads((Path(__file__).parent / "hashes.json").read_text())


@pytest.fixture(scope="module")
def everything():
    """One world in which every module is on, without the dirt of the export."""
    return world("course", seed=11, customers=1500, without=("dirt",))


def paid(some_world):
    """Return what each order paid, by order id, from the canonical table alone."""
    parts = [tables.orders(scene) for scene in some_world.scenes]
    return {
        row["order_id"]: row["paid_amount"]
        for part in parts
        for row in part.select(["order_id", "paid_amount"]).to_pylist()
    }


def test_causes_add_up_to_the_difference_of_the_twins(everything):
    """Truth: a second run of the generator without the intervention, to the cent."""
    whole = paid(everything)
    causes = everything.truth["orders"].to_pandas()
    effect = causes.groupby("intervention").effect.sum()
    kinds = {key.split(":")[0] for key in everything.interventions}
    chosen = [k for k in everything.interventions if hash_of(k) % 3 == 0 or ":" not in k]
    assert len({k.split(":")[0] for k in chosen} | {"batch"}) >= len(kinds) - 2
    for key in chosen:
        if key == "dirt":
            continue
        twin = paid(everything.without(key))
        assert sum(whole.values()) - sum(twin.values()) == effect.get(key, 0), key
        touched = set(causes[causes.intervention == key].order_id)
        changed = {i for i in whole.keys() | twin.keys() if whole.get(i) != twin.get(i)}
        assert changed <= touched, key


def test_promotions_are_paid_for_by_whom_their_rules_say(everything):
    """Truth: discounts of the canonical orders, added by campaign."""
    orders = everything.tables["orders"].to_pandas().dropna(subset="paid_at")
    sums = orders.groupby("campaign_id")[
        ["shop_discount", "platform_discount", "points_discount"]
    ].sum()
    promo = everything.truth["promo"].to_pandas()
    keys = "C" + promo.intervention.str.removeprefix("promo:").str.replace("-", "")
    assert len(promo) == 9
    for payer in sums.columns:
        assert (promo[payer].to_numpy() == sums[payer].reindex(keys).fillna(0).to_numpy()).all()
    assert sums.points_discount.sum() > 0
    off = orders.shop_discount + orders.platform_discount + orders.points_discount
    assert (orders.list_amount - off + orders.shipping_fee == orders.paid_amount).all()


def hash_of(key):
    return int(hashlib.sha256(key.encode()).hexdigest(), 16)


@pytest.mark.parametrize("key", ["promo:2025-11-11", "channel:直播", "experiment:checkout"])
def test_orders_that_nothing_touched_are_the_same_in_both_worlds(everything, key):
    both = [pa_by_id(everything), pa_by_id(everything.without(key))]
    causes = everything.truth["orders"].to_pandas()
    touched = set(causes[causes.intervention == key].order_id)
    calm = [i for i in both[0] if i not in touched]
    assert len(calm) > 1000
    assert all(both[0][i] == both[1].get(i) for i in calm)
    assert set(both[1]) <= set(both[0]) | touched


def pa_by_id(some_world):
    columns = ["order_id", "customer_id", "created_at", "paid_amount", "refund_amount"]
    rows = tables.orders(some_world.scenes[0]).select(columns).to_pylist()
    return {row["order_id"]: row for row in rows}


def _of(name, *modules):
    return {module: getattr(preset(name), module) for module in modules}


ON = _of(
    "course", "prices", "live", "stock", "returns", "opinions", "crm", "dirt", "sessions", "market",
    "experiments", "incidents", "referral", "promotions", "channels", "panel", "listing", "ads",
    "coupons",
) | _of("taste_of_home", "regions")  # fmt: skip
OFF = {m: getattr(preset("clean"), m) for m in ON} | {
    "panel": replace(preset("tiny").panel, journeys=0, tracked=0.0),
    "opinions": replace(preset("tiny").opinions, reviews=0.0),
}
OF_OTHERS = {"mover", "moved", "blocked", "requires"}
SENDING = ("channels", "promotions")  # a share of the customers comes because of them instead
CHOOSING = ("regions",)  # products change into those of one's home


def settings_with(modules):
    base = replace(sized(preset("course"), 150), found=False)
    some = {m: ON[m] if m in modules else OFF[m] for m in ON}
    orders = replace(base.orders, products=200, goods="foods")
    some["panel"] = replace(some["panel"], journeys=min(some["panel"].journeys, 400))
    return replace(base, orders=orders, **some)


def drawn(modules):
    """Return what is drawn in a world with some optional modules on, by customer and time.

    The products are the last entry; customers whom a channel or promotion brought are left out.
    """
    shared = plan(settings_with(modules), 4)
    part = chunk(shared, 0)
    rows = {
        f.name: getattr(part.orders, f.name) for f in fields(part.orders) if f.name not in OF_OTHERS
    }
    owner = rows.pop("customer")
    uniform = {m: part.draws(shared, m, 3) for m in ("delivery", "device")}
    lines = np.zeros(len(part.orders))
    np.add.at(lines, part.lines.order, part.lines.sku * (part.lines.rank + 1.0))
    columns = zip(*rows.values(), *np.concatenate(list(uniform.values())), lines, strict=True)
    own = (part.people.cause[owner] == NOBODY).tolist()
    who = zip(part.people.key[owner].tolist(), part.orders.time.tolist(), strict=True)
    return {key: row for key, row, mine in zip(who, columns, own, strict=True) if mine}


def kept(before, after, more):
    """Return whether all orders of `before` are in `after`, where `more` is on, unmoved.

    What sends customers at other times changes how many orders there are, and with it what is
    drawn for each; whoever else comes, comes when they came.
    """
    if more in SENDING:
        came, comes = arrived(before), arrived(after)
        both = came.keys() & comes
        return len(both) > 0.6 * len(came) and all(came[who] == comes[who] for who in both)
    whole = -1 if more in CHOOSING else None
    return all(key in after and after[key][:whole] == row[:whole] for key, row in before.items())


def arrived(found):
    """Return when each customer first ordered; orders that were tried and not paid do not count."""
    paid = [key for key, (_, _, unpaid, *_) in found.items() if not unpaid]
    return dict(sorted(paid, key=lambda key: -key[1]))


def test_no_module_moves_the_draws_of_another_one():
    """Truth: worlds with one and with two optional modules, compared order by order."""
    alone = {name: drawn({name}) for name in ON}
    none = drawn(set())
    assert len(none) > 150
    for name in ON:
        assert kept(none, alone[name], name), name
    for one, two in itertools.combinations(ON, 2):
        both = drawn({one, two})
        for name, other in ((one, two), (two, one)):
            assert kept(alone[name], both, other), (one, two)


def test_a_channel_that_sends_nobody_moves_no_order():
    """Truth: the shop without it, column by column."""
    plain = sized(preset("tiny"), 300)
    idle = Channel("站外广告", "Display", paid=True, mix=0.0, again=0.0, conversion=0.01)
    more = replace(plain, channels=(*plain.channels, idle))
    one, two = (chunk(plan(settings, 4), 0) for settings in (plain, more))
    first = two.blocks["orders"]
    assert first == one.blocks["orders"] > 300
    for field in ("customer", "key", "time", "moved", "unpaid", "source"):
        both = (getattr(part.orders, field)[:first] for part in (one, two))
        np.testing.assert_array_equal(*both, err_msg=field)


def test_every_module_has_streams_of_its_own(monkeypatch):
    """Truth: names of the streams that worlds with one optional module open, less those of none."""
    opened = set()
    monkeypatch.setattr(streams, "crc32", lambda name: opened.add(name.decode()) or crc32(name))

    def names(modules):
        opened.clear()
        made = World(plan(settings_with(modules), 4))
        assert made.tables
        assert made.truth
        return set(opened)

    always = names(set())
    own = {name: names({name}) - always for name in ON}
    assert len({crc32(n.encode()) for n in always.union(*own.values())}) == len(
        always.union(*own.values())
    )
    for one, two in itertools.combinations(ON, 2):
        assert own[one].isdisjoint(own[two]), (one, two)
    assert {name for name in ON if own[name]} >= {"live", "crm", "dirt", "sessions", "market"}


def test_every_module_checks_its_marginals():
    """Truth: the modules of the simulator; a shop that has all of them on."""
    checks = validate(world("course", seed=5, customers=1500)).to_pandas()
    assert set(checks.module) == set(MODULES) - {"regions"}


def test_a_world_that_is_not_as_its_settings_say_is_found_out():
    """Truth: a world held against the settings of another one."""
    made = world("course", seed=5, customers=4000)
    s = made.plan.settings
    rules = tuple(replace(rule, share=0.5) for rule in s.orders.rules)
    other = replace(
        s,
        orders=replace(s.orders, rules=rules, unpaid=0.2),
        returns=replace(s.returns, level=2.0),
        crm=replace(s.crm, redeemed=0.8),
        referral=0.3,
    )
    told = World(replace(made.plan, settings=other))
    vars(told)["scenes"] = made.scenes
    checks = validate(told).to_pandas()
    found = set(checks[~checks.ok].module)
    assert found >= {"coupons", "orders", "returns", "points", "referrals"}


def test_shelves_are_empty_about_as_often_as_in_other_shops():
    """Shape: 8.3 % of items not there on average, most studies between 5 and 10 %.

    Source: Gruen, Corsten & Bharadwaj 2002, Retail Out-of-Stocks (52 studies).
    """
    seen = pq.read_table(DEMO / "inventory_snapshots.parquet", columns=["on_hand"])["on_hand"]
    assert 0.05 < pc.mean(pc.equal(seen, 0)).as_py() < 0.10


@pytest.mark.parametrize("name", SMALL)
def test_every_preset_looks_as_its_settings_say(name):
    """Truth: the planted parameters; tolerances are 4.5 standard errors."""
    checks = validate(world(name, seed=5, customers=4000)).to_pandas()
    assert len(checks) > 25
    assert checks[~checks.ok].empty


def as_text(column):
    """Return a column's values as bytes that no library version changes; nine digits of floats."""
    if pa.types.is_floating(column.type):
        values = column.to_numpy(zero_copy_only=False)
        return "\x1f".join(f"{v:.9g}" for v in values).encode()
    text = pc.fill_null(column.cast(pa.string()), "\x00")
    return "\x1f".join(text.to_pylist()).encode()


@pytest.mark.parametrize("name", SMALL)
def test_stored_hashes(name):
    """Truth: hashes of an earlier run, over values and not over file bytes.

    Settings are left out, so that one more module changes no hash.
    """
    assert digest_of(world(name, seed=1, customers=200)) == HASHES[name]


def digest_of(made):
    digest = hashlib.sha256()
    for source in (made.tables, made.truth):
        for table in sorted(set(source) - {"params"}):
            for column in source[table].column_names:
                digest.update(f"{table}.{column}".encode())
                digest.update(as_text(source[table][column]))
    return digest.hexdigest()[:16]


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_bytes_on_one_worker_and_on_two(tmp_path):
    settings = replace(sized(preset("tiny"), 900), chunk=300)
    steps = []
    one = simulate(settings, tmp_path / "one", progress=lambda *step: steps.append(step))
    two = simulate(settings, tmp_path / "two", workers=2)
    assert contents(one) == contents(two)
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert (one / "truth" / "orders.parquet").exists()


def test_a_written_shop_is_the_world(tmp_path):
    settings = replace(sized(preset("tiny"), 900), chunk=300)
    folder = simulate(settings, tmp_path / "shop")
    made = world(settings, seed=1)
    for name in ("orders", "order_lines", "refunds", "customers", "touchpoints", "traffic_daily"):
        assert pq.read_table(folder / f"{name}.parquet").equals(made.tables[name]), name
    written = {path.stem: pq.read_table(path) for path in (folder / "truth").iterdir()}
    assert set(written) == set(made.truth)
    for name, table in written.items():
        assert table.equals(made.truth[name]), name
    assert made.shop.orders.count().execute() == len(made.tables["orders"])


def test_truth_tells_only_of_customers_that_there_are():
    """Truth: the latents of the customers of the same world."""
    off = ("channel:直播", "promo:2025-01-17")
    made = world("taste_of_home", seed=9, customers=900, without=off)
    there = set(made.truth["customers"]["customer_id"].to_pylist())
    assert set(made.truth["homes"]["customer_id"].to_pylist()) == there


def test_a_test_that_is_switched_off_has_no_lift():
    """Truth: the settings; B is as good as A where the test does nothing."""
    planted = [
        world("course", customers=60, without=off).truth["experiments"].to_pandas()
        for off in ((), ("experiment:checkout", "experiment:banner"))
    ]
    assert planted[0].lift.tolist() == [0.08, 0.0, -0.08, 0.0]
    assert planted[1].lift.tolist() == [0.0, 0.0, -0.08, 0.0]
    assert planted[1].novelty.sum() == 0 < planted[0].novelty.sum()


def test_nothing_is_recorded_after_the_last_day():
    """Truth: the end of the data; visits of the last minutes go on behind it."""
    base = sized(replace(preset("course"), dirt=preset("tiny").dirt), 3000)
    made = world(base, seed=9)
    end = datetime.combine(base.store.end, time()) + timedelta(days=1)
    assert pc.max(made.tables["touchpoints"]["event_time"]).as_py() < end


@pytest.mark.parametrize("name", ["clean", "bench", "tiny"])
def test_a_written_shop_has_the_tables_of_the_world(tmp_path, name):
    """Truth: the world, which leaves out tables without rows."""
    folder = simulate(name, tmp_path / "shop", customers=150)
    assert {path.stem for path in folder.glob("*.parquet")} == set(
        world(name, customers=150).tables
    )


def test_pandas_and_polars_see_the_same(everything):
    orders = everything.tables["orders"]
    total = pc.sum(orders["paid_amount"]).as_py()
    assert pl.from_arrow(orders)["paid_amount"].sum() == total
    assert orders.to_pandas().paid_amount.sum() == total


def test_an_existing_folder_is_not_overwritten(tmp_path):
    (tmp_path / "shop").mkdir()
    with pytest.raises(UnsafeError, match="not overwritten"):
        simulate("tiny", tmp_path / "shop", customers=100)


def test_an_interrupted_run_leaves_nothing(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate("tiny", tmp_path / "shop", customers=100, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_args, **_told):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(UnsafeError, match=r"No space left.*that has room"):
        simulate("tiny", tmp_path / "shop", customers=100)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnsafeError, match="cannot be written"):
        simulate("tiny", tmp_path / "file" / "shop", customers=100)


def test_wrong_names_get_a_suggestion():
    with pytest.raises(OptionError, match="Did you mean 'course'"):
        world("cuorse")
    with pytest.raises(OptionError, match=r"nearest is: promo:2025-11-11"):
        world(customers=50, without=("promo:2025-11-12",))
    with pytest.raises(OptionError, match="nearest is: alpha"):
        build(Customers, {"alpa": 3.0}, "customers")
    with pytest.raises(OptionError, match="wrong type"):
        build(Customers, {"alpha": "much"}, "customers")


WRONG = [
    ("customers", {"r": 0.0}, "customers.r"),
    ("customers", {"q": 1.0}, "customers.q"),
    ("customers", {"count": 0}, "customers.count"),
    ("customers", {"count": 400.5}, "customers.count"),
    ("customers", {"death": "never"}, "customers.death"),
    ("customers", {"growth": -1.0}, "customers.growth"),
    ("customers", {"spend": 0.0}, "customers.spend"),
    ("orders", {"products": 3}, "orders.products"),
    ("orders", {"unpaid": 2.0}, "orders.unpaid"),
    ("orders", {"rules": (Rule("precent", rate=100),)}, "Did you mean 'percent'"),
    ("orders", {"rules": (Rule("percent", payer="me"),)}, "shop, platform, points"),
    ("prices", {"design": "free"}, "prices.design"),
    ("prices", {"cell": 0}, "prices.cell"),
    ("prices", {"factors": (0, 1000)}, "prices.factors"),
    ("prices", {"factors": ()}, "prices.factors"),
    ("live", {"every": -4}, "live.every"),
    ("live", {"hosts": (1.0,) * 7}, "live.hosts"),
    ("stock", {"products": 999}, "stock.products"),
    ("stock", {"products": 9, "spells": 100}, "stock.spells"),
    ("returns", {"batch": 2.0}, "returns.batch"),
    ("opinions", {"lang": "fr"}, "opinions.lang"),
    ("crm", {"persuadable": 0.7, "annoyed": 0.7}, "crm.persuadable"),
    ("crm", {"every": 7, "points": "yes"}, "crm.points"),
    ("regions", {"longing": 0.4}, "orders.goods"),
    ("ads", {"campaigns": 9}, "ads.campaigns"),
]


@pytest.mark.parametrize(("module", "values", "said"), WRONG)
def test_impossible_settings_are_refused(module, values, said):
    plain = preset("tiny")
    record = replace(getattr(plain, module), **values)
    with pytest.raises(OptionError, match=said):
        world(replace(plain, **{module: record}))


MISFITS = [
    ({"channels": ()}, "channels"),
    ({"channels": preset("tiny").channels * 2}, "channel:直播"),
    ({"promotions": preset("tiny").promotions[:1] * 2}, "come twice: promo:2024-03-08"),
    ({"promotions": (Promotion(date(2024, 3, 8), "x", first=2, last=1),)}, "promo:2024-03-08.last"),
    ({"promotions": None}, "wrong type"),
    ({"incidents": (Incident("paymnt", date(2025, 5, 1)),)}, "Did you mean 'payment'"),
    ({"referral": 3.0}, "referral"),
    ({"chunk": 0}, "chunk"),
]


@pytest.mark.parametrize(("values", "said"), MISFITS)
def test_settings_that_do_not_fit_together_are_refused(values, said):
    with pytest.raises(OptionError, match=said):
        world(replace(preset("tiny"), **values))


@pytest.mark.parametrize("some", [None, 7, {"seed": 1.5}, {"customers": "many"}])
def test_what_is_no_preset_seed_or_number_is_refused(some):
    with pytest.raises(OptionError):
        world(**some) if isinstance(some, dict) else world(some)


def test_orders_of_one_process_have_numbers_of_their_own():
    """Truth: 2^22 orders of a process in a chunk, and 14,901 chunks in twelve digits."""
    often = sized(replace(preset("tiny"), crm=replace(preset("tiny").crm, every=7)), 70_000)
    with pytest.raises(OptionError, match=r"chunk is out of range.*from 5 to 41,527"):
        world(often)
    assert len(world(replace(often, chunk=41_527)).interventions) > 100
    with pytest.raises(OptionError, match=r"chunk is out of range.*from 72 to "):
        world(replace(sized(preset("tiny"), 1_000_000), chunk=50))


@pytest.mark.parametrize(
    "days",
    [{"start": date(2025, 1, 1)}, {"end": date(2024, 12, 31)}, {"start": date(2024, 11, 11)}],
)
def test_promotions_outside_the_data_bring_nobody(days):
    """Truth: the settings; a day of a promotion brings no more than its share of arrivals."""
    base = sized(preset("tiny"), 20_000)
    made = world(replace(base, store=replace(base.store, **days)), seed=2)
    came = made.truth["customers"].to_pandas()
    by_day = came.groupby(came.arrived_at.dt.date).size()
    store = made.plan.settings.store
    assert store.start <= by_day.index[0] <= by_day.index[-1] <= store.end
    assert by_day.iloc[0] < 0.02 * len(came)
    brought = came.groupby("cause").size()
    whole = {p.key: p.arrivals for p in base.promotions if store.start <= p.span[0] <= store.end}
    for key, share in whole.items():
        expected = share * base.customers.count
        assert brought[key] == pytest.approx(expected, abs=4.5 * np.sqrt(expected)), key
    outside = {p.key for p in base.promotions if p.span[1] < store.start or p.span[0] > store.end}
    assert outside.isdisjoint(brought.index)


def test_names_with_quotes_are_written_as_they_are(tmp_path):
    name = 'Joe\'s "best" \\ shop'
    settings = sized(preset("tiny"), 60)
    settings = replace(settings, store=replace(settings.store, name_en=name))
    text = (simulate(settings, tmp_path / "shop") / "shop.toml").read_text("utf-8")
    assert tomllib.loads(text)["name_en"] == name


def test_days_outside_the_calendar_are_refused():
    store = replace(preset("tiny").store, start=date(1999, 1, 1))
    with pytest.raises(OptionError, match="calendar table"):
        world(replace(preset("tiny"), store=store))


def test_a_product_is_never_sold_before_its_launch(everything):
    made = everything.tables
    listed = made["products"].to_pandas().set_index("product_id").listed_at
    lines = made["order_lines"].to_pandas()
    launched = listed.reindex(lines.product_id).dt.normalize().to_numpy()
    assert not (lines.created_at.to_numpy() < launched).any()


def test_a_shop_with_every_module_is_written_whole(tmp_path):
    """Truth: the world itself; further data stand beside the canonical tables."""
    steps = []
    folder = simulate(
        "course", tmp_path / "shop", customers=300, progress=lambda *step: steps.append(step)
    )
    made = world("course", customers=300)
    for name, table in made.tables.items():
        assert pq.read_table(folder / f"{name}.parquet").equals(table), name
    assert {path.stem for path in (folder / "truth").iterdir()} == set(made.truth)
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_the_demo_is_written_with_its_names(tmp_path):
    write_demo(tmp_path / "demo")
    text = (tmp_path / "demo" / "shop.toml").read_text(encoding="utf-8")
    assert 'name_zh = "青禾衣铺"' in text
    assert len(list((tmp_path / "demo").glob("*.parquet"))) == 27
