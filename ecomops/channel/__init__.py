"""Channel: where visitors and orders come from."""

from ecomops.channel.attribution import Attribution, attribution
from ecomops.channel.budget import Budget, budget
from ecomops.channel.guardrails import Guardrails, guardrails
from ecomops.channel.live import Live, live
from ecomops.channel.reallocate import Reallocate, reallocate
from ecomops.channel.response import Response, response
from ecomops.channel.search import Search, search
from ecomops.channel.traffic import Traffic, traffic

__all__ = [
    "Attribution",
    "Budget",
    "Guardrails",
    "Live",
    "Reallocate",
    "Response",
    "Search",
    "Traffic",
    "attribution",
    "budget",
    "guardrails",
    "live",
    "reallocate",
    "response",
    "search",
    "traffic",
]
