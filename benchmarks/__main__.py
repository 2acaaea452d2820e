"""``python -m benchmarks [NAME ...]``: run the named benchmarks, or all of them."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from benchmarks.measure import show

TOOLS = {"__init__", "__main__", "measure"}
NAMES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in TOOLS)


def main(names: list[str]) -> int:
    """Run each benchmark's ``main()``, print its rows, and say how many bounds were passed."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(NAMES)}")
        return 2
    over = 0
    for name in names or NAMES:
        rows = importlib.import_module(f"benchmarks.{name}").main()
        if rows:
            show(name, rows)
            over += sum(row.verdict == "OVER" for row in rows)
    return int(over > 0)


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.exit(main(sys.argv[1:]))
