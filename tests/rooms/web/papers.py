"""A title and a declined fapiao of a customer, for routes that want an example of each."""

from datetime import datetime

from tests.scenarios.books import Party
from yuejie.bills.bill import Bill
from yuejie.contracts.terms import FapiaoKind
from yuejie.db.session import Database
from yuejie.fapiao import store
from yuejie.fapiao.amounts import Amounts
from yuejie.fapiao.fapiao import Fapiao
from yuejie.fapiao.fapiao import Party as Named
from yuejie.fapiao.issuing.store import NewFile, insert_file
from yuejie.fapiao.life import FapiaoState
from yuejie.fapiao.title import TitleDraft
from yuejie.fapiao.titles import open_title

BY = "tests"
FAPIAO = "fapiao_of_zeta"


def papers_of(db: Database, party: Party, bill: Bill, now: datetime) -> str:
    """Open a title and keep a declined fapiao with a file; return the title's id."""
    draft = TitleDraft(name=f"{party.customer.slug} 抬头", tax_number="91440300708461136T")
    kept = open_title(db, party.customer.customer_id, draft, by=BY, now=now)
    declined = Fapiao(
        fapiao_id=FAPIAO,
        customer_id=party.customer.customer_id,
        request_id="fpreq_0",
        key="N2611AAAAAAAAAA",
        kind=FapiaoKind.ORDINARY,
        state=FapiaoState.REJECTED,
        buyer=Named(name=kept.title.name, tax_number=kept.title.tax_number),
        seller=Named(name="月结示例科技有限公司", tax_number="91350100M000100Y43"),
        emails=(),
        mobile="",
        remark=f"账单 {bill.number}",
        amounts=Amounts(bill.net.fen, bill.tax.fen, bill.gross.fen),
        lines=(),
        requested_by=BY,
        requested_at=now,
    )
    with db.begin() as tx:
        store.insert_fapiao(tx, declined)
        insert_file(
            tx, declined.customer_id, FAPIAO, NewFile("xml", b"<EInvoice/>", BY), by=BY, at=now
        )
    return kept.title.title_id
