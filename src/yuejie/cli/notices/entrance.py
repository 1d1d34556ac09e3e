"""The whole of `yuejie notices`: its group, with every command that hangs on it."""

from yuejie.cli.notices import contacts, log
from yuejie.cli.notices.commands import notices

__all__ = ["contacts", "log", "notices"]
