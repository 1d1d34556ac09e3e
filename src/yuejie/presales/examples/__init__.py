"""Files to begin with: requirement forms of three industries, and what a quote is asked for."""

from importlib.resources import files
from typing import Final

EXAMPLES: Final = ("general", "fintech", "ecommerce", "ask")


def example(name: str) -> str:
    """Return the text of an example, wherever the package is installed."""
    return files(__name__).joinpath(f"{name}.toml").read_text("utf-8")
