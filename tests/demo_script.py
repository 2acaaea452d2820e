"""What the script that writes the demo shop holds: its seed, and how it writes."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path

_SCRIPT = run_path(str(Path(__file__).parent.parent / "datasets" / "demo.py"))
SEED: int = _SCRIPT["SEED"]
write_demo = _SCRIPT["main"]
