"""The system as the database knows it: whether it is well, how far behind, which version."""

import platform
from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie import __version__
from yuejie.gateway.publish import skew_ms
from yuejie.intake.store import journals
from yuejie.jobs.store import waiting_jobs
from yuejie.kernel.clock import SystemClock
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.house import words
from yuejie.web.store import instant, last_probe, machine, rounds

routes: Final = APIRouter(include_in_schema=False, prefix="/system", dependencies=[Depends(visit)])

SKEW_MS: Final = 1000
"""From here on a gateway refuses new calls."""
LATE: Final = timedelta(minutes=2)
"""What writes or looks every few seconds or minutes is late after this."""
JOBS_LATE: Final = timedelta(minutes=15)
"""A job that nobody has begun by then waits too long, as the alert has it."""


@routes.get("")
def show_system(request: Request, db: Db, desk: DeskHere, now: Now) -> Response:
    """Show health: the database, clocks, the gateway as probed, journals, versions."""
    clock = SystemClock()
    with db.read() as tx:
        before = clock.now()
        there = instant(tx)
        skew = skew_ms(before, there, clock.now())
        facts = machine(tx)
        probe = last_probe(tx)
        written = journals(tx)
        clerk = rounds(tx)
        jobs = waiting_jobs(tx)
    return draw(
        request,
        "house/system.html",
        skew=skew,
        is_skewed=abs(skew) >= SKEW_MS,
        machine=facts,
        probe=probe,
        probe_late=probe is None or now - probe.minute > LATE,
        journals=[(each, each.state == "live" and now - each.seen_at > LATE) for each in written],
        clerk=clerk,
        jobs=jobs,
        jobs_late=jobs.since is not None and now - jobs.since > JOBS_LATE,
        version=__version__,
        python=platform.python_version(),
        console=desk.console_url,
        states=words.JOURNALS,
        now=now,
    )
