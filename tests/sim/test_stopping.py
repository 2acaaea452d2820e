"""A run of `ecomops simulate` that is stopped leaves no shop, and says so; progress is told."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from ecomops.base.errors import OptionError
from ecomops.sim import simulate, world

RUN = """
import signal, sys
from ecomops.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""
BIG = "600000"


def started(folder, *more):
    """Return a run that has begun and has told its first step."""
    words = ["simulate", "bench", str(folder), "--customers", BIG, "--lang", "en", *more]
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout.readline() == "1/10\n"
    return run


@pytest.mark.parametrize(
    ("how", "workers"), [(signal.SIGINT, "1"), (signal.SIGTERM, "1"), (signal.SIGINT, "2")]
)
def test_a_stopped_run_leaves_nothing(tmp_path, how, workers):
    run = started(tmp_path / "shop", "--workers", workers)
    run.send_signal(how)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_leaves_no_shop(tmp_path):
    run = started(tmp_path / "shop")
    run.kill()
    run.communicate(timeout=60)
    assert not (tmp_path / "shop").exists()
    assert all(path.name.startswith(".shop-") for path in tmp_path.iterdir())


def test_impossible_numbers_are_refused(tmp_path):
    with pytest.raises(OptionError, match="seed is out of range"):
        world("tiny", seed=-1, customers=50)
    with pytest.raises(OptionError, match="workers is out of range"):
        simulate("tiny", tmp_path / "shop", customers=50, workers=0)
    assert list(tmp_path.iterdir()) == []
