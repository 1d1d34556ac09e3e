"""The choice of an auto model: which model answers this call, and who comes after if it fails.

Who may answer at all is settled by `rights.auto`. Of those, whoever cannot do what the request
asks for, or surely cannot hold it, is out; then whoever fails or lags lately is passed over while
another will do; then the rule says whether price, order or speed decides. What a call costs is
what the customer would be charged: its own rates, the most its bytes can be as input, as much
output as the key's calls lately had. The estimate decides and bills nothing.
"""

from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from yuejie.contracts.auto.policy import Choose
from yuejie.contracts.auto.routed import EN, ZH, Out, Why, facts_of
from yuejie.gateway.refusal import Code, Refused
from yuejie.gateway.rights.admission import Route
from yuejie.gateway.rights.auto import Candidate, Ruled
from yuejie.gateway.upstream.breaker import Breakers
from yuejie.gateway.upstream.routing import in_order
from yuejie.gateway.upstream.vitals import Vitals

NEVER_MS: Final = 1 << 40
"""A model whose speed nobody has measured comes after all others."""


class Wants(NamedTuple):
    """What a request asks of whoever answers it."""

    needs: frozenset[Out]
    """Tools, images, JSON, streaming."""
    tokens_in: int
    """The most that it can be, by its bytes."""
    tokens_least: int
    """What it surely is not much less than: where this does not fit, nothing helps."""
    longest: int
    """The longest answer that it asks for; 0: it does not say."""
    answers: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The routes of a call in the order in which they are tried, and what is written down of it."""

    routes: tuple[Route, ...]
    asked: str
    version: int
    task: str
    facts: dict[str, str]


class _Judged(NamedTuple):
    """An adequate model: what orders it among others, its expected charge, what speaks against."""

    rank: tuple[int, int]
    pico: int
    candidate: Candidate
    soft: Out | None


def choose(  # noqa: PLR0913 - what a choice depends on, each named
    asked: str,
    version: int,
    ruled: Ruled,
    task: str,
    wants: Wants,
    *,
    vitals: Vitals,
    breakers: Breakers,
    chance: Random,
    now_us: int,
) -> Choice | Refused:
    """Choose, or say of every model of the rule why it cannot answer."""
    out = list(ruled.out)
    plan = ruled.plan
    if plan is None:
        return _nobody(asked, task, out)
    tokens_out = vitals.expected(plan.key.key_id, task, wants.longest) * wants.answers
    adequate = _adequate(ruled, wants, out)
    judged: list[_Judged] = []
    for candidate in adequate:
        tariff = candidate.tariff(wants.tokens_in, now_us)
        if tariff is None:
            out.append((candidate.name, Out.PRICE))
            continue
        pico = tariff.charge(wants.tokens_in, tokens_out)
        judged.append(_judge(ruled, candidate, pico, vitals, breakers, now_us))
    if not judged:
        return _nobody(asked, task, out)
    judged.sort(key=lambda each: each.rank)
    sound = [each for each in judged if each.soft is None] or judged
    if len(sound) < len(judged):
        out += [(each.candidate.name, each.soft) for each in judged if each.soft is not None]
    why = Why(
        rule=ruled.number,
        by=ruled.choose,
        task=task,
        tokens_in=wants.tokens_in,
        tokens_out=tokens_out,
        currency=plan.routes[0].sale.currency,
        order=[(each.candidate.name, each.pico) for each in sound],
        out=out,
    )
    others = [each for each in judged if each not in sound]
    routes = _routes([*sound, *others], breakers, chance, now_us)
    return Choice(routes, asked, version, task, facts_of(asked, version, why))


def _adequate(ruled: Ruled, wants: Wants, out: list[tuple[str, Out]]) -> list[Candidate]:
    """Return who can do what is asked; of those, whoever surely has room, if anybody has."""
    certain: list[Candidate] = []
    perhaps: list[Candidate] = []
    for candidate in ruled.candidates:
        lacking = wants.needs & candidate.lacks
        if lacking:
            out.append((candidate.name, min(lacking)))
        elif candidate.max_output and wants.longest > candidate.max_output:
            out.append((candidate.name, Out.OUTPUT))
        elif not candidate.window or wants.tokens_in + wants.longest <= candidate.window:
            certain.append(candidate)
        elif wants.tokens_least + wants.longest <= candidate.window:
            perhaps.append(candidate)
        else:
            out.append((candidate.name, Out.CONTEXT))
    if not certain:
        return perhaps
    out += [(each.name, Out.CONTEXT) for each in perhaps]
    return certain


def _judge(
    ruled: Ruled,
    candidate: Candidate,
    pico: int,
    vitals: Vitals,
    breakers: Breakers,
    now_us: int,
) -> _Judged:
    names = [route.target.deployment_id for route in candidate.routes]
    failing_ppm, first_byte_ms = vitals.of(names, now_us)
    rule = ruled.rule
    soft: Out | None = None
    if not any(breakers.of(name).may_pass(now_us) for name in names):
        soft = Out.DOWN
    elif failing_ppm is not None and failing_ppm > rule.error_ppm_max:
        soft = Out.ERRORS
    elif rule.first_byte_ms_max and (first_byte_ms or 0) > rule.first_byte_ms_max:
        soft = Out.SLOW
    first = 0
    if ruled.choose is Choose.PRICE:
        first = pico
    elif ruled.choose is Choose.LATENCY:
        first = NEVER_MS if first_byte_ms is None else first_byte_ms
    return _Judged((first, candidate.place), pico, candidate, soft)


def _routes(
    judged: list[_Judged], breakers: Breakers, chance: Random, now_us: int
) -> tuple[Route, ...]:
    """Put every model's deployments behind those of the model before; what is broken comes last."""
    healthy: list[Route] = []
    broken: list[Route] = []
    for each in judged:
        for route in in_order(each.candidate.routes, breakers, chance, now_us):
            passes = breakers.of(route.target.deployment_id).may_pass(now_us)
            (healthy if passes else broken).append(route)
    return (*healthy, *broken)


def _nobody(asked: str, task: str, out: list[tuple[str, Out]]) -> Refused:
    facts = {
        "model": asked,
        "task": f"任务“{task}”" if task else "未写任务",
        "task_en": f"task '{task}'" if task else "no task",
        "why": "；".join(f"{model}：{ZH[why]}" for model, why in out),
        "why_en": "; ".join(f"{model}: {EN[why]}" for model, why in out),
    }
    return Refused(Code.MODEL_NONE_FITS, facts)
