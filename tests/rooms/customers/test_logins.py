"""Members log in: by password and code, once per code, and not by guessing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from yuejie.customers.logins.code import accepted_step, uri_of
from yuejie.customers.logins.keep import (
    accept,
    begin_codes,
    change_password,
    confirm_codes,
    end_codes,
    found_house,
    invite,
    invited,
)
from yuejie.customers.logins.open import (
    FAILURES_OF_NAME,
    WINDOW,
    CodeWanted,
    Guess,
    Opened,
    TooManyGuesses,
    log_in,
    log_out,
    recognise,
)
from yuejie.customers.logins.password import hash_of, matches, refuse_weak
from yuejie.customers.logins.session import IDLE, WHOLE
from yuejie.customers.members.enrol import enrol_member, revoke_member
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from yuejie.kernel.ids import CustomerId

PEPPER, KEY = b"p" * 32, b"k" * 32
NOW = datetime(2026, 11, 29, 2, 0, tzinfo=UTC)
PASSWORD = "correct horse 9"
OTHER = "battery staple 7"
SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""The seed of the vectors in RFC 6238 appendix B, in base32."""


def founder(db: Database) -> Opened:
    guess = Guess("wang", PASSWORD)
    return found_house(db, guess, pepper=PEPPER, by="api:operator", now=NOW)


def enter(db: Database, password: str, code: str = "", *, now: datetime = NOW) -> Opened:
    guess = Guess("wang", password, code, address="10.0.0.9", agent="curl")
    return log_in(db, guess, pepper=PEPPER, key=KEY, now=now)


def is_in(db: Database, opened: Opened, *, now: datetime = NOW) -> bool:
    return recognise(db, opened.secret, pepper=PEPPER, now=now) is not None


@pytest.mark.parametrize("bad", ["short", "x" * 201, "aaaaaaaaaaaa", "ababababab", "my-Wang-2026"])
def test_a_password_that_is_easily_guessed_is_refused(bad: str) -> None:
    with pytest.raises(Invalid):
        refuse_weak(bad, "wang")


def test_a_password_matches_its_hash_and_no_other_does() -> None:
    kept = hash_of(PASSWORD)
    assert matches(kept, PASSWORD)
    assert not matches(kept, OTHER)
    assert not matches("not a hash", PASSWORD)


@pytest.mark.parametrize(
    ("unix", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(unix: int, code: str) -> None:
    """RFC 6238 appendix B, SHA-1, the last six of its eight digits."""
    at = datetime.fromtimestamp(unix, UTC)
    assert accepted_step(SEED, code, last_step=0, now=at) == unix // 30
    assert accepted_step(SEED, code, last_step=unix // 30, now=at) is None
    assert "otpauth://totp/yuejie:wang?" in uri_of(SEED, "wang")


def test_the_first_administrator_is_made_once(database: Database) -> None:
    opened = founder(database)
    assert is_in(database, opened)
    with pytest.raises(Conflict, match="已有管理员"):
        found_house(database, Guess("li", OTHER), pepper=PEPPER, by="api:operator", now=NOW)


def test_of_ten_who_found_a_house_at_once_one_does(database: Database) -> None:
    def try_to(number: int) -> bool:
        guess = Guess(f"admin{number}", PASSWORD)
        try:
            found_house(database, guess, pepper=PEPPER, by="x", now=NOW)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_to, range(10))) == 1


def test_an_unknown_name_and_a_wrong_password_hear_the_same(database: Database) -> None:
    founder(database)
    said = []
    for name in ("wang", "nobody"):
        with pytest.raises(Forbidden) as refused:
            log_in(database, Guess(name, OTHER), pepper=PEPPER, key=KEY, now=NOW)
        said.append(refused.value.sentence)
    assert said[0] == said[1]


def test_guesses_are_few_however_many_ask_at_once(database: Database) -> None:
    """Forty guess at one time; ten are looked at, and then the right one waits a quarter hour."""
    founder(database)

    def guess(_: int) -> type[DomainError]:
        try:
            enter(database, OTHER)
        except DomainError as error:
            return type(error)
        raise AssertionError("a wrong password lets nobody in")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(guess, range(40)))
    assert found.count(Forbidden) == FAILURES_OF_NAME
    assert found.count(TooManyGuesses) == 40 - FAILURES_OF_NAME
    with pytest.raises(TooManyGuesses):
        enter(database, PASSWORD)
    later = NOW + WINDOW + timedelta(seconds=1)
    assert is_in(database, enter(database, PASSWORD, now=later), now=later)


def test_a_session_ends_idle_whole_or_by_its_member(database: Database) -> None:
    opened = founder(database)
    assert is_in(database, opened, now=NOW + IDLE - timedelta(minutes=1))
    other = enter(database, PASSWORD)
    assert not is_in(database, other, now=NOW + IDLE)
    busy = enter(database, PASSWORD)
    for hours in range(0, 7 * 24, 7):
        assert is_in(database, busy, now=NOW + timedelta(hours=hours))
    assert not is_in(database, busy, now=NOW + WHOLE)
    last = enter(database, PASSWORD)
    log_out(database, last.session, by="operator:wang", now=NOW)
    assert not is_in(database, last)
    assert recognise(database, "made up", pepper=PEPPER, now=NOW) is None


def test_a_member_who_has_ended_is_in_no_session(database: Database) -> None:
    opened = founder(database)
    revoke_member(database, "wang", by="x", now=NOW)
    assert not is_in(database, opened)
    with pytest.raises(Forbidden, match="登录名或密码不对"):
        enter(database, PASSWORD)


def test_a_changed_password_ends_the_other_sessions(database: Database) -> None:
    here, there = founder(database), enter(database, PASSWORD)
    with pytest.raises(Forbidden, match="现在的密码不对"):
        change_password(
            database, here.member, OTHER, OTHER, session_id=here.session.session_id, now=NOW
        )
    change_password(
        database, here.member, PASSWORD, OTHER, session_id=here.session.session_id, now=NOW
    )
    assert is_in(database, here)
    assert not is_in(database, there)
    with pytest.raises(Forbidden):
        enter(database, PASSWORD)


def test_a_code_opens_once(database: Database) -> None:
    member = founder(database).member
    seeding = begin_codes(database, member, key=KEY, now=NOW)
    totp = pyotp.TOTP(seeding.seed)
    # Nothing is asked before a code was shown to work.
    assert is_in(database, enter(database, PASSWORD), now=NOW)
    with pytest.raises(Forbidden, match="动态口令不对"):
        confirm_codes(database, member, "000000", key=KEY, now=NOW)
    confirm_codes(database, member, totp.at(NOW), key=KEY, now=NOW)
    with pytest.raises(CodeWanted):
        enter(database, PASSWORD)
    with pytest.raises(Forbidden, match="已用过"):
        enter(database, PASSWORD, totp.at(NOW))
    later = NOW + timedelta(seconds=30)
    assert is_in(database, enter(database, PASSWORD, totp.at(later), now=later), now=later)
    with pytest.raises(Forbidden, match="已用过"):
        enter(database, PASSWORD, totp.at(later), now=later)
    with pytest.raises(Conflict, match="已启用"):
        begin_codes(database, member, key=KEY, now=later)
    end_codes(database, member, PASSWORD, now=later)
    assert is_in(database, enter(database, PASSWORD, now=later), now=later)


def test_an_invitation_is_good_once_and_for_a_while(database: Database) -> None:
    """It sets a password, takes the codes away and ends every session: the way back in."""
    old = founder(database)
    first = invite(database, "wang", within=None, pepper=PEPPER, by="x", now=NOW)
    second = invite(database, "wang", within=None, pepper=PEPPER, by="x", now=NOW)
    for worthless in (first.secret, "made up"):
        with pytest.raises(NotFound, match="邀请链接无效"):
            invited(database, worthless, pepper=PEPPER, now=NOW)
    with pytest.raises(NotFound):
        invited(database, second.secret, pepper=PEPPER, now=second.expires_at)
    with pytest.raises(Invalid):
        accept(database, second.secret, Guess("wang", "short"), pepper=PEPPER, now=NOW)
    new = accept(database, second.secret, Guess("wang", OTHER), pepper=PEPPER, now=NOW)
    assert is_in(database, new)
    assert not is_in(database, old)
    with pytest.raises(NotFound):
        accept(database, second.secret, Guess("wang", OTHER), pepper=PEPPER, now=NOW)
    assert is_in(database, enter(database, OTHER), now=NOW)


def test_a_customers_administrator_invites_its_own_only(database: Database) -> None:
    founder(database)
    with pytest.raises(NotFound):
        invite(database, "nobody", within=None, pepper=PEPPER, by="x", now=NOW)
    enrol_member(database, "li", "sales", customer=None, pepper=PEPPER, by="x", now=NOW)

    with pytest.raises(NotFound):
        invite(database, "li", within=CustomerId("cus_0"), pepper=PEPPER, by="x", now=NOW)


def test_whoever_sits_at_an_open_console_guesses_its_password_as_seldom_as_at_the_door(
    database: Database,
) -> None:
    """Forms of a session that ask for the password count guesses as the door does."""
    opened = founder(database)

    def change(old: str, now: datetime = NOW) -> None:
        fresh = "brand new 77"
        change_password(database, opened.member, old, fresh, session_id="ses", now=now)

    for _ in range(FAILURES_OF_NAME // 2):
        with pytest.raises(Forbidden, match="密码不对"):
            change(OTHER)
        with pytest.raises(Forbidden, match="密码不对"):
            end_codes(database, opened.member, OTHER, now=NOW)
    for password in (OTHER, PASSWORD):
        with pytest.raises(TooManyGuesses):
            change(password)
        with pytest.raises(TooManyGuesses):
            end_codes(database, opened.member, password, now=NOW)
    later = NOW + WINDOW
    change(PASSWORD, later)
    assert is_in(database, enter(database, "brand new 77", now=later), now=later)
