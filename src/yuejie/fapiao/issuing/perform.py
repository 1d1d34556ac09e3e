"""Perform errands: one call each, outside any transaction, its answer written down afterwards.

A runner that dies between the two leaves the errand `sent`; whoever comes next asks the provider.
"""

from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Final

import structlog

from yuejie.db.session import Database
from yuejie.fapiao.fapiao import Fapiao, RedFapiao, find_fapiao, find_red
from yuejie.fapiao.issuing import store
from yuejie.fapiao.issuing.answer import hear
from yuejie.fapiao.issuing.errand import LEASE, REPEATABLE, Errand, ErrandKind, ErrandState
from yuejie.fapiao.providers.port import (
    MISSHAPEN,
    Accepted,
    Answer,
    Issued,
    Provider,
    Unknown,
    Unsealed,
    of_a_question,
)
from yuejie.fapiao.reversing.form import AGREE
from yuejie.fapiao.reversing.store import red_by_name
from yuejie.fapiao.store import fapiao_by_name

log = structlog.get_logger()

ERRANDS: Final = 200
"""Most errands of one run; the next run takes the rest."""


def run_errands(db: Database, provider: Provider, *, now: datetime, most: int = ERRANDS) -> int:
    """Perform what is due at a provider and return how many calls were made.

    Several runners may work at once: each errand is held by one, for as long as a call may take.
    """
    for done in range(most):
        errand = take(db, provider.name, now=now)
        if errand is None:
            return done
        answer = perform(db, provider, errand, now=now)
        hear(db, errand, answer, provider.notebook.take(), now=now)
        log.info(
            "fapiao.errand",
            what=errand.what,
            key=errand.key,
            asking=errand.asking,
            answer=type(answer).__name__,
        )
    return most


def take(db: Database, provider: str, *, now: datetime) -> Errand | None:
    """Take the errand that is due, noting before anything leaves that it may have left."""
    with db.begin() as tx:
        errand = store.due_errand(tx, provider, now)
        if errand is None:
            return None
        state = ErrandState.WAITING if errand.what in REPEATABLE else ErrandState.SENT
        asked = errand.asked + (1 if errand.asking else 0)
        store.take_errand(tx, errand, state=state, asked=asked, until=now + LEASE)
        return errand


def perform(db: Database, provider: Provider, errand: Errand, *, now: datetime) -> Answer:
    """Make the one call or put the one question that an errand asks for.

    An answer of no known shape is an unknown one: no provider ends the process that runs errands.
    """
    blue, red = _subject(db, errand)
    try:
        return _writable(_performed(provider, errand, blue, red, now))
    except MISSHAPEN as error:
        log.warning("fapiao.misshapen", what=errand.what, key=errand.key, error=repr(error))
        return Unknown(f"服务商的答复不合格式：{error!r}")


def _performed(
    provider: Provider, errand: Errand, blue: Fapiao, red: RedFapiao | None, now: datetime
) -> Answer:
    match errand.what:
        case ErrandKind.ISSUE if errand.asking:
            return _ask(provider, blue, now)
        case ErrandKind.ISSUE:
            return provider.issue(blue, now=now)
        case ErrandKind.RED if errand.asking or _whole(red).is_buyers:
            return provider.red_query(_whole(red), blue, now=now)
        case ErrandKind.RED:
            return provider.red_apply(_whole(red), blue, now=now)
        case ErrandKind.WITHDRAW:
            return provider.red_withdraw(_whole(red), now=now)
        case ErrandKind.ANSWER:
            return provider.red_answer(_whole(red), agree=_whole(red).answer == AGREE, now=now)
        case ErrandKind.FILES:
            return provider.fetch_files(red or blue, now=now)
        case _:
            return provider.deliver(blue, now=now)


def _writable(answer: Answer) -> Answer:
    """Return an answer without NUL in its words: a database keeps no such text."""
    facts: dict[str, Any] = {}
    for each in fields(answer):
        said = getattr(answer, each.name)
        if isinstance(said, str):
            facts[each.name] = said.replace("\0", "")
        elif isinstance(said, Issued):
            facts[each.name] = _writable(said)
    return replace(answer, **facts)


def _ask(provider: Provider, blue: Fapiao, now: datetime) -> Answer:
    answer = provider.query(blue, now=now)
    if isinstance(answer, Unsealed):
        # It is issued: that it is not sealed yet, or cannot be, takes nothing of that back.
        pushed = provider.push_again(blue, now=now)
        return answer if isinstance(pushed, Accepted) else of_a_question(pushed)
    return answer


def _subject(db: Database, errand: Errand) -> tuple[Fapiao, RedFapiao | None]:
    """Return the blue fapiao an errand is about, and the red one where it is about that."""
    name = errand.subject_id
    with db.read() as tx:
        blue = fapiao_by_name(tx, name)
        if blue is not None:
            return blue, None
        red = find_red(red_by_name(tx, name), name)
        return find_fapiao(fapiao_by_name(tx, red.fapiao_id), red.fapiao_id), red


def _whole(red: RedFapiao | None) -> RedFapiao:
    assert red is not None, "an errand of a form names a red fapiao"
    return red


def hint(db: Database, key: str, *, now: datetime) -> bool:
    """Ask about a key now: a callback, signed by nobody, says that something happened to it.

    It may come twice, out of order, for nothing or never; what happened is only asked for.
    """
    with db.begin() as tx:
        return bool(store.hurry_key(tx, key, now=now))
