"""What a customer lets advice assume of its work, and look at in its requests.

`cheaper`: work of this task type may go to a cheaper model. `waits`: it can wait. `prefix`: the
gateways may hash the beginnings of a project's prompts (or, under "", of all projects) with a salt
of this customer's own; no content is kept, and ending it makes the salt worthless.
"""

import secrets
from datetime import datetime
from typing import Final

from yuejie.customers.store import project_by_name
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.insights.advice import store
from yuejie.insights.advice.store import Word
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId, mint

CHEAPER: Final = "cheaper"
WAITS: Final = "waits"
PREFIX: Final = "prefix"
WHATS: Final = (CHEAPER, WAITS, PREFIX)
WHAT_NAMES: Final = {
    CHEAPER: "可换便宜模型的任务类型",
    WAITS: "可以等待的任务类型",
    PREFIX: "前缀哈希（项目）",
}
SALT_BYTES: Final = 32
NAME_MAX: Final = 64


def words_of(db: Database, customer_id: CustomerId) -> list[Word]:
    """Return what a customer says now."""
    with db.read() as tx:
        return store.words(tx, customer_id)


def say_word(
    db: Database, customer_id: CustomerId, what: str, name: str, *, by: str, now: datetime
) -> Word:
    """Write down what advice may assume or look at; saying it twice changes nothing.

    Raises NotFound for a project that the customer does not have.
    """
    if what not in WHATS:
        raise Invalid(f"“{what}”不认识，请写 cheaper、waits 或 prefix")
    if len(name) > NAME_MAX or (not name and what != PREFIX):
        raise Invalid(f"任务类型须为 1 到 {NAME_MAX} 个字，请改正后重试")
    with db.begin() as tx:
        place = _place(tx, customer_id, what, name)
        word = Word(mint("word", now), what, place, now, by)
        salt = secrets.token_bytes(SALT_BYTES) if what == PREFIX else b""
        if store.insert_word(tx, customer_id, word, salt=salt):
            record_deed(tx, Deed(by, now, "say", "advice_word", word.word_id), became={what: place})
            return word
        return next(w for w in store.words(tx, customer_id) if (w.what, w.name) == (what, place))


def take_back(
    db: Database, customer_id: CustomerId, what: str, name: str, *, by: str, now: datetime
) -> None:
    """Take a word back; the gateways hear of it within a second."""
    with db.begin() as tx:
        place = _place(tx, customer_id, what, name)
        if not store.end_word(tx, customer_id, what, place, at=now):
            raise Conflict(f"没有登记过“{WHAT_NAMES.get(what, what)} {name}”，无须撤回")
        record_deed(tx, Deed(by, now, "take_back", "advice_word", f"{what} {place}"))


def _place(tx: Tx, customer_id: CustomerId, what: str, name: str) -> str:
    if what != PREFIX or not name:
        return name
    project = project_by_name(tx, customer_id, name)
    if project is None:
        raise NotFound(f"项目不存在：{name}，请核对项目名", project=name)
    return project.project_id
