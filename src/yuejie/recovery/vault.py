"""The house's secrets under a passphrase: without them a restored database opens nothing.

Sealed are `secrets/` (pepper, credential key, operator's token) and the embedded database's
passwords. The key is derived by scrypt, whose salt and cost stand before the ciphertext.
"""

import os
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from yuejie.db.backup.place import Place, replace
from yuejie.kernel.cipher import KEY_BYTES, Unreadable, seal, unseal
from yuejie.kernel.errors import Invalid, NotFound

_MAGIC: Final = b"yuejie-secrets1\n"
_SALT: Final = 16
_COST: Final = 1 << 15
_OWNER: Final = "backup secrets"
_SHORTEST: Final = 12
PASSWORDS: Final = "postgres/secrets.json"


def keep_secrets(place: Place, home: Path, passphrase: str) -> bool:
    """Seal the secrets of a home into the place, and say whether anything changed there."""
    if len(passphrase) < _SHORTEST:
        raise Invalid(f"YUEJIE_BACKUP_PASSPHRASE 至少 {_SHORTEST} 个字符，请换一个更长的口令")
    found = _secrets(home)
    if place.sealed.exists() and _opened(place, passphrase) == found:
        return False
    salt = os.urandom(_SALT)
    body = seal(msgspec.msgpack.encode(found), _key(passphrase, salt), _OWNER)
    replace(place.sealed, _MAGIC + salt + body)
    return True


def bring_secrets(place: Place, home: Path, passphrase: str) -> list[str]:
    """Write the secrets that a home lacks, and return their names; what it has stays.

    Raises NotFound where none were kept, Unreadable for another passphrase.
    """
    if not place.sealed.exists():
        raise NotFound(
            f"{place.root} 中没有密钥备份；请把原来的 secrets/ 与 {PASSWORDS} 放回数据目录后重试"
        )
    brought = []
    for name, body in _opened(place, passphrase).items():
        path = home / name
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
        replace(path, body)
        brought.append(name)
    return brought


def _secrets(home: Path) -> dict[str, bytes]:
    paths = [*sorted((home / "secrets").glob("*")), home / PASSWORDS]
    return {str(path.relative_to(home)): path.read_bytes() for path in paths if path.is_file()}


def _opened(place: Place, passphrase: str) -> dict[str, bytes]:
    kept = place.sealed.read_bytes()
    start = len(_MAGIC) + _SALT
    if not kept.startswith(_MAGIC):
        raise Unreadable(f"{place.sealed} 不是本程序的密钥备份，请核对备份目录")
    try:
        body = unseal(kept[start:], _key(passphrase, kept[len(_MAGIC) : start]), _OWNER)
    except Unreadable as error:
        raise Unreadable("密钥备份打不开：YUEJIE_BACKUP_PASSPHRASE 不是封存时的口令") from error
    return msgspec.msgpack.decode(body, type=dict[str, bytes])


def _key(passphrase: str, salt: bytes) -> bytes:
    derive = Scrypt(salt=salt, length=KEY_BYTES, n=_COST, r=8, p=1)
    return derive.derive(passphrase.encode())
