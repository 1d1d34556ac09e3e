"""Signatures, byte for byte: the vectors of the vendors' documents."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from yuejie.kernel.errors import Invalid
from yuejie.notices.channels import aliyun_sms, dingtalk, feishu, tencent_sms, webhook

ALIYUN_AT = datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC)
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def test_dingtalk_signs_milliseconds_and_secret_with_the_secret() -> None:
    assert dingtalk.sign("SECtest", 1_700_000_000_000) == (
        "aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g="
    )


def test_feishu_signs_nothing_with_seconds_and_secret() -> None:
    assert feishu.sign("test", 1_700_000_000) == "eSJQnOl8XqPTMPHWz9e5IzeHS/tqoc68g2967ekIPmg="


def test_aliyun_signs_its_own_example() -> None:
    query = aliyun_sms.query_of(
        {
            "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
            "RegionId": "cn-shanghai",
        }
    )
    headers = aliyun_sms.headers_of(
        "ecs.cn-shanghai.aliyuncs.com",
        "RunInstances",
        "2014-05-26",
        "3156853299f313e23d1673dc12e1703d",
        ALIYUN_AT,
    )
    assert aliyun_sms.signature("YourAccessKeySecret", headers, query) == (
        "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_aliyun_signs_an_sms() -> None:
    parameters = {
        "PhoneNumbers": "13800000000",
        "SignName": "测试签名",
        "TemplateCode": "SMS_000000001",
        "TemplateParam": '{"bill":"B202610-0001","amt":"95000.00"}',
    }
    headers = aliyun_sms.headers_of(
        "dysmsapi.aliyuncs.com", "SendSms", "2017-05-25", "00000000000000000000000000000001", AT
    )
    assert aliyun_sms.signature("testSecret", headers, aliyun_sms.query_of(parameters)) == (
        "305906eaf7ec82ac006e41253390e037c95fc44c3a065e3fc6aa3e99e544b6cd"
    )


def test_tencent_signs_its_own_example() -> None:
    body = (
        b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    )
    assert hashlib.sha256(body).hexdigest().startswith("35e9c5b0e3ae67532d3c9f17ead6c90222632e5b")
    made = tencent_sms.signature(
        "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        "cvm.tencentcloudapi.com",
        "cvm",
        body,
        datetime.fromtimestamp(1_551_113_065, UTC),
    )
    assert made == "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"


def test_tencent_signs_an_sms() -> None:
    content = {
        "PhoneNumberSet": ["+8613800000000"],
        "SmsSdkAppId": "1400000000",
        "SignName": "测试签名",
        "TemplateId": "1000001",
        "TemplateParamSet": ["B202610-0001", "95000.00"],
    }
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    at = datetime.fromtimestamp(1_795_399_200, UTC)
    made = tencent_sms.signature("testSecretKey", "sms.tencentcloudapi.com", "sms", body, at)
    assert made == "912925953cdc1be01a20afaabf58070cac9cbc92822b7f3853386997f5a64388"


def test_a_webhook_is_signed_as_the_standard_has_it() -> None:
    made = webhook.sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "secret", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_%"]
)
def test_a_webhook_key_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(Invalid, match="whsec_"):
        webhook.key_of(secret)


def test_a_fresh_webhook_key_has_256_bits() -> None:
    assert len(webhook.key_of(webhook.make_secret())) == 32
