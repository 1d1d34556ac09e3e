"""阿里云短信 and 腾讯云短信: signatures over the exact bytes, times, nonces, limits per number.

Sources: help.aliyun.com, V3 版本请求体与签名机制 and the table of error codes of SendSms (business
errors come with HTTP 200); cloud.tencent.com, 接口鉴权 v3 and the error codes of SendSms.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

from yuejie.demo.post.world import SMS_APP, SMS_ID, SMS_SECRET, SMS_SIGN, Answer, Flow, Got, World

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_LIMITED: Final = "isv.BUSINESS_LIMIT_CONTROL"
ALIYUN_NOTICES: Final = (Flow(50, _DAY, _LIMITED, "触发天级流控Permits:50"),)
"""A notification: fifty a day to a number of one signature and template."""
ALIYUN_CODES: Final = (
    Flow(1, _MINUTE, _LIMITED, "触发分钟级流控Permits:1"),
    Flow(5, _HOUR, _LIMITED, "触发小时级流控Permits:5"),
    Flow(10, _DAY, _LIMITED, "触发天级流控Permits:10"),
)
"""A verification code, and whatever an operator's console set to the same."""
TENCENT_NUMBERS: Final = (
    Flow(1, _MINUTE / 2, "LimitExceeded.PhoneNumberThirtySecondLimit"),
    Flow(5, _HOUR, "LimitExceeded.PhoneNumberOneHourLimit"),
    Flow(10, _DAY, "LimitExceeded.PhoneNumberDailyLimit"),
)
"""What a fresh account allows to one number."""
_SIGNED: Final = frozenset(
    {
        *("host", "x-acs-action", "x-acs-content-sha256", "x-acs-date"),
        *("x-acs-signature-nonce", "x-acs-version"),
    }
)
_PHONE: Final = re.compile(r"(\+86)?1[3-9]\d{9}|\+[1-9]\d{6,14}|00[1-9]\d{6,14}")
_URL: Final = re.compile(r"(?i)https?:|www\.|\.(com|cn|net)\b")
_VALUE: Final = 35


def aliyun(world: World, got: Got) -> Answer:
    """Answer a SendSms; what is wrong with the call is a 4xx, what with the SMS a 200."""
    refusal = _acs_refusal(world, got)
    if refusal is not None:
        status, code, words = refusal
        return status, {"Code": code, "Message": words, "RequestId": _request_id(got)}
    asked = got.query
    code, words = _aliyun_judged(world, asked)
    said = {"Code": code, "Message": words, "RequestId": _request_id(got)}
    if code != "OK":
        return 200, said
    number = f"{asked['PhoneNumbers']} {asked['SignName']} {asked['TemplateCode']}"
    world.balance -= 1
    text = f"【{asked['SignName']}】{asked['TemplateCode']} {asked.get('TemplateParam', '')}"
    world.take(number, "aliyun_sms", asked["PhoneNumbers"], asked.get("OutId", ""), text)
    return 200, said | {"BizId": f"{900619746936498440 + world.balance}^0"}


def _acs_refusal(world: World, got: Got) -> tuple[int, str, str] | None:
    headers = got.headers
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    facts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    signed = facts.get("SignedHeaders", "").split(";")
    if scheme != "ACS3-HMAC-SHA256" or not set(signed) >= _SIGNED:
        return 400, "IncompleteSignature", "The request signature does not conform to standards."
    if facts.get("Credential") != SMS_ID:
        return 404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."
    try:
        at = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return 400, "InvalidTimeStamp.Format", "Specified time stamp is not well formatted."
    if abs(at - world.now()) > _MINUTE * 15:
        return 400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."
    body_hash = hashlib.sha256(got.body).hexdigest()
    query = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(got.query.items())
    )
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(signed))
    path = urlsplit(got.path).path
    canonical = f"POST\n{path}\n{query}\n{lines}\n{';'.join(sorted(signed))}\n{body_hash}"
    said = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    wanted = hmac.new(SMS_SECRET.encode(), said.encode(), hashlib.sha256).hexdigest()
    if headers["x-acs-content-sha256"] != body_hash or facts.get("Signature") != wanted:
        words = f"Specified signature is not matched; server string to sign is: {said}"
        return 400, "SignatureDoesNotMatch", words
    nonce = headers["x-acs-signature-nonce"]
    if nonce in world.nonces:
        return 400, "SignatureNonceUsed", "Specified signature nonce was used already."
    world.nonces.add(nonce)
    if (headers["x-acs-action"], headers["x-acs-version"]) != ("SendSms", "2017-05-25"):
        return 404, "InvalidAction.NotFound", "Specified api is not found."
    return None


def _aliyun_judged(world: World, asked: Mapping[str, str]) -> tuple[str, str]:
    """Return code and words of one SMS."""
    try:
        values = json.loads(asked.get("TemplateParam", "{}"))
    except ValueError:
        values = None
    template = asked.get("TemplateCode", "")
    if not re.fullmatch(
        r"1[3-9]\d{9}|00[1-9]\d{6,14}|\+[1-9]\d{6,14}", asked.get("PhoneNumbers", "")
    ):
        return "isv.MOBILE_NUMBER_ILLEGAL", "手机号码格式错误"
    if asked.get("SignName") != SMS_SIGN:
        return "isv.SMS_SIGNATURE_ILLEGAL", "短信签名不合法"
    if not re.fullmatch(r"SMS_\d+", template):
        return "isv.SMS_TEMPLATE_ILLEGAL", "模板不合法(不存在或被拉黑)"
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
        return "isv.INVALID_JSON_PARAM", "参数格式错误"
    if any(_URL.search(each) for each in values.values()):
        return "isv.PARAM_NOT_SUPPORT_URL", "变量不支持传入URL"
    if any(len(each) > _VALUE for each in values.values()):
        return "isv.PARAM_LENGTH_LIMIT", "变量长度受限"
    if world.balance <= 0:
        return "isv.AMOUNT_NOT_ENOUGH", "账户余额不足"
    number = f"{asked['PhoneNumbers']} {asked['SignName']} {template}"
    flow = _hit(world, number, world.aliyun_flow or ALIYUN_NOTICES)
    return (flow.code, flow.words) if flow else ("OK", "OK")


def tencent(world: World, got: Got) -> Answer:
    """Answer a SendSms: always 200, an Error for the call or a Code for each number."""
    error = _tc3_refusal(world, got) or _tencent_refusal(got)
    said: dict[str, Any] = {"RequestId": _request_id(got)}
    if error is not None:
        said["Error"] = {"Code": error[0], "Message": error[1]}
        return 200, {"Response": said}
    said["SendStatusSet"] = [
        _tencent_status(world, got, each) for each in got.json["PhoneNumberSet"]
    ]
    return 200, {"Response": said}


def _tc3_refusal(world: World, got: Got) -> tuple[str, str] | None:
    headers = got.headers
    found = re.fullmatch(
        r"TC3-HMAC-SHA256 Credential=([^/]+)/([\d-]+)/(\w+)/tc3_request, ?"
        r"SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})",
        headers.get("authorization", ""),
    )
    stamp = headers.get("x-tc-timestamp", "")
    if found is None or not {"content-type", "host"} <= set(found[4].split(";")):
        return "AuthFailure.InvalidAuthorization", "请求头部的 Authorization 不符合腾讯云标准。"
    if not stamp.isdecimal() or abs(int(stamp) - world.now().timestamp()) > 300:
        return (
            "AuthFailure.SignatureExpire",
            "签名过期。Timestamp 与服务器接收到请求的时间相差不得超过五分钟。",
        )
    if found[1] != SMS_ID:
        return "AuthFailure.SecretIdNotFound", "密钥不存在。"
    day = f"{datetime.fromtimestamp(int(stamp), UTC):%Y-%m-%d}"
    lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in found[4].split(";"))
    canonical = f"POST\n/\n\n{lines}\n{found[4]}\n{hashlib.sha256(got.body).hexdigest()}"
    said = (
        f"TC3-HMAC-SHA256\n{stamp}\n{day}/{found[3]}/tc3_request\n"
        f"{hashlib.sha256(canonical.encode()).hexdigest()}"
    )
    key = f"TC3{SMS_SECRET}".encode()
    for part in (day, found[3], "tc3_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    wanted = hmac.new(key, said.encode(), hashlib.sha256).hexdigest()
    if found[2] != day or found[3] != "sms" or not hmac.compare_digest(found[5], wanted):
        return "AuthFailure.SignatureFailure", "签名错误。请检查密钥与签名算法。"
    return None


def _tencent_refusal(got: Got) -> tuple[str, str] | None:
    headers, asked = got.headers, got.json
    if headers.get("x-tc-action") != "SendSms" or headers.get("x-tc-version") != "2021-01-11":
        return "InvalidAction", "接口不存在。"
    if not headers.get("x-tc-region"):
        return "MissingParameter", "缺少参数 X-TC-Region。"
    numbers = asked.get("PhoneNumberSet")
    if not numbers:
        return "MissingParameter.EmptyPhoneNumberSet", "传入的号码列表为空。"
    if len(numbers) > 200:
        return "LimitExceeded.PhoneNumberCountLimit", "单次提交的手机号个数超过200个。"
    if asked.get("SmsSdkAppId") != SMS_APP:
        return "UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId 校验失败。"
    return None


def _tencent_status(world: World, got: Got, number: str) -> dict[str, Any]:
    asked = got.json
    code, words = _tencent_judged(world, asked, number)
    serial = ""
    if code == "Ok":
        world.balance -= 1
        serial = f"2028:f825e6b16e23f73f{world.balance:08d}"
        text = f"【{asked['SignName']}】{asked['TemplateId']} {asked.get('TemplateParamSet')}"
        world.take(number, "tencent_sms", number, str(asked.get("SessionContext", "")), text)
    return {
        "SerialNo": serial,
        "PhoneNumber": number,
        "Fee": int(code == "Ok"),
        "SessionContext": asked.get("SessionContext", ""),
        "Code": code,
        "Message": words,
        "IsoCode": "CN",
    }


def _tencent_judged(world: World, asked: Mapping[str, Any], number: str) -> tuple[str, str]:
    values = [str(each) for each in asked.get("TemplateParamSet") or []]
    if not _PHONE.fullmatch(number):
        return "InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number"
    if asked.get("SignName") != SMS_SIGN:
        words = "signature is incorrect or unapproved"
        return "FailedOperation.SignatureIncorrectOrUnapproved", words
    if not re.fullmatch(r"\d+", str(asked.get("TemplateId", ""))):
        words = "template is incorrect or unapproved"
        return "FailedOperation.TemplateIncorrectOrUnapproved", words
    if any(_URL.search(each) for each in values):
        words = "url is prohibited in template parameter"
        return "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter", words
    if world.balance <= 0:
        words = "insufficient balance in sms package"
        return "FailedOperation.InsufficientBalanceInSmsPackage", words
    flow = _hit(world, number, world.tencent_flow or TENCENT_NUMBERS)
    if flow:
        return flow.code, "the number of sms messages sent to a single mobile number is limited"
    return "Ok", "send success"


def _hit(world: World, number: str, flows: Sequence[Flow]) -> Flow | None:
    """Return the limit that one more SMS would break."""
    return next((flow for flow in flows if world.count(number, flow.within) >= flow.most), None)


def _request_id(got: Got) -> str:
    return hashlib.sha256(got.body + got.path.encode()).hexdigest()[:32].upper()
