"""Baiwang (百望云): the wire format of its open API (china-finance §2.2).

Issuing is synchronous: the answer carries the number, or the reason why not. A timeout leaves the
same doubt as anywhere, and is resolved by asking for the serial number.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from yuejie.contracts.terms import FapiaoKind
from yuejie.fapiao.amounts import Amounts, FapiaoLine, read_fen, write_fen, write_rate
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.issuing.errand import Hold
from yuejie.fapiao.providers.port import (
    LIVING,
    MISSHAPEN,
    Accepted,
    Answer,
    BuyersForm,
    Done,
    Drawer,
    Duplicate,
    Files,
    FormsTold,
    FormTold,
    Held,
    Issued,
    IssuingLimit,
    Notebook,
    Session,
    Unheard,
    Unknown,
    hold_of,
    of_a_question,
    own_row,
    refusal,
)
from yuejie.fapiao.providers.tokens import Fetched, Tokens
from yuejie.fapiao.providers.wire import Silence, Wire
from yuejie.fapiao.reversing.form import BUREAU_REASON, RedReason
from yuejie.kernel.errors import DomainError
from yuejie.kernel.period import in_our_time, zone_of

NAME: Final = "baiwang"
BASE_URL: Final = "https://openapi.baiwang.com/router/rest"
TOKEN_LASTS: Final = timedelta(hours=8)
_KINDS: Final = {FapiaoKind.SPECIAL: "01", FapiaoKind.ORDINARY: "02"}
_BAD_TOKEN: Final = frozenset({"100001", "100002"})
_NO_TERMINAL: Final = frozenset({"20020", "20023"})
_DUPLICATE_WORDS: Final = ("流水号重复", "已存在", "重复提交")
_BUYER: Final = "02"
_REASONS: Final = {code: reason for reason, code in BUREAU_REASON.items()}
_PAGE: Final = 50
_PAGES: Final = 20
_CHINA: Final = zone_of("Asia/Shanghai")
_V6: Final = "6.0"
_V7: Final = "7.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaiwangAccess:
    """The application's and the user's credentials at Baiwang, and where it answers."""

    app_key: str
    app_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)
    salt: str = field(repr=False, default="")
    base_url: str = BASE_URL


def sign(secret: str, params: Mapping[str, str], body: str) -> str:
    """Return the signature: MD5 over secret, sorted names and values, exact body, secret."""
    said = "".join(f"{name}{params[name]}" for name in sorted(params) if params[name])
    digest = hashlib.md5(f"{secret}{said}{body}{secret}".encode(), usedforsecurity=False)
    return digest.hexdigest().upper()


def password_hash(password: str, salt: str) -> str:
    """Return the password as the token call carries it: SHA-256 in lower-case hex."""
    return hashlib.sha256(f"{password}{salt}".encode()).hexdigest()


class Baiwang:
    """The port, spoken to Baiwang."""

    name = NAME

    def __init__(self, access: BaiwangAccess, drawer: Drawer, tokens: Tokens, wire: Wire) -> None:
        self._access = access
        self._drawer = drawer
        self._tokens = tokens
        self._wire = wire

    @property
    def notebook(self) -> Notebook:
        """Return what was said and heard."""
        return self._wire.notebook

    def issue(self, fapiao: Fapiao, *, now: datetime) -> Answer:
        """Issue; the answer is the fapiao or the refusal."""
        told = self._call("baiwang.output.invoice.issue", self._data(self._order(fapiao)), now)
        if not isinstance(told, _Told):
            return told
        response = told.response if isinstance(told.response, Mapping) else {}
        if response.get("success"):
            return _issued(response["success"][0])
        if not response.get("fail"):
            return Unknown("百望的答复既无成功也无失败")
        failed = response["fail"][0]
        return _refusal(str(failed.get("errorCode") or ""), str(failed.get("errorMessage") or ""))

    def query(self, fapiao: Fapiao, *, now: datetime) -> Answer:
        """Ask for a serial number."""
        return self._result(fapiao.key, now)

    def push_again(self, fapiao: Fapiao, *, now: datetime) -> Answer:
        """Ask again: Baiwang seals by itself."""
        return self._result(fapiao.key, now)

    def fetch_files(self, subject: Fapiao | RedFapiao, *, now: datetime) -> Answer:
        """Ask for each layout file by its number; Baiwang returns them as base64."""
        bodies: dict[str, bytes] = {}
        missing: list[str] = []
        for form, kind in (("pdf", "1"), ("ofd", "2"), ("xml", "3")):
            data = self._data({"invoiceNo": subject.number or "", "returnType": kind})
            told = self._call("baiwang.output.format.query", data, now)
            if not isinstance(told, _Told):
                return told
            written = told.response.get("file") if isinstance(told.response, Mapping) else None
            if written:
                bodies[form] = base64.b64decode(written)
            else:
                missing.append(form)
        return Files(bodies, tuple(missing))

    def deliver(self, fapiao: Fapiao, *, now: datetime) -> Answer:
        """Have Baiwang mail it."""
        data = self._data(
            {
                "invoiceNo": fapiao.number or "",
                "emails": list(fapiao.emails),
                "phone": fapiao.mobile,
            }
        )
        told = self._call("baiwang.output.invoice.push", data, now)
        return Done() if isinstance(told, _Told) else told

    def red_apply(self, red: RedFapiao, blue: Fapiao, *, now: datetime) -> Answer:
        """Apply for a form as the seller; it is issued by itself once confirmed."""
        told = self._call("baiwang.output.redinvoice.add", self._form(red, blue), now, _V7)
        if not isinstance(told, _Told):
            return told
        rows = told.response if isinstance(told.response, list) else []
        return _form_told(rows[0], None) if rows else Unknown("百望没有返回确认单")

    def red_query(self, red: RedFapiao, blue: Fapiao, *, now: datetime) -> Answer:
        """Ask about a form by our serial number of it, and about its fapiao where there is one."""
        body = {
            "taxNo": self._drawer.tax_number,
            "redConfirmUuid": red.form_uuid,
            "redConfirmSerialNo": "" if red.is_buyers else red.key,
            "originalInvoiceNo": blue.number or "",
        }
        row = self._form_row(body, now)
        if not isinstance(row, Mapping):
            return row
        issued: Issued | None = None
        if str(row.get("alreadyRedInvoiceFlag", "")) == "Y":
            found = _issued_red(row) if red.is_buyers else self._result(red.key, now)
            if not isinstance(found, Issued):
                return Unknown(f"红字发票 {red.key} 尚查不到开具结果")
            issued = found
        return _form_told(row, issued)

    def red_withdraw(self, red: RedFapiao, *, now: datetime) -> Answer:
        """Revoke a form as the seller."""
        body = {
            "taxNo": self._drawer.tax_number,
            "redConfirmUuid": red.form_uuid,
            "confirmType": "03",
        }
        told = self._call("baiwang.output.redinvoice.operate", body, now, _V7)
        return Done() if isinstance(told, _Told) else told

    @property
    def forms_apart(self) -> timedelta:
        """Return a day: the list of forms may be asked for once a day."""
        return timedelta(days=1)

    def buyers_forms(self, *, since: date, now: datetime) -> Answer:
        """List the forms of buyers, and ask for the lines of each that lives."""
        forms: list[BuyersForm] = []
        unread: list[str] = []
        for page in range(1, _PAGES + 1):
            body = {
                "taxNo": self._drawer.tax_number,
                "sellerTaxNo": self._drawer.tax_number,
                "buySelSelector": "0",
                "entryIdentity": _BUYER,
                "confirmState": "",
                "invoiceStartDate": since.isoformat(),
                "invoiceEndDate": now.astimezone(_CHINA).date().isoformat(),
                "pageNo": page,
                "pageSize": _PAGE,
                "queryAll": True,
            }
            told = self._call("baiwang.output.redinvoice.formlist", body, now, _V7)
            if not isinstance(told, _Told):
                return of_a_question(told)
            rows = told.response if isinstance(told.response, list) else []
            for row in rows:
                if row.get("confirmState") in LIVING:
                    form = self._buyers(str(row.get("redConfirmUuid") or ""), now)
                    forms += [form] if form else []
                    called = str(row.get("redConfirmNo") or row.get("redConfirmUuid") or "")
                    unread += [] if form else [called]
            if len(rows) < _PAGE:
                break
        return FormsTold(tuple(forms), tuple(unread))

    def red_answer(self, red: RedFapiao, *, agree: bool, now: datetime) -> Answer:
        """Agree to a buyer's form, or deny it."""
        body = {
            "taxNo": self._drawer.tax_number,
            "sellerTaxNo": self._drawer.tax_number,
            "redConfirmUuid": red.form_uuid,
            "redConfirmNo": red.form_number,
            "confirmType": "01" if agree else "02",
        }
        told = self._call("baiwang.output.redinvoice.operate", body, now, _V7)
        return Done() if isinstance(told, _Told) else told

    def session(self, *, now: datetime) -> Session:
        """Return nothing: Baiwang does not tell; a refusal names the obstacle."""
        del now
        return Session()

    def issuing_limit(self, *, now: datetime) -> IssuingLimit | None:
        """Return nothing: Baiwang does not tell."""
        del now
        return None

    # the wire -----------------------------------------------------------------------------------

    def _call(
        self, method: str, body: Mapping[str, Any], now: datetime, version: str = _V6
    ) -> "_Told | Answer":
        """Put one question; what is no success of Baiwang's is an answer of the port."""
        token = self._tokens.get(lambda: self._fetch_token(now), now=now)
        if not isinstance(token, str):
            return token
        written = msgspec.json.encode(body).decode()
        params = {
            "method": method,
            "version": version,
            "appKey": self._access.app_key,
            "format": "json",
            "timestamp": str(int(now.timestamp() * 1000)),
            "token": token,
            "type": "sync",
            "requestId": secrets.token_hex(16),
        }
        if version == _V7:
            params |= {"signType": "MD5", "encryptType": "NONE", "encryptScope": "00"}
        params["sign"] = sign(self._access.app_secret, params, written)
        url = f"{self._access.base_url}?{urlencode(params)}"
        heard = self._wire.ask(method, url, _JSON, written.encode())
        return self._read(heard) if isinstance(heard, bytes) else heard

    def _read(self, heard: bytes) -> "_Told | Answer":
        try:
            told = msgspec.json.decode(heard, type=_Told)
        except msgspec.MsgspecError as error:
            return Unknown(f"读不懂百望的答复：{error}")
        if told.success:
            return told
        problem = told.errorResponse or _Error()
        code = problem.subCode or problem.code
        if code in _BAD_TOKEN:
            self._tokens.spoil()
            return Held(Hold.BUSY, f"{code} {problem.said}")
        if code == "100007":
            return Held(Hold.BUSY, f"{code} 签名不对，请核对百望密钥")
        return _refusal(code, problem.said)

    def _fetch_token(self, now: datetime) -> Fetched:
        params = {
            "method": "baiwang.oauth.token",
            "grant_type": "password",
            "client_id": self._access.app_key,
            "version": _V7,
            "timestamp": str(int(now.timestamp() * 1000)),
            "encryptType": "NONE",
            "encryptScope": "00",
        }
        body = {
            "username": self._access.username,
            "password": password_hash(self._access.password, self._access.salt),
            "client_secret": self._access.app_secret,
        }
        url = f"{self._access.base_url}?{urlencode(params)}"
        heard = self._wire.post("token", url, _JSON, msgspec.json.encode(body), secret=True)
        try:
            told = msgspec.json.decode(heard, type=_Told)
        except msgspec.MsgspecError as error:
            raise Silence(f"读不懂令牌答复：{error}") from error
        given = told.response if isinstance(told.response, Mapping) else {}
        if not given.get("access_token"):
            raise Silence((told.errorResponse or _Error()).said or "没有令牌")
        lasts = timedelta(seconds=int(given.get("expires_in") or TOKEN_LASTS.total_seconds()))
        return Fetched(str(given["access_token"]), lasts)

    def _data(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"taxNo": self._drawer.tax_number, "data": data}

    def _result(self, serial: str, now: datetime) -> Answer:
        told = self._call("baiwang.output.invoice.query", self._data({"serialNo": serial}), now)
        if not isinstance(told, _Told):
            return of_a_question(told)
        rows = told.response if isinstance(told.response, list) else []
        if not rows:
            return Unheard()
        row = own_row([{"serialNo": serial} | row for row in rows], "serialNo", serial)
        if isinstance(row, Unknown):
            return row
        if row.get("invoiceNo"):
            return _issued(row)
        if row.get("errorMessage"):
            return _refusal(str(row.get("errorCode") or ""), str(row["errorMessage"]))
        return Accepted(serial)

    def _form_row(self, body: Mapping[str, Any], now: datetime) -> Mapping[str, Any] | Answer:
        """Return what Baiwang knows of a form: a row, or a list of one."""
        told = self._call("baiwang.output.redinvoice.redforminfo", body, now)
        if not isinstance(told, _Told):
            return of_a_question(told)
        rows = told.response if isinstance(told.response, list) else [told.response]
        known = [row for row in rows if isinstance(row, Mapping) and row]
        if not known:
            return Unheard()
        uuid = str(body["redConfirmUuid"])
        return own_row(known, "redConfirmUuid", uuid) if uuid else known[0]

    def _buyers(self, uuid: str, now: datetime) -> BuyersForm | None:
        """Ask for a buyer's form and read it; None for one that cannot be read."""
        body = {
            "taxNo": self._drawer.tax_number,
            "sellerTaxNo": self._drawer.tax_number,
            "redConfirmUuid": uuid,
            "redConfirmNo": "",
        }
        row = self._form_row(body, now)
        try:
            return _buyers(row) if isinstance(row, Mapping) else None
        except MISSHAPEN:
            return None

    def _order(self, fapiao: Fapiao) -> dict[str, Any]:
        buyer = fapiao.buyer
        return {
            "invoiceTypeCode": _KINDS[fapiao.kind],
            "invoiceType": "0",
            "priceTaxMark": "0",
            "invoiceListMark": "0",
            "taxationMethod": "0",
            "serialNo": fapiao.key,
            "buyerName": buyer.name,
            "buyerTaxNo": buyer.tax_number,
            "buyerAddress": buyer.address,
            "buyerPhone": buyer.phone,
            "buyerBankName": buyer.bank_name,
            "buyerBankNumber": buyer.bank_account,
            "drawer": self._drawer.name,
            "remarks": fapiao.remark,
            "naturalMark": "1" if buyer.natural_person else "0",
            "invoiceTotalPrice": write_fen(fapiao.amounts.net_fen),
            "invoiceTotalTax": write_fen(fapiao.amounts.tax_fen),
            "invoiceTotalPriceTax": write_fen(fapiao.amounts.gross_fen),
            "invoiceDetailsList": [_detail(line) for line in fapiao.lines],
        }

    def _form(self, red: RedFapiao, blue: Fapiao) -> dict[str, Any]:
        assert blue.issued_at is not None
        body: dict[str, Any] = {
            "taxNo": self._drawer.tax_number,
            "redConfirmSerialNo": red.key,
            "entryIdentity": "01",
            "originalInvoiceNo": red.blue_number,
            "originInvoiceDate": f"{blue.issued_at.astimezone(_CHINA):%Y-%m-%d %H:%M:%S}",
            "originInvoiceType": _KINDS[blue.kind],
            "redInvoiceLabel": BUREAU_REASON[RedReason(red.reason)],
            "invoiceSource": "2",
            "autoIssueSwitch": "Y",
            "invoiceTotalPrice": write_fen(red.amounts.net_fen),
            "invoiceTotalTax": write_fen(red.amounts.tax_fen),
            "invoiceTotalPriceTax": write_fen(red.amounts.gross_fen),
        }
        if not red.whole:
            body["redConfirmDetailReqEntityList"] = [
                {
                    "originalInvoiceDetailNo": str(line.blue_position),
                    "goodsTotalPrice": write_fen(line.net_fen),
                    "goodsTotalTax": write_fen(line.tax_fen),
                    "goodsTaxRate": write_rate(blue.lines[line.blue_position - 1].tax_ppm),
                }
                for line in red.lines
            ]
        return body


_JSON: Final = [("Content-Type", "application/json; charset=UTF-8")]


class _Error(msgspec.Struct, frozen=True):
    """Baiwang's error; the field names are its own."""

    code: str = ""
    message: str = ""
    subCode: str = ""  # noqa: N815 - Baiwang's name
    subMessage: str = ""  # noqa: N815 - Baiwang's name

    @property
    def said(self) -> str:
        """Return what it says, the finer message first."""
        return self.subMessage or self.message


class _Told(msgspec.Struct, frozen=True):
    """Baiwang's envelope; the field names are its own."""

    success: bool
    response: Any = None
    errorResponse: _Error | None = None  # noqa: N815 - Baiwang's name


def _refusal(code: str, message: str) -> Answer:
    if any(word in message for word in _DUPLICATE_WORDS):
        return Duplicate()
    if code in _NO_TERMINAL and not hold_of(message):
        return Held(Hold.LOGIN, f"{code} {message}".strip())
    return refusal(code, message or "百望未说明原因")


def _issued(row: Mapping[str, Any]) -> Answer:
    try:
        moment = datetime.strptime(str(row["invoiceDate"]), "%Y%m%d%H%M%S").replace(tzinfo=_CHINA)
        return Issued(
            number=str(row["invoiceNo"]),
            issued_at=moment.astimezone(UTC),
            amounts=Amounts(
                read_fen(str(row["invoiceTotalPrice"]), "不含税金额"),
                read_fen(str(row["invoiceTotalTax"]), "税额"),
                read_fen(str(row["invoiceTotalPriceTax"]), "价税合计"),
            ),
        )
    except (KeyError, ValueError, DomainError) as error:
        return Unknown(f"百望的开票结果不完整：{error!r}")


def _form_told(row: Mapping[str, Any], issued: Issued | None) -> FormTold:
    return FormTold(
        code=str(row.get("confirmState") or ""),
        number=str(row.get("redConfirmNo") or ""),
        uuid=str(row.get("redConfirmUuid") or ""),
        message=str(row.get("confirmMessage") or ""),
        issued=issued,
    )


def _issued_red(row: Mapping[str, Any]) -> Answer:
    """Return the red fapiao of a buyer's form, whose serial number is not ours."""
    try:
        net = read_fen(str(row["invoiceTotalPrice"]), "不含税金额")
        tax = read_fen(str(row["invoiceTotalTax"]), "税额")
        issued_at = _instant(str(row["redInvoiceDate"]))
        return Issued(str(row["redInvoiceNo"]), issued_at, Amounts(net, tax, net + tax))
    except MISSHAPEN as error:
        return Unknown(f"百望的红票结果不完整：{error!r}")


def _buyers(row: Mapping[str, Any]) -> BuyersForm:
    net = read_fen(str(row["invoiceTotalPrice"]), "不含税金额")
    tax = read_fen(str(row["invoiceTotalTax"]), "税额")
    return BuyersForm(
        code=str(row["confirmState"]),
        uuid=str(row["redConfirmUuid"]),
        number=str(row.get("redConfirmNo") or ""),
        blue_number=str(row["originalInvoiceNo"]),
        reason=_REASONS[str(row["redInvoiceLabel"])],
        amounts=Amounts(net, tax, net + tax),
        lines=tuple(_taken_back(each) for each in row.get("electricInvoiceDetails") or []),
        filed_at=_instant(str(row["entryDate"])),
    )


def _taken_back(detail: Mapping[str, Any]) -> tuple[int, Amounts]:
    net = read_fen(str(detail["goodsTotalPrice"]), "不含税金额")
    tax = read_fen(str(detail["goodsTotalTax"]), "税额")
    return int(detail["originalInvoiceDetailNo"]), Amounts(net, tax, net + tax)


def _instant(written: str) -> datetime:
    moment = datetime.strptime(written, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA)
    return in_our_time(moment, "时间")


def _detail(line: FapiaoLine) -> dict[str, Any]:
    return {
        "goodsLineNo": str(line.position),
        "invoiceLineNature": str(int(line.nature)),
        "goodsCode": line.code,
        "goodsName": line.item,
        "goodsSpecification": line.spec,
        "goodsUnit": line.unit,
        "goodsQuantity": line.quantity,
        "goodsPrice": line.price,
        "goodsTaxRate": write_rate(line.tax_ppm),
        "goodsTotalPrice": write_fen(line.net_fen),
        "goodsTotalTax": write_fen(line.tax_fen),
        "preferentialMarkFlag": "0",
    }
