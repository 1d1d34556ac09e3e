"""Who did a deed, as people know whoever it was."""

from typing import Final

from yuejie.web.pages.frame.words import ZH

MACHINES: Final = {
    "clerk": ("系统", "the system"),
    "matcher": ("自动匹配", "automatic matching"),
    "bank": ("银行", "the bank"),
    "protection": ("防护规则", "a protection"),
    "api:operator": ("运营令牌", "the operator’s token"),
    "manual": ("手工开票", "by hand"),
    "nuonuo": ("诺诺", "Nuonuo"),
    "baiwang": ("百望", "Baiwang"),
}
"""Who acts and is no member, as a deed is signed; its Chinese and its English."""
_FROM: Final = {"customer": ("（客户）", " (customer)"), "cli": ("（命令行）", " (command line)")}


def who(by: str, language: str) -> str:
    """Name whoever did a deed: a member by its name, a customer's as such, a machine by part."""
    at = 0 if language == ZH else 1
    if by in MACHINES:
        return MACHINES[by][at]
    side, _, name = by.partition(":")
    if side == "operator" and name:
        return name
    return f"{name}{_FROM[side][at]}" if side in _FROM and name else by


def signed_as(name: str) -> list[str]:
    """Return how deeds of whoever is called so may be signed; the signature itself is one."""
    machines = [by for by, said in MACHINES.items() if name in said]
    return [name, *machines, *(f"{side}:{name}" for side in ("operator", *_FROM))]
