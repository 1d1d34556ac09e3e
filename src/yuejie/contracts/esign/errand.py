"""Ask for a signature, take it to the platform, write down what came of it.

No network call stands inside a transaction: asking writes a row, a job takes it (`starting` says
that somebody is there), and the answer is another deed. Where no answer came to a start, nobody
knows whether the platform has it: the request fails and a person looks, because asking again could
put two contracts before the signer.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from yuejie.contracts.documents import store as papers
from yuejie.contracts.documents.attach import PaperDraft, keep_paper
from yuejie.contracts.esign import store
from yuejie.contracts.esign.port import (
    PlatformRefused,
    Send,
    Signer,
    SigningPlatform,
    SigningState,
    Told,
    Unreachable,
)
from yuejie.contracts.esign.store import Signing
from yuejie.contracts.life.drafting import found
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import mint
from yuejie.kernel.limits import SIGNING_ATTEMPTS

NEXT: Final[dict[SigningState, frozenset[SigningState]]] = {
    SigningState.ASKED: frozenset({SigningState.STARTING}),
    SigningState.STARTING: frozenset({SigningState.RUNNING, SigningState.FAILED}),
    SigningState.RUNNING: frozenset(
        {
            SigningState.RUNNING,
            SigningState.COMPLETED,
            SigningState.REFUSED,
            SigningState.FAILED,
        }
    ),
}
"""The whole life of a request; what is not listed is over."""
PATIENCE: Final = timedelta(minutes=10)
"""How often a running task is asked about where no callback came."""
BATCH: Final = 50
CLERK: Final = "clerk"


def ask_signature(
    db: Database,
    draft_id: str,
    pdf: bytes,
    signer: Signer,
    platform: str,
    *,
    by: str,
    now: datetime,
) -> Signing:
    """Keep the text of a draft as it is to be signed, and ask for the signature on a platform.

    Raises Conflict where the same text is already on its way.
    """
    if not (signer.legal_name and signer.uscc and signer.person and signer.mobile):
        raise Invalid("签署方须写明单位全称、统一社会信用代码、经办人与手机号，请补全后重试")
    with db.begin() as tx:
        draft = found(tx, draft_id)
        wanted = PaperDraft(
            customer_id=draft.customer_id,
            kind="generated",
            name=f"合同_{draft_id}.pdf",
            body=pdf,
            draft_id=draft_id,
        )
        paper = keep_paper(tx, wanted, by=by, now=now)
        signing = Signing(
            signing_id=mint("signing", now),
            customer_id=draft.customer_id,
            draft_id=draft_id,
            paper_id=paper.paper_id,
            platform=platform,
            state=SigningState.ASKED,
            signer=msgspec.json.encode(signer).decode(),
            task="",
            url="",
            note="",
            attempts=0,
            next_at=now,
            asked_by=by,
            created_at=now,
        )
        if not store.insert_signing(tx, signing):
            raise Conflict(f"合同草案 {draft_id} 的同一文本已在签署中，请等它结束")
        return signing


def work_off(
    db: Database, platforms: Mapping[str, SigningPlatform], send: Send, *, now: datetime
) -> int:
    """Take what is due to its platform and write down each answer; return how many were moved."""
    with db.read() as tx:
        due = store.due_signings(tx, now, limit=BATCH)
    return sum(_work(db, each, platforms[each.platform], send, now=now) for each in due)


def hear_callback(
    db: Database, platform: SigningPlatform, told: Told, send: Send, *, now: datetime
) -> bool:
    """Act on a verified callback; False where it is about nothing that waits.

    A completed task's file is fetched from the platform itself, never taken from the callback.
    """
    with db.read() as tx:
        signing = store.signing_by_task(tx, platform.name, told.task)
    if signing is None or signing.state != SigningState.RUNNING:
        return False
    return _hear(db, signing, told, platform, send, now=now)


def _work(
    db: Database, signing: Signing, platform: SigningPlatform, send: Send, *, now: datetime
) -> bool:
    if signing.state == SigningState.ASKED:
        return _start(db, signing, platform, send, now=now)
    if signing.state == SigningState.STARTING:
        note = "任务是否已在平台建立不明（上次发起未得到应答），请在平台上核对后重新发起"
        return _move(db, signing, SigningState.FAILED, note=note, now=now)
    try:
        told = platform.ask(send, signing.task, now)
        return _hear(db, signing, told, platform, send, now=now)
    except (Unreachable, PlatformRefused) as error:
        tired = signing.attempts + 1 >= SIGNING_ATTEMPTS
        state = SigningState.FAILED if tired else SigningState.RUNNING
        return _move(db, signing, state, note=error.sentence, now=now)


def _start(
    db: Database, signing: Signing, platform: SigningPlatform, send: Send, *, now: datetime
) -> bool:
    if not _move(db, signing, SigningState.STARTING, now=now):
        return False
    with db.read() as tx:
        signing = store.signing_by_id(tx, signing.signing_id)
        pdf = _text(tx, signing)
    try:
        started = platform.start(send, signing.who, f"合同 {signing.draft_id}", pdf, now)
    except (Unreachable, PlatformRefused) as error:
        return _move(db, signing, SigningState.FAILED, note=error.sentence, now=now)
    running = replace(signing, task=started.task, url=started.url)
    return _move(db, signing, SigningState.RUNNING, became=running, now=now)


def _hear(
    db: Database,
    signing: Signing,
    told: Told,
    platform: SigningPlatform,
    send: Send,
    *,
    now: datetime,
) -> bool:
    fresh = replace(signing, attempts=0)
    if told.state is not SigningState.COMPLETED:
        return _move(db, signing, told.state, became=fresh, note=told.why, now=now)
    pdf = platform.fetch(send, told.task, now)
    with db.begin() as tx:
        if not _step(tx, signing, replace(fresh, state=SigningState.COMPLETED), now=now):
            return False
        kept = PaperDraft(
            customer_id=signing.customer_id,
            kind="signed",
            name=f"合同_{signing.draft_id}_已签署.pdf",
            body=pdf,
            draft_id=signing.draft_id,
        )
        keep_paper(tx, kept, by=f"platform:{platform.name}", now=now)
        return True


def _move(
    db: Database,
    was: Signing,
    state: SigningState,
    *,
    now: datetime,
    note: str = "",
    became: Signing | None = None,
) -> bool:
    with db.begin() as tx:
        counted = was.attempts + 1 if became is None else became.attempts
        moved = replace(became or was, state=state, note=note, attempts=counted)
        return _step(tx, was, moved, now=now)


def _step(tx: Tx, was: Signing, became: Signing, *, now: datetime) -> bool:
    known = SigningState(was.state)
    assert SigningState(became.state) in NEXT.get(known, ()), f"{known} cannot {became.state}"
    later = replace(became, next_at=now + PATIENCE)
    if not store.move_signing(tx, was, later):
        return False
    if became.state != was.state:
        store.note_step(tx, was, later, by=CLERK, at=now)
    return True


def _text(tx: Tx, signing: Signing) -> bytes:
    paper = papers.paper_by_id(tx, signing.paper_id)
    assert paper is not None, f"{signing.signing_id} names a paper that is kept"
    return papers.paper_body(tx, signing.customer_id, paper)
