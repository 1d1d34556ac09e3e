"""The simulated tax platform refuses what the real one refuses, whoever sent it."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from yuejie.demo.tax import nuonuo
from yuejie.demo.tax.rules import LINES, Line, Order, Refusal, check
from yuejie.demo.tax.world import TOKENS, World
from yuejie.kernel.clock import SystemClock

LINE = Line(
    item="*信息系统增值服务*大模型API技术服务费",
    code="3040205000000000000",
    nature="0",
    quantity="",
    price="",
    rate=Decimal("0.06"),
    net=Decimal("100.00"),
    tax=Decimal("6.00"),
    gross=Decimal("106.00"),
)
CUT = replace(
    LINE, nature="1", net=Decimal("-10.00"), tax=Decimal("-0.60"), gross=Decimal("-10.60")
)
TOO_MUCH = replace(CUT, net=Decimal("-103.77"), tax=Decimal("-6.23"), gross=Decimal("-110.00"))
ORDER = Order(
    key="N26abc",
    kind="01",
    buyer_name="乙公司",
    buyer_tax_number="91440300708461136T",
    natural_person=False,
    seller_tax_number="91330106MA2AYNWD8M",
    clerk="张三",
    remark="",
    callback="",
    lines=(LINE,),
)
QUERY = {"appkey": nuonuo.APP_KEY, "senid": "5e" * 16, "nonce": "12345678", "timestamp": "1"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "truth.jsonl", SystemClock())


def signed(body: bytes, secret: str = nuonuo.APP_SECRET) -> str:
    text = (
        f"a=services&l=v1&p=open&k={QUERY['appkey']}&i={QUERY['senid']}"
        f"&n={QUERY['nonce']}&t={QUERY['timestamp']}&f={body.decode()}"
    )
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), hashlib.sha1)).decode()


def asks(world: World, body: bytes, sign: str, *, token: str = nuonuo.TOKEN) -> str:
    headers = {
        "x-nuonuo-sign": sign,
        "accesstoken": token,
        "method": "nuonuo.OpeMplatform.queryInvoiceResult",
    }
    return str(nuonuo.answer(world, QUERY, headers, body)["code"])


def test_the_signature_is_over_the_exact_bytes(world: World) -> None:
    body = json.dumps({"orderNos": ["none"]}).encode()
    assert asks(world, body, signed(body)) in {"E0000", "E9500"}
    assert asks(world, body + b" ", signed(body)) == "070101"
    assert asks(world, body, signed(body, "GUESSED")) == "070101"
    assert asks(world, body, signed(body), token="other") == "070305"


def test_fifty_tokens_in_thirty_days_and_only_for_the_secret(world: World) -> None:
    asked = f"client_id={nuonuo.APP_KEY}&client_secret={nuonuo.APP_SECRET}".encode()
    assert nuonuo.token(world, asked.replace(b"SECRET", b"GUESS"))["error"] == "070304"
    assert all("access_token" in nuonuo.token(world, asked) for _ in range(TOKENS))
    assert nuonuo.token(world, asked)["error"] == "070306"


def test_a_sound_order_passes() -> None:
    check(ORDER)
    check(replace(ORDER, lines=(replace(LINE, nature="2"), CUT, LINE)))


@pytest.mark.parametrize(
    ("order", "code", "why"),
    [
        (replace(ORDER, key="N" * 21), "E9302", "订单号"),
        (replace(ORDER, clerk=""), "E9302", "开票员"),
        (replace(ORDER, remark="备" * 201), "E9302", "备注"),
        (replace(ORDER, lines=(LINE,) * (LINES + 1)), "E9302", "明细"),
        (replace(ORDER, buyer_tax_number=""), "E9303", "不能为空"),
        (replace(ORDER, buyer_tax_number="914403007084611360"), "E9303", "校验不通过"),
        (replace(ORDER, lines=(replace(LINE, code="1" * 19),)), "E9304", "编码"),
        (
            replace(ORDER, lines=(replace(LINE, item="*信息技术服务*服务费"),)),
            "E9304",
            "合法值为:信息系统增值服务",
        ),
        (replace(ORDER, lines=(replace(LINE, gross=Decimal("106.01")),)), "E9302", "之和"),
        (
            replace(ORDER, lines=(replace(LINE, tax=Decimal("6.02"), gross=Decimal("106.02")),)),
            "E9302",
            "误差",
        ),
        (
            replace(ORDER, lines=(replace(LINE, quantity="3", price="33.32"),)),
            "E9302",
            "单价乘数量",
        ),
        (replace(ORDER, lines=(CUT, LINE)), "E9105", "折扣行"),
        (replace(ORDER, lines=(replace(LINE, nature="2"), LINE, CUT)), "E9105", "不成对"),
        (
            replace(ORDER, lines=(replace(LINE, nature="2"), replace(CUT, rate=Decimal("0.03")))),
            "E9302",
            "误差",
        ),
        (replace(ORDER, lines=(LINE, CUT)), "E9105", "不成对"),
        (replace(ORDER, lines=(replace(LINE, nature="2"), TOO_MUCH)), "E9105", "不合规则"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_its_code(order: Order, code: str, why: str) -> None:
    with pytest.raises(Refusal, match=why) as caught:
        check(order)
    assert caught.value.code == code
