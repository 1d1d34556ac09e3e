"""Replay a month as somebody supposes: it only reads, and is begun anew after a death."""

from collections.abc import Mapping
from typing import Any

import msgspec

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.insights.whatif.replay import Replay
from yuejie.insights.whatif.suppose import Supposition
from yuejie.insights.whatif.told import Told, decode_told, encode_told
from yuejie.insights.whatif.what_if import what_if
from yuejie.insights.whatif.words import NamedFile, convert_suppose, suppose
from yuejie.jobs.job import Job, JobKind, Order, Upload
from yuejie.jobs.start import answer_of, digest, named
from yuejie.jobs.work import Work
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth


def order_what_if(
    party: Customer,
    month: BillingMonth,
    words: Mapping[str, Any],
    price_file: NamedFile | None,
    asker: CustomerId | None,
) -> Order:
    """Ask for a month to be replayed; raises Invalid at once for what nobody can suppose.

    `asker` is whose people ask, None for the house: what the house supposes is not its customer's
    to see.
    """
    convert_suppose(words)
    files = (Upload(price_file.name, price_file.body),) if price_file else ()
    asked = {
        "customer": party.customer_id,
        "month": str(month),
        "words": dict(words),
        "files": named(files),
    }
    said = msgspec.json.encode(dict(words), order="sorted")
    whole: list[str | bytes] = [part for file in files for part in (file.name, file.body)]
    subject = digest(asker or "", party.customer_id, str(month), said, *whole)
    return Order(JobKind.WHAT_IF, subject, f"{month} {party.slug}", asked, files, asker)


def run(work: Work) -> Mapping[str, str]:
    """Replay the month, and keep what it came to."""
    asked = work.job.asked
    words = convert_suppose(asked["words"])
    with work.db.read() as tx:
        who = find_customer(tx, asked["customer"])
    file = _price_file(work)

    def supposed(tx: Tx, known: Replay) -> Supposition:
        return suppose(tx, known, words, file)

    month = BillingMonth.parse(asked["month"])
    outcome = what_if(work.db, who, month, supposed, now=work.instant(), tell=work.tell)
    told = Told.of(outcome)
    work.keep_answer(encode_told(told))
    said = f"账单 {told.before.gross.amount}，假如 {told.after.gross.amount} {told.currency}"
    return {"said": said, "path": f"/what-if?job={work.job.job_id}"}


def _price_file(work: Work) -> NamedFile | None:
    with work.files() as paths:
        return NamedFile(paths[0].name, paths[0].read_bytes()) if paths else None


def told_of(tx: Tx, job: Job) -> Told:
    """Return what a replay came to. Raises Conflict while there is none."""
    return decode_told(answer_of(tx, job, JobKind.WHAT_IF))
