"""What the command line understands, with its help in Chinese or English."""

from __future__ import annotations

import argparse
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

import ecomops
from ecomops.base.options import LANGUAGES
from ecomops.base.packaged import packaged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# what argparse says, in English only -> our own words for it
WRONG = {
    "required": r"the following arguments are required: (?P<names>.+)",
    "unknown": r"unrecognized arguments: (?P<names>.+)",
    "choice": (
        r"argument (?P<name>.+?): invalid choice: (?P<value>.+?) \(choose from (?P<allowed>.+)\)"
    ),
    "one": r"argument (?P<name>.+?): expected one argument",
    "kind": r"argument (?P<name>.+?): invalid (?P<kind>\w+) value: (?P<value>.+)",
    "explicit": r"argument (?P<name>.+?): ignored explicit argument (?P<value>.+)",
}


def _commands() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the arguments of each command: name, and what argparse is told."""
    told = packaged("cli/commands.toml")
    shared = told["shared"]
    return {
        command: {
            name: shared.get(name, {}) | own | ({"type": int} if "type" in own else {})
            for name, own in arguments.items()
        }
        for command, arguments in told["commands"].items()
    }


COMMANDS = _commands()


def language(given: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the language of words: that of ``--lang``, else the system's, else English.

    >>> (
    ...     language(["run", "--lang", "zh"], {}),
    ...     language([], {"LANG": "zh_CN.UTF-8"}),
    ...     language([], {}),
    ... )
    ('zh', 'zh', 'en')
    """
    for at, word in enumerate(given):
        value = word.partition("=")[2] if word.startswith("--lang=") else ""
        if word == "--lang" and at + 1 < len(given):
            value = given[at + 1]
        if value in LANGUAGES:
            return value
    system = next(
        (environment[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(n)), ""
    )
    return "zh" if system.lower().startswith("zh") else "en"


@cache
def texts(lang: str) -> dict[str, Any]:
    """Return the words of the command line, read without loading the presentation layer."""
    said: dict[str, Any] = packaged(f"result/words/{lang}/report.toml")["cli"]
    return said


class Parser(argparse.ArgumentParser):
    """A parser whose headings speak the reader's language."""

    def __init__(self, *, lang: str, **told: Any) -> None:
        said = texts(lang)

        class Formatter(argparse.RawDescriptionHelpFormatter):
            def add_usage(
                self, usage: Any, actions: Any, groups: Any, prefix: str | None = None
            ) -> None:
                super().add_usage(
                    usage, actions, groups, said["usage"] if prefix is None else prefix
                )

        super().__init__(formatter_class=Formatter, add_help=False, allow_abbrev=False, **told)
        self._positionals.title, self._optionals.title = said["positional"], said["options"]
        self.add_argument("-h", "--help", action="help", help=said["help"])
        self.add_argument("--lang", choices=LANGUAGES, help=said["lang"])
        self._errors = said["errors"]
        self._stop = "：" if lang == "zh" else ": "
        self._headings = (
            (said["positional"], said["options"], said["commands"]) if lang == "zh" else ()
        )

    def error(self, message: str) -> NoReturn:
        """Say how to call it and what was wrong, in the reader's language; exit with 2."""
        self.print_usage(sys.stderr)
        for code, pattern in WRONG.items():
            if found := re.fullmatch(pattern, message):
                message = self._errors[code].format(**found.groupdict())
                break
        self.exit(2, f"{self.prog}: {self._errors['error']}{self._stop}{message}\n")

    def format_help(self) -> str:
        """Return the help; its Chinese headings end with a Chinese colon."""
        text = super().format_help()
        for heading in self._headings:
            text = text.replace(f"\n{heading}:\n", f"\n{heading}：\n")
        return text


def parser(lang: str) -> argparse.ArgumentParser:
    """Return the parser of every command.

    >>> parser("en").parse_args(["run", "analyse", "--data", "demo"]).stage
    'analyse'
    """
    said = texts(lang)
    head = f"{said['example']}\n  {said['run']['example']}\n\n{said['exits']}"
    whole = Parser(lang=lang, prog="ecomops", description=said["description"], epilog=head)
    whole.add_argument(
        "--version",
        action="version",
        version=f"ecomops {ecomops.__version__}",
        help=said["version"],
    )
    every = whole.add_subparsers(
        dest="command", metavar="COMMAND", title=said["commands"], parser_class=Parser
    )
    for name, arguments in COMMANDS.items():
        _add(every, name, arguments, said, lang)
    return whole


def _add(every: Any, name: str, arguments: Any, said: Mapping[str, Any], lang: str) -> None:
    own = said[name]
    examples = "\n".join(f"  {own[key]}" for key in ("example", "also") if key in own)
    epilog = f"{said['example']}\n{examples}\n\n{said['exits']}"
    sub = every.add_parser(
        name, lang=lang, help=own["help"], description=own["help"], epilog=epilog
    )
    for flag, told in arguments.items():
        key = flag.lstrip("-").replace("-", "_")
        text = own.get(key) or said["run"].get(key) or said[key]
        sub.add_argument(flag, help=text, **told)
