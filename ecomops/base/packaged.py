"""Tables that come with the package: what is data, and not code."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any


def packaged(path: str) -> Any:
    """Return what a TOML or YAML file of the package holds; of a folder, each TOML file by name.

    >>> packaged("data/festivals.toml")["double_11"]["rule"]
    '11-11'
    """
    place = resources.files("ecomops").joinpath(*path.split("/"))
    if place.is_dir():
        names = sorted(file.name for file in place.iterdir() if file.name.endswith(".toml"))
        return {name.removesuffix(".toml"): packaged(f"{path}/{name}") for name in names}
    text = place.read_text(encoding="utf-8")
    if path.endswith(".toml"):
        return tomllib.loads(text)
    import yaml  # noqa: PLC0415 - the command line starts without it

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader, either way
