"""The demo's house: an operator with simulated providers, its models, prices and customers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from yuejie.contracts.auto.policy import Rule
from yuejie.house_file import (
    AccountPart,
    AutoPart,
    BookPart,
    ContractPart,
    CustomerPart,
    DeploymentPart,
    FxPart,
    HouseFile,
    KeyPart,
    ModelPart,
    ProjectPart,
)
from yuejie.kernel.uscc import uscc_check_character

UPSTREAM_KEY: Final = "sk-simulator"
START: Final = "2026-01-01T00:00:00+08:00"
FINTECH: Final = "fintech"
RETAILER: Final = "retailer"
CLIENTS: Final = tuple(sorted(set(range(43)) - {1, 5, 8, 11, 38}))
"""The 38 client populations of the trace, by their numbers there."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model of the demo: where it is served and what its cost is called."""

    model: str
    account: str
    mode: str = "chat"
    cost_model: str = ""
    backup: str | None = None
    window: int | None = None
    able: tuple[str, ...] = ("json", "tools", "vision")


OFFERS: Final = (
    Offer("gpt-4o", "openai-main", backup="claude-3-5-sonnet", window=128_000),
    Offer("gpt-3.5-turbo", "openai-main", window=16_385, able=("json", "tools")),
    Offer(
        "claude-3-5-sonnet",
        "anthropic-main",
        cost_model="anthropic/claude-3-5-sonnet-20241022",
        window=200_000,
    ),
    Offer(
        "claude-3-haiku",
        "anthropic-main",
        cost_model="anthropic/claude-3-haiku-20240307",
        window=200_000,
    ),
    Offer("gemini-1.5-pro", "google-main", window=2_097_152),
    Offer("text-embedding-3-small", "openai-main", mode="embedding", window=8_191, able=()),
)
AUTO: Final = AutoPart(
    name="auto",
    default_model="gpt-4o",
    rule=[
        Rule(
            tasks=["classification", "copywriting", "extraction"],
            models=["gpt-3.5-turbo", "claude-3-haiku", "gpt-4o", "claude-3-5-sonnet"],
        ),
        Rule(models=["gpt-4o", "claude-3-5-sonnet", "gemini-1.5-pro"]),
    ],
)
"""Cheap models for what they are good enough for, the good ones for the rest, by price."""


def demo_house(upstream: str, month_end: date) -> HouseFile:
    """Return the demo's house file; `upstream` is where the simulators listen."""
    return HouseFile(
        fx=[
            FxPart(
                base="USD",
                quote="CNY",
                on_date=month_end,
                rate="7.2",
                source="演示汇率，非真实报价",
            )
        ],
        account=[
            _account("openai-main", "openai", "openai", "us", upstream),
            _account("anthropic-main", "anthropic", "anthropic", "us", upstream),
            _account("google-main", "google", "gemini_api", "us", upstream),
            _account("openai-spare", "openai", "openai", "us", upstream),
        ],
        model=[
            ModelPart(
                id=offer.model,
                mode=offer.mode,
                owner=offer.account.partition("-")[0],
                context_window=offer.window,
                capabilities=list(offer.able),
                backup_model=offer.backup,
            )
            for offer in OFFERS
        ],
        deployment=[
            *(
                DeploymentPart(model=o.model, account=o.account, cost_model=o.cost_model)
                for o in OFFERS
            ),
            DeploymentPart(model="gpt-4o", account="openai-spare", priority=1),
        ],
        auto=[AUTO],
        book=[
            _book("cost", "cost", "seed:cost_prices.json"),
            _book("sale", "sale", "seed:sale_prices.toml"),
        ],
        customer=[_fintech(), _retailer(), *_clients(CLIENTS)],
    )


def _account(name: str, provider: str, platform: str, region: str, upstream: str) -> AccountPart:
    return AccountPart(
        id=name,
        provider=provider,
        platform=platform,
        region=region,
        base_url=upstream,
        credential=UPSTREAM_KEY,
    )


def _book(name: str, kind: str, prices: str) -> BookPart:
    return BookPart(
        id=name, kind=kind, currency="USD", prices=[prices], starts_at=START, approve=True
    )


def _contract(tax_mode: str = "inclusive") -> ContractPart:
    return ContractPart(book="sale", starts_at=START, fx_policy="bill", tax_mode=tax_mode)


def _fintech() -> CustomerPart:
    return CustomerPart(
        slug=FINTECH,
        legal_name="示例金融科技有限公司",
        uscc=demo_uscc(100),
        bank_name="示例银行北京分行",
        bank_account="0000 0000 0000 0100",
        tag_names=["channel", "team"],
        contract=_contract(),
        project=[
            ProjectPart(name="客服", department="运营部"),
            ProjectPart(name="客服-生产", parent="客服", department="运营部", environment="prod"),
            ProjectPart(name="客服-测试", parent="客服", department="运营部", environment="test"),
        ],
        key=[
            KeyPart(project="客服-生产", name="app", tags={"team": "service"}, priority=10),
            KeyPart(project="客服-测试", name="dev", models=["gpt-3.5-turbo", "claude-3-haiku"]),
        ],
    )


def _retailer() -> CustomerPart:
    return CustomerPart(
        slug=RETAILER,
        legal_name="示例电子商务有限公司",
        uscc=demo_uscc(101),
        contract=_contract("exclusive"),
        project=[
            ProjectPart(name="商品文案", department="商品部", environment="prod"),
            ProjectPart(name="检索", department="技术部", environment="prod"),
        ],
        key=[
            KeyPart(project="商品文案", name="writer", task_type="copywriting"),
            KeyPart(project="检索", name="search"),
        ],
    )


def _clients(numbers: Iterable[int]) -> list[CustomerPart]:
    """Return the client populations of the trace, each as a customer of its own."""
    return [
        CustomerPart(
            slug=client_slug(number),
            legal_name=f"示例客户{number:03d}有限公司",
            uscc=demo_uscc(number),
            contract=_contract(),
            project=[ProjectPart(name="main")],
        )
        for number in numbers
    ]


def client_slug(number: int) -> str:
    """Return how the trace calls a client."""
    return f"client-{number:03d}"


def demo_uscc(number: int) -> str:
    """Return a registration number that passes its check and belongs to nobody: region 999999."""
    body = f"91999999MA{number:07d}"
    return body + uscc_check_character(body)
