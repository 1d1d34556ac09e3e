"""The whole of `yuejie bills`: its group, with every command that hangs on it."""

from yuejie.cli.billing import live, packs, review
from yuejie.cli.billing.bills import bills

__all__ = ["bills", "live", "packs", "review"]
