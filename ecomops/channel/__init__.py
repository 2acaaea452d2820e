"""Channel: where visitors and orders come from."""

from ecomops.channel.attribution import Attribution, attribution

__all__ = ["Attribution", "attribution"]
