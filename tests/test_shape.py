"""The house rules: sizes, words in both languages, what every public analysis comes with."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import string
import tomllib
from functools import cache
from pathlib import Path
from statistics import median, quantiles

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ecomops"
SOURCES = sorted(PACKAGE.rglob("*.py"))
ELEMENTS = ("store", "product", "channel", "customer", "campaign")
LANGUAGES = ("zh", "en")
ALLOWED_TOGETHER = ("双11", "双12", "T恤", "3C数码")  # names that take no space
MESSAGES = sorted((PACKAGE / "base" / "messages").glob("*.toml"))
TEXTS = {
    **{p.stem: p for p in sorted((PACKAGE / "result" / "words" / "zh").glob("*.toml"))},
    **{f"{p.stem} (messages)": p for p in MESSAGES},
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def code_lines(path: Path) -> int:
    """Count lines without blank ones, comments and docstrings: what has to be understood."""
    text = path.read_text(encoding="utf-8").splitlines()
    documented = {
        line
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node, clean=False)
        for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)
    }
    written = enumerate(map(str.strip, text), start=1)
    return sum(bool(t) and not t.startswith("#") and n not in documented for n, t in written)


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function, clean=False) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def functions() -> dict[str, int]:
    return {
        f"{where(path, node)} {node.name}": body_lines(node)
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_files_are_small():
    sizes = {str(path.relative_to(ROOT)): lines(path) for path in SOURCES}
    assert {path: size for path, size in sizes.items() if size > 500} == {}
    assert median(sizes.values()) <= 200


# Everything but the analyses has a cap; they may have so many lines each, on average.
CAPS = {"ecomops/sim/": 5_000, "ecomops/data/formats/": 4_000, "ecomops/": 8_500}
PER_ANALYSIS = 330


def test_the_package_is_small():
    counted = dict.fromkeys(CAPS, 0)
    inside = 0
    for path in SOURCES:
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(tuple(f"ecomops/{element}/" for element in ELEMENTS)):
            inside += code_lines(path)
        else:
            counted[next(part for part in CAPS if name.startswith(part))] += code_lines(path)
    assert {part: n for part, n in counted.items() if n > CAPS[part]} == {}
    assert inside <= PER_ANALYSIS * len(ANALYSES)


def test_function_bodies_are_small():
    sizes = functions()
    assert {name: size for name, size in sizes.items() if size > 50} == {}
    assert median(sizes.values()) <= 6
    assert quantiles(sizes.values(), n=10)[-1] <= 25


def test_data_and_notebooks_are_small():
    megabyte = 1_000_000
    shop = [p.stat().st_size for p in (ROOT / "datasets").rglob("*") if p.is_file()]
    assert sum(shop) <= 5 * megabyte
    books = {p.name: p.stat().st_size for p in (ROOT / "notebooks").rglob("*.ipynb")}
    assert {name: size for name, size in books.items() if size > 0.3 * megabyte} == {}


def calls(*paths: Path) -> list[tuple[str, str]]:
    return [
        (where(path, node), ast.unparse(node))
        for path in paths
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
    ]


def imports(path: Path) -> list[tuple[str, str]]:
    named = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            named += [(where(path, node), alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            named += [(where(path, node), f"{node.module}.{alias.name}") for alias in node.names]
    return named


def test_library_code_does_not_print_or_use_pyplot():
    library = [path for path in SOURCES if not path.relative_to(PACKAGE).parts[0].startswith("cli")]
    assert [at for at, call in calls(*library) if call.startswith("print(")] == []
    assert [at for path in SOURCES for at, name in imports(path) if "pyplot" in name] == []


def test_numbers_have_no_clock_and_no_unseeded_chance():
    clock = re.compile(
        r"\b(datetime|date|dt|Timestamp|pd|ibis)\.(now|today|utcnow)\(|^time\.time\("
    )
    numbers = [path for path in SOURCES if path.relative_to(PACKAGE).parts[0] != "report"]
    assert [at for at, call in calls(*numbers) if clock.search(call)] == []
    assert [at for at, call in calls(*SOURCES) if call.endswith("default_rng()")] == []


def test_names_are_nouns_of_the_field():
    vague = re.compile(r"_?(calc|get|do)_")
    assert [name for name in functions() if vague.match(name.split()[-1])] == []
    modules = {path.stem for path in SOURCES}
    assert modules & {"utils", "util", "helpers", "helper", "misc"} == set()


def test_every_package_stands_in_the_layers():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    layers = set(re.findall(r"ecomops\.\w+", " ".join(contracts[0]["layers"])))
    packages = {f"ecomops.{init.parent.name}" for init in PACKAGE.glob("*/__init__.py")}
    assert packages <= layers
    forbidden = contracts[1:]
    simulator = next(c for c in forbidden if c["forbidden_modules"] == ["ecomops.sim"])
    engine = next(c for c in forbidden if c["forbidden_modules"] == ["duckdb"])
    elements = packages & {f"ecomops.{name}" for name in ELEMENTS}
    assert elements <= set(simulator["source_modules"])
    assert packages - {"ecomops.data"} <= set(engine["source_modules"])


def flat(node: object, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    if isinstance(node, dict):
        return {
            at: text for key, sub in node.items() for at, text in flat(sub, (*path, key)).items()
        }
    if isinstance(node, list):
        return {(*path, str(i)): str(text) for i, text in enumerate(node)}
    return {path: str(node)}


def fields(template: str) -> set[tuple[str, str]]:
    return {
        (name.partition(".")[0], spec or "")
        for _, name, spec, _ in string.Formatter().parse(template)
        if name is not None and "|" not in (spec or "")  # one word or its plural
    }


def words(lang: str, name: str) -> dict[tuple[str, ...], str]:
    path = PACKAGE / "result" / "words" / lang / f"{name}.toml"
    return flat(tomllib.loads(path.read_text(encoding="utf-8")))


def word_files(lang: str) -> list[str]:
    return sorted(path.stem for path in (PACKAGE / "result" / "words" / lang).glob("*.toml"))


def test_both_languages_have_the_same_files_of_words():
    assert word_files("zh") == word_files("en")


@pytest.mark.parametrize("name", word_files("zh"))
def test_both_languages_say_the_same(name):
    zh, en = words("zh", name), words("en", name)
    assert zh.keys() == en.keys()
    assert {at for at in zh if fields(zh[at]) != fields(en[at])} == set()
    assert [at for at, text in (*zh.items(), *en.items()) if not text.strip()] == []


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_errors_say_what_was_there_and_what_to_do_in_both_languages(path):
    for code, parts in tomllib.loads(path.read_text(encoding="utf-8")).items():
        assert list(parts) in (["what", "found", "do"], ["what", "do"]), code
        assert "found" in parts or fields(parts["what"]["en"]), (
            f"{code} shows nothing of what was there"
        )
        for part, texts in parts.items():
            assert set(texts) == set(LANGUAGES), (code, part)
            assert fields(texts["zh"]) == fields(texts["en"]), (code, part)


def chinese(path: Path) -> dict[tuple[str, ...], str]:
    texts = flat(tomllib.loads(path.read_text(encoding="utf-8")))
    return {at: t for at, t in texts.items() if "messages" not in path.parts or at[-1] == "zh"}


def plain(text: str) -> str:
    """Return `text` without fields, code in backticks and names that are written together."""
    for word in ALLOWED_TOGETHER:
        text = text.replace(word, "双")
    text = re.sub(r"`[^`]*`|\{\w+(:(label|labels|text))?\}", "中", text)
    return re.sub(r"\{[^{}]*\}", "0", text)


@pytest.mark.parametrize("name", TEXTS)
def test_chinese_uses_its_own_punctuation(name):
    half = re.compile(r"[一-鿿][,;:?!(]|[,;:?!)][一-鿿]|[一-鿿]\.(\s|$)")
    texts = chinese(TEXTS[name])
    assert {at: text for at, text in texts.items() if half.search(plain(text))} == {}


@pytest.mark.parametrize("name", TEXTS)
def test_chinese_has_a_space_beside_latin_and_digits(name):
    glued = re.compile(r"[一-鿿][A-Za-z0-9]|[A-Za-z0-9][一-鿿]")
    texts = chinese(TEXTS[name])
    code = re.compile(r"`[^`]*`|\{[^{}]*\}")
    bare = {at: code.sub(" ", text) for at, text in texts.items()}
    for word in ALLOWED_TOGETHER:
        bare = {at: text.replace(word, " ") for at, text in bare.items()}
    assert {at: texts[at] for at, text in bare.items() if glued.search(text)} == {}


def test_no_row_of_a_table_is_worked_on_alone():
    """Mistake 13 of conventions.md: a function of pandas called once per row, of millions."""
    row_wise = [
        where(path, node)
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") in ("apply", "agg", "transform")
        and any(k.arg == "axis" and ast.unparse(k.value) != "0" for k in node.keywords)
    ]
    assert row_wise == []


def exported(element: str) -> list[str]:
    init = PACKAGE / element / "__init__.py"
    if not init.is_file():
        return []
    for node in tree(init).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [name for name in ast.literal_eval(node.value) if name.islower()]
    return []


ANALYSES = [f"{element}.{name}" for element in ELEMENTS for name in exported(element)]
each_analysis = pytest.mark.parametrize("analysis", ANALYSES)


def entry(analysis: str) -> object:
    element, name = analysis.split(".")
    return getattr(importlib.import_module(f"ecomops.{element}"), name)


@each_analysis
def test_analysis_has_words(analysis):
    element, name = analysis.split(".")
    for lang in LANGUAGES:
        files = [f for f in word_files(lang) if f.partition("_")[0] == element]
        assert any(at[0] == name for f in files for at in words(lang, f)), lang


@each_analysis
def test_analysis_has_a_doctest(analysis):
    documented = inspect.getdoc(entry(analysis))
    assert ">>> " in documented
    assert documented.splitlines()[0].endswith(".")


@each_analysis
def test_analysis_takes_tables_first_and_the_rest_by_name(analysis):
    parameters = inspect.signature(entry(analysis)).parameters.values()
    kinds = [parameter.kind for parameter in parameters]
    assert set(kinds) <= {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    tables = [p for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in tables if p.default is not inspect.Parameter.empty] == []
    assert len(tables) == 1
    assert "lang" in inspect.signature(entry(analysis)).parameters


@each_analysis
def test_analysis_has_a_test_file(analysis):
    element, name = analysis.split(".")
    assert (ROOT / "tests" / element / f"test_{name}.py").is_file()


@each_analysis
def test_analysis_has_a_notebook_section(analysis):
    sources = [
        path.read_text(encoding="utf-8") for path in (ROOT / "notebooks" / "src").glob("*.py")
    ]
    assert any(f"{analysis}(" in source for source in sources)


@each_analysis
def test_analysis_has_a_line_in_each_readme(analysis):
    readmes = sorted(ROOT.glob("README*.md"))
    assert len(readmes) >= 2
    assert [path.name for path in readmes if analysis not in path.read_text(encoding="utf-8")] == []
