"""Open, alter and retire the titles that a customer's fapiao are made out to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.fapiao import store
from yuejie.fapiao.title import Title, TitleDraft, TitleState, check_title
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.kernel.ids import mint


@dataclass(frozen=True, slots=True)
class TitleKept:
    """A title as it is kept, and what a person should look at again."""

    title: Title
    warnings: tuple[str, ...]


def open_title(
    db: Database, customer: str, draft: TitleDraft, *, by: str, now: datetime
) -> TitleKept:
    """Write a customer's title down; the first in use becomes the default.

    One that was retired is in use again, as it is written now.
    """
    checked = check_title(draft)
    with db.begin() as tx:
        customer_id = find_customer(tx, customer).customer_id
        tx.lock_exclusive(f"fapiao {customer_id}")
        known = store.titles_of_customer(tx, customer_id)
        was = _same(known, checked.draft)
        if was is not None and was.state == TitleState.ACTIVE:
            raise Conflict(f"抬头“{checked.draft.name}”已登记过，请直接修改它")
        facts = _facts(checked.draft)
        facts["is_default"] |= not any(
            each.is_default and each.state == TitleState.ACTIVE for each in known
        )
        title = Title(
            title_id=was.title_id if was else mint("title", now),
            customer_id=customer_id,
            state=TitleState.ACTIVE,
            created_at=was.created_at if was else now,
            **facts,
        )
        store.save_title(tx, title)
        deed = Deed(by, now, "open", "fapiao_title", title.title_id)
        record_deed(tx, deed, was=was, became=title)
        return TitleKept(title, checked.warnings)


def alter_title(
    db: Database, title_id: str, draft: TitleDraft, *, by: str, now: datetime
) -> TitleKept:
    """Alter a title for fapiao to come; those requested or issued keep what they say."""
    checked = check_title(draft)
    with db.begin() as tx:
        was = _held(tx, title_id)
        if was.state != TitleState.ACTIVE:
            raise Conflict(f"抬头“{was.name}”已停用；要再用它，请重新登记")
        same = _same(store.titles_of_customer(tx, was.customer_id), checked.draft)
        if same is not None and same.title_id != title_id:
            raise Conflict(f"抬头“{checked.draft.name}”已登记过，请改用那一个")
        facts = _facts(checked.draft)
        facts["is_default"] = was.is_default or checked.draft.is_default
        title = replace(was, **facts)
        store.save_title(tx, title)
        record_deed(tx, Deed(by, now, "alter", "fapiao_title", title_id), was=was, became=title)
        return TitleKept(title, checked.warnings)


def retire_title(db: Database, title_id: str, *, by: str, now: datetime) -> Title:
    """Let no new fapiao be requested for a title."""
    with db.begin() as tx:
        was = _held(tx, title_id)
        title = replace(was, state=TitleState.RETIRED, is_default=False)
        store.save_title(tx, title)
        record_deed(tx, Deed(by, now, "retire", "fapiao_title", title_id), was=was, became=title)
        return title


def find_title(tx: Tx, title_id: str) -> Title:
    """Return a title, or say that there is none of that id."""
    found = store.title_by_id(tx, title_id)
    if found is None:
        raise NotFound(f"发票抬头 {title_id} 不存在，请用 yuejie fapiao titles 查看编号")
    return found


def _held(tx: Tx, title_id: str) -> Title:
    """Return a title while nobody else changes titles of its customer."""
    tx.lock_exclusive(f"fapiao {find_title(tx, title_id).customer_id}")
    return find_title(tx, title_id)


def _same(known: Sequence[Title], draft: TitleDraft) -> Title | None:
    """Return the title of the same name and tax number, in use or not."""
    named = (draft.name, draft.tax_number)
    return next((each for each in known if (each.name, each.tax_number) == named), None)


def _facts(draft: TitleDraft) -> dict[str, Any]:
    facts = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
    return facts | {"emails": list(draft.emails)}
