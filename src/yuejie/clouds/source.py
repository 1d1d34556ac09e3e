"""Cloud sources, and the rules that say whose a row is. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth


@dataclass(frozen=True, slots=True)
class Source:
    """A cloud's billing account of ours. Of tags, those under `tag_keys` tell places apart."""

    source: str
    name: str
    billing_account: str
    tag_keys: list[str]
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """Whose an account, a tag, or the rest of a source is, from a month on.

    None of `sub_account` and `tag_key`: the rest. No customer: it is our own cost.
    """

    rule_id: str
    source: str
    sub_account: str | None
    tag_key: str | None
    tag_value: str | None
    customer_id: str | None
    project_id: str | None
    since: str
    made_by: str
    made_at: datetime

    def holds(self, place: "Place", period: BillingMonth) -> bool:
        """Tell whether the rule is about a place in a period."""
        return (
            self.since <= str(period)
            and self.sub_account in {None, place.sub_account}
            and (self.tag_key is None or place.tags.get(self.tag_key) == self.tag_value)
        )

    @property
    def rank(self) -> tuple[bool, bool, str, datetime, str]:
        """Which of several rules holds: tag, then account, then the later one."""
        return (
            self.tag_key is not None,
            self.sub_account is not None,
            self.since,
            self.made_at,
            self.rule_id,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """What a row may be told apart by: its account, and its tags under the source's keys."""

    sub_account: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a place is; neither a customer nor ours: nobody has said."""

    customer_id: str | None = None
    project_id: str | None = None
    ours: bool = False


def owner_of(rules: Iterable[Rule], place: Place, period: BillingMonth) -> Owner:
    """Return whose a place is in a period, by the most particular rule."""
    held = [rule for rule in rules if rule.holds(place, period)]
    if not held:
        return Owner()
    best = max(held, key=lambda rule: rule.rank)
    return Owner(best.customer_id, best.project_id, best.customer_id is None)


def read_match(text: str) -> tuple[str | None, str | None, str | None]:
    """Read `account=1234`, `tag=team=search`, both joined by a comma, or `*`.

    Returns account, tag key and tag value.
    """
    account = key = value = None
    for each in () if text.strip() == "*" else text.split(","):
        kind, _, rest = each.strip().partition("=")
        if kind == "account" and rest:
            account = rest
        elif kind == "tag" and "=" in rest:
            key, _, value = rest.partition("=")
        else:
            raise Invalid(
                f"归属条件“{text}”读不懂，请写 account=账号、tag=键=值，或 * 表示其余全部"
            )
    return account, key, value
