"""Signatures and seals, byte for byte."""

from datetime import UTC, datetime

from tests.rooms.fapiao.test_amounts import line
from yuejie.contracts.terms import FapiaoKind
from yuejie.fapiao.amounts import total
from yuejie.fapiao.fapiao import Fapiao, Party, RedFapiao, RedLine
from yuejie.fapiao.life import FapiaoState, RedState
from yuejie.fapiao.providers import baiwang, nuonuo
from yuejie.fapiao.seal import GENESIS, canonical, canonical_red, seal_of
from yuejie.kernel.ids import CustomerId

WHEN = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
LINES = (line(10_600),)
FAPIAO = Fapiao(
    fapiao_id="fapiao_1",
    customer_id=CustomerId("cus_1"),
    request_id="fpreq_1",
    key="N2611AAAAAAAAAA",
    kind=FapiaoKind.SPECIAL,
    state=FapiaoState.ISSUED,
    buyer=Party(name="甲公司", tax_number="91440300708461136T"),
    seller=Party(name="乙公司", tax_number="91350100M000100Y43"),
    emails=(),
    mobile="",
    remark="账单 YJ2026000001",
    amounts=total(LINES),
    lines=LINES,
    requested_by="a",
    requested_at=WHEN,
    number="26442000000000000001",
    issued_at=WHEN,
)
RED = RedFapiao(
    red_id="red_1",
    customer_id=CustomerId("cus_1"),
    fapiao_id="fapiao_1",
    blue_number="26442000000000000001",
    key="R2611AAAAAAAAAA",
    reason="mistake",
    state=RedState.ISSUED,
    form_code="01",
    form_number="44000000000000000001",
    form_uuid="u1",
    whole=True,
    amounts=-FAPIAO.amounts,
    lines=(RedLine(1, 1, -10_000, -600, -10_600),),
    requested_by="a",
    requested_at=WHEN,
    number="26442000000000000002",
    issued_at=WHEN,
)


def test_nuonuo_signs_as_its_gateway_accepts() -> None:
    """The vector that the live gateway took on 2026-09-22 (china-finance §2.1)."""
    text = nuonuo.signed_text(
        "/open/v1/services", "APPKEY", "SENID", "12345678", "1700000000", '{"a":1}'
    )
    assert text == 'a=services&l=v1&p=open&k=APPKEY&i=SENID&n=12345678&t=1700000000&f={"a":1}'
    assert nuonuo.sign("SECRET", text) == "7iSZiR+0g+376QEJ38xLM+3vGDs="


def test_baiwang_signs() -> None:
    params = {
        "method": "baiwang.output.invoice.query",
        "version": "6.0",
        "appKey": "APPKEY",
        "format": "json",
        "timestamp": "1700000000000",
        "token": "TOKEN",
        "type": "sync",
        "requestId": "REQ1",
    }
    body = '{"taxNo":"91330106MA2AYNWD8M","data":{"serialNo":"B1"}}'
    assert baiwang.sign("SECRET", params, body) == "AFC855247C8DECB289DCFDDBE034D010"
    assert baiwang.sign("SECRET", {**params, "empty": ""}, body) == (
        "AFC855247C8DECB289DCFDDBE034D010"
    )


def test_the_canonical_form_and_its_seal() -> None:
    body = canonical(FAPIAO, GENESIS)
    assert body.decode() == (
        '{"buyer":["甲公司","91440300708461136T",false,"","","",""],"customer_id":"cus_1",'
        '"fapiao_id":"fapiao_1","form":1,"issued_at":"2026-11-05T02:00:00+00:00",'
        '"key":"N2611AAAAAAAAAA","kind":"special","lines":[[1,0,"bill_1",1,'
        '"3040205000000000000","*信息系统增值服务*大模型API技术服务费","","","","",60000,10000,'
        '600,10600]],"number":"26442000000000000001","previous":"' + "0" * 64 + '",'
        '"remark":"账单 YJ2026000001","seller":["乙公司","91350100M000100Y43",false,"","","",""],'
        '"totals_fen":[10000,600,10600],"what":"fapiao"}'
    )
    assert seal_of(body).hex() == SEAL
    red = canonical_red(RED, seal_of(body))
    assert red.decode() == (
        '{"blue_number":"26442000000000000001","customer_id":"cus_1","fapiao_id":"fapiao_1",'
        '"form":1,"form_number":"44000000000000000001","issued_at":"2026-11-05T02:00:00+00:00",'
        '"key":"R2611AAAAAAAAAA","lines":[[1,1,-10000,-600,-10600]],'
        '"number":"26442000000000000002","previous":"' + SEAL + '","reason":"mistake",'
        '"red_id":"red_1","totals_fen":[-10000,-600,-10600],"what":"red_fapiao"}'
    )
    assert seal_of(red).hex() == RED_SEAL


SEAL = "b9d082242028e3eb67419f542c4d1bc1f7dd7c9b0fc69fc9735f8a5105994394"
RED_SEAL = "252ced7bdce2f07248d8af5704257e7725713149e9debff6834023edffb46fc4"
