"""Into which bills a month falls: one for the customer, or one per project, department or unit.

Pure. Usage goes to the part of its project. What concerns the whole customer goes to the head
bill, or is apportioned by the parts' net usage, as the contract says; the parts add up to the
merged bill.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from yuejie.bills.bill import BESIDE, HEAD
from yuejie.bills.closing.agreed import Target
from yuejie.bills.closing.lines import Place
from yuejie.contracts.terms import HeadShare, Split
from yuejie.kernel.money import apportion

_OTHER: Final = {"CNY": "人民币款项", "USD": "美元款项"}


@dataclass(frozen=True, slots=True)
class Parting:
    """How a customer's month is split: the part of each project, and what parts are called."""

    part_of: Mapping[str, str]
    names: Mapping[str, str]
    share: HeadShare
    reductions: HeadShare
    """Where amounts below zero go; as `share`, unless the head bill could not bear them."""

    def of(self, project_id: str) -> str:
        """Return the part that a project's usage is billed in."""
        return self.part_of.get(project_id, HEAD)


def beside(currency: str) -> Parting:
    """Return the one part of what is owed in another currency than the month's contract has."""
    part = f"{BESIDE}{currency}"
    return Parting({}, {part: _OTHER[currency]}, HeadShare.HEAD, HeadShare.HEAD)


def parting(
    split: Split,
    share: HeadShare,
    places: Mapping[str, Place],
    units: Mapping[str, tuple[str, str]],
) -> Parting:
    """Tell the part of every project; what belongs to none is on the head bill."""
    part_of: dict[str, str] = {}
    names: dict[str, str] = {HEAD: ""}
    for place in places.values():
        part, name = _part(split, place, places, units)
        part_of[place.project_id] = part
        names[part] = name
    return Parting(part_of, names, share, share)


def _part(
    split: Split,
    place: Place,
    places: Mapping[str, Place],
    units: Mapping[str, tuple[str, str]],
) -> tuple[str, str]:
    match split:
        case Split.MERGED:
            return HEAD, ""
        case Split.PROJECT:
            return f"project:{place.project_id}", place.name
        case Split.DEPARTMENT:
            return (
                f"department:{place.department}" if place.department else HEAD
            ), place.department
        case Split.UNIT:
            return _unit(place, places, units)


def _unit(
    place: Place, places: Mapping[str, Place], units: Mapping[str, tuple[str, str]]
) -> tuple[str, str]:
    """Return the unit of a project, or of the nearest project above that has one."""
    at: Place | None = place
    for _ in range(len(places)):
        if at is None:
            break
        if at.project_id in units:
            unit_id, name = units[at.project_id]
            return f"unit:{unit_id}", name
        at = places.get(at.parent_id) if at.parent_id else None
    return HEAD, ""


def spread(target: Target, parting: Parting, usage: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return in which parts an amount of the whole customer stands: part and fen, never zero.

    `usage` is the net usage of each part in the service month.
    """
    if target.part is not None and target.part in parting.names:
        return [(target.part, target.amount_fen)]
    parts: Sequence[str] = sorted(part for part, amount in usage.items() if amount > 0)
    share = parting.share if target.amount_fen > 0 else parting.reductions
    if share is HeadShare.HEAD or not parts:
        return [(HEAD, target.amount_fen)]
    shares = apportion(target.amount_fen, [usage[part] for part in parts])
    return [(part, share) for part, share in zip(parts, shares, strict=True) if share]
