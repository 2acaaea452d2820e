"""What comes with the package and is not code: tables, and folders to copy from."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
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


def share(name: str) -> Path:
    """Return the folder of notebooks or datasets, in the wheel or in the checkout."""
    packed = Path(str(resources.files("ecomops"))) / "_share" / name
    return packed if packed.exists() else Path(__file__).parents[2] / name
