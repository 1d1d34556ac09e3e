"""Passwords: what will do, and the hash that is kept (argon2id, RFC 9106)."""

from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from yuejie.kernel.errors import Invalid

LENGTH_MIN: Final = 10
LENGTH_MAX: Final = 200
"""Longer ones cost time and add nothing."""
_KINDS_MIN: Final = 4
"""Different characters at least: `aaaaaaaaaa` is long and no password."""

_hasher: Final = PasswordHasher()


def refuse_weak(password: str, name: str) -> None:
    """Refuse a password that is too short, too plain, or contains the member's name.

    NIST SP 800-63B §3.1.1: length counts, rules of composition do not. Raises Invalid.
    """
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise Invalid(f"密码应为 {LENGTH_MIN} 到 {LENGTH_MAX} 个字符，请换一个")
    if len(set(password)) < _KINDS_MIN:
        raise Invalid("密码里不同的字符太少，容易被猜到，请换一个")
    if name.casefold() in password.casefold():
        raise Invalid("密码里不能含有登录名，请换一个")


def hash_of(password: str) -> str:
    """Return what is kept of a password: algorithm, parameters, salt and hash in one text."""
    return _hasher.hash(password)


def matches(kept: str, password: str) -> bool:
    """Tell whether a password is the one that was kept; takes as long when it is not."""
    try:
        return _hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Tell whether a hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(kept)


@cache
def nobodys() -> str:
    """Return a hash that no password has: guessing an unknown name costs what a known one does."""
    return _hasher.hash("\0")
