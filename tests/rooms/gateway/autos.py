"""Auto models for tests: three models of one dialect at different prices, and a choice among them.

small   cheap to read, cheap to write, 16,000 tokens, tools
middle  dearer, 128,000 tokens, tools, images, json
large   dearest, a million tokens, everything
"""

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec

from tests.rooms.gateway.world import CREDENTIAL, Draft, account, deployment
from yuejie.contracts.prices import RateRow
from yuejie.gateway.allow.worst import Call
from yuejie.gateway.call.wants import wants_of
from yuejie.gateway.refusal import Dialect, Refused
from yuejie.gateway.rights.admission import Admission, Plan
from yuejie.gateway.rights.auto import Ruled
from yuejie.gateway.rights.view import View
from yuejie.gateway.snapshot import AllowanceRow, AutoRow, RuleRow
from yuejie.gateway.upstream.breaker import Breakers
from yuejie.gateway.upstream.choice import Choice, Wants, choose
from yuejie.gateway.upstream.vitals import Vitals
from yuejie.usage.dialects import Api, request_hint

NOW = 1_800_000_000_000_000
SMALL, MIDDLE, LARGE = "small", "middle", "large"
PRICES = {SMALL: (1, 4), MIDDLE: (3, 9), LARGE: (10, 40)}
"""Yuan per million tokens in and out."""
CAP = AllowanceRow(
    number=1,
    name="月",
    customer_id="cus_1",
    project_id="",
    key_id="",
    model="",
    tag="",
    measure="money",
    currency="CNY",
    period="month",
    cap="1",
    hard=True,
    output_bound=0,
    starts_s=0,
)


def rule(*models: str, tasks: Sequence[str] = (), choose: str = "price", **bounds: int) -> RuleRow:
    slow, errors = bounds.get("slow", 0), bounds.get("errors", 200_000)
    return RuleRow(list(tasks), list(models), choose, slow, errors)


def policy(*rules: RuleRow, version: int = 1, starts_us: int = 0, active: bool = True) -> AutoRow:
    return AutoRow("auto", version, active, LARGE, starts_us, list(rules))


def draft(*rules: RuleRow, base_url: str = "http://x") -> Draft:
    """The usual world, and three more models behind `auto`."""
    made = Draft(base_url)
    facts = {
        SMALL: (16_000, 4_000, ["tools"]),
        MIDDLE: (128_000, 8_000, ["tools", "vision", "json"]),
        LARGE: (1_000_000, 0, ["tools", "vision", "json"]),
    }
    for name, (window, most, able) in facts.items():
        made.models.append(
            msgspec.structs.replace(
                made.models[0],
                model_id=name,
                context_window=window,
                max_output=most or None,
                capabilities=able,
            )
        )
        made.deployments.append(
            deployment(
                f"dep_{name}",
                name,
                "acc_openai",
                upstream_model="gpt-sim",
                cost_model="openai/gpt-sim",
            )
        )
        price(made, name, *PRICES[name])
    made.autos.append(policy(*(rules or (rule(SMALL, MIDDLE, LARGE),))))
    return made


def price(made: Draft, model: str, into: int, out: int, *, above: int = 0) -> None:
    """Price a model's tokens in yuan per million; `above`: for requests larger than that."""
    sale = made.books[0]
    rates = [
        RateRow(
            20_000 + len(sale.rates) + at,
            1,
            model,
            meter,
            yuan * 1_000_000,
            "CNY",
            "default",
            above,
            "",
            0,
        )
        for at, (meter, yuan) in enumerate(
            {"input": into, "cache_read": into, "output": out, "reasoning": out}.items()
        )
    ]
    made.books[0] = msgspec.structs.replace(sale, rates=[*sale.rates, *rates])


def elsewhere(made: Draft, model: str, region: str, provider: str = "other") -> None:
    """Serve a model from another region too."""
    name = f"acc_{region}"
    if all(each.account_id != name for each in made.accounts):
        made.accounts.append(
            account(name, "openai", made.base_url, region=region, provider=provider)
        )
    made.deployments.append(
        deployment(
            f"dep_{model}_{region}",
            model,
            name,
            upstream_model="gpt-sim",
            cost_model="openai/gpt-sim",
            priority=1,
        )
    )


def plan_of(made: Draft, dialect: Dialect = Dialect.OPENAI, now_us: int = NOW) -> Plan:
    admission = Admission(View(made.snapshot(), lambda _: CREDENTIAL))
    path = "/v1/chat/completions"
    plan = admission.admit(made.keys[0].digest, "t", "auto", dialect, path, now_us=now_us)
    assert isinstance(plan, Plan), plan
    return plan


def ruled(made: Draft, task: str = "", dialect: Dialect = Dialect.OPENAI) -> Ruled:
    auto = plan_of(made, dialect).auto
    assert auto is not None
    return auto.of(task)


def wants(**members: Any) -> Wants:
    """What a chat asks for."""
    said = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]} | members
    body = msgspec.json.encode(said)
    return wants_of(Call(Api.OPENAI_CHAT, request_hint(Api.OPENAI_CHAT, body), body))


def chosen(
    made: Draft,
    asked: Wants,
    *,
    task: str = "",
    vitals: Vitals | None = None,
    breakers: Breakers | None = None,
) -> Choice | Refused:
    return choose(
        "auto",
        1,
        ruled(made, task),
        task,
        asked,
        vitals=vitals or Vitals(),
        breakers=breakers or Breakers(),
        chance=Random(1),
        now_us=NOW,
    )


def models_of(choice: Choice | Refused) -> list[str]:
    """The models of a choice in the order in which they are tried."""
    assert isinstance(choice, Choice), choice
    return list(dict.fromkeys(route.target.model_id for route in choice.routes))
