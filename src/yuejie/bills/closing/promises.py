"""Which contract a customer's months stand under, and what it promises for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from yuejie.bills.closing.agreed import Promise, committed_months
from yuejie.contracts.contract import Contract, at, holding, is_among, order, term_of
from yuejie.kernel.period import BillingMonth, Span, zone_of

_INSTANT = timedelta(microseconds=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _ends_on(term: Sequence[Contract]) -> date | None:
    """Return the first day behind a term, as its newest version says."""
    return max(term, key=lambda each: each.version).terms.ends_on


@dataclass(frozen=True, slots=True)
class Agreements:
    """A customer's contract versions, and the zone its months are counted in."""

    versions: Sequence[Contract]
    zone: str

    def at_end_of(self, month: BillingMonth) -> Contract | None:
        """Return the version in force in the month's last instant."""
        return at(self.versions, month.span(zone_of(self.zone)).end - _INSTANT)

    def last_in(self, currency: str, month: BillingMonth) -> Contract | None:
        """Return the last version in a currency that a month has seen; it may be over."""
        some = [version for version in self.versions if version.currency == currency]
        return at(some, month.span(zone_of(self.zone)).end - _INSTANT)

    def promise(self, month: BillingMonth, currency: str) -> Promise:
        """Return what the contract of that month promises; nothing where there is none."""
        contract = self.at_end_of(month)
        if contract is None:
            return Promise(None, None, 0, month.first_day, month.first_day, currency)
        same = [each for each in self.versions if each.contract_id == contract.contract_id]
        since = self._day(min(each.starts_at for each in same))
        terms, term = contract.terms, term_of(self.versions, contract)
        began = self._day(term[0].starts_at)
        ended = terms.ends_on is not None and terms.ends_on <= month.first_day
        leaves = terms.ends_on is not None and terms.ends_on <= month.last_day
        return Promise(
            tier_discount=terms.tier_discount,
            commitment=None if ended else terms.commitment,
            management_fee_fen=0 if leaves else terms.management_fee_fen,
            since=since,
            until=self._until(contract, term, month),
            currency=contract.currency,
            sla=None if ended else terms.sla,
            renewed_on=began if began != since else None,
            term_share=self._term_share(contract, term),
        )

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(zone_of(self.zone)).date()

    def _until(
        self, contract: Contract, term: Sequence[Contract], month: BillingMonth
    ) -> date | None:
        """Return the first day without the contract's term, for its minimum.

        Where another term or contract has the bill of a month in which it still holds, that is the
        first of that month: the one before it is the last that is billed under this one.
        """
        lost = self._lost(term)
        if lost is not None and month < lost:
            return lost.first_day
        return contract.terms.ends_on

    def _lost(self, term: Sequence[Contract]) -> BillingMonth | None:
        """Return the first month within which a term holds while another has its bill, if any."""
        ends_on, taken_on = _ends_on(term), self._taken_on(term)
        if taken_on is None:
            return None
        month = BillingMonth(taken_on.year, taken_on.month)
        return month if ends_on is None or ends_on > month.first_day else None

    def _taken_on(self, term: Sequence[Contract]) -> date | None:
        """Return the day from which on another term or contract holds, if any.

        Not one behind which a version of this term began: that took it back.
        """
        some = holding(self.versions)
        own = [order(each) for each in some if is_among(each, term)]
        began = max(own, default=order(term[0]))
        heirs = [
            each.starts_at for each in some if order(each) > began and not is_among(each, term)
        ]
        return self._day(min(heirs)) if heirs else None

    def _term_share(self, contract: Contract, term: Sequence[Contract]) -> tuple[int, int]:
        """Return how much of a version's promise for a whole term counts: by the days it held.

        Less than all where another takes over before its end, or where a later version ends the
        term sooner than this one promised; days in its shared last month are no loss.
        """
        agreed = contract.terms.ends_on
        ends = [day for day in (_ends_on(term), self._taken_on(term)) if day is not None]
        if agreed is None or min(ends, default=agreed) >= agreed:
            return 1, 1
        began = self._day(term[0].starts_at)
        return (min(ends) - began).days, (agreed - began).days

    def overdue(self, month: BillingMonth) -> bool:
        """Tell whether a minimum fell due in the month before, which nobody may have known then.

        That of a term that holds within this month, while another has this month's bill.
        """
        before = self.at_end_of(month.previous)
        if before is None or self._lost(term_of(self.versions, before)) != month:
            return False
        promise = self.promise(month.previous, before.currency)
        return bool(committed_months(promise, month.previous))

    def signed_behind(self, month: BillingMonth) -> set[BillingMonth]:
        """Return the months before one for which a contract's version was signed within it.

        They may have been closed while nobody knew that the contract goes on, had ended, or was
        changed.
        """
        zone, found = zone_of(self.zone), set[BillingMonth]()
        for each in self.versions:
            label = BillingMonth.of(each.starts_at, zone)
            late = each.version > 1 and each.signed_at in month.span(zone)
            while late and label < month:
                held = self.at_end_of(label)
                if held is not None and held.contract_id == each.contract_id:
                    found.add(label)
                label = label.next
        return found

    def held(self, month: BillingMonth) -> Span:
        """Return the part of a month in which its contract held, in whole days; else all of it."""
        zone = zone_of(self.zone)
        span, contract = month.span(zone), self.at_end_of(month)
        if contract is None:
            return span
        promise = self.promise(month, contract.currency)
        start, end = max(span.start, _midnight(promise.since, zone)), span.end
        if promise.until is not None and promise.until > month.first_day:
            end = min(end, _midnight(promise.until, zone))
        return Span(start, end)

    def oblige(self, month: BillingMonth) -> bool:
        """Tell whether a bill is owed of a month in which nothing was used."""
        contract = self.at_end_of(month)
        if contract is None:
            return False
        promise = self.promise(month, contract.currency)
        fee = promise.management_fee_fen
        owes = bool(fee or committed_months(promise, month)) or self.overdue(month)
        return owes or bool(self.signed_behind(month))
