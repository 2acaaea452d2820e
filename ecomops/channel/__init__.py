"""Channel: where visitors and orders come from."""

from ecomops.channel.attribution import Attribution, attribution
from ecomops.channel.guardrails import Guardrails, guardrails
from ecomops.channel.traffic import Traffic, traffic

__all__ = ["Attribution", "Guardrails", "Traffic", "attribution", "guardrails", "traffic"]
