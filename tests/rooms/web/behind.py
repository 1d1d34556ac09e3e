"""What pages of the desk stand on: a reconciliation, a message to a customer. Made once a house."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from tests.rooms.clouds.written import focus_row, write_csv
from tests.rooms.web.conftest import NOW, House
from tests.scenarios.books import FixedClock
from yuejie.assurance.reconcile.report import Source
from yuejie.assurance.reconcile.run import Sent, import_report, reconcile_month
from yuejie.assurance.reconcile.store import latest_runs
from yuejie.bills.sharing import store as sharing
from yuejie.bills.sharing.keep import RuleDraft, make_rule
from yuejie.bills.sharing.rule import Method
from yuejie.clouds import store as clouds
from yuejie.clouds.deliver import deliver
from yuejie.clouds.keep import add_rule, add_source
from yuejie.contracts.changes.ask import bring_prices
from yuejie.contracts.changes.store import price_changes
from yuejie.contracts.import_prices import PriceImport
from yuejie.customers.enrol import ProjectDraft, add_project
from yuejie.intake.nodes import store as nodes
from yuejie.intake.nodes.node import Told
from yuejie.jobs.job import JobKind, Upload
from yuejie.jobs.kinds.close import order_close
from yuejie.jobs.kinds.cloud import order_delivery
from yuejie.jobs.kinds.usage import order_usage
from yuejie.jobs.start import start_job
from yuejie.jobs.store import claim, jobs, move
from yuejie.jobs.worker import LEASE, Worker
from yuejie.keeping.preserve import preserve, show_preservations
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.period import BillingMonth
from yuejie.notices.contacts import enqueue_test
from yuejie.notices.deliver import form_due, hand_on_due
from yuejie.notices.log.store import Wish, log

OCTOBER = BillingMonth(2026, 10)
NODE = UUID("0198aaaa-0000-7000-8000-00000000abcd")
FALL_SILENT = "UPDATE node SET beat_at = beat_at - INTERVAL '3 minutes' WHERE node_id = %(node)s"


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


def node_at(house: House, *, name: str = "gw-1", node: UUID = NODE, silent: bool = False) -> str:
    """Let a gateway node have told of itself; return its number."""
    told = Told("0.9.0", 41, 2, 4_096, 7, -12, 3, NOW - timedelta(seconds=9))
    with house.books.db.begin() as tx:
        nodes.beat(tx, node, name, told)
        if silent:
            tx.run(FALL_SILENT, node=node)
    return str(node)


def change_at(house: House) -> str:
    """Let somebody have asked for another price; return the change that waits."""
    with house.books.db.read() as tx:
        there = price_changes(tx, limit=1)
    if there:
        return there[0].change_id
    body = b'currency = "CNY"\n[models."gpt-4o"]\ninput = "9"\noutput = "15"\n'
    wanted = PriceImport(name="next.toml", body=body, book_id="list", starts_at=NOW)
    told = bring_prices(house.books.db, wanted, starts_at=None, by="operator:ann", now=NOW)
    assert told.change_id is not None, told.lines()
    return told.change_id


def cloud_file(folder: Path, *amounts: str, name: str = "a.csv") -> Path:
    """Write a cloud's bill for November, a row for each amount in CNY."""
    month = "2026-11-01T00:00:00Z"
    rows = [focus_row(BilledCost=each, BillingPeriodStart=month) for each in amounts]
    return write_csv(folder / name, rows)


def statement_at(house: House) -> str:
    """Return what a cloud asks zeta for November, delivered once."""
    db = house.books.db
    with db.read() as tx:
        found = clouds.statements(tx, source="aws")
    if found:
        return found[-1].statement_id
    add_source(db, "aws", name="AWS", billing_account="999900001111", tag_keys=[], by="x", now=NOW)
    since = BillingMonth(2026, 1)
    add_rule(db, "aws", "*", customer="zeta", project=None, since=since, by="x", now=NOW)
    with TemporaryDirectory() as folder:
        paths = [cloud_file(Path(folder), "12.50", "7.50")]
        deliver(db, "aws", paths, commit=True, by="x", now=NOW)
    return statement_at(house)


def cloud_trial_at(house: House) -> str:
    """Return a trial of a cloud's file that is over."""
    statement_at(house)
    with TemporaryDirectory() as folder:
        path = cloud_file(Path(folder), "12.50", "8.50", name="b.csv")
        files = (Upload(path.name, path.read_bytes()),)
    order = order_delivery(house.books.db, "aws", None, files, commit=False)
    made = start_job(house.books.db, order, by="operator:王管理", now=NOW)
    Worker(house.books.db, FixedClock(NOW)).work()
    return made.job_id


def shared(house: House) -> str:
    """Let acme's search bear 60 of 100 of what main uses, ops the rest, since October."""
    db, acme = house.books.db, house.acme.customer.customer_id
    with db.read() as tx:
        if sharing.rules_of(tx, acme):
            return "acme"
    for name, department in (("search", "搜索部"), ("ops", "")):
        add_project(db, acme, ProjectDraft(name=name, department=department), by="x", now=NOW)
    draft = RuleDraft(
        what="project:main",
        method=Method.CUSTOM,
        since=OCTOBER,
        projects={"search": 60, "ops": 40},
    )
    make_rule(db, "acme", draft, by="x", now=NOW)
    return "acme"


def preserved(house: House) -> str:
    """Let zeta's months since October be preserved for a dispute; return the preservation."""
    db = house.books.db
    found = show_preservations(db, "zeta")
    if not found:
        preserve(db, "zeta", OCTOBER, None, why="争议 2026-11", by="x", now=NOW)
        return preserved(house)
    return found[0].preservation_id


def job_at(house: House) -> str:
    """Return a job that is over: October tried once more, of both customers."""
    db = house.books.db
    with db.read() as tx:
        found = jobs(tx, kind=JobKind.TRY, limit=1)
    if found:
        return found[0].job_id
    order = order_close(db, OCTOBER, commit=False, now=NOW)
    made = start_job(db, order, by="operator:王管理", now=NOW)
    Worker(db, FixedClock(NOW)).work()
    return made.job_id


def job_under_way(house: House) -> str:
    """Return a job of which a third is done, by a worker who holds it."""
    db = house.books.db
    file = Upload("usage-2026-10.csv.gz", b"x" * 3_000_000)
    now = SystemClock().now()
    made = start_job(db, order_usage(file, ""), by="operator:王管理", now=now)
    with db.begin() as tx:
        if made.fresh:
            held = claim(tx, "picture", now=now - timedelta(minutes=1), until=now + LEASE)
            assert held is not None
            assert held.job_id == made.job_id
            move(tx, made.job_id, "picture", done=1_000_000, total=3_000_000, stood={"rows": 1})
    return made.job_id
