"""Register cloud sources, and say whose their accounts and tags are."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from yuejie.clouds import store
from yuejie.clouds.source import Rule, Source, read_match
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import project_by_name
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.period import BillingMonth

_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
TAG_KEYS_MAX: Final = 8


def add_source(
    db: Database,
    source: str,
    *,
    name: str,
    billing_account: str,
    tag_keys: Sequence[str],
    by: str,
    now: datetime,
) -> Source:
    """Register a billing account of ours with a cloud; `source` is its name for ever."""
    if not _SLUG.fullmatch(source):
        raise Invalid(f"来源“{source}”只能由小写字母、数字和短横线组成，最长 40 个字符")
    if not name.strip() or not billing_account.strip():
        raise Invalid(
            "云账单来源须写明名称和账单账号（AWS 付款账号、Azure 账单账户、GCP 结算账号）"
        )
    if len(tag_keys) > TAG_KEYS_MAX or len(set(tag_keys)) != len(tag_keys) or not all(tag_keys):
        raise Invalid(f"标签键最多 {TAG_KEYS_MAX} 个，不能重复或为空")
    made = Source(source, name, billing_account, list(tag_keys), by, now)
    with db.begin() as tx:
        if not store.insert_source(tx, made):
            raise Conflict(f"来源 {source} 已经登记过，请换一个名称")
        record_deed(tx, Deed(by, now, "add", "cloud_source", source), became=made)
    return made


def add_rule(
    db: Database,
    source: str,
    match: str,
    *,
    customer: str | None,
    project: str | None,
    since: BillingMonth,
    by: str,
    now: datetime,
) -> Rule:
    """Say whose an account, a tag or the rest of a source is, from a billing period on.

    Without a customer it is our own cost. Statements that exist already change with `remap`.
    """
    account, key, value = read_match(match)
    with db.begin() as tx:
        found = find_source(tx, source)
        if key is not None and key not in found.tag_keys:
            keys = "、".join(found.tag_keys) or "（无）"
            raise Invalid(f"来源 {source} 未登记标签键 {key}，登记的是 {keys}；请用登记过的键")
        customer_id = project_id = None
        if customer is not None:
            who = find_customer(tx, customer)
            customer_id = str(who.customer_id)
            if project is not None:
                place = project_by_name(tx, who.customer_id, project)
                if place is None:
                    raise NotFound(f"客户 {who.slug} 没有项目 {project}，请核对名称")
                project_id = str(place.project_id)
        elif project is not None:
            raise Invalid("写了项目却没有写客户，请补上客户")
        made = Rule(
            mint("crule", now),
            *(source, account, key, value, customer_id, project_id),
            *(str(since), by, now),
        )
        was = _standing(store.rules(tx, source), made)
        store.insert_rule(tx, made)
        record_deed(tx, Deed(by, now, "add", "cloud_rule", made.rule_id), was=was, became=made)
    return made


def _standing(rules: Sequence[Rule], made: Rule) -> Rule | None:
    """Return the rule about the same account and tag that held until now."""
    match = (made.sub_account, made.tag_key, made.tag_value)
    same = (rule for rule in rules if (rule.sub_account, rule.tag_key, rule.tag_value) == match)
    held = [rule for rule in same if rule.since <= made.since]
    return max(held, key=lambda rule: rule.rank, default=None)


def find_source(tx: Tx, name: str) -> Source:
    """Return a source. Raises NotFound."""
    found = store.source(tx, name)
    if found is None:
        raise NotFound(f"云账单来源 {name} 没有登记，请先执行 yuejie clouds add")
    return found
