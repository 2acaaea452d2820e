"""`import ecomops` and `ecomops --help`, beyond the interpreter's own start."""

from __future__ import annotations

import sys

from benchmarks.measure import Row, interleaved, middle

HELP = """
import contextlib, io
from ecomops.cli import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(["--help"])
"""


def main() -> list[Row]:
    """Return the seconds of both beyond an empty program."""
    programs = {
        "empty": ("pass", sys.executable),
        "import": ("import ecomops", sys.executable),
        "help": (HELP, sys.executable),
    }
    runs = interleaved(programs, times=9)
    empty = middle(runs["empty"], "wall")
    return [
        Row("import ecomops", middle(runs["import"], "wall") - empty, "s", 0.15),
        Row("ecomops --help", middle(runs["help"], "wall") - empty, "s", 0.4),
    ]
