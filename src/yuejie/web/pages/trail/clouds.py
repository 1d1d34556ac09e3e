"""A cloud's line of a bill: the rows of the cloud's own bill behind it."""

from fastapi import Request
from starlette.responses import Response

from yuejie.bills.bill import LineKind
from yuejie.bills.closing.clouds.behind import behind_line
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.money import Charge
from yuejie.kernel.period import zone_of
from yuejie.web.api.billing.bills import visible_bill
from yuejie.web.cursor import PAGE, Window
from yuejie.web.pages.frame.draw import caller_of, draw


def show_cloud_line(
    request: Request, db: Database, bill: str, position: int, cursor: str | None
) -> Response | None:
    """Show a page of the rows; None where the line is none of a cloud's.

    Columns that nothing computes from are the operator's: they may name its other accounts.
    """
    caller = caller_of(request)
    with db.read() as tx:
        found = visible_bill(tx, caller, bill)
        line = next((each for each in found.lines if each.position == position), None)
        if line is None or line.kind is not LineKind.CLOUD:
            return None
        window = Window.read(f"page:cloud:{found.bill_id}:{position}", cursor, PAGE)
        after = window.behind(int) or 0
        party = find_customer(tx, found.customer_id)
        rows = behind_line(tx, found, line, after=after, limit=window.fetch)
    shown = rows[:PAGE]
    return draw(
        request,
        "trail/cloud.html",
        zone=zone_of(party.zone),
        customer=party,
        bill=found,
        line=line,
        rows=[
            (
                each,
                *(_charge(pico, each.currency) for pico in (each.billed_pico, each.effective_pico)),
            )
            for each in shown
        ],
        whole=caller.is_operator,
        later=window.write(str(shown[-1].row_number)) if len(rows) > PAGE else None,
    )


def _charge(pico: int | None, currency: str) -> Charge | None:
    return None if pico is None else Charge(int(pico), currency)
