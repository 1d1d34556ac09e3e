"""The one table from exception to status and words, told as problem+json (RFC 9457).

Every refusal looks the same: `detail` is one sentence beginning with the request id, `code` is
stable for programs, `facts` carries what the sentence is about. Nothing of the inside goes out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from yuejie.db.errors import CommitUncertain, DatabaseBusy, DatabaseUnavailable, RowNotFound
from yuejie.intake.push import PushRefused
from yuejie.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unavailable
from yuejie.web.auth import Unauthenticated
from yuejie.web.pages.frame.refuse import refuse, wants_page
from yuejie.web.refusals.problem import Problem
from yuejie.web.refusals.reasons import english_of, reason_of

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_SECONDS: Final = 2
_SHAPES: Final = frozenset({"push", "event", "batch"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A status, what it is called, and the sentence where the error's own is not for outside."""

    status: int
    title: str
    sentence: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


_RETRY: Final = {"retry-after": str(_RETRY_SECONDS)}

TABLE: Final[dict[type[DomainError], Kind]] = {
    Unauthenticated: Kind(401, "未认证", headers={"www-authenticate": "Bearer"}),
    Forbidden: Kind(403, "无权限"),
    RowNotFound: Kind(404, "不存在"),
    NotFound: Kind(404, "不存在"),
    Conflict: Kind(409, "与现状冲突"),
    Invalid: Kind(422, "内容不合要求"),
    CommitUncertain: Kind(500, "结果未知"),
    DatabaseBusy: Kind(503, "暂时繁忙", headers=_RETRY),
    DatabaseUnavailable: Kind(
        503, "暂不可用", "数据库暂时不可用，本次未生效；请稍后重试", headers=_RETRY
    ),
    Unavailable: Kind(503, "暂不可用", headers=_RETRY),
    DomainError: Kind(500, "内部错误"),
}
"""An error is what its nearest ancestor in this table is."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A request that no route takes."""

    code: str
    title: str
    sentence: str


HTTP: Final[dict[int, Missed]] = {
    400: Missed("body_broken", "请求体有误", "请求体不是完整的 JSON，请改正后重试"),
    404: Missed("path_unknown", "没有这个接口", "没有 {method} {path} 这个接口，请查看 /api/docs"),
    405: Missed(
        "method_unfit", "方法不对", "{path} 不支持 {method}，请改用 {allow}；用法见 /api/docs"
    ),
    413: Missed("body_too_large", "请求体过大", "请求体超过上限 {limit} 字节，请分批后重试"),
}
UNFORESEEN: Final = Kind(
    500, "内部错误", "系统内部出错，已记入日志；请稍后重试，或把这个请求号告诉运维"
)


def problem_of(error: DomainError) -> Problem:
    """Look an error up in the table."""
    kind = next(TABLE[each] for each in type(error).__mro__ if each in TABLE)
    # What a query looked for is our business; what a verb says about its refusal is the caller's.
    facts = {} if isinstance(error, RowNotFound) else _plain(error.facts)
    if isinstance(error, PushRefused):
        facts["errors"] = [msgspec.to_builtins(each) for each in error.errors]
    sentence = kind.sentence or error.sentence
    return Problem(kind.status, error.code, kind.title, sentence, facts, kind.headers)


def unforeseen() -> Problem:
    """Say that it is our fault, and nothing else."""
    return Problem(UNFORESEEN.status, "internal", UNFORESEEN.title, UNFORESEEN.sentence)


def body_of(problem: Problem, *, request_id: str, path: str) -> bytes:
    """Write a problem as RFC 9457 has it."""
    said: dict[str, Any] = {
        "type": f"urn:yuejie:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": _storable(f"请求 {request_id}：{problem.sentence}"),
        "instance": _storable(path),
        "code": problem.code,
        "request_id": request_id,
    }
    if problem.facts:
        said["facts"] = dict(problem.facts)
    return msgspec.json.encode(said)


def told(problem: Problem, request: Request) -> Response:
    """Answer a request with a problem: a page for people, problem+json for programs."""
    if wants_page(request):
        return refuse(problem, request)
    body = body_of(problem, request_id=request.state.request_id, path=request.url.path)
    headers = dict(problem.headers)
    return Response(body, status_code=problem.status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Teach the application to tell every refusal in this form."""
    app.add_exception_handler(DomainError, _domain)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


def _domain(request: Request, error: Exception) -> Response:
    return told(problem_of(cast("DomainError", error)), request)


def _validation(request: Request, error: Exception) -> Response:
    """Name every field that does not fit; JSON that cannot be read at all is a 400."""
    found = cast("RequestValidationError", error).errors()
    if any(each["type"] == "json_invalid" for each in found):
        return told(_missed(400, {}, {}), request)
    reasons = [{"field": _field(each["loc"]), "why": reason_of(each)} for each in found]
    sentence = "；".join(f"{each['field']} {each['why']}" for each in reasons)
    english = "; ".join(f"{_field(each['loc'])} {english_of(each)}" for each in found)
    problem = Problem(
        422,
        "invalid_request",
        "内容不合要求",
        f"{sentence}，请改正后重试",
        {"fields": reasons},
        english=english,
    )
    return told(problem, request)


def _http(request: Request, error: Exception) -> Response:
    http = cast("HTTPException", error)
    headers = {name.lower(): value for name, value in (http.headers or {}).items()}
    facts = {
        "method": request.method,
        "path": request.url.path,
        "allow": headers.get("allow", ""),
        "limit": headers.pop("x-limit", ""),
    }
    return told(_missed(http.status_code, facts, headers), request)


def _missed(status: int, facts: Mapping[str, str], headers: Mapping[str, str]) -> Problem:
    missed = HTTP.get(status) or Missed("http_error", "请求有误", "请求无法处理，请查看 /api/docs")
    sentence = missed.sentence.format_map(facts)
    return Problem(status, missed.code, missed.title, sentence, headers=headers)


def _field(place: tuple[Any, ...]) -> str:
    """Name a field as its sender wrote it, without saying in which part of the request."""
    names = [str(each) for each in place]
    # Which of the shapes of a push was tried is our matter, not a field of the sender's.
    names[1:2] = [each for each in names[1:2] if each not in _SHAPES]
    return _storable(".".join(names[1:] or names))


def _storable(text: str) -> str:
    """Replace what is no character: half a surrogate pair in a path or in the name of a field."""
    return text.encode("utf-8", "replace").decode()


def _plain(facts: Mapping[str, object]) -> dict[str, Any]:
    """Turn facts into JSON, whatever a verb has put there."""
    return {name: msgspec.to_builtins(value, enc_hook=str) for name, value in facts.items()}
