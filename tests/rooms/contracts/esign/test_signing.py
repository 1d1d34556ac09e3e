"""Signing platforms: published vectors byte for byte, and the errand that reaches them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_plus, urlencode

import pytest

from tests.recorded import recorded
from tests.rooms.contracts.life.parties import BODY, reviewed
from yuejie.contracts.documents.attach import PaperDraft, attach_paper
from yuejie.contracts.documents.store import has_signed_copy, paper_body, papers_of
from yuejie.contracts.esign import esign, fadada
from yuejie.contracts.esign.ask import SigningText, SigningWish, ask_signature
from yuejie.contracts.esign.callback import Called, hear_callback
from yuejie.contracts.esign.choose import reachable
from yuejie.contracts.esign.errand import PATIENCE, resume_signing, work_off
from yuejie.contracts.esign.esign import Esign
from yuejie.contracts.esign.fadada import Fadada
from yuejie.contracts.esign.life import NEXT, IllegalSigning, SigningEvent, advance
from yuejie.contracts.esign.port import (
    CallbackForged,
    HttpAnswer,
    HttpRequest,
    PlatformRefused,
    Signer,
    SigningPlatform,
    SigningState,
    Unreachable,
)
from yuejie.contracts.esign.stamp import epoch_ms
from yuejie.contracts.esign.store import (
    Signing,
    ended_signings,
    move_signing,
    signings_of,
    steps_of_signing,
)
from yuejie.contracts.esign.wire import sender
from yuejie.contracts.life.approve import reject_draft, sign_draft
from yuejie.contracts.life.draft import ContractDraft
from yuejie.contracts.life.drafting import draft_contract, found
from yuejie.contracts.publish import open_book
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database
from yuejie.demo.esign.platforms import Platforms
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.limits import CALLBACK_BYTES, SIGNING_ATTEMPTS
from yuejie.settings import SigningSettings

SECOND = timedelta(seconds=1)
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
    open_book(database, "list", kind="sale", currency="CNY", by="op", now=NOW)
    particulars = Particulars(slug="acme", legal_name="示例科技")
    return enrol_customer(database, particulars, by="op", now=NOW).customer_id


@pytest.fixture
def world() -> Platforms:
    return Platforms("app", "secret", lambda: NOW)


Asked = Callable[[str], Signing]


def ask_for(
    db: Database, draft: ContractDraft, platform: str, *, pdf: bytes = PDF, checked: str = ""
) -> Signing:
    text = SigningText(pdf, draft.body.digest)
    wish = SigningWish(signer=WHO, platform=platform, checked=checked)
    return ask_signature(db, draft.draft_id, text, wish, by="sales", now=NOW)


@pytest.fixture
def asked(database: Database, acme: CustomerId) -> Asked:
    return lambda platform: ask_for(database, reviewed(database, acme), platform)


def newest(db: Database, acme: CustomerId) -> Signing:
    with db.read() as tx:
        return signings_of(tx, acme)[-1]


def state(db: Database, acme: CustomerId) -> tuple[str, str]:
    found = newest(db, acme)
    return found.state, found.task


def called(world: Platforms, name: str, task: str) -> Called:
    headers, body = world.esign_callback(task) if name == "esign" else world.fadada_callback(task)
    return Called(headers, {}, body)


def has_copy(db: Database, signing: Signing) -> bool:
    with db.read() as tx:
        return has_signed_copy(tx, signing.customer_id, signing.draft_id)


def test_nobody_signs_for_us_while_the_customer_may_still_decline(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked
) -> None:
    """The administrator signs once the customer has: on the platform, or on paper behind a no."""
    signing = asked("esign")
    work_off(database, BOTH, world.send, now=NOW)
    with pytest.raises(Conflict, match=f"正由 张三 在 esign 上签署（{signing.signing_id}）"):
        sign_draft(database, signing.draft_id, by="ceo", now=NOW)
    world.decline(newest(database, acme).task)
    moment = NOW + PATIENCE
    world.now = lambda: moment
    work_off(database, BOTH, world.send, now=moment)
    with pytest.raises(Conflict, match=f"在 esign 上拒签（{signing.signing_id}）"):
        sign_draft(database, signing.draft_id, by="ceo", now=moment)
    scan = PaperDraft(
        customer_id=acme, kind="signed", name="x", body=PDF, draft_id=signing.draft_id
    )
    attach_paper(database, scan, by="sales", now=moment)
    assert sign_draft(database, signing.draft_id, by="ceo", now=moment).version == 1


@pytest.mark.parametrize("name", BOTH)
def test_a_contract_is_signed_and_the_signed_copy_kept(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked, name: str
) -> None:
    """The callback only makes us ask at once; whoever sends it again changes nothing."""
    signing = asked(name)
    assert work_off(database, BOTH, world.send, now=NOW) == 1
    assert state(database, acme) == ("running", "task-1")
    assert work_off(database, BOTH, world.send, now=NOW) == 0
    world.sign("task-1")
    call = called(world, name, "task-1")
    assert hear_callback(database, BOTH, name, call, now=NOW)
    assert not hear_callback(database, BOTH, name, call, now=NOW)
    assert work_off(database, BOTH, world.send, now=NOW) == 1
    assert state(database, acme)[0] == "completed"
    assert not hear_callback(database, BOTH, name, call, now=NOW)
    assert has_copy(database, signing)
    with database.read() as tx:
        signed = next(paper for paper in papers_of(tx, acme) if paper.kind == "signed")
        assert paper_body(tx, acme, signed) == PDF + b"\n% signed"
        steps = steps_of_signing(tx, signing.signing_id)
    assert [(step.by, step.event) for step in steps] == [
        ("sales", "ask"),
        ("clerk", "take"),
        ("clerk", "begin"),
        ("clerk", "complete"),
    ]
    deeds = recorded(database, "contract_signing")
    assert [(each.by, each.verb) for each in deeds] == [(step.by, step.event) for step in steps]
    assert {each.name for each in deeds} == {signing.signing_id}


@pytest.mark.parametrize("name", BOTH)
def test_the_signer_reads_the_contracts_number(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked, name: str
) -> None:
    """The title of the task and the names of the files are what the paper is called."""
    signing = asked(name)
    sent: list[str] = []

    def send(request: HttpRequest) -> HttpAnswer:
        sent.append(unquote_plus(request.body.decode("utf-8", "replace")))
        return world.send(request)

    work_off(database, BOTH, send, now=NOW)
    assert any("合同 HT2026000001" in body for body in sent)
    assert not any(signing.draft_id in body for body in sent)
    world.sign("task-1")
    hear_callback(database, BOTH, name, called(world, name, "task-1"), now=NOW)
    work_off(database, BOTH, world.send, now=NOW)
    with database.read() as tx:
        names = {paper.name for paper in papers_of(tx, acme)}
    assert names == {"合同_HT2026000001.pdf", "合同_HT2026000001_已签署.pdf"}


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


def test_a_callback_while_the_platform_is_being_asked_is_not_lost(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked
) -> None:
    """The platform still says "running"; before we write that down it calls: asked once more."""
    asked("esign")
    work_off(database, BOTH, world.send, now=NOW)
    later = NOW + PATIENCE
    world.now = lambda: later

    def send(request: HttpRequest) -> HttpAnswer:
        answer = world.send(request)
        if request.url.endswith("/detail"):
            world.sign("task-1")
            call = called(world, "esign", "task-1")
            hear_callback(database, BOTH, "esign", call, now=later + SECOND)
        return answer

    moved = replace(newest(database, acme), next_at=later + 2 * SECOND)
    with database.begin() as tx:
        assert move_signing(tx, newest(database, acme), moved)
    now = later + 2 * SECOND
    assert work_off(database, BOTH, send, now=now) == 0
    assert work_off(database, BOTH, world.send, now=now) == 1
    assert state(database, acme)[0] == "completed"


@pytest.mark.parametrize("name", BOTH)
def test_a_start_without_an_answer_is_never_repeated(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked, name: str
) -> None:
    """The platform has a task and we do not know it: a person looks, and says so, to go on."""
    asked(name)
    world.silent = True
    work_off(database, BOTH, world.send, now=NOW)
    failed = newest(database, acme)
    assert (failed.state, failed.task) == ("failed", "")
    assert "请先在平台上核对" in failed.note
    assert work_off(database, BOTH, world.send, now=NOW + PATIENCE) == 0
    with database.read() as tx:
        draft = found(tx, failed.draft_id)
    with pytest.raises(Conflict, match="结果不明"):
        ask_for(database, draft, name)
    with pytest.raises(Conflict, match="没有平台任务号"):
        resume_signing(database, failed.signing_id, why="有", by="ops", now=NOW)
    again = ask_for(database, draft, name, checked="平台上的任务已撤回")
    with database.read() as tx:
        assert steps_of_signing(tx, again.signing_id)[0].why == "平台上的任务已撤回"


def test_who_died_at_the_platform_leaves_a_failure(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked
) -> None:
    """The job that took it never wrote an answer down; the next one does not go again."""

    class Killed(BaseException):
        pass

    def dies(request: HttpRequest) -> HttpAnswer:
        world.send(request)
        raise Killed

    asked("esign")
    with pytest.raises(Killed):
        work_off(database, BOTH, dies, now=NOW)
    assert state(database, acme)[0] == "starting"
    assert work_off(database, BOTH, world.send, now=NOW + PATIENCE - SECOND) == 0
    assert work_off(database, BOTH, world.send, now=NOW + PATIENCE) == 1
    assert "发起中断" in newest(database, acme).note
    assert state(database, acme)[0] == "failed"
    assert world.tasks == {}


def test_a_platform_away_is_asked_again_and_resumed_by_a_person(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked
) -> None:
    asked("esign")
    work_off(database, BOTH, world.send, now=NOW)
    world.silent = True
    moment = NOW
    for _ in range(SIGNING_ATTEMPTS):
        assert state(database, acme)[0] == "running"
        moment += PATIENCE
        world.now = lambda moment=moment: moment  # type: ignore[misc] # why: mypy knows no defaults
        work_off(database, BOTH, world.send, now=moment)
    failed = newest(database, acme)
    assert (failed.state, failed.note) == ("failed", "模拟平台的应答丢失")
    with database.read() as tx:
        assert [e.became for e in ended_signings(tx, since=NOW)] == ["failed"]
    world.silent = False
    world.sign("task-1")
    with pytest.raises(Invalid, match="核对结果"):
        resume_signing(database, failed.signing_id, why=" ", by="ops", now=moment)
    resume_signing(database, failed.signing_id, why="任务在平台上", by="ops", now=moment)
    assert work_off(database, BOTH, world.send, now=moment) == 1
    assert state(database, acme)[0] == "completed"
    with database.read() as tx:
        assert [e.became for e in ended_signings(tx, since=NOW)] == ["failed", "completed"]


@pytest.mark.parametrize("bad", [b"{}", b'{"code":0,"data":[1]}', b"\xff", b'{"code":0,"data":{}}'])
def test_an_answer_that_makes_no_sense_harms_nothing(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked, bad: bytes
) -> None:
    asked("esign")
    work_off(database, BOTH, world.send, now=NOW)
    moment = NOW + PATIENCE
    assert work_off(database, BOTH, lambda _: HttpAnswer(200, bad), now=moment) == 1
    waiting = newest(database, acme)
    assert (waiting.state, waiting.attempts) == ("running", 1)
    assert waiting.note


def test_a_signed_file_that_is_no_pdf_is_fetched_again(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked
) -> None:
    signing = asked("esign")
    work_off(database, BOTH, world.send, now=NOW)
    world.sign("task-1")
    whole = world.files["file-1.signed"]
    world.files["file-1.signed"] = b"<html>"
    moment = NOW + PATIENCE
    world.now = lambda: moment
    work_off(database, BOTH, world.send, now=moment)
    assert state(database, acme)[0] == "running"
    world.files["file-1.signed"] = whole
    moment += PATIENCE
    work_off(database, BOTH, world.send, now=moment)
    assert has_copy(database, signing)


def test_a_draft_sent_back_is_not_put_before_the_signer(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked
) -> None:
    signing = asked("esign")
    reject_draft(database, signing.draft_id, by="boss", now=NOW + SECOND, why="押金")
    work_off(database, BOTH, world.send, now=NOW + 2 * SECOND)
    assert (state(database, acme)[0], world.tasks) == ("failed", {})


def test_what_was_signed_before_a_change_is_no_signed_copy(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked
) -> None:
    """
    The customer signs while finance takes the draft back: the file is kept, as an attachment.
    Likewise a copy signed first counts no more once the draft has changed behind it.
    """
    signing = asked("esign")
    work_off(database, BOTH, world.send, now=NOW)
    reject_draft(database, signing.draft_id, by="boss", now=NOW + SECOND, why="押金")
    world.sign("task-1")
    moment = NOW + PATIENCE
    world.now = lambda: moment
    work_off(database, BOTH, world.send, now=moment)
    assert state(database, acme)[0] == "completed"
    assert "旧文本" in newest(database, acme).note
    assert not has_copy(database, signing)
    with database.read() as tx:
        assert {paper.kind for paper in papers_of(tx, acme)} == {"generated", "attachment"}

    draft = reviewed(database, acme)
    scan = PaperDraft(customer_id=acme, kind="signed", name="x", body=PDF, draft_id=draft.draft_id)
    attach_paper(database, scan, by="sales", now=NOW)
    with database.read() as tx:
        assert has_signed_copy(tx, acme, draft.draft_id)
    reject_draft(database, draft.draft_id, by="boss", now=NOW + SECOND, why="押金")
    with database.read() as tx:
        assert not has_signed_copy(tx, acme, draft.draft_id)


def test_one_text_of_a_draft_is_on_its_way_at_a_time(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked
) -> None:
    signing = asked("esign")
    with database.read() as tx:
        draft = found(tx, signing.draft_id)
    with pytest.raises(Conflict, match="已在签署中"):
        ask_for(database, draft, "fadada")
    with pytest.raises(Conflict, match="已在签署中"):
        ask_for(database, draft, "fadada", pdf=PDF + b" another")
    work_off(database, BOTH, world.send, now=NOW)
    world.sign("task-1")
    hear_callback(database, BOTH, "esign", called(world, "esign", "task-1"), now=NOW)
    work_off(database, BOTH, world.send, now=NOW)
    with pytest.raises(Conflict, match="已签署"):
        ask_for(database, draft, "fadada")


def test_eight_who_ask_at_once_ask_once(database: Database, acme: CustomerId) -> None:
    draft = reviewed(database, acme)

    def ask(number: int) -> bool:
        try:
            ask_for(database, draft, "esign", pdf=PDF + b"%d" % number)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 1


def test_only_what_finance_reviewed_is_signed(database: Database, acme: CustomerId) -> None:
    draft = draft_contract(database, acme, BODY, by="sales", now=NOW)
    with pytest.raises(Conflict, match="不在待签状态"):
        ask_for(database, draft, "esign")
    ready = reviewed(database, acme)
    with pytest.raises(Conflict, match="内容已变"):
        ask_signature(
            database,
            ready.draft_id,
            SigningText(PDF, "another digest"),
            SigningWish(signer=WHO, platform="esign"),
            by="sales",
            now=NOW,
        )


def test_a_platform_that_is_not_used_any_more_keeps_nobody_waiting(
    database: Database, acme: CustomerId, world: Platforms, asked: Asked
) -> None:
    asked("fadada")
    asked("esign")
    only = {"esign": BOTH["esign"]}
    assert work_off(database, only, world.send, now=NOW) == 1
    assert work_off(database, only, world.send, now=NOW) == 0
    with database.read() as tx:
        assert {(s.platform, s.state) for s in signings_of(tx, acme)} == {
            ("fadada", "asked"),
            ("esign", "running"),
        }


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        ({"uscc": ""}, "统一社会信用代码"),
        ({"uscc": "91350100M000100Y44"}, "校验位"),
        ({"mobile": "138"}, "手机号"),
        ({"person": " "}, "经办人"),
    ],
)
def test_a_signer_whom_nobody_finds_is_refused(
    database: Database, acme: CustomerId, odd: dict[str, str], says: str
) -> None:
    draft = reviewed(database, acme)
    wish = SigningWish(signer=replace(WHO, **odd), platform="esign")
    text = SigningText(PDF, draft.body.digest)
    with pytest.raises(Invalid, match=says):
        ask_signature(database, draft.draft_id, text, wish, by="sales", now=NOW)


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
    """Only to an origin that was named for trials; no redirect takes a request elsewhere."""
    for url in ("http://127.0.0.1:9/x", "file:///etc/hostname", "ftp://127.0.0.1/x"):
        with pytest.raises(Unreachable, match="https"):
            sender()(HttpRequest("GET", url, {}))
    with pytest.raises(Unreachable, match="https"):
        sender({"http://127.0.0.1:9"})(HttpRequest("GET", "http://127.0.0.1:99/x", {}))
    with pytest.raises(Unreachable, match="没有应答"):
        sender({"http://127.0.0.1:9"})(HttpRequest("GET", "http://127.0.0.1:9/x", {}))


@pytest.mark.parametrize(
    "call",
    [
        Called({}, {}, b""),
        Called({"X-FASC-Sign": "0" * 64, "X-Tsign-Open-SIGNATURE": "0" * 64}, {}, b"{}"),
        Called({"X-FASC-Sign": "\xe9", "X-Tsign-Open-SIGNATURE": "\xe9"}, {}, b"{}"),
        Called({"X-FASC-Sign": "x"}, {}, b"\xff\xfe"),
        Called({}, {}, b"x" * (CALLBACK_BYTES + 1)),
    ],
    ids=["empty", "zeros", "not ASCII", "not UTF-8", "too long"],
)
@pytest.mark.parametrize("name", BOTH)
def test_whatever_a_forger_sends_is_refused(database: Database, name: str, call: Called) -> None:
    with pytest.raises(CallbackForged, match="已拒绝"):
        hear_callback(database, BOTH, name, call, now=NOW)


def test_signed_words_without_sense_are_refused(database: Database) -> None:
    stamp, body = str(epoch_ms(NOW)), b'{"action":"SIGN_FLOW_COMPLETE"}'
    signed = esign.callback_signature("secret", stamp, {}, body)
    headers = {"X-Tsign-Open-TIMESTAMP": stamp, "X-Tsign-Open-SIGNATURE": signed}
    with pytest.raises(Invalid, match="不合格式"):
        hear_callback(database, BOTH, "esign", Called(headers, {}, body), now=NOW)


def test_every_pair_of_state_and_event_is_decided() -> None:
    for known in SigningState:
        for event in SigningEvent:
            if (known, event) in NEXT:
                assert advance(known, event) is NEXT[known, event]
            else:
                with pytest.raises(IllegalSigning):
                    advance(known, event)
    begun = {SigningState.ASKED, SigningState.STARTING}
    assert not begun & {
        became for (_, event), became in NEXT.items() if event is not SigningEvent.TAKE
    }


def test_settings_name_the_platforms_in_use() -> None:
    nothing = SigningSettings.load({})
    assert reachable(nothing).platforms == {}
    with pytest.raises(Conflict, match="没有启用电子签平台"):
        reachable(nothing).named()
    one = {"YUEJIE_ESIGN_APP_ID": "app", "YUEJIE_ESIGN_SECRET": "secret"}
    assert reachable(SigningSettings.load(one)).named() == "esign"
    two = one | {
        "YUEJIE_FADADA_APP_ID": "app",
        "YUEJIE_FADADA_SECRET": "s",
        "YUEJIE_FADADA_CORP_ID": "corp",
    }
    both = reachable(SigningSettings.load(two))
    assert both.named("fadada") == "fadada"
    for name, says in (("", "请写明其一"), ("docusign", "没有启用")):
        with pytest.raises(Invalid, match=says):
            both.named(name)
    for odd, says in (
        ({"YUEJIE_ESIGN_SECRET": ""}, "YUEJIE_ESIGN_SECRET"),
        ({"YUEJIE_FADADA_CORP_ID": ""}, "YUEJIE_FADADA_CORP_ID"),
        ({"YUEJIE_ESIGN_URL": "http://openapi.esign.cn"}, "https"),
    ):
        with pytest.raises(Invalid, match=says):
            reachable(SigningSettings.load(two | odd))
    assert "secret" not in repr(both)
