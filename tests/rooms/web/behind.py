"""What pages of the desk stand on: a reconciliation, a message to a customer. Made once a house."""

import json
from datetime import UTC, datetime

from tests.rooms.web.conftest import NOW, House
from yuejie.assurance.reconcile.report import Source
from yuejie.assurance.reconcile.run import Sent, import_report, reconcile_month
from yuejie.assurance.reconcile.store import latest_runs
from yuejie.kernel.period import BillingMonth
from yuejie.notices.contacts import enqueue_test
from yuejie.notices.deliver import form_due, hand_on_due
from yuejie.notices.log.store import Wish, log

OCTOBER = BillingMonth(2026, 10)


def usage_report(read: int = 2_000_000) -> bytes:
    """Return what the provider says of the calls of both customers on one day."""
    day = int(datetime(2026, 10, 15, tzinfo=UTC).timestamp())
    result = {"model": "gpt-4o", "num_model_requests": 2, "input_tokens": read}
    bucket = {"start_time": day, "results": [result | {"output_tokens": 400_000}]}
    return json.dumps({"data": [bucket]}).encode()


def reconciliation_at(house: House) -> str:
    """Return a reconciliation in which the provider counts more than we do."""
    db = house.books.db
    with db.read() as tx:
        found = latest_runs(tx, "sim", "2026-10")
    if found:
        return found[0].reconciliation_id
    sent = Sent("sim", OCTOBER, Source.OPENAI_USAGE, "usage.json", usage_report(2_500_000), NOW)
    import_report(db, sent, by="x", now=NOW)
    return reconcile_month(db, "sim", OCTOBER, by="x", now=NOW)[0].reconciliation_id


def message_at(house: House) -> str:
    """Return a message that waits for zeta's webhook."""
    db, zeta = house.books.db, house.zeta.customer.customer_id
    with db.read() as tx:
        found = log(tx, zeta, Wish(channel_id=house.zeta_channel), limit=1)
    if found:
        return found[0].message_id
    enqueue_test(db, house.zeta_channel, by="x", now=NOW)
    hand_on_due(db, NOW)
    form_due(db, NOW)
    return message_at(house)
