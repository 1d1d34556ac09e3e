"""A statement of a period: what a cloud asks for, by whose it is. Pure sums of rows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

import msgspec

from yuejie.clouds.charge import CloudRow
from yuejie.clouds.source import Owner, Place
from yuejie.contracts.agreed.cloud import CloudCategory
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth

PLACES_MAX = 200_000
"""Accounts × tag values of one delivery; more are no cost allocation but ids of resources."""
SUMS_MAX = 1_000_000
_MODULUS = 1 << 256


class SumKey(NamedTuple):
    """What rows are summed by before anybody says whose they are."""

    place: int
    service: str
    category: CloudCategory
    currency: str


@dataclass(slots=True)
class Sum:
    """Rows, and both amounts; None where a row does not state one."""

    rows: int = 0
    billed_pico: int | None = 0
    effective_pico: int | None = 0

    def add(self, rows: int, billed: int | None, effective: int | None) -> None:
        """Add an amount that is perhaps not stated: then the sum is not known either."""
        self.rows += rows
        self.billed_pico = _plus(self.billed_pico, billed)
        self.effective_pico = _plus(self.effective_pico, effective)


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


class ChargeKey(NamedTuple):
    """What makes a charge of a statement."""

    owner: Owner
    service: str
    category: CloudCategory
    currency: str


@dataclass(slots=True)
class Tally:
    """The sums of one period, and a digest of its rows in whatever order."""

    sums: dict[SumKey, Sum] = field(default_factory=dict)
    _digest: int = 0

    @property
    def digest(self) -> bytes:
        """The same for the same rows in any order and any split into files."""
        return self._digest.to_bytes(32, "big")

    @property
    def rows(self) -> int:
        """How many rows, or parts of rows, were summed."""
        return sum(each.rows for each in self.sums.values())

    def add(self, row: CloudRow, place: int, identity: bytes) -> None:
        """Count a row; `identity` says all that is kept of it."""
        self._digest = (self._digest + int.from_bytes(sha256(identity).digest(), "big")) % _MODULUS
        for part in row.parts:
            key = SumKey(place, row.service, part.category, row.currency)
            found = self.sums.get(key)
            if found is None:
                if len(self.sums) >= SUMS_MAX:
                    raise Invalid(f"账单的账号×标签×服务超过 {SUMS_MAX:,} 种，请减少来源的标签键")
                found = self.sums[key] = Sum()
            found.add(1, part.billed_pico, part.effective_pico)


@dataclass(slots=True)
class Survey:
    """What a delivery holds: its places, and a tally per period."""

    tag_keys: tuple[str, ...]
    places: dict[tuple[str, ...], int] = field(default_factory=dict)
    tallies: dict[BillingMonth, Tally] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)

    def add(self, row: CloudRow) -> int:
        """Count a row and return the number of its place."""
        named = (row.sub_account, *(row.tags.get(key, "") for key in self.tag_keys))
        place = self.places.setdefault(named, len(self.places))
        if place >= PLACES_MAX:
            raise Invalid(f"账单的账号×标签超过 {PLACES_MAX:,} 种，请减少来源的标签键")
        tally = self.tallies.setdefault(row.period, Tally())
        tally.add(row, place, identity_of(row))
        self.columns.update(row.kept)
        return place

    def place(self, number: int) -> Place:
        """Return a place by its number."""
        return self.by_number()[number]

    def by_number(self) -> dict[int, Place]:
        """Return every place by its number; a tag that is not there is not named."""
        return {
            number: Place(
                account,
                {key: text for key, text in zip(self.tag_keys, tags, strict=True) if text},
            )
            for (account, *tags), number in self.places.items()
        }


def identity_of(row: CloudRow) -> bytes:
    """Return everything a row says, but for where in the file it stands."""
    return msgspec.json.encode(
        [
            row.billing_account,
            row.sub_account,
            row.service,
            row.currency,
            [[part.category, part.billed_pico, part.effective_pico] for part in row.parts],
            dict(row.kept),
        ],
        order="deterministic",
    )


def charges_of(sums: Mapping[SumKey, Sum], owner: Callable[[int], Owner]) -> dict[ChargeKey, Sum]:
    """Sum a period by whose it is."""
    found: dict[ChargeKey, Sum] = {}
    for key, each in sums.items():
        at = ChargeKey(owner(key.place), key.service, key.category, key.currency)
        found.setdefault(at, Sum()).add(each.rows, each.billed_pico, each.effective_pico)
    return found


def totals_of(charges: Iterable[tuple[ChargeKey, Sum]]) -> dict[tuple[Owner, str], Sum]:
    """Sum charges by owner and currency."""
    found: dict[tuple[Owner, str], Sum] = {}
    for key, each in charges:
        at = (key.owner, key.currency)
        found.setdefault(at, Sum()).add(each.rows, each.billed_pico, each.effective_pico)
    return found
