"""What `import ecomops` and `ecomops --help` must not load, seen in a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

HEAVY = ("duckdb", "ibis", "jupyterlab", "matplotlib", "nbclient", "pandas", "scipy", "seaborn")
HELP = """
import contextlib, io
from ecomops.cli import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out:
    main(["--help"])
assert "run" in out.getvalue(), out.getvalue()
"""


def loaded_by(code: str) -> list[str]:
    report = f"\nimport json, sys; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    run = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def test_import_is_light():
    assert loaded_by("import ecomops") == []


def test_help_is_light():
    if find_spec("ecomops.cli") is None:
        pytest.skip("ecomops.cli is not there yet")
    assert loaded_by(HELP) == []


def test_public_names_exist():
    import ecomops

    assert [name for name in getattr(ecomops, "__all__", []) if not hasattr(ecomops, name)] == []
