"""Nuonuo's wire format, from the other side."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qs

from yuejie.demo.tax.rules import CENT, Line, Order, Refusal
from yuejie.demo.tax.world import CHINA, PUSHES, TOKENS, Blue, Form, World

PATH: Final = "/open/v1/services"
TOKEN_PATH: Final = "/accessToken"  # noqa: S105 - a path
APP_KEY: Final = "SIMKEY"
APP_SECRET: Final = "SIMSECRET"  # noqa: S105 - opens the simulator only
TOKEN: Final = "sim-nuonuo-token"  # noqa: S105 - opens the simulator only
_KINDS: Final = {"bs": "01", "pc": "02"}

Headers = Mapping[str, str]


class Lost(Exception):
    """The order was taken (or not), and no answer comes."""


def token(world: World, body: bytes) -> dict[str, Any]:
    """Give a token, and count: fifty in thirty days."""
    asked = parse_qs(body.decode())
    if asked.get("client_secret") != [APP_SECRET] or asked.get("client_id") != [APP_KEY]:
        return {"error": "070304", "error_description": "应用密钥不正确"}
    world.tokens += 1
    if world.tokens > TOKENS:
        return {"error": "070306", "error_description": "令牌调用次数超过限制"}
    return {"access_token": TOKEN, "expires_in": "86400"}


def answer(world: World, query: Mapping[str, str], headers: Headers, body: bytes) -> dict[str, Any]:
    """Answer a call of the open platform."""
    text = (
        f"a=services&l=v1&p=open&k={query.get('appkey', '')}&i={query.get('senid', '')}"
        f"&n={query.get('nonce', '')}&t={query.get('timestamp', '')}&f={body.decode()}"
    )
    due = base64.b64encode(hmac.new(APP_SECRET.encode(), text.encode(), hashlib.sha1).digest())
    if headers.get("x-nuonuo-sign", "") != due.decode() or query.get("appkey") != APP_KEY:
        return _told("070101", "appkey 或签名不正确")
    if headers.get("accesstoken") != TOKEN:
        return _told("070305", "令牌无效")
    method = headers.get("method", "").removeprefix("nuonuo.OpeMplatform.")
    world.calls.append(method)
    deed = METHODS.get(method)
    if deed is None:
        return _told("070307", f"没有接口 {method}")
    if method in world.says:
        return dict(world.says[method])
    if method in world.confused:
        return _told("E9999", "系统异常，请联系客服")
    try:
        return _told("E0000", "处理成功", deed(world, json.loads(body)))
    except Refusal as refusal:
        return _told(refusal.code, refusal.words)


def _told(code: str, describe: str, result: Any = None) -> dict[str, Any]:  # noqa: ANN401
    return {"code": code, "describe": describe, "result": result}


def _issue(world: World, body: dict[str, Any]) -> dict[str, str]:
    fault = world.fault()
    if fault in {"unheard", "500_before"}:
        raise Lost(fault)
    blue = world.accept(_order(body["order"]), fault)
    if fault in {"lost", "500_after"}:
        raise Lost(fault)
    return {"invoiceSerialNum": blue.serial}


def _order(order: Mapping[str, Any]) -> Order:
    return Order(
        key=order["orderNo"],
        kind=_KINDS.get(order["invoiceLine"], ""),
        buyer_name=order["buyerName"],
        buyer_tax_number=order["buyerTaxNum"],
        natural_person=order.get("naturalPersonFlag") == "1",
        seller_tax_number=order["salerTaxNum"],
        clerk=order["clerk"],
        remark=order["remark"],
        callback=order.get("callBackUrl", ""),
        lines=tuple(
            Line(
                item=line["goodsName"],
                code=line["goodsCode"],
                nature=line["invoiceLineProperty"],
                quantity=line["num"],
                price=line["price"],
                rate=Decimal(line["taxRate"]),
                net=Decimal(line["taxExcludedAmount"]),
                tax=Decimal(line["tax"]),
                gross=Decimal(line["taxIncludedAmount"]),
                spec=line.get("specType", ""),
                unit=line.get("unit", ""),
            )
            for line in order["invoiceDetail"]
        ),
    )


def _query(world: World, body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for serial in body.get("serialNos") or []:
        found += [_blue(world, b) for b in world.blues.values() if b.serial == serial]
        found += [_red(f) for f in world.forms.values() if f.red_serial == serial and serial]
    for key in body.get("orderNos") or []:
        if key in world.blues:
            found.append(_blue(world, world.blues[key]))
        elif key in world.forms and world.forms[key].red_number and not world.forms[key].by_buyer:
            found.append(_red(world.forms[key]))
    if not found:
        raise Refusal("E9500", "发票不存在")
    return found


def _blue(world: World, blue: Blue) -> dict[str, Any]:
    status = world.status(blue)
    said: dict[str, Any] = {
        "serialNo": blue.serial,
        "orderNo": blue.order.key,
        "status": status,
        "failCause": {"22": "税局返回：开票失败", "24": "签章失败"}.get(status, ""),
    }
    if status == "2":
        assert blue.issued_at is not None
        said |= _figures(
            blue.number, int(blue.issued_at.timestamp()), blue.order.net, blue.order.tax
        )
    return said


def _red(form: Form) -> dict[str, Any]:
    assert form.issued_at is not None
    figures = _figures(form.red_number, int(form.issued_at.timestamp()), form.net, form.tax)
    return {"serialNo": form.red_serial, "orderNo": form.key, "status": "2"} | figures


def _figures(number: str, seconds: int, net: Decimal, tax: Decimal) -> dict[str, Any]:
    return {
        "allElectronicInvoiceNumber": number,
        "invoiceTime": seconds * 1000,
        "exTaxAmount": str(net.quantize(CENT)),
        "taxAmount": str(tax.quantize(CENT)),
        "orderAmount": str((net + tax).quantize(CENT)),
        **{f"{form}Url": f"{{self}}/files/{number}.{form}" for form in ("xml", "ofd", "pdf")},
    }


def _push_again(world: World, body: dict[str, Any]) -> str:
    blue = world.blues.get(body["orderno"])
    if blue is None:
        raise Refusal("E9500", "发票不存在")
    blue.pushes += 1
    if blue.pushes > PUSHES:
        raise Refusal("E9613", "重试次数超过限制")
    return blue.serial


def _deliver(world: World, body: dict[str, Any]) -> str:
    world.blue_of(body["invoiceNum"])
    return "ok"


def _apply(world: World, body: dict[str, Any]) -> str:
    fault = world.fault()
    if fault in {"unheard", "500_before"}:
        raise Lost(fault)
    blue = world.blue_of(body["blueElecInvoiceNumber"])
    lines = tuple(
        (
            int(each["blueDetailIndex"]),
            Decimal(each["taxExcludedAmount"]),
            Decimal(each["tax"]),
        )
        for each in body.get("detail") or []
    )
    if lines:
        net = sum((line[1] for line in lines), Decimal(0))
        tax = sum((line[2] for line in lines), Decimal(0))
        if body["redReason"] == "2":
            raise Refusal("E9306", "开票有误只能全额红冲")
    else:
        net, tax = -blue.order.net, -blue.order.tax
    form = Form(
        key=body["billId"],
        uuid=f"u{len(world.forms) + 1:031d}",
        number=f"44{len(world.forms) + 1:018d}",
        blue=blue,
        reason=body["redReason"],
        net=net,
        tax=tax,
        callback=body.get("callbackUrl", ""),
        applied_at=world.now(),
        lines=lines,
    )
    world.apply(form)
    if fault in {"lost", "500_after"}:
        raise Lost(fault)
    return form.key


def _query_form(world: World, body: dict[str, Any]) -> dict[str, Any]:
    known = [form for form in world.forms.values() if form.known]
    if "billId" in body or "billUuid" in body:
        wanted = {body.get("billId"), body.get("billUuid")} - {None}
        found = [form for form in known if {form.key, form.uuid} & wanted]
    else:
        span = (body["billTimeStart"], body["billTimeEnd"])
        found = [form for form in known if span[0] <= _local(form.applied_at)[:10] <= span[1]]
    rows = [_form_row(world, form) for form in found]
    state = body.get("billStatus")
    rows = [row for row in rows if state in {None, row["billStatus"]}]
    size, page = int(body["pageSize"]), int(body["pageNo"])
    return {"total": len(rows), "list": rows[size * (page - 1) : size * page]}


def _refresh(world: World, body: dict[str, Any]) -> str:
    """Fetch forms from the tax office into the copy."""
    for form in world.forms.values():
        form.known = form.known or "startTime" in body or body.get("billUuid") == form.uuid
    return "ok"


def _confirm(world: World, body: dict[str, Any]) -> str:
    form = world.forms.get(body["billId"])
    if form is None or body["identity"] != "0":
        raise Refusal("E9306", "确认单不存在")
    fault = world.fault()
    if fault in {"unheard", "500_before"}:
        raise Lost(fault)
    world.answer_buyer(form, agree=body["confirmAgreement"] == "1")
    if fault in {"lost", "500_after"}:
        raise Lost(fault)
    return form.key


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"


def _form_row(world: World, form: Form) -> dict[str, Any]:
    state = world.form_state(form)
    return {
        "billId": form.key,
        "billStatus": state,
        "billNo": form.number if state != "15" else "",
        "billUuid": form.uuid if state != "15" else "",
        "taxExcludedAmount": str(form.net),
        "taxAmount": str(form.tax),
        "blueElecInvoiceNumber": form.blue.number,
        "redInvoiceNumber": form.red_number,
        "invoiceSerialNum": form.red_serial,
        "billMessage": "",
        "applySource": 1 if form.by_buyer else 0,
        "billTime": _local(form.applied_at),
        "redReason": form.reason,
        "detail": [
            {"blueDetailIndex": str(at), "taxExcludedAmount": str(net), "taxAmount": str(tax)}
            for at, net, tax in form.lines
        ],
    }


def _cancel(world: World, body: dict[str, Any]) -> str:
    form = world.forms.get(body["billId"])
    if form is None or world.form_state(form) not in {"02", "15"}:
        raise Refusal("E9306", "确认单当前状态不能撤销")
    form.state = "08"
    return form.key


def _certified(world: World, body: dict[str, Any]) -> dict[str, str]:
    if body["queryType"] == "2":
        return {"certificationStatus": "1" if world.logged_in else "0"}
    return {"certificationStatus": "1" if world.proved else "2"}


def _credit_line(world: World, body: dict[str, Any]) -> dict[str, str | None]:
    """Tell what Nuonuo holds (1), which is nothing until it was fetched from the bureau (0)."""
    if body["queryType"] == "0":
        world.limit_known = True
    if not world.limit_known:
        return {"totalCreditLine": None, "availableCreditLine": None, "requestStatus": "0"}
    return {
        "totalCreditLine": str(world.limit.quantize(CENT)),
        "usedCreditLine": str(world.used.quantize(CENT)),
        "availableCreditLine": str((world.limit - world.used).quantize(CENT)),
        "amountUpdateTime": f"{world.now():%Y-%m-%d %H:%M:%S}",
        "requestStatus": "1",
    }


METHODS: Final[dict[str, Callable[[World, dict[str, Any]], Any]]] = {
    "requestBillingNew": _issue,
    "queryInvoiceResult": _query,
    "reInvoice": _push_again,
    "deliveryInvoice": _deliver,
    "saveInvoiceRedConfirm": _apply,
    "queryInvoiceRedConfirm": _query_form,
    "refreshInvoiceRedConfirm": _refresh,
    "confirm": _confirm,
    "confirmInfoCancel": _cancel,
    "getCertificationStatus": _certified,
    "getCreditLine": _credit_line,
}
