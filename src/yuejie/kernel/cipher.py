"""Secrets at rest: AES-256-GCM, bound to the one thing they belong to."""

import os
from typing import ClassVar, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yuejie.kernel.errors import Invalid

KEY_BYTES: Final = 32
_NONCE: Final = 12
_VERSION: Final = b"\x01"


class Unreadable(Invalid):
    """A secret does not open: another key sealed it, or it belongs to something else."""

    code: ClassVar[str] = "secret_unreadable"


def seal(secret: bytes, key: bytes, owner: str) -> bytes:
    """Encrypt a secret; only the same owner's name and the same key open it."""
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + AESGCM(_checked(key)).encrypt(nonce, secret, owner.encode())


def unseal(sealed: bytes, key: bytes, owner: str) -> bytes:
    """Open a secret; a wrong key or another owner's ciphertext is refused."""
    if sealed[:1] != _VERSION:
        raise Unreadable(f"{owner} 的密文格式不认识，请用当前加密密钥重新写入", owner=owner)
    try:
        nonce, body = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        return AESGCM(_checked(key)).decrypt(nonce, body, owner.encode())
    except (InvalidTag, ValueError) as error:
        raise Unreadable(
            f"{owner} 的密文无法解密，请用当前加密密钥重新写入", owner=owner
        ) from error


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise Invalid(f"加密密钥应为 {KEY_BYTES} 字节，实为 {len(key)} 字节，请检查密钥配置")
    return key
