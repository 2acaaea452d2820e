"""The rules for cells of the notebooks: thin, explained in both languages, nothing computed."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from statistics import median

import nbformat
import pytest

from ecomops.report.source import cells, notebook

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted((NOTEBOOKS / "src").glob("*.py"))
BOOKS = sorted(NOTEBOOKS.glob("*/*.ipynb"))
each_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
each_book = pytest.mark.parametrize("path", BOOKS, ids=lambda p: f"{p.parent.name}-{p.stem}")
COMPUTING = (
    ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If, ast.With, ast.Try,
    ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.JoinedStr, ast.AugAssign,
)  # fmt: skip
FRAMES = {"groupby", "merge", "pivot", "pivot_table", "apply", "agg", "join", "sort_values", "plt"}


def code(path):
    return [cell for cell in cells(path.read_text(encoding="utf-8")) if cell["kind"] == "code"]


def calls(text):
    """Return the library's entries that a cell calls; reading a table is not one."""
    found = re.findall(r"\beo\.(\w+(?:\.\w+)?)\(", text)
    return [name for name in found if name != "open"]


def test_each_stage_has_a_notebook_in_both_languages():
    assert "analyse" in [path.stem for path in SOURCES]
    wanted = {f"{lang}/{path.stem}.ipynb" for path in SOURCES for lang in ("zh", "en")}
    assert {str(path.relative_to(NOTEBOOKS)) for path in BOOKS} == wanted


@each_source
def test_code_cells_are_thin(path):
    lengths = {cell["text"]: len(cell["text"].splitlines()) for cell in code(path)}
    assert max(lengths.values()) <= 8
    parameters = {cell["text"] for cell in code(path) if "parameters" in cell["tags"]}
    assert median(n for text, n in lengths.items() if text not in parameters) <= 3


@each_source
def test_code_cells_compute_nothing(path):
    for cell in code(path):
        tree = ast.parse(cell["text"])
        nodes = list(ast.walk(tree))
        assert [ast.unparse(n) for n in nodes if isinstance(n, COMPUTING)] == []
        names = {n.attr for n in nodes if isinstance(n, ast.Attribute)}
        names |= {n.id for n in nodes if isinstance(n, ast.Name)}
        assert names & FRAMES == set()
        assert len(calls(cell["text"])) <= 1, cell["text"]


@each_source
def test_parameters_are_plain_literals(path):
    tagged = [cell for cell in code(path) if "parameters" in cell["tags"]]
    assert [cell["tags"] for cell in tagged] == [["parameters", "zh"], ["parameters", "en"]]
    for cell in tagged:
        for node in ast.parse(cell["text"]).body:
            assert isinstance(node, ast.Assign)
            ast.literal_eval(node.value)


@each_source
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_each_code_cell_is_explained_before_it(path, lang):
    book = notebook(path.read_text(encoding="utf-8"), lang)
    kinds = [cell.cell_type for cell in book.cells]
    assert kinds[:2] == ["markdown", "markdown"]
    after = [i for i, kind in enumerate(kinds) if kind == "code"]
    assert [i for i in after if kinds[i - 1] != "markdown"] == []


@each_source
def test_it_begins_with_question_decision_and_tables(path):
    zh, en = (
        notebook(path.read_text(encoding="utf-8"), lang).cells[0].source for lang in ("zh", "en")
    )
    assert all(word in zh for word in ("回答的问题", "据此决定", "需要的表"))
    assert all(word in en for word in ("Questions", "Decides", "Tables"))


@each_book
def test_committed_notebooks_are_those_of_the_source(path):
    book = nbformat.read(path, as_version=4)
    source = (NOTEBOOKS / "src" / f"{path.stem}.py").read_text(encoding="utf-8")
    wanted = notebook(source, path.parent.name)
    assert [c.source for c in book.cells] == [c.source for c in wanted.cells]
    assert [c.id for c in book.cells] == [c.id for c in wanted.cells]


@each_book
def test_committed_notebooks_are_executed_and_small(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    ran = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in ran] == list(range(1, len(ran) + 1))
    assert [c.source for c in ran if calls(c.source) and not c.outputs] == []
    assert [o for c in ran for o in c.outputs if o.output_type in ("error", "stream")] == []
    assert set(book.metadata) == {"kernelspec", "language_info", "ecomops"}
    assert path.stat().st_size <= 300_000
