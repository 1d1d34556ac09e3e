"""Files of usage, handed in on a page and imported by a job."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from starlette.responses import Response

from yuejie.jobs.job import Upload
from yuejie.jobs.kinds.usage import order_usage
from yuejie.jobs.start import UPLOAD_BYTES
from yuejie.kernel.errors import Invalid
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import draw
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.ops.jobs import begin

routes: Final = APIRouter(
    include_in_schema=False, prefix="/usage/import", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]
MEBI: Final = 1024 * 1024


@routes.get("")
def show_form(request: Request) -> Response:
    """Show what a file is handed in with."""
    return draw(request, "ops/usage_import.html", megabytes=UPLOAD_BYTES // MEBI)


@routes.post("", dependencies=ours)
def take_in(
    request: Request,
    db: Db,
    now: Now,
    file: Annotated[UploadFile | None, File()] = None,
    mapping: Annotated[str, Form(max_length=100_000)] = "",
) -> Response:
    """Begin the import; a mapping that says nothing is refused beside its form."""
    if file is None or not file.filename:
        raise Invalid("没有选择用量文件，请选择后重试")
    order = order_usage(Upload(file.filename, file.file.read()), mapping)
    return begin(request, db, order, now)
