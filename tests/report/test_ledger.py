"""The ledger: what is written stays, once, whole; it says what came of what was decided."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import replace
from datetime import date, timedelta

import pytest

import ecomops as eo
from ecomops.base.errors import DataError, MissingError, OptionError, UnsafeError
from ecomops.data.shop import demo_folder
from ecomops.report.archive import TABLES
from ecomops.report.memory import NAME, ledger
from ecomops.result import Action, Value
from ecomops.store.decide import decide
from ecomops.store.proposals import Proposal

DAY, UNTIL = date(2025, 11, 30), date(2026, 3, 1)


def advice(code="move", subject="channel:A", mid=100.0, grade="A", until=UNTIL):
    value = Value(low=mid / 2, mid=mid, high=2 * mid, horizon_days=30)
    change = {"channel": "A", "cut": 0.5, "amount": 9.0, "to": "B", "risk": 1.0}
    return Proposal("channel.attribution", Action(code, (), change, grade, until, value, subject))


@pytest.fixture
def book(tmp_path):
    return ledger(tmp_path / NAME)


def proposed(book, *proposals, on=DAY):
    return book.propose(decide([], earlier=proposals or [advice()]), on=on)


def test_the_whole_story_of_an_action(book):
    """Truth: what was written, by hand."""
    (made,) = proposed(book)
    book.decide(made, accepted=True, owner="李", on=DAY, note="ok")
    assert list(book.due(date(2025, 12, 29))["code"]) == []
    assert list(book.due(date(2025, 12, 30))["code"]) == ["move"]
    book.realise(made, value=80, low=20, high=140, method="holdout", on=date(2025, 12, 30))
    (row,) = book.outcomes.to_dict("records")
    told = {k: row[k] for k in ("low", "mid", "high", "realised", "owner", "due_on", "method")}
    assert told == {
        "low": 50, "mid": 100, "high": 200, "realised": 80, "owner": "李",
        "due_on": "2025-12-30", "method": "holdout",
    }  # fmt: skip
    assert book.due(date(2026, 1, 30)).empty


def test_where_nothing_may_be_written_the_ledger_lives_in_memory(demo, tmp_path):
    """A folder that is gone stands for one without rights: root may write everywhere."""
    kept = ledger(replace(demo, folder=tmp_path / "gone"), lang="en")
    assert kept.path is None
    assert "may not be written to" in kept._repr_mimebundle_()["text/html"]
    assert ledger(replace(demo, folder=tmp_path)).path == tmp_path / NAME


def test_reading_makes_no_file_and_writing_does(book):
    assert book.actions.empty
    assert book.outcomes.empty
    assert book.proposals() == ()
    assert not book.path.exists()
    proposed(book)
    assert book.path.exists()
    assert sorted(p.name for p in book.path.parent.iterdir()) == [NAME]


def test_the_same_twice_is_written_once_and_ids_come_from_content(book, tmp_path):
    first, again = proposed(book), proposed(book)
    other = proposed(ledger(tmp_path / "other.sqlite"))
    assert first == again == other
    assert len(book.actions) == 1
    assert first != proposed(book, on=date(2025, 12, 1))


def test_minds_change_and_change_back(book):
    (made,) = proposed(book)
    for accepted in (True, True, False, True):
        book.decide(made, accepted=accepted, owner="Li", on=DAY)
    assert list(book.decisions["accepted"]) == [1, 0, 1]
    assert len(book.outcomes) == 1
    book.decide(made, accepted=False, owner="Li", on=DAY)
    assert book.outcomes.empty


def test_nothing_is_changed_or_deleted_even_by_hand(book):
    proposed(book)
    con = sqlite3.connect(book.path)
    for statement in ("UPDATE actions SET mid = 1", "DELETE FROM actions"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            con.execute(statement)
    con.execute("INSERT OR REPLACE INTO actions (id, code) SELECT id, 'x' FROM actions")
    con.execute("INSERT OR REPLACE INTO actions (seq, id, code) VALUES (1, 'y', 'x')")
    con.commit()
    con.close()
    assert list(book.actions["code"]) == ["move"]


def test_an_action_is_found_by_id_prefix_proposal_or_itself(book):
    mine = advice()
    (made,) = proposed(book, mine)
    for way in (made, made[:7], mine, mine.action, book.proposals()[0]):
        book.decide(way, accepted=True, owner="Li", on=DAY)
    assert list(book.decisions["action"]) == [made]
    for wrong in ("nosuch", "", made[:3], advice("cut"), advice("cut").action):
        with pytest.raises(MissingError):
            book.decide(wrong, accepted=True, owner="Li", on=DAY)
    with pytest.raises(OptionError):
        book.decide(7, accepted=True, owner="Li", on=DAY)


def test_what_comes_back_is_what_was_proposed(book):
    mine = advice()
    proposed(book, mine)
    assert book.proposals() == (mine,)
    assert book.proposals(date(2026, 3, 2)) == ()
    book.decide(mine, accepted=False, owner="Li", on=DAY)
    assert book.proposals() == ()


def test_a_new_run_replaces_open_advice(book, demo):
    attributed = eo.channel.attribution(demo.touchpoints, margin=demo.margin)
    book.propose(attributed, on=date(2025, 11, 1))
    open_before = book.proposals(DAY)
    book.propose(attributed, on=DAY)
    assert len(book.proposals(DAY)) == len(open_before) == len(attributed.actions())
    assert set(book.actions["proposed_on"]) == {"2025-11-01", "2025-11-30"}


def test_a_plan_hands_over_its_target_and_forecast(book, demo):
    """Truth: the result's own numbers."""
    planned = eo.store.target(demo, target=400_000)
    book.keep([planned, planned.plan, eo.store.target(demo, target=400_000)])
    assert book.target() == 400_000
    assert book.target("visitors") is None
    assert len(book.targets) == 1
    ahead = planned.plan.rows["expected"].dropna()
    assert book.forecasts["mid"].sum() == pytest.approx(ahead.sum())
    assert book.targets["start_on"].iloc[0] > planned.basis.end.isoformat()


def test_execute_finds_the_target_of_its_days(book, demo):
    """Truth: 30 days from the day after the data; the target set last counts."""
    for aim in (300_000, 400_000, None):  # what only stands in is nobody's target
        book.keep(eo.store.target(demo, target=aim))
    end = demo.coverage.last_day
    assert book.under_way(end).value is None
    found = book.under_way(end + timedelta(days=7))
    assert (found.value, found.start) == (400_000, end + timedelta(days=1))
    assert (found.end - found.start).days == 29
    assert book.under_way(found.end + timedelta(days=1)).value is None


def test_wrong_entries_are_refused_and_nothing_is_written(book):
    (made,) = proposed(book)
    with pytest.raises(OptionError, match="owner"):
        book.decide(made, accepted=True, owner=" ", on=DAY)
    with pytest.raises(OptionError, match="on="):
        book.decide(made, accepted=True, owner="Li")
    with pytest.raises(OptionError, match="interval"):
        book.realise(made, value=5, low=6, high=7, method="x", on=DAY)
    assert book.decisions.empty
    assert book.realised.empty


def test_a_write_is_whole_or_not_there(book):
    def half(con):
        con.execute("INSERT INTO runs (id, analysis) VALUES ('a', 'b')")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), book._archive.writing() as con:
        half(con)
    assert book.runs.empty


def test_files_of_others_and_of_the_future_are_left_alone(tmp_path):
    text, other, newer = (tmp_path / name for name in ("a.sqlite", "b.sqlite", "c.sqlite"))
    text.write_text("not a database, only text that is long enough to be read" * 20)
    con = sqlite3.connect(other)
    con.execute("CREATE TABLE mine (x)")
    con.commit()
    con.close()
    proposed(ledger(newer))
    con = sqlite3.connect(newer)
    con.execute("PRAGMA user_version = 99")
    con.close()
    for path, said in ((text, "no ledger"), (other, "no ledger"), (newer, "99")):
        before = path.read_bytes()
        with pytest.raises(DataError, match=said):
            proposed(ledger(path))
        with pytest.raises(DataError, match=said):
            _ = ledger(path).actions
        assert path.read_bytes() == before
    with pytest.raises(UnsafeError):
        proposed(ledger(text / "below" / NAME))


def test_a_shop_keeps_its_ledger_in_its_folder_and_reads_as_before(tmp_path, demo):
    folder = tmp_path / "shop"
    shutil.copytree(demo_folder(), folder)
    shop = eo.open(folder)
    book = ledger(shop)
    attributed = eo.channel.attribution(demo.touchpoints, margin=demo.margin)
    (made, *_) = book.propose(attributed)
    book.decide(made, accepted=True, owner="Li")
    assert (folder / NAME).exists()
    assert list(ledger(folder).decisions["decided_on"]) == [str(shop.coverage.last_day)]
    assert sorted(eo.open(folder).tables) == sorted(shop.tables)
    assert ledger(demo).path is None
    assert ledger(demo, path=folder / NAME).counts()["accepted"] == 1


def test_an_export_folder_with_a_ledger_still_loads(tmp_path):
    orders = tmp_path / "orders.csv"
    orders.write_text(
        "order_id,created_at,paid_at,paid_amount,currency\n1,2025-01-01,2025-01-01,5,CNY\n"
    )
    proposed(ledger(tmp_path))
    assert (tmp_path / NAME).exists()
    assert eo.open(tmp_path).coverage.rows == 1
    assert eo.open(orders).folder == tmp_path


def test_exports_hold_every_row_and_no_formula(book, tmp_path):
    (made,) = proposed(book, advice(subject="channel:=1+1"))
    book.decide(made, accepted=True, owner="=cmd()", on=DAY)
    paths = book.to_csv(tmp_path / "csv")
    assert [p.stem for p in paths] == list(TABLES)
    assert "'=cmd()" in (tmp_path / "csv" / "decisions.csv").read_text(encoding="utf-8-sig")
    whole = json.loads(book.to_json(tmp_path / "all.json").read_text(encoding="utf-8"))
    counts = {name: len(table["rows"]) for name, table in whole["tables"].items()}
    assert {name: n for name, n in counts.items() if n} == {
        "runs": 2, "actions": 1, "decisions": 1, "verifications": 1,
    }  # fmt: skip


def test_the_demo_keeps_nothing_but_remembers_while_it_runs(demo):
    book = ledger(demo, lang="zh")
    proposed(book)
    assert len(book.actions) == 1
    assert ledger(demo).actions.empty
    bundle = book._repr_mimebundle_()
    assert "内存" in bundle["text/html"]
    assert bundle["application/vnd.ecomops+json"]["counts"]["open"] == 1
    assert "actions" in dir(book)
    with pytest.raises(AttributeError):
        _ = book.nosuch
