"""Who and what there is in the practice house: two customers, four models, their prices. Pure."""

from dataclasses import dataclass
from typing import Final

from yuejie.demo.house import demo_uscc


@dataclass(frozen=True, slots=True)
class Party:
    """A customer to practise with; `size` is its usage in percent of the usual."""

    slug: str
    legal_name: str
    uscc: str
    projects: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Model:
    """A model, who serves it under which cost name, and what customers pay in CNY per million."""

    account: str
    platform: str
    provider: str
    cost_model: str
    sale_in: str
    sale_cached: str
    sale_out: str
    cost_in: str
    cost_cached: str
    cost_out: str


MAIN: Final = Party("lianxi", "练习科技有限公司", demo_uscc(880), ("客服", "文案", "研发助手"), 100)
"""Whose finance people one practises as."""
OTHER: Final = Party("lianxi-retail", "练习零售有限公司", demo_uscc(881), ("文案",), 60)
PARTIES: Final = (MAIN, OTHER)
MODELS: Final = {
    "gpt-4o": Model(
        "sim-openai", "openai", "openai", "openai/gpt-4o", "20", "10", "80", "18", "9", "72"
    ),
    "gpt-4o-mini": Model(
        "sim-openai",
        "openai",
        "openai",
        "openai/gpt-4o-mini",
        "1.2",
        "0.6",
        "4.8",
        "1.08",
        "0.54",
        "4.32",
    ),
    "claude-3-5-sonnet": Model(
        "sim-anthropic",
        "anthropic",
        "anthropic",
        "anthropic/claude-3-5-sonnet-20241022",
        "24",
        "2.4",
        "120",
        "21.6",
        "2.16",
        "108",
    ),
}


def price_file(kind: str) -> bytes:
    """Return the price file of a book, in CNY."""
    lines = ['currency = "CNY"', 'source = "练习价目，非真实报价"']
    for name, each in MODELS.items():
        sale = kind == "sale"
        rates = (
            (each.sale_in, each.sale_cached, each.sale_out)
            if sale
            else (each.cost_in, each.cost_cached, each.cost_out)
        )
        lines.append(f'[models."{name if sale else each.cost_model}"]')
        lines += [
            f'{meter} = "{rate}"'
            for meter, rate in zip(("input", "cache_read", "output"), rates, strict=True)
        ]
    return "\n".join(lines).encode()
