"""The command line: ``ecomops demo · new · lab · check · run · decide · export · load · simulate``.

Nothing heavy is loaded before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ecomops.base.errors import EcomopsError
from ecomops.base.options import options
from ecomops.cli.parser import language, parser, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

DONE, UNEXPECTED, USAGE, DATA, OVERWRITE = 0, 1, 2, 3, 4
CODES = {"OptionError": USAGE, "DataError": DATA, "MissingError": DATA, "UnsafeError": OVERWRITE}


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error, also of one that a notebook's kernel reported.

    >>> from ecomops.base.errors import DataError, OptionError
    >>> exit_code(OptionError("x")), exit_code(DataError("x")), exit_code(ValueError("x"))
    (2, 3, 1)
    """
    kind = getattr(error, "kind", type(error).__name__)
    return CODES.get(kind, UNEXPECTED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors become a message on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options.lang = language(given, os.environ)
    known = parser(options.lang)
    chosen = known.parse_args(given)
    if not chosen.command:
        known.print_help()
        return USAGE
    try:
        return _call(chosen)
    except EcomopsError as error:
        print(error.message(options.lang), file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt:
        print(texts(options.lang)["interrupted"], file=sys.stderr)
        return UNEXPECTED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # noqa: BLE001 - a user is shown a message, whatever happened
        return _unexpected(error)


def _call(chosen: object) -> int:
    from ecomops.cli import commands

    command = getattr(commands, chosen.command)  # type: ignore[attr-defined]
    return int(command(chosen) or DONE)


def _unexpected(error: Exception) -> int:
    if os.environ.get("ECOMOPS_DEBUG"):
        raise error
    said = texts(options.lang)
    text = said["unexpected"].replace("{text:text}", f"{type(error).__name__}: {error}")
    print(f"{text}\n{said['debug']}", file=sys.stderr)
    return UNEXPECTED
