"""Signing platforms: published vectors byte for byte, and the errand that reaches them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from tests.rooms.contracts.life.test_workflow import BODY
from yuejie.contracts.documents.store import has_signed_copy, paper_body, papers_of
from yuejie.contracts.esign import esign, fadada
from yuejie.contracts.esign.errand import PATIENCE, ask_signature, hear_callback, work_off
from yuejie.contracts.esign.esign import Esign
from yuejie.contracts.esign.fadada import Fadada
from yuejie.contracts.esign.port import (
    CallbackForged,
    HttpRequest,
    PlatformRefused,
    Signer,
    SigningPlatform,
    Unreachable,
)
from yuejie.contracts.esign.stamp import epoch_ms
from yuejie.contracts.esign.store import Signing, signings_of
from yuejie.contracts.esign.wire import send
from yuejie.contracts.life.drafting import draft_contract
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database
from yuejie.demo.esign.platforms import Platforms
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import CustomerId

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
PDF = b"%PDF-1.7 the contract"
WHO = Signer(legal_name="示例科技", uscc="91350100M000100Y43", person="张三", mobile="13800000000")
BOTH: dict[str, SigningPlatform] = {
    "esign": Esign("app", "secret", notify_url="https://console.example/callback"),
    "fadada": Fadada("app", "secret", corp_id="corp"),
}


def test_esign_signs_as_it_publishes() -> None:
    """china-finance.md §6.1."""
    body = '{"name":"张三"}'.encode()
    assert esign.content_md5(body) == "HjMyrLrHKE0+csnLjzE02Q=="
    signed = esign.signature("secret", "POST", "/v3/test", body)
    assert signed == "Pi/ctktFeIy7qc8pyiBvlc6Rh+CKODXok8iqA3MNDFw="


def test_esign_sorts_the_query_it_signs() -> None:
    one, other = "/v3/x?b=2&a=1", "/v3/x?a=1&b=2"
    assert esign.signature("s", "GET", one, b"") == esign.signature("s", "GET", other, b"")


def test_fadada_signs_as_it_publishes() -> None:
    """The SDK's own test, china-finance.md §6.1."""
    headers = fadada.signed_headers(
        "app-id",
        "app-secret",
        "1660000000123",
        "0123456789abcdef0123456789abcdef",
        {"X-FASC-AccessToken": "token"},
        "Alice",
    )
    expected = "37e2dd3277c7fd3618257b09a7cde544f7d07208fb2791666738236dd3aeabde"
    assert headers["X-FASC-Sign"] == expected


@pytest.fixture
def acme(database: Database) -> CustomerId:
    particulars = Particulars(slug="acme", legal_name="示例科技")
    return enrol_customer(database, particulars, by="op", now=NOW).customer_id


@pytest.fixture
def world() -> Platforms:
    return Platforms("app", "secret", lambda: NOW)


Asked = Callable[[str], Signing]


@pytest.fixture
def asked(database: Database, acme: CustomerId) -> Asked:
    def ask(platform: str) -> Signing:
        draft = draft_contract(database, acme, BODY, by="sales", now=NOW)
        return ask_signature(database, draft.draft_id, PDF, WHO, platform, by="sales", now=NOW)

    return ask


def state(db: Database, acme: CustomerId) -> tuple[str, str]:
    with db.read() as tx:
        (found,) = signings_of(tx, acme)
    return found.state, found.task


@pytest.mark.parametrize("name", BOTH)
def test_a_contract_is_signed_and_the_signed_copy_kept(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked, name: str
) -> None:
    signing = asked(name)
    assert work_off(database, BOTH, world.send, now=NOW) == 1
    assert state(database, acme) == ("running", "task-1")
    world.sign("task-1")
    platform = BOTH[name]
    headers, body = (
        world.esign_callback("task-1") if name == "esign" else world.fadada_callback("task-1")
    )
    told = platform.read_callback(headers, {}, body, NOW)
    assert told is not None
    assert hear_callback(database, platform, told, world.send, now=NOW)
    assert not hear_callback(database, platform, told, world.send, now=NOW)
    assert state(database, acme)[0] == "completed"
    with database.read() as tx:
        assert has_signed_copy(tx, acme, signing.draft_id)
        signed = next(paper for paper in papers_of(tx, acme) if paper.kind == "signed")
        assert paper_body(tx, acme, signed) == PDF + b"\n% signed"


@pytest.mark.parametrize("name", BOTH)
def test_without_a_callback_the_platform_is_asked(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked, name: str
) -> None:
    asked(name)
    work_off(database, BOTH, world.send, now=NOW)
    assert work_off(database, BOTH, world.send, now=NOW) == 0
    world.decline("task-1")
    moment = NOW + PATIENCE
    world.now = lambda: moment
    assert work_off(database, BOTH, world.send, now=moment) == 1
    assert state(database, acme)[0] == "refused"


@pytest.mark.parametrize("name", BOTH)
def test_a_start_without_an_answer_is_never_repeated(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked, name: str
) -> None:
    asked(name)
    world.silent = True
    work_off(database, BOTH, world.send, now=NOW)
    assert state(database, acme)[0] == "failed"
    assert work_off(database, BOTH, world.send, now=NOW + PATIENCE) == 0


def test_the_same_text_is_on_its_way_once(
    database: Database, acme: CustomerId, asked: Asked
) -> None:
    signing = asked("esign")
    with pytest.raises(Conflict, match="已在签署中"):
        ask_signature(database, signing.draft_id, PDF, WHO, "fadada", by="sales", now=NOW)


def test_a_signer_without_a_number_is_refused(database: Database) -> None:
    nobody = Signer(legal_name="x", uscc="", person="y", mobile="z")
    with pytest.raises(Invalid, match="统一社会信用代码"):
        ask_signature(database, "draft_x", PDF, nobody, "esign", by="sales", now=NOW)


@pytest.mark.parametrize("name", BOTH)
def test_a_wrong_secret_is_refused_by_the_platform(world: Platforms, name: str) -> None:
    wrong: dict[str, SigningPlatform] = {
        "esign": Esign("app", "other"),
        "fadada": Fadada("app", "other"),
    }
    with pytest.raises(PlatformRefused, match="未受理"):
        wrong[name].ask(world.send, "task-1", NOW)


@pytest.mark.parametrize("name", BOTH)
def test_a_forged_or_old_callback_is_refused(world: Platforms, name: str) -> None:
    platform = BOTH[name]
    platform.start(world.send, WHO, "合同", PDF, NOW)
    world.sign("task-1")
    headers, body = (
        world.esign_callback("task-1") if name == "esign" else world.fadada_callback("task-1")
    )
    with pytest.raises(CallbackForged, match="签名不对"):
        platform.read_callback(headers, {}, body + b" ", NOW)
    with pytest.raises(CallbackForged, match="超过 10 分钟"):
        platform.read_callback(headers, {}, body, NOW + timedelta(minutes=11))


def test_callbacks_about_other_things_are_heard_and_left() -> None:
    stamp = str(epoch_ms(NOW))
    body = b'{"action":"SIGN_MISSON_COMPLETE"}'
    signed = esign.callback_signature("secret", stamp, {"a": "1"}, body)
    headers = {"X-Tsign-Open-TIMESTAMP": stamp, "X-Tsign-Open-SIGNATURE": signed}
    assert BOTH["esign"].read_callback(headers, {"a": "1"}, body, NOW) is None
    facts = {
        "X-FASC-App-Id": "app",
        "X-FASC-Event": "seal-create",
        "X-FASC-Nonce": "0" * 32,
        "X-FASC-Sign-Type": "HMAC-SHA256",
        "X-FASC-Timestamp": stamp,
    }
    shown = fadada.sign("secret", stamp, {**facts, "bizContent": "{}"})
    form = urlencode({"bizContent": "{}"}).encode()
    assert BOTH["fadada"].read_callback({**facts, "X-FASC-Sign": shown}, {}, form, NOW) is None


def test_nothing_goes_out_in_clear() -> None:
    with pytest.raises(Unreachable, match="https"):
        send(HttpRequest("GET", "http://127.0.0.1:9/x", {}))
