"""Data to begin with: a cost book of open price facts, a sale book and exchange rates for the demo.

`NOTICE.txt` says where the facts come from and under which licence.
"""

from importlib.resources import files
from typing import Final

COST_PRICES: Final = "cost_prices.json"
SALE_PRICES: Final = "sale_prices.toml"
FX_RATES: Final = "fx_rates.csv"


def seed(name: str) -> bytes:
    """Return the bytes of a seed file, wherever the package is installed."""
    return files(__name__).joinpath(name).read_bytes()
