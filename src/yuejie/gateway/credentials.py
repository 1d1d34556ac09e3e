"""Provider credentials at rest: AES-256-GCM, bound to the account they belong to."""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yuejie.kernel.errors import Invalid

KEY_BYTES: Final = 32
_NONCE: Final = 12
_VERSION: Final = b"\x01"


def encrypt(secret: str, key: bytes, account_id: str) -> bytes:
    """Encrypt a credential; only the same account and key open it."""
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(_checked(key)).encrypt(nonce, secret.encode(), account_id.encode())
    return _VERSION + nonce + sealed


def decrypt(sealed: bytes, key: bytes, account_id: str) -> str:
    """Open a credential; a wrong key or another account's ciphertext is refused."""
    if sealed[:1] != _VERSION:
        raise _unreadable(account_id)
    try:
        opened = AESGCM(_checked(key)).decrypt(
            sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], account_id.encode()
        )
    except (InvalidTag, ValueError) as error:
        raise _unreadable(account_id) from error
    return opened.decode()


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise Invalid(f"加密密钥应为 {KEY_BYTES} 字节，实为 {len(key)} 字节，请检查密钥配置")
    return key


def _unreadable(account_id: str) -> Invalid:
    return Invalid(
        f"供应商账号 {account_id} 的凭证无法解密，请用当前加密密钥重新执行 yuejie apply 写入凭证",
        account_id=account_id,
    )
