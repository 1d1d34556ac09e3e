"""The whole of `yuejie fapiao`: its group, with every command that hangs on it."""

from yuejie.cli.fapiao import forms, running, titles
from yuejie.cli.fapiao.commands import fapiao

__all__ = ["fapiao", "forms", "running", "titles"]
