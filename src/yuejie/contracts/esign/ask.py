"""Ask for a signature: write down who is to sign which text, on which platform."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from yuejie.contracts.documents.attach import PaperDraft, keep_paper
from yuejie.contracts.documents.framework import Signatory
from yuejie.contracts.documents.pdf import to_pdf
from yuejie.contracts.documents.store import Paper
from yuejie.contracts.documents.write_up import draft_text
from yuejie.contracts.esign import store
from yuejie.contracts.esign.life import OPEN
from yuejie.contracts.esign.port import Signer, SigningState
from yuejie.contracts.esign.store import Signing
from yuejie.contracts.life.draft import ContractDraft, DraftState
from yuejie.contracts.life.drafting import found
from yuejie.contracts.numbers.number import called
from yuejie.db.session import Database, Tx
from yuejie.db.transition import Transition
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import mint
from yuejie.kernel.uscc import check_uscc

_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SigningText:
    """A draft as it is to be signed, and the digest of what the draft said then."""

    pdf: bytes
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningWish:
    """Who is to sign, and where. `checked` is the word of whoever looked after a failure."""

    signer: Signer
    platform: str
    checked: str = ""


@dataclass(frozen=True, slots=True)
class SigningForm:
    """What somebody fills in who asks for a signature: the rest of the wish is known."""

    person: str = ""
    mobile: str = ""
    platform: str = ""
    checked: str = ""


def signing_text(
    tx: Tx, draft: ContractDraft, *, seller: Signatory, customer: Signatory
) -> SigningText:
    """Return a draft as the PDF that is signed; the same draft gives the same bytes."""
    text = draft_text(tx, draft, seller=seller, customer=customer)
    return SigningText(to_pdf(text), draft.body.digest)


def ask_signature(
    db: Database, draft_id: str, text: SigningText, wish: SigningWish, *, by: str, now: datetime
) -> Signing:
    """Keep the text of a reviewed draft and ask for its signature; a job takes it from there.

    Raises Invalid for a signer whom no platform would find; Conflict for a draft that is not
    reviewed or says something else by now, while a text of it is on its way or signed, and after a
    failure that nobody says to have looked into.
    """
    _refuse_nobody(wish.signer)
    with db.begin() as tx:
        tx.lock_exclusive(f"signing {draft_id}")
        draft = found(tx, draft_id)
        if draft.state is not DraftState.REVIEWED:
            raise Conflict(f"合同草案 {draft_id} 不在待签状态，请在财务审核后、签署前发起电子签")
        if draft.body.digest != text.digest:
            raise Conflict(f"合同草案 {draft_id} 的内容已变，请刷新后重新发起")
        wanted = PaperDraft(
            customer_id=draft.customer_id,
            kind="generated",
            name=f"合同_{called(tx, draft.customer_id, draft.contract_id or draft_id)}.pdf",
            body=text.pdf,
            draft_id=draft_id,
        )
        paper = keep_paper(tx, wanted, by=by, now=now)
        earlier = store.signings_of_draft(tx, draft.customer_id, draft_id)
        _refuse_second(earlier, paper, wish)
        signing = _asked(paper, draft_id, wish, by, now)
        store.insert_signing(tx, signing)
        step = Transition(now, "ask", "", signing.state, by, wish.checked)
        store.note_step(tx, signing.signing_id, step)
        return signing


def _asked(paper: Paper, draft_id: str, wish: SigningWish, by: str, now: datetime) -> Signing:
    return Signing(
        signing_id=mint("signing", now),
        customer_id=paper.customer_id,
        draft_id=draft_id,
        paper_id=paper.paper_id,
        platform=wish.platform,
        state=SigningState.ASKED,
        signer=msgspec.json.encode(wish.signer).decode(),
        task="",
        url="",
        note="",
        attempts=0,
        next_at=now,
        asked_by=by,
        created_at=now,
    )


def _refuse_nobody(signer: Signer) -> None:
    if not (signer.legal_name.strip() and signer.person.strip()):
        raise Invalid("签署方须写明单位全称与经办人姓名，请补全后重试")
    check_uscc(signer.uscc)
    if not _MOBILE.fullmatch(signer.mobile):
        raise Invalid(f"经办人手机号“{signer.mobile}”不是 11 位大陆手机号，请改正后重试")


def _refuse_second(earlier: list[Signing], paper: Paper, wish: SigningWish) -> None:
    """Never put two texts of a draft before its signer."""
    for each in earlier:
        if each.state in OPEN:
            raise Conflict(
                f"合同草案 {each.draft_id} 已在签署中（{each.signing_id}），"
                "请等它结束，或先在平台上撤回"
            )
        if each.state == SigningState.COMPLETED and each.paper_id == paper.paper_id:
            raise Conflict(f"合同草案 {each.draft_id} 的同一文本已签署（{each.signing_id}）")
    failed = [each for each in earlier if each.state == SigningState.FAILED]
    if failed and failed[-1] is earlier[-1] and not wish.checked.strip():
        raise Conflict(
            f"签署请求 {failed[-1].signing_id} 结果不明，请先在平台上核对并撤回已有任务，"
            "再写明核对结果（checked）重新发起"
        )
