"""Nuonuo (诺诺 诺税通): the wire format of its open platform (china-finance §2.1).

Issuing is asynchronous: an order is accepted, then asked about by its order number. Callbacks carry
no signature and are hints only. Amounts travel as decimal texts, net of tax.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

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
    Refused,
    Session,
    Unheard,
    Unknown,
    Unsealed,
    of_a_question,
    own_row,
    refusal,
)
from yuejie.fapiao.providers.tokens import Fetched, Tokens
from yuejie.fapiao.providers.wire import NeverLeft, Silence, Wire
from yuejie.fapiao.reversing.form import NUONUO_REASON, RedReason
from yuejie.kernel.errors import DomainError
from yuejie.kernel.period import in_our_time, zone_of

NAME: Final = "nuonuo"
BASE_URL: Final = "https://sdk.nuonuo.com/open/v1/services"
TOKEN_URL: Final = "https://open.nuonuo.com/accessToken"  # noqa: S105 - an address
TOKEN_LASTS: Final = timedelta(hours=24)
_METHOD: Final = "nuonuo.OpeMplatform."
_OK: Final = "E0000"
_DUPLICATE: Final = "E9106"
_TAKEN: Final = ("申请号重复", "编号不能重复", "流水号不能重复", "订单号重复")
"""What it says of a number of ours that it knows already, whatever the code beside it."""
_UNHEARD: Final = "E9500"
_TOO_OFTEN: Final = "E9613"
_BAD_TOKEN: Final = frozenset({"070304", "070305"})
_ORDER: Final = "orderNo"
_SERIAL: Final = "serialNo"
"""What rows of results are named by; a question asks with the same word in the plural."""
_KINDS: Final = {FapiaoKind.SPECIAL: "bs", FapiaoKind.ORDINARY: "pc"}
_CHINA: Final = zone_of("Asia/Shanghai")
_FETCH, _HELD = "0", "1"
"""Whether the limit is fetched from the bureau, or told as Nuonuo holds it."""
_SELLER: Final = "0"
_PEOPLE: Final = frozenset({"02", "03"})
"""Forms that wait for somebody at the tax office, whose state Nuonuo hears late."""
_REASONS: Final = {code: reason for reason, code in NUONUO_REASON.items()}
_PAGE: Final = 50
_PAGES: Final = 20
_LOGIN: Final = {"0": "out", "1": "in"}
_IDENTITY: Final = {"1": "proved", "2": "wanted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NuonuoAccess:
    """The application's credentials at Nuonuo, and where it answers."""

    app_key: str
    app_secret: str = field(repr=False)
    base_url: str = BASE_URL
    token_url: str = TOKEN_URL


def signed_text(path: str, app_key: str, senid: str, nonce: str, timestamp: str, body: str) -> str:
    """Return what is signed: the path's last three parts, backwards, and the exact body."""
    first, second, third = path.strip("/").split("/")[-3:]
    return f"a={third}&l={second}&p={first}&k={app_key}&i={senid}&n={nonce}&t={timestamp}&f={body}"


def sign(secret: str, text: str) -> str:
    """Return X-Nuonuo-Sign: base64 of HMAC-SHA1."""
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class Nuonuo:
    """The port, spoken to Nuonuo."""

    name = NAME

    def __init__(self, access: NuonuoAccess, drawer: Drawer, tokens: Tokens, wire: Wire) -> None:
        self._access = access
        self._drawer = drawer
        self._tokens = tokens
        self._wire = wire

    @property
    def notebook(self) -> Notebook:
        """Return what was said and heard."""
        return self._wire.notebook

    def issue(self, fapiao: Fapiao, *, now: datetime) -> Answer:
        """Send an order; accepted it is asked about later."""
        told = self._call("requestBillingNew", {"order": self._order(fapiao, now)}, now)
        if not isinstance(told, _Told):
            return told
        if told.code == _OK:
            return Accepted(str(_of(told.result, "invoiceSerialNum")))
        return _refusal(told)

    def query(self, fapiao: Fapiao, *, now: datetime) -> Answer:
        """Ask about an order by its number."""
        return self._result(_ORDER, fapiao.key, now)

    def push_again(self, fapiao: Fapiao, *, now: datetime) -> Answer:
        """Ask Nuonuo to seal again; at most twenty times a day."""
        told = self._call("reInvoice", {"fpqqlsh": "", "orderno": fapiao.key}, now)
        if not isinstance(told, _Told):
            return told
        if told.code == _TOO_OFTEN:
            return Held(Hold.BUSY, told.describe)
        return Accepted() if told.code == _OK else _refusal(told)

    def fetch_files(self, subject: Fapiao | RedFapiao, *, now: datetime) -> Answer:
        """Look up the addresses of the files and download each."""
        found = self._found_of(subject, now)
        if not isinstance(found, Mapping):
            return found
        bodies: dict[str, bytes] = {}
        missing: list[str] = []
        for form in ("xml", "ofd", "pdf"):
            url = str(found.get(f"{form}Url") or "")
            try:
                bodies[form] = self._wire.get(f"file {form}", url)
            except (NeverLeft, Silence):
                missing.append(form)
        return Files(bodies, tuple(missing))

    def deliver(self, fapiao: Fapiao, *, now: datetime) -> Answer:
        """Have Nuonuo mail and text it."""
        body = {
            "taxnum": self._drawer.tax_number,
            "invoiceNum": fapiao.number or "",
            "phone": fapiao.mobile,
            "mail": ",".join(fapiao.emails),
        }
        told = self._call("deliveryInvoice", body, now)
        if not isinstance(told, _Told):
            return told
        return Done() if told.code == _OK else _refusal(told)

    def red_apply(self, red: RedFapiao, blue: Fapiao, *, now: datetime) -> Answer:
        """Apply for a form as the seller; `billId` is our own id of it."""
        told = self._call("saveInvoiceRedConfirm", self._form(red, blue), now)
        if not isinstance(told, _Told):
            return told
        return Accepted(str(told.result)) if told.code == _OK else _refusal(told)

    def red_query(self, red: RedFapiao, blue: Fapiao, *, now: datetime) -> Answer:
        """Ask about a form by our id of it, and about its fapiao where there is one.

        Of a form that waits for people Nuonuo keeps a copy; it is fetched anew first.
        """
        del blue
        row = self._form_row(red, now)
        if isinstance(row, Mapping) and row.get("billStatus") in _PEOPLE and row.get("billUuid"):
            fresh = {"identity": _SELLER, "billUuid": str(row["billUuid"])}
            self._call("refreshInvoiceRedConfirm", fresh, now)
            row = self._form_row(red, now)
        if not isinstance(row, Mapping):
            return row
        issued: Issued | None = None
        if row.get("redInvoiceNumber"):
            found = self._result(_SERIAL, str(row.get("invoiceSerialNum") or ""), now)
            if not isinstance(found, Issued):
                return Unknown(f"红字发票 {row['redInvoiceNumber']} 尚查不到开具结果")
            issued = found
        return FormTold(
            code=str(row.get("billStatus", "")),
            number=str(row.get("billNo") or ""),
            uuid=str(row.get("billUuid") or ""),
            message=str(row.get("billMessage") or ""),
            issued=issued,
        )

    def red_withdraw(self, red: RedFapiao, *, now: datetime) -> Answer:
        """Revoke a form as the seller."""
        told = self._call("confirmInfoCancel", {"billId": red.key, "identity": "0"}, now)
        if not isinstance(told, _Told):
            return told
        return Done() if told.code == _OK else _refusal(told)

    @property
    def forms_apart(self) -> timedelta:
        """Return an hour: three days are short, and Nuonuo sets no limit."""
        return timedelta(hours=1)

    def buyers_forms(self, *, since: date, now: datetime) -> Answer:
        """Have Nuonuo fetch the forms from the tax office, then list those of buyers that live."""
        today = now.astimezone(_CHINA).date().isoformat()
        span = {"startTime": since.isoformat(), "endTime": today}
        told = self._call("refreshInvoiceRedConfirm", {"identity": _SELLER, **span}, now)
        if not isinstance(told, _Told):
            return told
        forms: list[BuyersForm] = []
        unread: list[str] = []
        for page in range(1, _PAGES + 1):
            told = self._call(
                "queryInvoiceRedConfirm",
                {
                    "identity": _SELLER,
                    "billTimeStart": since.isoformat(),
                    "billTimeEnd": today,
                    "pageNo": str(page),
                    "pageSize": str(_PAGE),
                },
                now,
            )
            if not isinstance(told, _Told):
                return told
            if told.code != _OK:
                return of_a_question(_refusal(told))
            rows = _of(told.result, "list") or []
            for row in rows:
                form = _buyers(row) if _is_buyers(row) else None
                forms += [form] if form else []
                unread += [_called(row)] if form is None and _is_buyers(row) else []
            if len(rows) < _PAGE:
                break
        return FormsTold(tuple(forms), tuple(unread))

    def red_answer(self, red: RedFapiao, *, agree: bool, now: datetime) -> Answer:
        """Confirm or deny a buyer's form, by the number that Nuonuo gave it."""
        row = self._form_row(red, now)
        if not isinstance(row, Mapping):
            return of_a_question(row)
        body = {
            "billId": str(row.get("billId") or ""),
            "identity": _SELLER,
            "confirmAgreement": "1" if agree else "0",
        }
        told = self._call("confirm", body, now)
        if not isinstance(told, _Told):
            return told
        return Done() if told.code == _OK else _refusal(told)

    def session(self, *, now: datetime) -> Session:
        """Ask for the drawer's login and identity."""
        states = []
        for query in ("2", "1"):
            told = self._call(
                "getCertificationStatus", {"clerk": self._drawer.name, "queryType": query}, now
            )
            known = isinstance(told, _Told) and told.code == _OK
            states.append(str(_of(told.result, "certificationStatus")) if known else "")  # type: ignore[union-attr]  # why: known says that it is one
        login, identity = states
        return Session(_LOGIN.get(login, "unknown"), _IDENTITY.get(identity, "unknown"))

    def issuing_limit(self, *, now: datetime) -> IssuingLimit | None:
        """Have 发票总额度 fetched from the tax office, and ask for it as Nuonuo holds it.

        Fetching takes Nuonuo some seconds: what is not there yet is told by the next look.
        """
        self._call("getCreditLine", {"queryType": _FETCH}, now)
        told = self._call("getCreditLine", {"queryType": _HELD}, now)
        if not isinstance(told, _Told) or told.code != _OK:
            return None
        if _of(told.result, "availableCreditLine") is None:
            return None
        return IssuingLimit(
            total_fen=read_fen(str(_of(told.result, "totalCreditLine")), "总额度"),
            used_fen=read_fen(str(_of(told.result, "usedCreditLine")), "已用额度"),
            available_fen=read_fen(str(_of(told.result, "availableCreditLine")), "可用额度"),
        )

    # the wire -----------------------------------------------------------------------------------

    def _call(self, method: str, body: Mapping[str, Any], now: datetime) -> "_Told | Answer":
        """Put one question; what is no answer of Nuonuo's is an answer of the port."""
        token = self._tokens.get(self._fetch_token, now=now)
        if not isinstance(token, str):
            return token
        written = msgspec.json.encode(body).decode()
        senid, nonce = secrets.token_hex(16), f"{secrets.randbelow(10**8):08d}"
        stamp = str(int(now.timestamp()))
        asked = {"senid": senid, "nonce": nonce, "timestamp": stamp, "appkey": self._access.app_key}
        base = self._access.base_url
        text = signed_text(urlsplit(base).path, self._access.app_key, senid, nonce, stamp, written)
        headers = [
            ("Content-Type", "application/json; charset=UTF-8"),
            ("X-Nuonuo-Sign", sign(self._access.app_secret, text)),
            ("accessToken", token),
            ("userTax", self._drawer.tax_number),
            ("method", _METHOD + method),
        ]
        heard = self._wire.ask(method, f"{base}?{urlencode(asked)}", headers, written.encode())
        return self._read(heard) if isinstance(heard, bytes) else heard

    def _read(self, heard: bytes) -> "_Told | Answer":
        try:
            told = msgspec.json.decode(heard, type=_Told)
        except msgspec.MsgspecError as error:
            return Unknown(f"读不懂诺诺的答复：{error}")
        if told.code in _BAD_TOKEN:
            self._tokens.spoil()
            return Held(Hold.BUSY, f"{told.code} {told.describe}")
        if told.code.startswith("07"):
            # The gateway's own refusals come before the application: nothing took effect.
            return Held(Hold.BUSY, f"{told.code} {told.describe}")
        return told

    def _fetch_token(self) -> Fetched:
        asked = urlencode(
            {
                "client_id": self._access.app_key,
                "client_secret": self._access.app_secret,
                "grant_type": "client_credentials",
            }
        ).encode()
        headers = [("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")]
        heard = self._wire.post("token", self._access.token_url, headers, asked, secret=True)
        try:
            told: dict[str, Any] = msgspec.json.decode(heard)
        except msgspec.MsgspecError as error:
            raise Silence(f"读不懂令牌答复：{error}") from error
        if not told.get("access_token"):
            raise Silence(str(told.get("error_description") or told.get("error") or told))
        lasts = timedelta(seconds=int(told.get("expires_in") or TOKEN_LASTS.total_seconds()))
        return Fetched(str(told["access_token"]), lasts)

    def _result(self, name: str, value: str, now: datetime) -> Answer:
        found = self._found(name, value, now)
        return _state(found) if isinstance(found, Mapping) else found

    def _found_of(self, subject: Fapiao | RedFapiao, now: datetime) -> Mapping[str, Any] | Answer:
        """Return the row of a fapiao; a buyer's red one has an order number that is not ours."""
        if isinstance(subject, Fapiao) or not subject.is_buyers:
            return self._found(_ORDER, subject.key, now)
        row = self._form_row(subject, now)
        if not isinstance(row, Mapping):
            return row
        return self._found(_SERIAL, str(row.get("invoiceSerialNum") or ""), now)

    def _form_row(self, red: RedFapiao, now: datetime) -> Mapping[str, Any] | Answer:
        """Return Nuonuo's row of a form: ours by our id of it, a buyer's by the tax office's."""
        name, value = ("billUuid", red.form_uuid) if red.is_buyers else ("billId", red.key)
        body = {"identity": _SELLER, name: value, "pageNo": "1", "pageSize": "10"}
        told = self._call("queryInvoiceRedConfirm", body, now)
        if not isinstance(told, _Told):
            return told
        if told.code != _OK:
            return of_a_question(_refusal(told))
        rows = _of(told.result, "list") or []
        return own_row(rows, name, value) if rows else Unheard()

    def _found(self, name: str, value: str, now: datetime) -> Mapping[str, Any] | Answer:
        """Return the row of an order number or a serial number, which the row itself must say."""
        asked = {f"{name}s": [value], "isOfferInvoiceDetail": "0"}
        told = self._call("queryInvoiceResult", asked, now)
        if not isinstance(told, _Told):
            return told
        if told.code == _UNHEARD or (told.code == _OK and not told.result):
            return Unheard()
        if told.code != _OK:
            return of_a_question(_refusal(told))
        rows = told.result if isinstance(told.result, list) else [told.result]
        return own_row(rows, name, value)

    def _order(self, fapiao: Fapiao, now: datetime) -> dict[str, Any]:
        buyer, seller = fapiao.buyer, fapiao.seller
        return {
            "buyerName": buyer.name,
            "buyerTaxNum": buyer.tax_number,
            "buyerTel": buyer.phone,
            "buyerAddress": buyer.address,
            "buyerAccount": f"{buyer.bank_name} {buyer.bank_account}".strip(),
            "salerTaxNum": seller.tax_number,
            "salerTel": seller.phone,
            "salerAddress": seller.address,
            "salerAccount": f"{seller.bank_name} {seller.bank_account}".strip(),
            "orderNo": fapiao.key,
            "invoiceDate": f"{now.astimezone(_CHINA):%Y-%m-%d %H:%M:%S}",
            "clerk": self._drawer.name,
            "remark": fapiao.remark,
            "pushMode": "-1",
            "invoiceType": "1",
            "invoiceLine": _KINDS[fapiao.kind],
            "callBackUrl": self._drawer.callback_url,
            "naturalPersonFlag": "1" if buyer.natural_person else "0",
            "invoiceDetail": [_detail(line) for line in fapiao.lines],
        }

    def _form(self, red: RedFapiao, blue: Fapiao) -> dict[str, Any]:
        body: dict[str, Any] = {
            "billId": red.key,
            "blueInvoiceLine": _KINDS[blue.kind],
            "applySource": "0",
            "blueElecInvoiceNumber": red.blue_number,
            "sellerTaxNo": blue.seller.tax_number,
            "sellerName": blue.seller.name,
            "buyerTaxNo": blue.buyer.tax_number,
            "buyerName": blue.buyer.name,
            "redReason": NUONUO_REASON[RedReason(red.reason)],
            "orderNo": red.key,
            "callbackUrl": self._drawer.callback_url,
        }
        if not red.whole:
            body["detail"] = [
                {
                    "blueDetailIndex": str(line.blue_position),
                    "taxExcludedAmount": write_fen(line.net_fen),
                    "tax": write_fen(line.tax_fen),
                    "taxRate": write_rate(blue.lines[line.blue_position - 1].tax_ppm),
                    "goodsName": blue.lines[line.blue_position - 1].item,
                    "goodsCode": blue.lines[line.blue_position - 1].code,
                }
                for line in red.lines
            ]
        return body


def _is_buyers(row: Mapping[str, Any]) -> bool:
    """Tell whether a row is a form that the buyer started and that lives."""
    return str(row.get("applySource")) == "1" and row.get("billStatus") in LIVING


def _called(row: Mapping[str, Any]) -> str:
    return str(row.get("billNo") or row.get("billUuid") or "")


def _buyers(row: Mapping[str, Any]) -> BuyersForm | None:
    """Read a buyer's form; None for one that cannot be read."""
    try:
        net = read_fen(str(row["taxExcludedAmount"]), "不含税金额")
        tax = read_fen(str(row["taxAmount"]), "税额")
        filed = datetime.strptime(str(row["billTime"]), "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA)
        return BuyersForm(
            code=str(row["billStatus"]),
            uuid=str(row["billUuid"]),
            number=str(row.get("billNo") or ""),
            blue_number=str(row.get("blueElecInvoiceNumber") or row["blueInvoiceNumber"]),
            reason=_REASONS[str(row["redReason"])],
            amounts=Amounts(net, tax, net + tax),
            lines=tuple(_taken_back(each) for each in row.get("detail") or []),
            filed_at=in_our_time(filed, "提交时间"),
        )
    except MISSHAPEN:
        return None


def _taken_back(detail: Mapping[str, Any]) -> tuple[int, Amounts]:
    net = read_fen(str(detail["taxExcludedAmount"]), "不含税金额")
    tax = read_fen(str(detail["taxAmount"]), "税额")
    return int(detail["blueDetailIndex"]), Amounts(net, tax, net + tax)


class _Told(msgspec.Struct, frozen=True):
    """Nuonuo's envelope."""

    code: str
    describe: str = ""
    result: Any = None


def _of(result: Any, name: str) -> Any:  # noqa: ANN401 - what a provider says may be anything
    return result.get(name) if isinstance(result, Mapping) else None


def _refusal(told: _Told) -> Answer:
    if told.code == _DUPLICATE or any(word in told.describe for word in _TAKEN):
        return Duplicate()
    if told.code == _UNHEARD:
        return Unheard()
    return refusal(told.code, told.describe)


def _state(found: Mapping[str, Any]) -> Answer:
    """Read what became of an order: 2 done, 20 and 21 under way, 22 failed, 24 unsealed."""
    match str(found.get("status", "")):
        case "2":
            return _issued(found)
        case "20" | "21":
            return Accepted(str(found.get("serialNo") or ""))
        case "22":
            return Refused("22", str(found.get("failCause") or "开票失败"))
        case "24":
            return Unsealed(str(found.get("failCause") or "签章失败"))
        case other:
            return Unknown(f"诺诺答复了未知状态“{other}”")


def _issued(found: Mapping[str, Any]) -> Answer:
    try:
        return Issued(
            number=str(found["allElectronicInvoiceNumber"]),
            issued_at=datetime.fromtimestamp(int(found["invoiceTime"]) // 1000, UTC),
            amounts=Amounts(
                read_fen(str(found["exTaxAmount"]), "不含税金额"),
                read_fen(str(found["taxAmount"]), "税额"),
                read_fen(str(found["orderAmount"]), "价税合计"),
            ),
        )
    except (KeyError, ValueError, DomainError) as error:
        return Unknown(f"诺诺的开票结果不完整：{error!r}")


def _detail(line: FapiaoLine) -> dict[str, Any]:
    return {
        "goodsName": line.item,
        "goodsCode": line.code,
        "withTaxFlag": "0",
        "price": line.price,
        "num": line.quantity,
        "unit": line.unit,
        "specType": line.spec,
        "taxRate": write_rate(line.tax_ppm),
        "taxExcludedAmount": write_fen(line.net_fen),
        "tax": write_fen(line.tax_fen),
        "taxIncludedAmount": write_fen(line.gross_fen),
        "invoiceLineProperty": str(int(line.nature)),
        "favouredPolicyFlag": "0",
        "zeroRateFlag": "",
    }
