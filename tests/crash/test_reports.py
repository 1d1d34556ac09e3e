"""A clerk dies by kill -9 while a monthly report is made and sent: made once, sent under one id.

It dies before and after the commit that holds run, notice and next instant, in the delivery, and
before and after the mail itself. Another clerk then finishes: one run, one notice, one mail, and
twice only where a clerk died between sending and noting, under the same Message-ID.
"""

import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.crash.test_notices import deliverers
from tests.rooms.notices.desk import KEY, channel, mail_sender
from tests.scenarios.books import Books
from yuejie.db.session import Database
from yuejie.demo.post.mail import Mailbox, mail_server
from yuejie.insights.reports.keep import add_report
from yuejie.insights.reports.report import ReportDraft, Spec
from yuejie.insights.reports.run import run_due
from yuejie.insights.reports.schedule import Every, Schedule
from yuejie.kernel.ids import CustomerId
from yuejie.notices.channels.post import Post
from yuejie.notices.deliver import MAIL_LEASE, deliver_due

PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "20"
output = "80"
"""
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
STEPS = (1, 2, 6, 11, 12, 13)
"""Events of a whole run: commit soon, committed, delivery, send soon, sent, commit soon."""
RUNS = "SELECT count(*) FROM report_run WHERE customer_id = %(customer_id)s AND due_at = %(at)s"
NOTICES = "SELECT count(*) FROM notice WHERE customer_id = %(customer_id)s"


def months(books: Books, box: Mailbox) -> list[CustomerId]:
    """Give one customer per step an October and a monthly report."""
    books.prices(PRICES, currency="CNY")
    mail_sender(books.db, box.port)
    owners = []
    books.clock.at = datetime(2026, 10, 20, tzinfo=UTC)
    for step in STEPS:
        party = books.customer(f"c{step}")
        party.uses("2026-10-05 10:00", "gpt-4o", input=1_000_000, requests=1)
        owner = party.customer.customer_id
        to, _ = channel(books.db, "email", f"c{step}@acme.example.com", customer_id=owner)
        draft = ReportDraft(
            name="月度用量", spec=Spec(), recipients=(to.contact_id,), schedule=_monthly(step)
        )
        add_report(books.db, owner, draft, by="finance", now=books.clock.at)
        owners.append(owner)
    return owners


def _monthly(step: int) -> Schedule:
    """Each report at a day of its own, so that each clerk has one to make."""
    return Schedule(every=Every.MONTH, on=step)


def test_a_monthly_report_is_sent_once_though_its_clerk_dies_anywhere(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    books = Books(database)
    with mail_server() as box, deliverers() as clerks:
        owners = months(books, box)
        codes = []
        for step, owner in zip(STEPS, owners, strict=True):
            now = FIRST + timedelta(days=step - 1)
            codes += clerks.run([_order(step, now, database_url, tmp_path)])
            later = now + MAIL_LEASE + timedelta(minutes=1)
            run_due(database, later)
            while deliver_due(database, Post(KEY), later):
                pass
            with database.read() as tx:
                assert tx.value(RUNS, customer_id=owner, at=now) == 1
                assert tx.value(NOTICES, customer_id=owner) == 1
        assert codes == [-signal.SIGKILL] * len(STEPS)
        _once(box, tmp_path)


def _order(step: int, now: datetime, url: str, folder: Path) -> dict[str, Any]:
    return {
        "seed": step,
        "now": now.isoformat(),
        "dies_at": step,
        "diary": str(folder / f"{step}.txt"),
        "host": "127.0.0.1",
        "url": url,
        "reports": True,
    }


def _once(box: Mailbox, folder: Path) -> None:
    """Every mail came once, or twice under one id where a clerk had sent and not noted it."""
    came = Counter((str(mail["To"]), str(mail["Message-ID"])) for mail in box.mails)
    assert {to for to, _ in came} == {f"c{n}@acme.example.com" for n in STEPS}
    assert len(came) == len(STEPS)
    twice = 0
    for (to, _), times in came.items():
        step = to.removeprefix("c").partition("@")[0]
        diary = (folder / f"{step}.txt").read_text().splitlines()
        sent = [line for line in diary if line.startswith("sent ")]
        noted = [line for line in diary if line.startswith("committed msg")]
        died_between = len(sent) > len(noted)
        assert times == (2 if died_between else 1), (to, diary)
        twice += times - 1
        assert len(list(mail_of(box, to).iter_attachments())) == 2
    assert twice, "some clerk must have died between sending and noting"


def mail_of(box: Mailbox, to: str) -> Any:
    return next(mail for mail in box.mails if mail["To"] == to)
