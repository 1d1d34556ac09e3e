"""Which contract a customer's months stand under, and what it promises for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from yuejie.bills.closing.agreed import Promise, committed_months
from yuejie.contracts.contract import Contract, at, by_term, is_among, term_of
from yuejie.kernel.period import BillingMonth, Span, zone_of

_INSTANT = timedelta(microseconds=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Agreements:
    """A customer's contract versions, and the zone its months are counted in."""

    versions: Sequence[Contract]
    zone: str

    def at_end_of(self, month: BillingMonth) -> Contract | None:
        """Return the version in force in the month's last instant."""
        return at(self.versions, month.span(zone_of(self.zone)).end - _INSTANT)

    def promise(self, month: BillingMonth, currency: str) -> Promise:
        """Return what the contract of that month promises; nothing where there is none."""
        contract = self.at_end_of(month)
        if contract is None:
            return Promise(None, None, 0, month.first_day, month.first_day, currency)
        same = [each for each in self.versions if each.contract_id == contract.contract_id]
        since = self._day(min(each.starts_at for each in same))
        began = self._day(term_of(self.versions, contract)[0].starts_at)
        terms = contract.terms
        ended = terms.ends_on is not None and terms.ends_on <= month.first_day
        leaves = terms.ends_on is not None and terms.ends_on <= month.last_day
        return Promise(
            tier_discount=terms.tier_discount,
            commitment=None if ended else terms.commitment,
            management_fee_fen=0 if leaves else terms.management_fee_fen,
            since=since,
            until=self._until(contract, month),
            currency=contract.currency,
            sla=None if ended else terms.sla,
            renewed_on=began if began != since else None,
        )

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(zone_of(self.zone)).date()

    def _until(self, contract: Contract, month: BillingMonth) -> date | None:
        """Return the first day without the contract's term, for its minimum.

        Where another term or contract has the bill of the month that it ends in, that is the first
        of that month: the one before it is the last that is billed under this one.
        """
        lost = self._lost(contract)
        if lost is not None and month < lost:
            return lost.first_day
        return contract.terms.ends_on

    def _lost(self, contract: Contract) -> BillingMonth | None:
        """Return the month within which a term ends while another has its bill, if any."""
        term = term_of(self.versions, contract)
        ends_on = max(term, key=lambda each: each.version).terms.ends_on
        if ends_on is None or ends_on.day == 1:
            return None
        month = BillingMonth(ends_on.year, ends_on.month)
        after = self.at_end_of(month)
        return month if after is not None and not is_among(after, term) else None

    def overdue(self, month: BillingMonth) -> bool:
        """Tell whether a minimum fell due in the month before, which nobody may have known then.

        That of a term that ends within this month, while another has this month's bill.
        """
        before = self.at_end_of(month.previous)
        if before is None or self._lost(before) != month:
            return False
        promise = self.promise(month.previous, before.currency)
        return bool(committed_months(promise, month.previous))

    def renewed_behind(self, month: BillingMonth) -> set[BillingMonth]:
        """Return the months before one that stand under a renewal which was signed within it.

        They may have been closed while nobody knew that the contract goes on.
        """
        zone, found = zone_of(self.zone), set[BillingMonth]()
        for each in self.versions:
            label = BillingMonth.of(each.starts_at, zone)
            if label >= month or each.version == 1 or each.signed_at not in month.span(zone):
                continue
            same = [other for other in self.versions if other.contract_id == each.contract_id]
            term = term_of(same, each)
            renewal = term[0] is each and term != by_term(same)[0]
            while renewal and label < month:
                held = self.at_end_of(label)
                found |= {label} if held is not None and is_among(held, term) else set()
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
        return owes or bool(self.renewed_behind(month))
