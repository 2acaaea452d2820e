"""What tests need from the machine: where it is absent they skip visibly; in CI they fail."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """Skip the test, or fail it where everything was promised (``ECOMOPS_NO_SKIPS``)."""
    if os.environ.get("ECOMOPS_NO_SKIPS"):
        pytest.fail(reason)
    pytest.skip(reason)
