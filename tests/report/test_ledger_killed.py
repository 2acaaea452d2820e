"""Two processes write one ledger and are killed again and again: nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecomops.report.memory import NAME, ledger

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from datetime import date
from pathlib import Path
from ecomops.report.archive import Archive, insert

book, log, name = Archive(Path(sys.argv[1])), open(sys.argv[2], "a", buffering=1), sys.argv[3]
n = int(sys.argv[4])
while True:
    # one write of two rows: both are there or neither
    with book.writing() as con:
        for half in "ab":
            insert(con, "runs", f"{name}-{n}-{half}", {"analysis": name, "ran_on": str(n)})
    log.write(f"{name}-{n}\\n")
    n += 1
"""


def started(folder, name, first):
    log = folder / f"{name}.log"
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder / NAME), str(log), name, str(first)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def acknowledged(folder):
    lines = [line for log in folder.glob("*.log") for line in log.read_text().split("\n")[:-1]]
    return set(lines)


def enough(folder, wanted, names):
    """Return whether so many writes are acknowledged, some of each of the writers."""
    told = acknowledged(folder)
    return len(told) >= wanted and names <= {line.partition("-")[0] for line in told}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_kill_9_at_any_moment_loses_nothing(tmp_path):
    """Truth: each writer's own log of what was acknowledged before the kill."""
    for rep in range(6):
        names = {f"{name}{rep}" for name in "AB"}
        writers = [started(tmp_path, name, 0) for name in sorted(names)]
        wanted, end = len(acknowledged(tmp_path)) + 10, time.monotonic() + 60
        while not enough(tmp_path, wanted, names) and time.monotonic() < end:
            time.sleep(0.003 * (rep + 1))
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
    told = acknowledged(tmp_path)
    rows = ledger(tmp_path / NAME).runs
    halves = {identity[:-2]: 0 for identity in rows["id"]}
    for identity in rows["id"]:
        halves[identity[:-2]] += 1
    assert len(told) >= 60
    assert {name[0] for name in told} == {"A", "B"}
    assert told <= halves.keys()
    assert set(halves.values()) == {2}
    assert len(halves) - len(told) <= 12  # at most the one write that each killed process was in
    con = sqlite3.connect(tmp_path / NAME)
    assert con.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    con.close()


def test_two_processes_make_one_ledger(tmp_path):
    """Truth: each process wrote twenty rows."""
    script = (
        "import sys; from pathlib import Path\n"
        "from ecomops.report.archive import Archive, insert\n"
        "for n in range(20):\n"
        "    with Archive(Path(sys.argv[1])).writing() as con:\n"
        "        insert(con, 'runs', f'{sys.argv[2]}-{n}', {'analysis': sys.argv[2]})\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / NAME)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen([*command, name], env=environment) for name in "AB"]
    assert [each.wait(60) for each in both] == [0, 0]
    assert ledger(tmp_path / NAME).runs["analysis"].value_counts().to_dict() == {"A": 20, "B": 20}
