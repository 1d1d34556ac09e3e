"""The whole of `yuejie presales`: its group, with every command that hangs on it."""

from yuejie.cli.presales import proposals, quotes
from yuejie.cli.presales.commands import presales

__all__ = ["presales", "proposals", "quotes"]
