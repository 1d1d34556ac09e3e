"""What is agreed and not used, and what is offered and would cost less.

Only terms that are written down count: the contract as signed, grants as given, and drafts that
sales has made for this customer. No terms are thought up here.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from yuejie.contracts.contract import FxPolicy
from yuejie.contracts.grants.grant import GrantKind
from yuejie.contracts.life.draft import ContractDraft, DraftState
from yuejie.contracts.prices import Book, BookRows
from yuejie.contracts.terms import CommitmentPeriod, ContractType
from yuejie.insights.advice.advice import Change, Confidence, Figure, Kind, Proposal, worth
from yuejie.insights.advice.terms import Standing, TermsNow, payable, promised, true_up
from yuejie.insights.advice.traffic.cells import Tariff
from yuejie.insights.advice.traffic.scene import Scene
from yuejie.kernel.money import FEN, PICO, Charge, Money, divide

ENDING_DAYS: Final = 92
"""A package that ends later may still be used up in another way."""
_OPEN: Final = frozenset({DraftState.DRAFT, DraftState.SUBMITTED, DraftState.REVIEWED})


def unused_commitment(terms: TermsNow) -> Iterator[Proposal]:
    """Yield what a monthly minimum cost that no month of late reached.

    A contract of three years goes upward only (D2), so of it nothing is said; a minimum by year
    or term is no loss before it falls due.
    """
    promise = terms.promise
    commitment = promise.commitment
    if (
        not terms.whole
        or commitment is None
        or commitment.period is not CommitmentPeriod.MONTH
        or terms.contract.terms.type is ContractType.THREE_YEAR
    ):
        return
    missing = {month: true_up(spend, promise, month) for month, spend in terms.spends.items()}
    if not all(missing.values()):
        return
    currency = terms.contract.currency
    lowest = min(terms.spends.values())
    saving = Money(missing[terms.month], currency)
    said = [
        f"{month}：消费 {Money(spend, currency)}，补足 {Money(missing[month], currency)}"
        for month, spend in terms.spends.items()
    ]
    yield _agreed(
        Kind.UNUSED,
        "commitment",
        saving,
        title="每月承诺消费用不完",
        steps=(
            (
                f"申请把每月承诺从 {Money(commitment.amount_fen, currency)} 降到不高于"
                f" {Money(lowest, currency)}（开口合同次月起，一年期须补充协议）"
            ),
        ),
        how=(*said, f"降下来后 {terms.month} 不再补足，节省 {saving} {currency}"),
        assumed=("假定其他条款（折扣、管理费）不随承诺变动，须与我们商定",),
        confidence=_by_months(len(said)),
        why=(f"看了 {len(said)} 个月，每月都在补足",),
        facts={"commitment_fen": str(commitment.amount_fen), "lowest_fen": str(lowest)},
    )


def unused_packages(terms: TermsNow) -> Iterator[Proposal]:
    """Yield what was paid for packages that will not be used up at the month's pace."""
    if not terms.whole:
        return
    after = terms.month.next.first_day
    days = (after - terms.month.first_day).days
    for standing in terms.grants:
        grant = standing.grant
        left_days = (grant.ends_on - after).days
        held = grant.starts_on < after and 0 < left_days <= ENDING_DAYS
        if grant.kind is not GrantKind.PACKAGE or not grant.paid_fen or not held:
            continue
        pace = divide(standing.drawn_in_month_fen * left_days, days)
        unused = standing.left_fen - pace
        lost = divide(unused * grant.paid_fen, grant.amount_fen) if unused > 0 else 0
        if lost <= 0:
            continue
        yield _package(terms, standing, left_days=left_days, unused=unused, lost=lost)


def _package(
    terms: TermsNow, standing: Standing, *, left_days: int, unused: int, lost: int
) -> Proposal:
    grant, currency = standing.grant, standing.grant.currency
    models = "、".join(grant.models) or "全部模型"
    saving = Money(lost, currency)
    return _agreed(
        Kind.UNUSED,
        f"package|{grant.grant_id}",
        saving,
        title=f"套餐“{grant.name}”到期前用不完",
        steps=(f"{grant.ends_on} 前把更多调用放到 {models}，或与我们商定延期、转用",),
        how=(
            (
                f"余额 {Money(standing.left_fen, currency)}，{terms.month} 抵扣"
                f" {Money(standing.drawn_in_month_fen, currency)}，还有 {left_days} 天"
            ),
            (
                f"照此速度到期剩 {Money(unused, currency)}；按售价"
                f" {Money(grant.paid_fen, currency)} / 面额 {Money(grant.amount_fen, currency)}"
                f" 折合 {saving} {currency}（一次性，不是每月）"
            ),
        ),
        assumed=("假定以后每天抵扣与当月平均一样多",),
        confidence=Confidence.LOW,
        why=("只按一个月的速度推算",),
        facts={"once": "1", "unused_fen": str(unused), "grant": grant.grant_id},
    )


def better_terms(
    scene: Scene,
    terms: TermsNow,
    drafts: Sequence[ContractDraft],
    list_books: dict[str, Book],
    at_us: int,
) -> Iterator[Proposal]:
    """Yield the drafts made for this customer under which the month would have cost less.

    Both sides are the month's calls by the rates in force, then discount, minimum and fee.
    """
    now_lines = [scene.tariff.price(cell) for cell in scene.cells]
    if not scene.whole or None in now_lines:
        return
    now_pico = sum(worth(lines) for lines in now_lines if lines is not None)
    for draft in drafts:
        book = list_books.get(draft.body.sale_book)
        comparable = (
            draft.state in _OPEN
            and draft.body.currency == terms.contract.currency
            and draft.body.fx_policy != FxPolicy.CARD
            and draft.body.tax_mode == terms.contract.tax_mode
            and (
                draft.body.commercial.commitment is None
                or draft.body.commercial.commitment.period is CommitmentPeriod.MONTH
            )
        )
        if not comparable or book is None:
            continue
        offered = Tariff(_derived(book, draft), at_us)
        lines = [offered.price(cell) for cell in scene.cells]
        if None in lines:
            continue
        then_pico = sum(worth(each) for each in lines if each is not None)
        found = _offer(scene, terms, draft, now_pico, then_pico, offered.currency)
        if found is not None:
            yield found


def _derived(book: Book, draft: ContractDraft) -> Book:
    rows = book.rows
    rates = [draft.body.pricing.derive(rate) for rate in rows.rates]
    return Book(
        BookRows(f"draft {draft.draft_id}", rows.kind, rows.currency, rows.revisions, rates)
    )


def _offer(
    scene: Scene,
    terms: TermsNow,
    draft: ContractDraft,
    now_pico: int,
    then_pico: int,
    currency: str,
) -> Proposal | None:
    bill = terms.contract.currency
    now_fx = terms.fx if scene.tariff.currency != bill else None
    then_fx = terms.fx if currency != bill else None
    if (scene.tariff.currency != bill and now_fx is None) or (currency != bill and then_fx is None):
        return None
    usage = Charge(now_pico, scene.tariff.currency).settle(now_fx).fen
    offered = Charge(then_pico, currency).settle(then_fx).fen
    offer = promised(draft.body.commercial, terms.promise)
    pays = payable(usage, terms.promise, terms.month)
    would = payable(offered, offer, terms.month)
    if would >= pays:
        return None
    saving = Money(pays - would, bill)
    return _agreed(
        Kind.BETTER_TERMS,
        f"draft|{draft.draft_id}",
        saving,
        title=f"合同草案 {draft.draft_id} 的条款更合算",
        steps=(f"与我们商定并签署草案 {draft.draft_id}，{_day(draft)} 起生效",),
        how=(
            (
                f"{scene.month} 的用量按现合同 {Money(usage, bill)}，计折扣、承诺、管理费后应付"
                f" {Money(pays, bill)}"
            ),
            f"按草案 {Money(offered, bill)}，计折扣、承诺、管理费后应付 {Money(would, bill)}",
            f"节省 {saving} {bill}",
        ),
        assumed=("假定以后每月的用量与当月一样；套餐、代金券与 SLA 赔付两边都不计",),
        confidence=Confidence.MEDIUM,
        why=("只比了一个月的用量",),
        facts={
            "draft": draft.draft_id,
            "usage_fen": str(usage),
            "offered_fen": str(offered),
            "pays_fen": str(pays),
            "would_fen": str(would),
        },
    )


def _day(draft: ContractDraft) -> date:
    return draft.body.starts_at.date()


def _by_months(count: int) -> Confidence:
    return (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)[min(count, 3) - 1]


def _agreed(  # noqa: PLR0913 - each is one part of what is told
    kind: Kind,
    slice_: str,
    saving: Money,
    *,
    title: str,
    steps: tuple[str, ...],
    how: tuple[str, ...],
    assumed: tuple[str, ...],
    confidence: Confidence,
    why: tuple[str, ...],
    facts: dict[str, str],
) -> Proposal:
    return Proposal(
        kind=kind,
        slice=slice_,
        figure=Figure(
            title=title,
            change=Change(facts=facts),
            steps=steps,
            how=how,
            assumed=assumed,
            confidence=confidence,
            confidence_why=why,
        ),
        saving_pico=saving.fen * (PICO // FEN),
        currency=saving.currency,
        saving=saving,
        agreed=True,
    )
