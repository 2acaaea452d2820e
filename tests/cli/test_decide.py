"""`ecomops decide`: open advice is listed, decisions are written, wrong calls are told."""

from __future__ import annotations

import shutil

import pytest

import ecomops as eo
from ecomops.cli import main
from ecomops.data.shop import demo_folder
from ecomops.report.memory import ledger


@pytest.fixture
def folder(tmp_path, demo):
    place = tmp_path / "shop"
    shutil.copytree(demo_folder(), place)
    shop = eo.open(place)
    ledger(shop).propose(eo.channel.attribution(demo.touchpoints, margin=demo.margin))
    return place


def test_open_advice_is_listed_with_its_money_in_both_languages(folder, capsys):
    book = ledger(folder)
    for lang, money in (("zh", "净毛利"), ("en", "Net margin")):
        assert main(["decide", str(folder), "--lang", lang]) == 0
        text = capsys.readouterr().out
        assert money in text
        assert all(row[:8] in text for row in book.actions["id"])


def test_the_folder_of_a_notebook_leads_to_the_ledger_beside_its_data(folder, tmp_path, capsys):
    """`ecomops new` puts the data one folder deeper; the ledger lies beside the data."""
    mine = tmp_path / "mine"
    assert main(["new", "analyse", str(mine), "--lang", "en"]) == 0
    (mine / "data").rmdir()
    folder.rename(mine / "data")
    capsys.readouterr()
    assert main(["decide", str(mine), "--lang", "en"]) == 0
    assert ledger(mine / "data").actions["id"].iloc[0][:8] in capsys.readouterr().out
    assert main(["new", "plan", str(tmp_path / "other"), "--data", str(mine / "data")]) == 0
    assert main(["decide", str(tmp_path / "other"), "--lang", "en"]) == 0
    assert ledger(mine / "data").actions["id"].iloc[0][:8] in capsys.readouterr().out


def test_a_decision_is_written_and_no_longer_open(folder, capsys):
    first, *_ = ledger(folder).actions["id"]
    call = ["decide", str(folder), first[:8], "--owner", "Li", "--lang", "en"]
    assert main([*call, "--accept", "--note", "try"]) == 0
    (row,) = ledger(folder).decisions.to_dict("records")
    assert (row["action"], row["accepted"], row["owner"], row["note"]) == (first, 1, "Li", "try")
    capsys.readouterr()
    main(["decide", str(folder), "--lang", "en"])
    assert first[:8] not in capsys.readouterr().out
    assert main([*call, "--reject"]) == 0
    assert list(ledger(folder).decisions["accepted"]) == [1, 0]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["{id}", "--owner", "Li"], 2, "--accept"),
        (["{id}", "--owner", "Li", "--accept", "--reject"], 2, "--reject"),
        (["{id}", "--accept"], 2, "owner"),
        (["--accept", "--owner", "Li"], 3, "take an id"),
        (["nosuch", "--accept", "--owner", "Li"], 3, "nosuch"),
    ],
)
def test_a_decision_that_is_not_whole_is_refused(folder, capsys, options, code, said):
    first = ledger(folder).actions["id"].iloc[0]
    call = [part.format(id=first) for part in options]
    assert main(["decide", str(folder), *call, "--lang", "en"]) == code
    assert said in capsys.readouterr().err
    assert ledger(folder).decisions.empty
