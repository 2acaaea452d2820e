"""The store as a whole: how it is doing, what moved it, what its data is worth."""

from ecomops.store.decide import decide
from ecomops.store.drivers import drivers
from ecomops.store.forecast import forecast
from ecomops.store.monitor import monitor
from ecomops.store.quality import check
from ecomops.store.review import review
from ecomops.store.scorecard import scorecard
from ecomops.store.target import target

__all__ = ["check", "decide", "drivers", "forecast", "monitor", "review", "scorecard", "target"]
