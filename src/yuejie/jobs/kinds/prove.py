"""Prove a month: a piece per customer; a difference is what the piece failed with."""

from collections.abc import Mapping, Sequence
from typing import Final

from yuejie.assurance.prove import Proof, billed_customers, prove_customers
from yuejie.customers.store import customers
from yuejie.db.session import Database
from yuejie.jobs.job import Became, JobKind, Order, PieceState
from yuejie.jobs.work import Work
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth

TOGETHER: Final = 20
"""Customers proved as of one moment; then the price books are read anew."""
_SHOWN: Final = 5
"""Differences told of a customer; `yuejie prove` tells all."""


def order_proof(db: Database, month: BillingMonth, customer: str | None) -> Order:
    """Ask for a month to be proved, of one customer or of all; raises NotFound."""
    with db.read() as tx:
        billed_customers(tx, month, customer)
    about = f"{month} {customer}" if customer else str(month)
    return Order(JobKind.PROVE, about, about, {"month": str(month), "customer": customer})


def run(work: Work) -> Mapping[str, str]:
    """Prove whoever is not proved yet."""
    month = BillingMonth.parse(work.job.asked["month"])
    if not work.is_planned:
        with work.db.read() as tx:
            owners = billed_customers(tx, month, work.job.asked["customer"])
            names = {each.customer_id: each.slug for each in customers(tx)}
        work.plan([(names[who], str(who)) for who in owners], {"customers": len(owners)})
    waiting = work.waiting()
    for first in range(0, len(waiting), TOGETHER):
        pieces = {piece.refers_to: piece for piece in waiting[first : first + TOGETHER]}
        work.go_on()
        asked = [CustomerId(each) for each in pieces]
        for owner, proofs in prove_customers(work.db, month, asked):
            work.note(pieces[owner], _became(pieces[owner].name, proofs))
            work.go_on()
    return {"said": _said(work), "path": f"/closing?month={month}"}


def _became(slug: str, proofs: Sequence[Proof]) -> Became:
    wrong = [proof for proof in proofs if proof.differences]
    sums = [proof.bill.gross for proof in proofs]
    path = f"/bills/{(wrong or list(proofs))[0].bill.bill_id}" if proofs else f"/customers/{slug}"
    if wrong:
        told = "；".join(_difference(proof) for proof in wrong)
        return Became(told, sums=sums, path=path, failed=True)
    events = sum(proof.events for proof in proofs)
    return Became(f"一致：{len(proofs)} 张账单，{events:,} 个原始事件", sums=sums, path=path)


def _difference(proof: Proof) -> str:
    told = "；".join(
        f"{each.what}账单 {each.billed}、重算 {each.proved}" for each in proof.differences[:_SHOWN]
    )
    more = len(proof.differences) - _SHOWN
    tail = f"等共 {len(proof.differences)} 处" if more > 0 else ""
    return f"账单 {proof.bill.name} 与重算不一致：{told}{tail}"


def _said(work: Work) -> str:
    wrong = len(work.pieces(PieceState.FAILED))
    if wrong:
        return f"{wrong} 个客户的账单与重算不一致"
    return "全部一致" if work.pieces() else "没有账单可以验证"
