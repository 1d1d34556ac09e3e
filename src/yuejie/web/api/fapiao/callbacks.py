"""Callbacks of fapiao providers: unsigned, so a hint that makes us ask, and nothing else."""

from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request

from yuejie.fapiao.issuing.perform import hint
from yuejie.web.desk import Db, Now

routes: Final = APIRouter(include_in_schema=False)

KEY_LENGTH: Final = 20


async def _key(request: Request) -> str:
    """Read the order number out of a form, whatever else it says."""
    form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=64)
    found = form.get("orderno", [""])[0]
    return found if len(found) <= KEY_LENGTH and found.isalnum() else ""


Key = Annotated[str, Depends(_key)]


@routes.post("/fapiao/callbacks/{provider}")
def called_back(db: Db, now: Now, key: Key) -> dict[str, str]:
    """Take a callback; whoever sends it, all that follows is a question to the provider."""
    if key:
        hint(db, key, now=now)
    return {"status": "0000", "message": "同步成功"}
