"""Keep a paper with a draft or contract: a generated text, a signed scan, anything beside it."""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from yuejie.contracts import store as contracts
from yuejie.contracts.documents import store
from yuejie.contracts.documents.store import Paper
from yuejie.contracts.life.store import draft_by_id
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import ContractId, CustomerId, mint
from yuejie.kernel.limits import PAPER_BYTES

_MAGIC: Final = {
    b"%PDF-": "application/pdf",
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"PK\x03\x04": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
"""What papers begin with, and so what they are; a name proves nothing."""
_SCANS: Final = frozenset({"application/pdf", "image/png", "image/jpeg"})
_UNSAFE: Final = re.compile(r"[\x00-\x1f/\\]+")
_NAME_LENGTH: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperDraft:
    """A paper as it is handed in. `kind` is generated, signed or attachment."""

    customer_id: CustomerId
    kind: str
    name: str
    body: bytes
    draft_id: str | None = None
    contract_id: ContractId | None = None


def attach_paper(db: Database, draft: PaperDraft, *, by: str, now: datetime) -> Paper:
    """Keep a paper, named by its SHA-256; the same bytes in the same place are kept once.

    A signed copy that was kept before its draft changed is kept anew: whoever hands it in again
    says that it is signed as the draft stands now.
    Raises Invalid for what is no PDF, DOCX, PNG or JPEG, is too large or empty, or for a signed
    copy that is no PDF or picture; NotFound for a draft or contract of another customer.
    """
    with db.begin() as tx:
        return keep_paper(tx, draft, by=by, now=now)


def keep_paper(tx: Tx, draft: PaperDraft, *, by: str, now: datetime) -> Paper:
    """Do what `attach_paper` promises, in the transaction of a deed that brings a paper."""
    media_type = _media_type(draft)
    _refuse_strangers(tx, draft)
    kept = _kept_copy(tx, draft)
    if kept is not None:
        return kept
    paper = Paper(
        paper_id=mint("paper", now),
        customer_id=draft.customer_id,
        draft_id=draft.draft_id,
        contract_id=draft.contract_id,
        kind=draft.kind,
        name=_UNSAFE.sub("_", draft.name)[:_NAME_LENGTH] or "未命名",
        media_type=media_type,
        sha256=sha256(draft.body).digest(),
        at=now,
        by=by,
    )
    if not store.insert_paper(tx, paper, draft.body):
        place = (paper.draft_id, paper.contract_id, paper.kind, paper.sha256)
        return next(
            each
            for each in store.papers_of(tx, paper.customer_id)
            if (each.draft_id, each.contract_id, each.kind, bytes(each.sha256)) == place
        )
    facts = {"name": paper.name, "kind": paper.kind, "sha256": paper.sha256.hex()}
    record_deed(tx, Deed(by, now, "attach", "contract_paper", paper.paper_id), became=facts)
    return paper


def _kept_copy(tx: Tx, draft: PaperDraft) -> Paper | None:
    """Return the same signed copy where it still counts; nobody else keeps one meanwhile."""
    if draft.kind != "signed":
        return None
    tx.lock_exclusive(f"signed copies {draft.draft_id or draft.contract_id}")
    digest = sha256(draft.body).digest()
    if draft.draft_id is None:
        papers = store.papers_of(tx, draft.customer_id)
        copies = [p for p in papers if (p.contract_id, p.kind) == (draft.contract_id, "signed")]
    else:
        copies = store.signed_copies(tx, draft.customer_id, draft.draft_id)
    return next((each for each in copies if bytes(each.sha256) == digest), None)


def _media_type(draft: PaperDraft) -> str:
    if not draft.body or len(draft.body) > PAPER_BYTES:
        raise Invalid(f"文件“{draft.name}”为空或超过 {PAPER_BYTES >> 20} MiB，请压缩后重试")
    found = next((kind for magic, kind in _MAGIC.items() if draft.body.startswith(magic)), None)
    if found is None:
        raise Invalid(f"文件“{draft.name}”不是 PDF、DOCX、PNG 或 JPEG，请转换后重试")
    if draft.kind not in {"generated", "signed", "attachment"}:
        raise Invalid(f"文件类别“{draft.kind}”不认识，请写 signed 或 attachment")
    if draft.kind == "signed" and found not in _SCANS:
        raise Invalid(f"签署件“{draft.name}”须为 PDF 或扫描图片，请转换后重试")
    return found


def _refuse_strangers(tx: Tx, draft: PaperDraft) -> None:
    if draft.draft_id is not None:
        found = draft_by_id(tx, draft.draft_id)
        if found is None or found.customer_id != draft.customer_id:
            raise NotFound(f"合同草案 {draft.draft_id} 不存在，请核对编号")
    elif draft.contract_id is not None:
        known = {each.contract_id for each in contracts.contracts_of(tx, draft.customer_id)}
        if draft.contract_id not in known:
            raise NotFound(f"合同 {draft.contract_id} 不存在，请核对编号")
    else:
        raise Invalid("文件须属于一份合同草案或合同，请写明编号")
