"""What a contract agrees about cloud bills: which are passed on, on which basis, at which mark-up.

Pure data, frozen with the version that was signed, like every other term. A cloud bill that no
version names for its month stands on no bill; it waits on the worklist.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import PPM


class CloudBasis(StrEnum):
    """Which of the cloud's two amounts is passed on."""

    BILLED = "billed"
    """What the cloud's own bill asks for: a commitment when it is bought."""
    EFFECTIVE = "effective"
    """Amortised: a commitment where it is used, so that who used it bears it."""


class CloudCategory(StrEnum):
    """What a row of a cloud bill is for; each may be left out by agreement."""

    USAGE = "usage"
    PURCHASE = "purchase"
    """Reservations, savings plans, subscriptions, support plans."""
    MARKETPLACE = "marketplace"
    """What a third party sells through the cloud."""
    TAX = "tax"
    CREDIT = "credit"
    """Promotional credits of the cloud; below zero."""
    REFUND = "refund"
    ADJUSTMENT = "adjustment"
    """Corrections and rounding rows."""


@dataclass(frozen=True, slots=True)
class ServiceMarkup:
    """Another mark-up for one service, by the name that the cloud's bill gives it."""

    service: str
    markup_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudTerms:
    """How the bill of one cloud source is passed on: its cost × (1 + mark-up), rounded once."""

    source: str
    markup_ppm: int = 0
    basis: CloudBasis = CloudBasis.BILLED
    services: tuple[ServiceMarkup, ...] = ()
    leave_out: tuple[CloudCategory, ...] = ()
    """What is not passed on, e.g. the cloud's tax where we get it back as input tax."""

    def markup(self, service: str) -> int:
        """Return the mark-up on a service, in ppm."""
        for each in self.services:
            if each.service == service:
                return each.markup_ppm
        return self.markup_ppm


def agreed_of(terms: Iterable[CloudTerms], source: str) -> CloudTerms | None:
    """Return what is agreed about a source, or None."""
    return next((each for each in terms if each.source == source), None)


def refuse_clouds(terms: tuple[CloudTerms, ...]) -> None:
    """Refuse what could not be computed from, naming the source."""
    sources = [each.source for each in terms]
    if len(set(sources)) != len(sources):
        raise Invalid("合同条款“云账单”中同一来源写了两次，请合并为一条")
    for each in terms:
        if not each.source.strip():
            raise Invalid("合同条款“云账单”须写明来源 source，例如 aws-main")
        markups = [each.markup_ppm, *(other.markup_ppm for other in each.services)]
        if any(not 0 <= markup <= PPM for markup in markups):
            raise Invalid(f"合同条款“云账单”{each.source} 的加价须在 0% 到 100% 之间")
        names = [other.service for other in each.services]
        if len(set(names)) != len(names) or not all(names):
            raise Invalid(f"合同条款“云账单”{each.source} 的服务有重复或未写名称，请改正")
        if len(set(each.leave_out)) != len(each.leave_out):
            raise Invalid(f"合同条款“云账单”{each.source} 的 leave_out 有重复，请改正")
