"""The synthetic shop: a seeded simulator that publishes the truth about what it made."""

from __future__ import annotations

from ecomops.sim.presets import names as preset_names
from ecomops.sim.presets import preset
from ecomops.sim.validation import validate
from ecomops.sim.world import World, world
from ecomops.sim.write import simulate

__all__ = ["World", "preset", "preset_names", "simulate", "validate", "world"]
