"""The modules of the loader import each other in one direction, also where only types need it."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import ecomops.data.formats as package

FOLDER = Path(package.__file__).parent
MODULES = {path.stem: path for path in FOLDER.glob("*.py") if path.stem != "__init__"}


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == package.__name__:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package.__name__):
            found.add(node.module.rpartition(".")[2])
    return found & set(MODULES)


def test_imports_have_no_cycle():
    graph = {name: imported(path) for name, path in MODULES.items()}
    order = list(TopologicalSorter(graph).static_order())
    assert set(order) == set(MODULES)
    assert graph["pipeline"] >= {"merge", "reading"}
