"""A contract, as far as it decides prices and bills: currency, zone, tax, exchange policy, book.

A contract only grows: it is changed by signing its next version, which applies from its start.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from yuejie.contracts.agreed.pricing import LIST, Pricing
from yuejie.contracts.terms import STANDARD, CommercialTerms, ContractType, Renewal
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import BookId, ContractId, CustomerId
from yuejie.kernel.money import CURRENCIES, PPM
from yuejie.kernel.period import zone_of

TAX_PPM: Final = 60_000
"""VAT on modern services in China: 6 %."""
TAX_MODES: Final = ("inclusive", "exclusive")


class FxPolicy(StrEnum):
    """How a contract in one currency is billed from a book in another."""

    NONE = "none"
    """Book and contract have the same currency."""
    CARD = "card"
    """Rates were converted when published; the contract's book is the card."""
    BILL = "bill"
    """Charges are converted when the bill is drawn, at the service month's rate."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One signed version. `sale_book` is the book that prices its calls.

    That is the list book, its card under CARD, or the contract's own book where it agreed prices.
    """

    contract_id: ContractId
    version: int
    customer_id: CustomerId
    sale_book: BookId
    currency: str
    zone: str
    fx_policy: str
    tax_mode: str
    tax_ppm: int
    starts_at: datetime
    signed_at: datetime
    terms: CommercialTerms = STANDARD

    @property
    def ends_at(self) -> datetime | None:
        """The first instant at which it no longer holds: `terms.ends_on` begins in its zone."""
        return None if self.terms.ends_on is None else midnight(self.terms.ends_on, self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is agreed, before it is signed. `sale_book` is the list book, also under CARD."""

    customer_id: CustomerId
    sale_book: BookId
    currency: str
    zone: str = "Asia/Shanghai"
    fx_policy: str = FxPolicy.NONE
    tax_mode: str = "inclusive"
    tax_ppm: int = TAX_PPM
    starts_at: datetime
    commercial: CommercialTerms = STANDARD
    pricing: Pricing = LIST

    def refuse_nonsense(self, book_currency: str, was: CommercialTerms | None = None) -> None:
        """Refuse terms that no bill could be drawn from; `was` is what the contract said before."""
        zone_of(self.zone)
        self.commercial.refuse_nonsense(was)
        self.pricing.refuse_nonsense()
        refuse_span(self.commercial, self.starts_at, self.zone)
        if self.currency not in CURRENCIES:
            raise Invalid(f"合同币种“{self.currency}”不支持，请写 CNY 或 USD")
        if self.fx_policy not in set(FxPolicy):
            raise Invalid(f"汇率方式“{self.fx_policy}”不认识，请写 none、card 或 bill")
        if self.tax_mode not in TAX_MODES:
            raise Invalid(
                f"计税方式“{self.tax_mode}”不认识，请写 inclusive（含税）或 exclusive（不含税）"
            )
        if not 0 <= self.tax_ppm < PPM:
            raise Invalid(f"税率 {self.tax_ppm} ppm 超出范围，6% 写作 60000")
        same = book_currency == self.currency
        if same and self.fx_policy != FxPolicy.NONE:
            raise Invalid(f"合同与价目 {self.sale_book} 同为 {self.currency}，汇率方式请写 none")
        if not same and self.fx_policy == FxPolicy.NONE:
            raise Invalid(
                f"合同币种 {self.currency} 与价目 {self.sale_book} 的 {book_currency} 不同，"
                "请约定汇率方式：card（价目卡按发布时汇率折算）或 bill（出账时按账期汇率折算）"
            )


def refuse_span(terms: CommercialTerms, starts_at: datetime, zone: str) -> None:
    """Refuse a contract that is over before it begins, or is bound to no day it could end on."""
    begins = starts_at.astimezone(zone_of(zone)).date()
    if terms.ends_on is not None and terms.ends_on <= begins:
        raise Invalid(f"合同止日 {terms.ends_on} 须晚于起日 {begins}，请改正后重试")
    if terms.ends_on is None and terms.type is not ContractType.OPEN:
        raise Invalid(f"{terms.type} 合同须写明止日 ends_on，请补全后重试")


def refuse_idle(terms: CommercialTerms, starts_at: datetime, zone: str) -> None:
    """Refuse a new contract with days that could mean nothing.

    A price lock that is over before it begins, or goes on where nothing is sold any more; a notice
    against going on that nobody could give in time.
    """
    begins, ends = starts_at.astimezone(zone_of(zone)).date(), terms.ends_on
    lock = terms.price_lock_until
    if lock is not None and lock <= begins:
        raise Invalid(f"合同锁价期 {lock} 须晚于起日 {begins}，不锁价请不要填写")
    if lock is not None and ends is not None and lock > ends and terms.renewal is Renewal.NONE:
        raise Invalid(f"合同锁价期 {lock} 晚于止日 {ends}，而合同不续约；请写到止日为止")
    if ends is None or terms.renewal is not Renewal.AUTO:
        return
    if terms.notice_days >= (held := (ends - begins).days):
        raise Invalid(
            f"合同自动续约，通知天数 {terms.notice_days} 天须少于合同期的 {held} 天，"
            "否则无人来得及提出不续约"
        )


def midnight(day: date, zone: str) -> datetime:
    """Return the first instant of a day in a zone, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone_of(zone)).astimezone(UTC)


def at(versions: Iterable[Contract], started: datetime) -> Contract | None:
    """Return the version that applies to an instant: the newest that has started by then.

    What a contract was left before is none that has started, and takes no other's place.
    """
    begun = [version for version in versions if version.starts_at <= started]
    if not begun:
        return None
    newest = max(begun, key=order)
    if not _never_holds(newest):
        return newest
    return max(holding(begun), key=order, default=None)


def held_within(versions: Sequence[Contract], start: datetime, end: datetime) -> list[Contract]:
    """Return the versions that apply at some instant of a span and are not over by then."""
    starts = {start, *(each.starts_at for each in versions if start < each.starts_at < end)}
    found = [(at(versions, instant), instant) for instant in sorted(starts)]
    return [
        each
        for each, instant in found
        if each is not None and (each.ends_at is None or each.ends_at > instant)
    ]


def holding(versions: Iterable[Contract]) -> list[Contract]:
    """Leave out versions that never hold: their contract was left before they would have begun.

    The version that says so begins in the same instant as the one that was signed ahead.
    """
    known = list(versions)
    newest = {(each.contract_id, each.starts_at): each for each in sorted(known, key=order)}
    return [each for each in known if not _never_holds(newest[each.contract_id, each.starts_at])]


def order(version: Contract) -> tuple[datetime, datetime, int, ContractId]:
    """Return by what versions come one behind the other; no two have the same.

    Of two contracts signed in one instant that start together it is the id, so that whoever asks
    finds the same one.
    """
    return version.starts_at, version.signed_at, version.version, version.contract_id


def _never_holds(version: Contract) -> bool:
    return version.ends_at is not None and version.ends_at <= version.starts_at


def by_term(versions: Iterable[Contract]) -> list[list[Contract]]:
    """Return the versions of one contract by term, the earliest first.

    Its first term begins with it, another where a version begins that holds on from the day on
    which the term before it is over: it was renewed. A change within a term begins none.
    """
    terms: list[list[Contract]] = []
    for each in sorted(versions, key=order):
        over = terms[-1][-1].ends_at if terms else each.starts_at
        holds_on = each.ends_at is None or each.ends_at > each.starts_at
        if not terms or (over is not None and each.starts_at >= over and holds_on):
            terms.append([])
        terms[-1].append(each)
    return terms


def term_of(versions: Iterable[Contract], one: Contract) -> list[Contract]:
    """Return the versions of the term that one of them belongs to, the earliest first.

    What is only supposed is no version that was signed: it is of the term whose version it
    changes, or a term of its own.
    """
    same = [each for each in versions if each.contract_id == one.contract_id]
    return next((term for term in by_term(same) if is_among(one, term)), [one])


def is_among(one: Contract, versions: Iterable[Contract]) -> bool:
    """Tell whether a version is one of some, by its contract and number."""
    return (one.contract_id, one.version) in {(each.contract_id, each.version) for each in versions}


def term_began(versions: Sequence[Contract], now: datetime) -> datetime | None:
    """Return when the term that runs began: with its contract, or where that was renewed."""
    running = at(versions, now)
    return None if running is None else term_of(versions, running)[0].starts_at


def terms_began(versions: Sequence[Contract]) -> list[datetime]:
    """Return when each term that runs, ran or will run begins, of whichever contract."""
    starts = {each.starts_at for each in versions}
    return sorted({began for each in starts if (began := term_began(versions, each))})
