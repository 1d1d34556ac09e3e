"""Signatures and seals, byte for byte; codes and limits of providers."""

from datetime import UTC, datetime, timedelta

from tests.rooms.fapiao.shop import KEY, Shop, baiwang_at, nuonuo_at
from tests.rooms.fapiao.test_amounts import line
from yuejie.contracts.terms import FapiaoKind
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao.amounts import total
from yuejie.fapiao.fapiao import Fapiao, Party, RedFapiao, RedLine
from yuejie.fapiao.issuing.watch import LOOKS, look
from yuejie.fapiao.life import FapiaoState, RedState
from yuejie.fapiao.providers import baiwang, nuonuo
from yuejie.fapiao.providers.port import Held, Provider
from yuejie.fapiao.providers.tokens import CALLS, Fetched, Tokens
from yuejie.fapiao.request import Pick
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


def test_a_kind_travels_in_the_code_of_each_provider(shop: Shop, platform: TaxPlatform) -> None:
    """bs and pc at Nuonuo, 01 and 02 at Baiwang and at the bureau (china-finance §2.6)."""
    spoken: tuple[Provider, ...] = (
        nuonuo_at(shop.db, platform.url),
        baiwang_at(shop.db, platform.url),
    )
    for number, speaks in enumerate(spoken):
        for code, kind in (("01", FapiaoKind.SPECIAL), ("02", FapiaoKind.ORDINARY)):
            bill = shop.bill(f"2026-{2 * number + int(code):02d}", [(10_600, 60_000)])
            (asked,) = shop.request(Pick(bill), kind=kind)
            shop.approve(asked, speaks.name)
            shop.works(speaks, platform, seconds=9)
            assert [r["kind"] for r in platform.issued() if r["key"] == asked.key] == [code]


def test_the_limit_is_looked_at_twenty_times_a_day_and_half_a_minute_apart(
    shop: Shop, platform: TaxPlatform
) -> None:
    speaks, seen = nuonuo_at(shop.db, platform.url), 0
    for second in range(0, 31 * 60, 15):
        now = shop.now + timedelta(seconds=second)
        seen += look(shop.db, speaks, now=now, asked_by_hand=True) is not None
    assert seen == LOOKS == 20
    calls = platform.tell("ready")["calls"].count("getCreditLine")
    assert calls == 2 * LOOKS, "fetched from the tax office, and read where Nuonuo keeps it"


def test_fifty_tokens_are_fetched_in_thirty_days_and_no_more(shop: Shop) -> None:
    tokens, fetched = Tokens(shop.db, "nuonuo", KEY), 0

    def fetch() -> Fetched:
        nonlocal fetched
        fetched += 1
        return Fetched(f"token {fetched}", timedelta(minutes=30))

    for hour in range(60):
        told = tokens.get(fetch, now=shop.now + timedelta(hours=hour))
        assert isinstance(told, Held) is (hour >= CALLS)
    assert fetched == CALLS == 50
    assert tokens.get(fetch, now=shop.now + timedelta(days=31)) == "token 51"


SEAL = "b9d082242028e3eb67419f542c4d1bc1f7dd7c9b0fc69fc9735f8a5105994394"
RED_SEAL = "252ced7bdce2f07248d8af5704257e7725713149e9debff6834023edffb46fc4"
