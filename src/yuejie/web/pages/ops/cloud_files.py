"""Files of cloud bills, tried and then imported, and what each revision of a period moved."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from starlette.responses import Response

from yuejie.clouds import store
from yuejie.clouds.charge import Metric
from yuejie.clouds.deliver import Delivered, deliver
from yuejie.clouds.source import Owner
from yuejie.clouds.statement import Sum
from yuejie.customers.store import customers
from yuejie.db.session import Database, Tx
from yuejie.jobs.job import JobKind, JobState, Upload
from yuejie.jobs.kinds.cloud import delivered_said, order_delivery, tried_of
from yuejie.jobs.start import AT_ONCE_BYTES, find_job, start_job
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.money import Charge
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.frame.refuse import is_form
from yuejie.web.pages.ops.jobs import begin, far_of

routes: Final = APIRouter(include_in_schema=False, prefix="/clouds", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]
Text = Annotated[str, Form(max_length=500)]

CATEGORIES: Final = {
    "usage": "用量",
    "purchase": "订购",
    "marketplace": "云市场",
    "tax": "税费",
    "credit": "抵扣",
    "refund": "退款",
    "adjustment": "调整",
}
WHY: Final = {"delivered": "交付", "remapped": "重新归属"}
"""Why there is a revision, in the words of the statements."""
METRICS: Final = {
    "": "按文件判断",
    Metric.ACTUAL.value: "实际成本",
    Metric.AMORTIZED.value: "摊销成本",
}


@dataclass(frozen=True, slots=True)
class Moved:
    """What somebody's part of a period was and is; None: nothing, or no file states it."""

    customer: str
    ours: bool
    service: str
    category: str
    was: Charge | None
    now: Charge | None

    @property
    def more(self) -> Charge:
        """By how much it has grown."""
        found = self.now or self.was
        assert found is not None, "one of both is there"
        was, now = (each.pico if each else 0 for each in (self.was, self.now))
        return Charge(now - was, found.currency)


def names_of(tx: Tx) -> dict[str, str]:
    """Return what customers are called, by their ids."""
    return {str(each.customer_id): each.slug for each in customers(tx)}


@routes.get("/statements/{statement}")
def show_statement(request: Request, db: Db, statement: str) -> Response:
    """Show what a revision of a period moved, against the revision before it."""
    with db.read() as tx:
        made = store.statement(tx, statement)
        if made is None:
            raise NotFound("没有这次交付，请从云账单页进入")
        life = store.statements(tx, source=made.source, period=made.period)
        before = next((each for each in life if each.revision == made.revision - 1), None)
        was = store.charges(tx, before.statement_id) if before else {}
        now = store.charges(tx, made.statement_id)
        names = names_of(tx)
    moved = [
        Moved(
            *_whose(key.owner, names),
            service=key.service,
            category=str(key.category),
            was=_charge(was.get(key), key.currency),
            now=_charge(now.get(key), key.currency),
        )
        for key in {**was, **now}
    ]
    shown = [each for each in moved if (each.was or each.now) and each.was != each.now]
    sums: dict[str, int] = {}
    for each in shown:
        sums[each.more.currency] = sums.get(each.more.currency, 0) + each.more.pico
    return draw(
        request,
        "ops/cloud_statement.html",
        made=made,
        before=before,
        life=life,
        moved=sorted(shown, key=lambda each: -abs(each.more.pico)),
        sums=[Charge(pico, unit) for unit, pico in sorted(sums.items())],
        categories=CATEGORIES,
    )


def _whose(owner: Owner, names: Mapping[str, str]) -> tuple[str, bool]:
    return names.get(owner.customer_id or "", owner.customer_id or ""), owner.ours


def _charge(found: Sum | None, currency: str) -> Charge | None:
    if found is None:
        return None
    pico = found.effective_pico if found.billed_pico is None else found.billed_pico
    return None if pico is None else Charge(pico, currency)


@dataclass(frozen=True, slots=True)
class Handed:
    """The files of a delivery as they were handed in, and what stood beside them."""

    source: str
    metric: str
    files: tuple[tuple[str, bytes], ...]

    @property
    def digest(self) -> str:
        """SHA-256 of all of it: what is imported is what the trial was about."""
        whole = sha256(f"{self.source}\0{self.metric}".encode())
        for name, body in self.files:
            whole.update(f"\0{name}\0{len(body)}\0".encode() + body)
        return whole.hexdigest()

    @contextmanager
    def paths(self) -> Iterator[list[Path]]:
        """Lay the files into a folder of their own while they are read."""
        with TemporaryDirectory() as folder:
            found = []
            for number, (name, body) in enumerate(self.files, 1):
                path = Path(folder) / str(number) / (Path(name).name or "file")
                path.parent.mkdir()
                path.write_bytes(body)
                found.append(path)
            yield found


def _handed(source: Text = "", metric: Text = "", files: list[UploadFile] | None = None) -> Handed:
    read = tuple((each.filename, each.file.read()) for each in files or () if each.filename)
    if not read:
        raise Invalid("没有选择文件，请选择云厂商导出的账单文件")
    if metric not in METRICS:
        raise Invalid("没有这种口径，请在页面上选择")
    return Handed(source, metric, read)


@routes.post("/deliveries", dependencies=ours)
def take_in(
    request: Request,
    db: Db,
    now: Now,
    handed: Annotated[Handed, Depends(_handed)],
    look: Text = "",
    seen: Text = "",
) -> Response:
    """Say what files would change; the same files once more import them.

    `seen` is the digest of what was looked at.
    """
    looking = bool(look) or not seen
    if not looking and seen != handed.digest:
        raise Conflict("文件、来源或口径与刚才试算的不同，未导入；请重新试算，核对后再导入")
    metric = Metric(handed.metric) if handed.metric else None
    if sum(len(body) for _, body in handed.files) > AT_ONCE_BYTES:
        files = tuple(Upload(name, body) for name, body in handed.files)
        order = order_delivery(
            db, handed.source, metric, files, commit=not looking, seen=handed.digest
        )
        if not looking:
            return begin(request, db, order, now)
        started = start_job(db, order, by=caller_of(request).name, now=now)
        if is_form(request):
            return _trial(request, db, now, started.job_id)
        return go(request, f"/clouds/trials/{started.job_id}", started.said)
    with handed.paths() as paths:
        told = deliver(
            db,
            handed.source,
            paths,
            metric=metric,
            commit=not looking,
            by=caller_of(request).name,
            now=now,
        )
    if not looking:
        return go(request, f"/clouds?month={told.changes[-1].period}", delivered_said(told))
    return _tried(request, db, told, handed.metric, handed.digest)


@routes.get("/trials/{tried}")
def show_trial(request: Request, db: Db, now: Now, tried: str) -> Response:
    """Show how far the trial of large files is, and then what they would change."""
    return _trial(request, db, now, tried)


def _trial(request: Request, db: Database, now: datetime, job: str) -> Response:
    with db.read(consistent=True) as tx:
        found = find_job(tx, job)
        if found.kind is not JobKind.CLOUD_TRIAL:
            raise NotFound("没有这次试算，请从云账单页进入")
        told = tried_of(tx, found) if found.state is JobState.DONE else None
    if told is not None:
        return _tried(request, db, told, found.asked["metric"], found.asked["seen"])
    form = "ops/cloud_waits.html" if is_form(request) else "ops/cloud_trial.html"
    return draw(request, form, **far_of(request, found, now))


def _tried(request: Request, db: Database, told: Delivered, metric: str, seen: str) -> Response:
    with db.read() as tx:
        names = names_of(tx)
    form = "ops/cloud_report.html" if is_form(request) else "ops/cloud_tried.html"
    periods = _periods(told, names)
    return draw(request, form, told=told, periods=periods, metric=metric, seen=seen)


def _periods(told: Delivered, names: Mapping[str, str]) -> list[tuple[object, list[Moved]]]:
    """Return each period of a delivery with what every owner's part was and would be."""
    found: list[tuple[object, list[Moved]]] = []
    for change in told.changes:
        keys = sorted(
            {**change.before, **change.after},
            key=lambda key: (_whose(key[0], names), key[0].project_id or "", key[1]),
        )
        moved = [
            Moved(
                *_whose(owner, names),
                service="",
                category="",
                was=_charge(change.before.get((owner, unit)), unit),
                now=_charge(change.after.get((owner, unit)), unit),
            )
            for owner, unit in keys
        ]
        found.append((change, [each for each in moved if each.was or each.now]))
    return found
