"""A customer's first run: what is still to be done, on its overview until all of it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.budgets.store import of_customer
from yuejie.customers.customer import Customer
from yuejie.customers.store import keys
from yuejie.db.session import Tx
from yuejie.fapiao.store import titles_of_customer
from yuejie.notices.store import channels
from yuejie.usage.store import has_usage
from yuejie.web.pages.insight.keys import state_of


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do: what, why, where, and whether it is done."""

    what: str
    why: str
    path: str
    is_done: bool


WORDS: Final = {
    "key": ("拿到密钥", "密钥由运营方签发，只显示一次；网关地址在“快速开始”", "/keys"),
    "call": ("调通第一次", "SDK 只换 base_url 和密钥，页面上就能测试", "/start"),
    "budget": ("设一道额度", "到额度会提醒，硬额度到了就停，绝不超出", "/budgets"),
    "contact": ("登记财务联系人", "账单、额度提醒、催款通知发给谁", "/notices"),
    "title": ("填发票抬头", "申请开票时选它，名称与税号须与营业执照一致", "/fapiao/titles"),
}
"""Of each thing what it is called, what it is good for, and where it is done."""


def list_of(tx: Tx, party: Customer, now: datetime) -> list[Item]:
    """Return what a customer does first, in this order, and what of it is done."""
    who = party.customer_id
    done = {
        "key": any(state_of(each, now) == "active" for each in keys(tx, who)),
        "call": has_usage(tx, who),
        "budget": bool(of_customer(tx, who)),
        "contact": bool(channels(tx, who)),
        "title": bool(titles_of_customer(tx, who)),
    }
    return [Item(*words, done[name]) for name, words in WORDS.items()]
