"""Take a request for signature to its platform, and write down what came of it.

No network call stands inside a transaction: a job takes the row (`starting` says that somebody is
there), and the answer is another deed. Where no answer came to a start, nobody knows whether the
platform has it: the request fails and a person looks, because asking again could put two contracts
before the signer. Where the answer to a question is missing, it is asked again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from yuejie.contracts.documents import store as papers
from yuejie.contracts.documents.attach import PaperDraft, keep_paper
from yuejie.contracts.esign import store
from yuejie.contracts.esign.life import SigningEvent, advance
from yuejie.contracts.esign.port import (
    PlatformRefused,
    Send,
    SigningPlatform,
    SigningState,
    Unreachable,
)
from yuejie.contracts.esign.store import Signing
from yuejie.contracts.life.drafting import found
from yuejie.contracts.numbers.number import called
from yuejie.db.session import Database, Tx
from yuejie.db.transition import Transition
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.limits import SIGNING_ATTEMPTS

PATIENCE: Final = timedelta(minutes=10)
"""How often a running task is asked about where no callback came; a start never takes as long."""
BATCH: Final = 1
"""Platforms refuse what is dated minutes ago, so each errand has a `now` of its own."""
CLERK: Final = "clerk"
T = TypeVar("T")
_LOOK: Final = "任务是否已在平台建立不明，请先在平台上核对再重新发起"
_OVER: Final = "草案已退回、撤回或改动，未发起"


def work_off(
    db: Database, platforms: Mapping[str, SigningPlatform], send: Send, *, now: datetime
) -> int:
    """Take what waits longest to its platform and write the answer down; return how many moved.

    What waits for a platform that is not among them goes on waiting.
    """
    with db.read() as tx:
        due = store.due_signings(tx, now, platforms=sorted(platforms), limit=BATCH)
    return sum(_work(db, each, platforms[each.platform], send, now=now) for each in due)


def resume_signing(db: Database, signing_id: str, *, why: str, by: str, now: datetime) -> Signing:
    """Go on asking about a failed request whose task is at the platform; nothing is begun anew.

    Raises Conflict where the platform never named a task, or another text is on its way.
    """
    if not why.strip():
        raise Invalid("继续查询签署请求须写明核对结果，请补全后重试")
    with db.begin() as tx:
        was = found_signing(tx, signing_id)
        tx.lock_exclusive(f"signing {was.draft_id}")
        if not was.task:
            raise Conflict(f"签署请求 {signing_id} 没有平台任务号，不能继续查询，请核对后重新发起")
        for each in store.signings_of_draft(tx, was.customer_id, was.draft_id):
            if each.created_at > was.created_at and each.state != SigningState.FAILED:
                raise Conflict(f"合同草案 {was.draft_id} 已另行发起签署（{each.signing_id}）")
        fresh = replace(was, attempts=0, note=why, next_at=now)
        became = _step(tx, was, fresh, SigningEvent.RESUME, by=by, now=now)
        if became is None:
            raise Conflict(f"签署请求 {signing_id} 刚被另一操作改动，请刷新后重试")
        return became


def found_signing(tx: Tx, signing_id: str) -> Signing:
    """Return a request for signature, or say that there is none."""
    signing = store.signing_by_id(tx, signing_id)
    if signing is None:
        raise NotFound(f"签署请求 {signing_id} 不存在，请核对编号", signing=signing_id)
    return signing


def _work(
    db: Database, signing: Signing, platform: SigningPlatform, send: Send, *, now: datetime
) -> bool:
    match signing.state:
        case SigningState.ASKED:
            return _start(db, signing, platform, send, now=now)
        case SigningState.STARTING:
            # Whoever took it never came back: killed, or cut off, while it was at the platform.
            return _move(db, signing, SigningEvent.FAIL, note=f"发起中断，{_LOOK}", now=now)
    try:
        told = _read(platform, lambda: platform.ask(send, signing.task, now))
        if told.state is SigningState.COMPLETED:
            pdf = _read(platform, lambda: platform.fetch(send, signing.task, now))
            return _complete(db, signing, pdf, now=now)
    except (Unreachable, PlatformRefused, Invalid) as error:
        return _missed(db, signing, error.sentence, now=now)
    event = SigningEvent.REFUSE if told.state is SigningState.REFUSED else SigningEvent.WAIT
    fresh = replace(signing, attempts=0, next_at=now + PATIENCE)
    return _move(db, signing, event, became=fresh, note=told.why, now=now)


def _start(
    db: Database, asked: Signing, platform: SigningPlatform, send: Send, *, now: datetime
) -> bool:
    with db.begin() as tx:
        if store.is_overtaken(tx, asked.customer_id, asked.draft_id, since=asked.created_at):
            over = replace(asked, note=_OVER)
            return _step(tx, asked, over, SigningEvent.FAIL, by=CLERK, now=now) is not None
        away = replace(asked, next_at=now + PATIENCE)
        taken = _step(tx, asked, away, SigningEvent.TAKE, by=CLERK, now=now)
        if taken is None:
            return False
        pdf, title = _text(tx, taken), f"合同 {_number(tx, taken)}"
    try:
        started = _read(platform, lambda: platform.start(send, taken.who, title, pdf, now))
    except (Unreachable, PlatformRefused) as error:
        note = f"{error.sentence}；{_LOOK}"
        return _move(db, taken, SigningEvent.FAIL, note=note, now=now)
    running = replace(taken, task=started.task, url=started.url)
    return _move(db, taken, SigningEvent.BEGIN, became=running, now=now)


def _complete(db: Database, signing: Signing, pdf: bytes, *, now: datetime) -> bool:
    """Keep the signed file; of a text that its draft has left behind it is no signed copy."""
    with db.begin() as tx:
        since = signing.created_at
        stale = store.is_overtaken(tx, signing.customer_id, signing.draft_id, since=since)
        done = replace(
            signing, attempts=0, note="签署的是已改动的旧文本，只作附件保存" if stale else ""
        )
        if _step(tx, signing, done, SigningEvent.COMPLETE, by=CLERK, now=now) is None:
            return False
        kept = PaperDraft(
            customer_id=signing.customer_id,
            kind="attachment" if stale else "signed",
            name=f"合同_{_number(tx, signing)}_已签署.pdf",
            body=pdf,
            draft_id=signing.draft_id,
        )
        keep_paper(tx, kept, by=f"platform:{signing.platform}", now=now)
        return True


def _number(tx: Tx, signing: Signing) -> str:
    """Return what the paper that is signed is called."""
    draft = found(tx, signing.draft_id)
    return called(tx, draft.customer_id, draft.contract_id or draft.draft_id)


def _missed(db: Database, signing: Signing, why: str, *, now: datetime) -> bool:
    """Write down that a question went without a usable answer; after many, a person looks."""
    tries = signing.attempts + 1
    tired = tries >= SIGNING_ATTEMPTS
    event = SigningEvent.FAIL if tired else SigningEvent.WAIT
    again = replace(signing, attempts=tries, next_at=now + PATIENCE)
    return _move(db, signing, event, became=again, note=why, now=now)


def _read(platform: SigningPlatform, call: Callable[[], T]) -> T:
    """Ask a platform; an answer that lacks what it should have is no answer."""
    try:
        return call()
    except (LookupError, TypeError, ValueError) as error:
        raise PlatformRefused(
            f"{platform.name} 的应答缺少内容或格式不对（{error!r:.80}），请核对接口版本"
        ) from error


def _move(
    db: Database,
    was: Signing,
    event: SigningEvent,
    *,
    now: datetime,
    note: str = "",
    became: Signing | None = None,
) -> bool:
    with db.begin() as tx:
        moved = replace(became or was, note=note)
        return _step(tx, was, moved, event, by=CLERK, now=now) is not None


def _step(
    tx: Tx, was: Signing, became: Signing, event: SigningEvent, *, by: str, now: datetime
) -> Signing | None:
    """Take a request through one event if it still is what it was; None where it is not."""
    moved = replace(became, state=advance(SigningState(was.state), event))
    if not store.move_signing(tx, was, moved):
        return None
    if moved.state != was.state:
        step = Transition(now, event, was.state, moved.state, by, moved.note)
        store.note_step(tx, was.signing_id, step)
    return moved


def _text(tx: Tx, signing: Signing) -> bytes:
    paper = papers.paper_by_id(tx, signing.paper_id)
    assert paper is not None, f"{signing.signing_id} names a paper that is kept"
    return papers.paper_body(tx, signing.customer_id, paper)
