"""Packs: a customer's month as one ZIP."""

from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, Final

from fastapi import Response
from fastapi.responses import StreamingResponse

from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import BillingMonth
from yuejie.packs.make import Wanted, make_pack
from yuejie.web.api.billing.bills import disposition
from yuejie.web.auth import AnyCaller, StampingHere, guarded, whose
from yuejie.web.desk import Db, DeskHere
from yuejie.web.shapes.wire import Month, Name

routes: Final = guarded("账单")

_PIECE: Final = 256 * 1024
_ZIP: Final = "application/zip"


@routes.get(
    "/customers/{customer}/packs/{month}",
    summary="下载月度资料",
    response_class=Response,
    responses={200: {"content": {_ZIP: {}}}},
)
def get_pack(
    db: Db,
    desk: DeskHere,
    caller: AnyCaller,
    customer: Name,
    month: Month,
    stamping: StampingHere,
) -> StreamingResponse:
    """下载一个月的资料：账单各格式、每日用量与逐次明细、发票原件、说明，一个 ZIP。"""
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
    if customer_id is None:
        raise NotFound(f"客户不存在：{customer}")
    wanted = Wanted(customer_id, BillingMonth.parse(month), desk.seller, stamping)
    with ExitStack() as stack:
        # It is whole before a byte of it leaves: what fails is an error, never half a ZIP.
        file = stack.enter_context(TemporaryFile())
        name = make_pack(db, wanted, file)
        size = file.tell()
        file.seek(0)
        headers = {"content-disposition": disposition(name), "content-length": str(size)}
        pieces = _pieces(file, stack.pop_all())
    return StreamingResponse(pieces, media_type=_ZIP, headers=headers)


def _pieces(file: IO[bytes], held: ExitStack) -> Iterator[bytes]:
    with held:
        while piece := file.read(_PIECE):
            yield piece
