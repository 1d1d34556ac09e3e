"""The two seed cases as quotes that print everything a proposal can: for each figure to be traced.

Jinke, a fintech: gpt-4o for 5,000 dollars a month, which become 3,500 and a fee of 200.
Youxuan, a shop: 50,000 items a day, 8,000 dollars, promotions; 6,500, a fee of 300, 500 not lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tests.scenarios.prospecting import SALES, TODAY, Offered, Sales
from tests.scenarios.test_presales import ECOMMERCE, FINTECH, OFFER, TOLD, M, past_months
from yuejie.presales.proposal.make import register_certificate
from yuejie.presales.proposal.proposal import Certificate
from yuejie.presales.quote import Quote
from yuejie.presales.requirement import Quality

Facts = Mapping[str, Any]
SELLER = "月结科技（上海）有限公司"
SLA = {
    "availability": "99.9%",
    "steps": [{"below": "99.9%", "credit": "10%"}, {"below": "99%", "credit": "25%"}],
    "exclude": ["provider"],
    "first_byte_ms": 2_000,
    "latency_steps": [{"above_ms": 2_500, "credit": "5%"}],
    "cap": "30%",
}
FINTECH_FORM: Facts = FINTECH | {"budget": "100000.00", "budget_currency": "CNY"}
FINTECH_PAST = [(f"2026-{month:02}-10", 1_000 * M, 250 * M) for month in (8, 9, 10)]
FINTECH_ASK: Facts = {
    "book": "sale",
    "plan": [
        {"name": "不定期", "type": "open"},
        {
            "name": "一年期七折",
            "type": "one_year",
            "management_fee": "200.00",
            "discount": [{"models": "gpt-4o", "discount": "30%"}],
            "terms": {"sla": SLA},
        },
    ],
    "usage": {"switch": [{"name": "改用 mini", "models": {"gpt-4o": "gpt-4o-mini"}}]},
    "prepaid": {
        "top_up": TOLD | {"value": "1000.00"},
        "card_fee": TOLD | {"value": "1.5%"},
        "fx_spread": {"from": "assumed", "value": "0.5%", "why": "银行牌价与中间价之差"},
        "wait_days": TOLD | {"value": "3"},
        "capital_per_year": {"from": "assumed", "value": "4%", "why": "一年期贷款利率"},
    },
    "offer": [
        OFFER,
        {
            "name": "先付云",
            "currency": "USD",
            "source": "先付云邮件 2026-11-03",
            "rates": [{"model": "gpt-4o", "input": "2.40", "output": "9.60"}],
            "payment_days": -10,
        },
    ],
}
SHOP_VOLUME: Any = ECOMMERCE["volume"]
SHOP_FORM: Facts = ECOMMERCE | {
    "volume": SHOP_VOLUME | {"growth": "1.5%", "calls_per_item": "1.25"},
    "habits": {"can_wait": "60%", "cached": "10%", "simple": "70%"},
}
SHOP_PAST = [
    ("2026-08-10", 1_200 * M, 400 * M),
    ("2026-09-10", 1_200 * M, 450 * M),
    ("2026-10-10", 1_600 * M, 550 * M),
]
SHOP_ASK: Facts = {
    "book": "sale",
    "plan": [
        {
            "name": "一年期",
            "type": "one_year",
            "management_fee": "300.00",
            "discount": [{"models": "gpt-4o", "discount": "18.75%"}],
        }
    ],
    "prepaid": {
        "top_up": TOLD | {"value": "500.00"},
        "package": TOLD | {"value": "8000.00"},
        "expires": True,
        "rates": [{"model": "gpt-4o", "input": "2.50", "output": "10.00"}],
    },
}
MAKER_FORM: Facts = {
    "first_month": "2026-12",
    "task": "extraction",
    "term": "one_year",
    "currency": "CNY",
    "budget": "9000.00",
    "budget_currency": "USD",
    "company": {"name": "示例制造有限公司", "contact": "采购部 021-5555"},
    "volume": {
        "qps": {"low": "0.5", "expected": "2", "high": "3"},
        "hours": "office",
        "days": "workdays",
        "off_days": "10%",
        "growth": "2%",
    },
    "tokens": {"input": {"low": 900, "expected": 1200, "high": 2000}, "output": 250},
    "habits": {"can_wait": "30%"},
    "standing": {"founded_on": "2012-05-01"},
    "remark": "旺季 3 个月另议",
}
MAKER_PLAN: Facts = {
    "name": "承诺",
    "type": "one_year",
    "management_fee": "1420.00",
    "discount": [{"models": "gpt-4o*", "discount": "5%"}],
    "terms": {
        "commitment": {"amount": "1000000.00", "period": "year"},
        "tier_discount": {
            "mode": "graduated",
            "steps": [
                {"above": "20000.00", "discount": "3%"},
                {"above": "40000.00", "discount": "7.5%"},
            ],
        },
        "break_fee": {"share": "20%", "fixed": "5000.00"},
        "price_notice_days": 30,
    },
}
MAKER_ASK: Facts = {
    "book": "sale",
    "tax_mode": "exclusive",
    "tax": "6%",
    "plan": [
        MAKER_PLAN,
        {
            "name": "月度量",
            "terms": {
                "commitment": {"amount": "60000.00", "period": "month"},
                "tier_discount": {
                    "mode": "volume",
                    "steps": [{"above": "30000.00", "discount": "4%"}],
                },
            },
        },
    ],
}


@dataclass(frozen=True)
class Seed:
    """A quote, with what it was asked by, as the test that computes it again reads it."""

    quote: Quote
    form: Facts
    ask: Facts
    past: list[tuple[str, int, int]]
    file: Path | None


def certified(sales: Sales) -> None:
    """Register the one certificate that may be printed."""
    holds = Certificate(
        certificate_id="",
        name="ISO/IEC 27001:2022",
        number="CN-27001-8842",
        issuer="某认证中心",
        holder=SELLER,
        issued_on=date(2026, 1, 1),
        expires_on=date(2028, 1, 1),
        made_by="",
        made_at=TODAY,
    )
    register_certificate(sales.db, holds, by=SALES, now=TODAY)


def seeds(sales: Sales, folder: Path) -> dict[str, Seed]:
    """Quote both seed cases, and a maker whose terms are all there are, in yuan, tax on top."""
    sales.offers(
        Offered("tiny-8k", window=900, quality=Quality.ADVANCED),
        Offered("short-1", max_output=100, quality=Quality.ADVANCED),
    )
    prices = "".join(f'[models."{m}"]\ninput = "1"\noutput = "2"\n' for m in ("tiny-8k", "short-1"))
    sales.prices("small", "sale", prices)
    return {
        "fintech": _seed(sales, folder, "jinke", FINTECH_FORM, FINTECH_ASK, FINTECH_PAST),
        "ecommerce": _seed(sales, folder, "youxuan", SHOP_FORM, SHOP_ASK, SHOP_PAST),
        "general": _seed(sales, folder, "maker", MAKER_FORM, MAKER_ASK, []),
    }


def _seed(
    sales: Sales,
    folder: Path,
    slug: str,
    form: Facts,
    ask: Facts,
    past: list[tuple[str, int, int]],
) -> Seed:
    sales.prospect(slug, form)
    if not past:
        return Seed(sales.quotes(slug, ask), form, ask, past, None)
    file = past_months(folder / f"{slug}.csv", past)
    loaded = sales.usage(slug, file)
    usage = {"usage": dict(ask.get("usage", {})) | {"import": loaded.usage.import_id}}
    return Seed(sales.quotes(slug, {**ask, **usage}), form, ask, past, file)
