"""Running a notebook: parameters as papermill's, errors as messages, progress on the way."""

from __future__ import annotations

import pytest

from ecomops.report import execute
from ecomops.report.source import notebook

SOURCE = """# %% [markdown] tags=["en"]
# # One
# %% tags=["parameters"]
data = "demo"
# %%
import ecomops as eo
# %%
"""


class Told:
    def __init__(self):
        self.said = []

    def started(self, book, number, total, call):
        self.said.append(("started", book, number, total, call))

    def finished(self, book, number, total, call, seconds):
        assert seconds >= 0
        self.said.append(("finished", book, number, total, call))


def tags(book):
    return [cell.metadata.get("tags", []) for cell in book.cells]


def test_parameters_go_behind_the_tagged_cell_and_replace_earlier_ones():
    once = execute.parametrised(notebook(SOURCE, "en"), {"data": "a.csv", "lang": "zh"})
    assert tags(once)[1:3] == [["parameters"], ["injected-parameters"]]
    assert once.cells[2].source == "# Parameters\ndata = 'a.csv'\nlang = 'zh'"
    twice = execute.parametrised(once, {"data": "b.csv"})
    assert [t for t in tags(twice) if t == ["injected-parameters"]] == [["injected-parameters"]]
    assert twice.cells[2].source == "# Parameters\ndata = 'b.csv'"


def test_parameters_leave_the_notebook_itself_alone():
    book = notebook(SOURCE, "en")
    execute.parametrised(book, {"data": "a.csv"})
    assert len(book.cells) == len(notebook(SOURCE, "en").cells)


def test_a_value_cannot_leave_its_string():
    value = "x'; import os; os._exit(1) #"
    book = execute.parametrised(notebook(SOURCE, "en"), {"data": value})
    scope = {}
    exec(book.cells[2].source, scope)  # noqa: S102 - the point of the test
    assert scope["data"] == value


def test_run_tells_of_each_cell_and_leaves_no_trace():
    told = Told()
    done = execute.run(notebook("# %%\nx = 2\n# %%\nx * 21", "en"), progress=told)
    assert done.book.cells[1].outputs[0]["data"]["text/plain"] == "42"
    assert told.said == [
        (kind, "", number, 2, "") for number in (1, 2) for kind in ("started", "finished")
    ]
    assert len(done.book.cells) == 2
    assert done.results == []
    assert set(done.book.metadata) == {"kernelspec", "language_info", "ecomops"}


SHOWN = "class A:\n  def _repr_mimebundle_(self, **_):\n"


@pytest.mark.parametrize(
    ("cell", "kind", "text"),
    [
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ('import ecomops as eo\neo.open("no such file")', "MissingError", "no such file"),
        ('import ecomops as eo\neo.open("demo", lang="fr")', "OptionError", "fr"),
        (SHOWN + '    raise TypeError("not to be shown")\nA()', "TypeError", "not to be shown"),
    ],
)
def test_an_error_inside_becomes_a_message(cell, kind, text):
    with pytest.raises(execute.RunError) as caught:
        execute.run(notebook(f"# %%\n{cell}", "en"))
    assert caught.value.kind == kind
    assert text in caught.value.message("en")
    assert "Traceback" not in caught.value.message("zh")


def test_when_one_of_two_fails_its_error_alone_is_told(caplog):
    cells = {"quick": "1 / 0", "slow": "import time\ntime.sleep(3)"}
    with pytest.raises(execute.RunError) as caught:
        execute.run_all(
            [(name, notebook(f"# %%\n{cell}", "en"), {}) for name, cell in cells.items()]
        )
    assert caught.value.kind == "ZeroDivisionError"
    assert caplog.records == []
