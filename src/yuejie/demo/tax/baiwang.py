"""Baiwang's wire format, from the other side."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from yuejie.demo.tax.nuonuo import Lost
from yuejie.demo.tax.papers import paper
from yuejie.demo.tax.rules import CENT, SHORT_NAMES, Line, Order, Refusal
from yuejie.demo.tax.world import CHINA, Blue, Form, World

PATH: Final = "/router/rest"
APP_KEY: Final = "SIMKEY"
APP_SECRET: Final = "SIMSECRET"  # noqa: S105 - opens the simulator only
USERNAME: Final = "sim"
PASSWORD: Final = "sim-password"  # noqa: S105 - opens the simulator only
SALT: Final = "salt"
TOKEN: Final = "sim-baiwang-token"  # noqa: S105 - opens the simulator only
_FORMS: Final = {"1": "pdf", "2": "ofd", "3": "xml"}


def answer(world: World, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Answer a call, the token call included."""
    method = query.get("method", "")
    if method == "baiwang.oauth.token":
        return _token(world, json.loads(body))
    said = "".join(f"{k}{query[k]}" for k in sorted(query) if k != "sign" and query[k])
    due = hashlib.md5(  # noqa: S324 - Baiwang's own
        f"{APP_SECRET}{said}{body.decode()}{APP_SECRET}".encode()
    ).hexdigest()
    if query.get("sign") != due.upper():
        return _failed("100007", "签名错误")
    if query.get("token") != TOKEN:
        return _failed("100002", "令牌无效")
    world.calls.append(method.rsplit(".", 1)[-1])
    deed = METHODS.get(method)
    if deed is None:
        return _failed("20019", f"没有接口 {method}")
    if method in world.says:
        return dict(world.says[method])
    if method in world.confused:
        return _failed("99999", "系统异常，请联系客服")
    try:
        return {"success": True, "response": deed(world, json.loads(body))}
    except Refusal as refusal:
        words = "开票流水号重复" if refusal.code == "E9106" else refusal.words
        return _failed("70169", words)


def _failed(code: str, message: str) -> dict[str, Any]:
    problem = {"code": code, "message": message, "subCode": code, "subMessage": message}
    return {"success": False, "errorResponse": problem}


def _token(world: World, body: Mapping[str, str]) -> dict[str, Any]:
    due = hashlib.sha256(f"{PASSWORD}{SALT}".encode()).hexdigest()
    if (body.get("username"), body.get("password"), body.get("client_secret")) != (
        USERNAME,
        due,
        APP_SECRET,
    ):
        return _failed("100001", "用户名或密码错误")
    world.tokens += 1
    return {"success": True, "response": {"access_token": TOKEN, "expires_in": 28800}}


def _issue(world: World, body: dict[str, Any]) -> dict[str, Any]:
    fault = world.fault()
    if fault in {"unheard", "500_before"}:
        raise Lost(fault)
    blue = world.accept(_order(body["taxNo"], body["data"]), fault)
    if fault == "fail":
        failed = {
            "serialNo": blue.order.key,
            "errorCode": "22",
            "errorMessage": "税局返回：开票失败",
        }
        return {"success": [], "fail": [failed]}
    world.give_number(blue)
    if fault in {"lost", "500_after"}:
        raise Lost(fault)
    return {"success": [_blue(blue)], "fail": []}


def _order(seller: str, data: Mapping[str, Any]) -> Order:
    return Order(
        key=data["serialNo"],
        kind=data["invoiceTypeCode"],
        buyer_name=data["buyerName"],
        buyer_tax_number=data["buyerTaxNo"],
        natural_person=data.get("naturalMark") == "1",
        seller_tax_number=seller,
        clerk=data["drawer"],
        remark=data["remarks"],
        callback="",
        lines=tuple(
            Line(
                item=line["goodsName"],
                code=line["goodsCode"],
                nature=line["invoiceLineNature"],
                quantity=line["goodsQuantity"],
                price=line["goodsPrice"],
                rate=Decimal(line["goodsTaxRate"]),
                net=Decimal(line["goodsTotalPrice"]),
                tax=Decimal(line["goodsTotalTax"]),
                gross=Decimal(line["goodsTotalPrice"]) + Decimal(line["goodsTotalTax"]),
                spec=line.get("goodsSpecification", ""),
                unit=line.get("goodsUnit", ""),
            )
            for line in data["invoiceDetailsList"]
        ),
    )


def _query(world: World, body: dict[str, Any]) -> list[dict[str, Any]]:
    key = body["data"]["serialNo"]
    if key in world.blues:
        blue = world.blues[key]
        if blue.fault == "fail":
            return [{"serialNo": key, "errorCode": "22", "errorMessage": "税局返回：开票失败"}]
        world.give_number(blue)
        return [_blue(blue)]
    form = world.forms.get(key)
    if form is not None and form.red_number:
        assert form.issued_at is not None
        when = f"{form.issued_at.astimezone(CHINA):%Y%m%d%H%M%S}"
        return [_figures(key, form.red_number, when, form.net, form.tax)]
    return []


def _blue(blue: Blue) -> dict[str, Any]:
    assert blue.issued_at is not None
    when = f"{blue.issued_at.astimezone(CHINA):%Y%m%d%H%M%S}"
    lines = [{"goodsName": f"*{SHORT_NAMES[line.code]}*{line.item}"} for line in blue.order.lines]
    figures = _figures(blue.order.key, blue.number, when, blue.order.net, blue.order.tax)
    return figures | {"invoiceDetailsList": lines}


def _figures(key: str, number: str, when: str, net: Decimal, tax: Decimal) -> dict[str, Any]:
    return {
        "serialNo": key,
        "invoiceNo": number,
        "invoiceDate": when,
        "invoiceTotalPrice": str(net.quantize(CENT)),
        "invoiceTotalTax": str(tax.quantize(CENT)),
        "invoiceTotalPriceTax": str((net + tax).quantize(CENT)),
        "invoiceQrCode": "",
    }


def _file(world: World, body: dict[str, Any]) -> dict[str, str]:
    form = _FORMS[body["data"]["returnType"]]
    written = paper(world, body["data"]["invoiceNo"], form)
    return {"file": base64.b64encode(written).decode()}


def _push(world: World, body: dict[str, Any]) -> str:
    world.blue_of(body["data"]["invoiceNo"])
    return "ok"


def _apply(world: World, body: dict[str, Any]) -> list[dict[str, str]]:
    fault = world.fault()
    if fault in {"unheard", "500_before"}:
        raise Lost(fault)
    form = Form(
        key=body["redConfirmSerialNo"],
        uuid=f"u{len(world.forms) + 1:031d}",
        number=f"44{len(world.forms) + 1:018d}",
        blue=world.blue_of(body["originalInvoiceNo"]),
        reason=body["redInvoiceLabel"],
        net=Decimal(body["invoiceTotalPrice"]),
        tax=Decimal(body["invoiceTotalTax"]),
        callback="",
        applied_at=world.now(),
        lines=tuple(
            (
                int(each["originalInvoiceDetailNo"]),
                Decimal(each["goodsTotalPrice"]),
                Decimal(each["goodsTotalTax"]),
            )
            for each in body.get("redConfirmDetailReqEntityList") or []
        ),
    )
    world.apply(form)
    form.state = "02" if form.blue.used else "01"
    form.confirmed_at = None if form.blue.used else world.now()
    if fault in {"lost", "500_after"}:
        raise Lost(fault)
    return [_form(form)]


def _query_form(world: World, body: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = {body.get("redConfirmSerialNo"), body.get("redConfirmUuid")} - {None, ""}
    found = [form for form in world.forms.values() if {form.key, form.uuid} & wanted]
    return [_whole_form(world, form) for form in found]


def _whole_form(world: World, form: Form) -> dict[str, Any]:
    world.form_state(form)
    issued = f"{form.issued_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}" if form.issued_at else ""
    return _form(form) | {
        "alreadyRedInvoiceFlag": "Y" if form.red_number else "N",
        "redInvoiceNo": form.red_number,
        "redInvoiceDate": issued,
        "entryDate": f"{form.applied_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
        "originalInvoiceNo": form.blue.number,
        "redInvoiceLabel": form.reason,
        "invoiceTotalPrice": str(form.net),
        "invoiceTotalTax": str(form.tax),
        "electricInvoiceDetails": [
            {"originalInvoiceDetailNo": at, "goodsTotalPrice": str(net), "goodsTotalTax": str(tax)}
            for at, net, tax in form.lines
        ],
    }


def _list_forms(world: World, body: dict[str, Any]) -> list[dict[str, str]]:
    by_buyer = body["entryIdentity"] == "02"
    found = [form for form in world.forms.values() if form.by_buyer == by_buyer]
    state = body["confirmState"]
    rows = [_form(form) for form in found if state in {"", world.form_state(form)}]
    size, page = body["pageSize"], body["pageNo"]
    return rows[size * (page - 1) : size * page]


def _form(form: Form) -> dict[str, str]:
    return {
        "redConfirmUuid": form.uuid,
        "redConfirmNo": form.number,
        "confirmState": form.state,
    }


def _operate(world: World, body: dict[str, Any]) -> str:
    for form in world.forms.values():
        if form.uuid == body["redConfirmUuid"]:
            if form.by_buyer:
                world.answer_buyer(form, agree=body["confirmType"] == "01")
                return form.uuid
            if world.form_state(form) != "02":
                raise Refusal("70035", "确认单当前状态不能操作")
            form.state = {"03": "08", "02": "05"}[body["confirmType"]]
            return form.uuid
    raise Refusal("70035", "确认单不存在")


METHODS: Final[dict[str, Callable[[World, dict[str, Any]], Any]]] = {
    "baiwang.output.invoice.issue": _issue,
    "baiwang.output.invoice.query": _query,
    "baiwang.output.format.query": _file,
    "baiwang.output.invoice.push": _push,
    "baiwang.output.redinvoice.add": _apply,
    "baiwang.output.redinvoice.redforminfo": _query_form,
    "baiwang.output.redinvoice.formlist": _list_forms,
    "baiwang.output.redinvoice.operate": _operate,
}
