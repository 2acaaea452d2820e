"""Exports of shops and platforms in, canonical tables out."""

from __future__ import annotations

from ecomops.data.formats.into import Change, Loading, complete, load_into, recover
from ecomops.data.formats.pipeline import Loaded, detect, load
from ecomops.data.formats.reading import SourceFile
from ecomops.data.formats.recognise import Candidate
from ecomops.data.formats.registry import Format, format_of, formats
from ecomops.data.formats.spare import SUFFIX
from ecomops.data.formats.write import write
from ecomops.data.problems import Identity, Problem

__all__ = [
    "SUFFIX",
    "Candidate",
    "Change",
    "Format",
    "Identity",
    "Loaded",
    "Loading",
    "Problem",
    "SourceFile",
    "complete",
    "detect",
    "format_of",
    "formats",
    "load",
    "load_into",
    "recover",
    "write",
]
