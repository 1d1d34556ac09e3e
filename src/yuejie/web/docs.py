"""The description of the API: OpenAPI as JSON, and a page to read and try it, without a network.

The page is Swagger UI, vendored with its licence in `static/swagger-ui`.
"""

from functools import cache
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from yuejie.web.errors import MEDIA_TYPE

routes: Final = APIRouter(include_in_schema=False)

DESCRIPTION: Final = """\
企业大模型 API 采购中心的接口：客户、密钥、价目、用量、账单。

**令牌**　请求头 `Authorization: Bearer <令牌>`。运营令牌 `yj-…` 可做一切（`yuejie token` 可见）；
成员令牌 `yj-m-…` 以成员自己的名义、按其角色办事；
API 令牌 `yj-t-…` 由成员自己新建，权限是其角色的一部分，到期自动失效；
客户的 API 密钥 `sk-yj-…` 只能读自己的模型、请求、用量和已出账的账单。

**约定**　金额 `{"amount": "1122.25", "currency": "CNY"}` 是十进制文字；单价同；
时间是 RFC 3339 的 UTC；账期写作 `2026-10`，按客户时区的自然月。
列表分页：答复中的 `next_cursor` 原样填入下一次的 `cursor`，为空即到最后一页。

**出错**　答复是 `application/problem+json`（RFC 9457）：`detail` 是以请求编号开头的一句话，
`code` 供程序判断；每个答复都带 `X-Request-Id`，请在求助时提供。
"""

TAGS: Final = [
    {"name": "客户", "description": "购买方：账单和发票的抬头。"},
    {"name": "成员", "description": "以自己的名义行事的人；须两人经手的事要两个成员。"},
    {"name": "API 令牌", "description": "成员交给程序的一部分权限：只显示一次，可随时吊销。"},
    {"name": "项目", "description": "客户的成本中心，组成一棵树。"},
    {"name": "密钥", "description": "签发一次、只显示一次；轮换时新旧可重叠；吊销一秒内生效。"},
    {"name": "合同", "description": "币种、计税、汇率方式和价目；只增不改，改动即签下一版。"},
    {
        "name": "授信与优惠",
        "description": "信用分级、临时额度、套餐与代金券；一人提出、另一人审批。",
    },
    {"name": "售前", "description": "潜在客户、需求表、历史用量重放、报价与比较。"},
    {"name": "模型", "description": "模型目录、停用通知，以及部署的摘除与恢复。"},
    {"name": "自动模型", "description": "按公布的策略逐次选模型，谁应答按谁计费；逐月看节省。"},
    {"name": "价目", "description": "成本价目与销售价目，按版生效；每个单价都能说明来由。"},
    {"name": "汇率", "description": "逐日登记，注明出处。"},
    {"name": "用量", "description": "两秒内可见；按任意维度汇总；待处理清单；批量推送。"},
    {"name": "防护", "description": "用量异常时自动限速、暂停或待批准；都可解除，都有记录。"},
    {"name": "额度", "description": "金额、token、请求数、并发的限额；硬限额绝不超出。"},
    {"name": "账单", "description": "关账、出账、下载。金额是各行之和，各行取整一次。"},
    {"name": "对账确认", "description": "提交、确认、异议、撤回重算；每一步有据可查。"},
    {"name": "调整与冲减", "description": "一人提出、另一人审批；已出账的账单永不更改。"},
    {
        "name": "发票",
        "description": "抬头、可开票金额、申请、批准、归档；只能红冲，不能作废。",
    },
    {"name": "红冲", "description": "红字信息确认单：全额或部分，72 小时内确认。"},
    {"name": "银行", "description": "我方账户、专属账号、流水导入、代付协议。"},
    {"name": "到账", "description": "谁付的、付了哪些账单；认领与退款。"},
    {"name": "应收", "description": "未付、账龄、对账单、减免、授信与停服。"},
    {"name": "验证", "description": "用独立的慢路径从原始事件重算，比对到分。"},
    {"name": "账簿", "description": "复式分录：余额、明细账、试算平衡表、检查。分录只增不改。"},
    {"name": "供应商", "description": "账号余额与告警、供应商账单、付款（两人审批）。"},
    {"name": "对账", "description": "供应商的报告与我方计量逐项比对，差异各有原因；毛利。"},
    {"name": "云账单", "description": "AWS、Azure、Google 与 FOCUS 账单按合同加价转付，逐行可查。"},
    {"name": "成本分摊", "description": "共同费用分到项目与部门，合计等于账单。"},
    {"name": "服务质量", "description": "每月的可用率与时延，失败分责任，赔付写明算法。"},
    {"name": "操作记录", "description": "谁、何时、改了什么。"},
    {
        "name": "报表",
        "description": "保存的用量报表：按时生成、以邮件发送 PDF 与 XLSX，历次可取回。",
    },
    {"name": "预测", "description": "月底、今后三个月、逐时、额度何时用完；带区间与回测误差。"},
    {"name": "容量", "description": "供应商账号的每分钟高峰与配额的距离，预计何时到达。"},
    {"name": "异常", "description": "什么变了、从何时起、谁造成、花了多少；知悉、静音、反馈。"},
    {"name": "假如", "description": "一个月按别的价目、条款、模型重放，逐行比较，前提写明。"},
    {
        "name": "试用",
        "description": "不用令牌即可申请：POST /api/v1/trial-requests（company、contact、email，"
        "可写 models、days、tokens），答复中的 claim 只显示一次；批准后以它 "
        "POST /api/v1/trial-requests/{request_id}/claim 领取密钥。"
        "用量不计费，期满自动停止，转合同时密钥不变。",
    },
    {
        "name": "趋势",
        "description": "月、周、日、小时；任意维度；两期相比，变化分解为用量、价格、结构。",
    },
    {
        "name": "优化建议",
        "description": "改什么、每月省多少、怎么算的；采纳、不采纳，与采纳后的实际节省。",
    },
    {
        "name": "工单",
        "description": "可关联请求或账单行；按级别 7×24 计时，首次响应超时按合同赔付。",
    },
    {"name": "值班", "description": "谁在何时值班，谁是哪个客户的顾问。"},
    {"name": "公告", "description": "事故与维护；受影响的客户每次更新收到一次通知。"},
    {"name": "节点", "description": "网关节点：心跳、版本、尚未入库的流水；退出、回来、宣告丢失。"},
    {"name": "后台任务", "description": "要办一会儿的事：进度、逐件结果、取消。"},
    {"name": "通知", "description": "联系人、渠道、测试，以及每条消息的投递记录。"},
]

_PROBLEM: Final[dict[str, Any]] = {
    "title": "问题",
    "description": "一次拒绝（RFC 9457）。",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:yuejie:problem:not_found"]},
        "title": {"type": "string", "examples": ["不存在"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {
            "type": "string",
            "description": "一句话：哪个请求、怎么了、该怎么办",
            "examples": ["请求 req_019aa0…：客户不存在：acme"],
        },
        "instance": {"type": "string", "examples": ["/api/v1/customers/acme"]},
        "code": {"type": "string", "description": "稳定的代码", "examples": ["not_found"]},
        "request_id": {"type": "string", "examples": ["req_019aa0…"]},
        "facts": {"type": "object", "description": "与这次拒绝有关的事实"},
    },
}

_REFUSALS: Final = {
    "400": "请求体不是完整的 JSON 或表单，未作改动",
    "401": "令牌缺失、无效、已过期或已吊销",
    "403": "令牌无权使用这个接口",
    "404": "不存在，或属于别的客户",
    "409": "与现状冲突，未作改动",
    "422": "内容不合要求，未作改动",
    "413": "请求体超过上限，未作改动",
    "500": "内部错误，已记入日志；结果未知时请先查询再重试",
    "503": "数据库暂不可用，未作改动，请稍后重试",
}

_ASSETS: Final = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
}

_PAGE: Final = """\
<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>月结 接口文档</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<noscript>这个页面需要 JavaScript；完整描述在 <a href="/api/openapi.json">这里</a>。</noscript>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
"""

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing from elsewhere. Swagger UI styles its elements in place, hence 'unsafe-inline' there."""


@routes.get("/api/docs")
async def page() -> Response:
    """Show the description."""
    return HTMLResponse(_PAGE, headers={"content-security-policy": _POLICY})


@routes.get("/api/docs/{name}")
async def asset(name: str) -> Response:
    """Give a file that the page needs."""
    if name not in _ASSETS:
        raise HTTPException(404)
    headers = {"content-type": _ASSETS[name], "cache-control": "public, max-age=3600"}
    return Response(_file(name), headers=headers)


@routes.get("/api/openapi.json")
async def description(request: Request) -> Response:
    """Describe the API to programs."""
    return JSONResponse(openapi(request.app))


def openapi(app: FastAPI) -> dict[str, Any]:
    """Return the description, made once, with the one form of refusal on every route."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            tags=app.openapi_tags,
            routes=app.routes,
        )
        schemas = made["components"]["schemas"]
        schemas["Problem"] = _PROBLEM
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        for operations in made["paths"].values():
            for operation in operations.values():
                _put_refusals(operation)
        app.openapi_schema = made
    return app.openapi_schema


def _put_refusals(operation: dict[str, Any]) -> None:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"] |= {
        status: {"description": said, "content": content} for status, said in _REFUSALS.items()
    }


@cache
def _file(name: str) -> bytes:
    folder = files("yuejie.web") / "static"
    return (folder / ("" if name == "start.js" else "swagger-ui") / name).read_bytes()
