"""Provider credentials at rest: sealed for the account they belong to."""

from yuejie.kernel.cipher import KEY_BYTES, Unreadable, seal, unseal
from yuejie.kernel.errors import Invalid

__all__ = ["KEY_BYTES", "decrypt", "encrypt"]


def encrypt(secret: str, key: bytes, account_id: str) -> bytes:
    """Encrypt a credential; only the same account and key open it."""
    return seal(secret.encode(), key, account_id)


def decrypt(sealed: bytes, key: bytes, account_id: str) -> str:
    """Open a credential; a wrong key or another account's ciphertext is refused."""
    try:
        return unseal(sealed, key, account_id).decode()
    except Unreadable as error:
        raise Invalid(
            f"供应商账号 {account_id} 的凭证无法解密，"
            "请用当前加密密钥重新执行 yuejie apply 写入凭证",
            account_id=account_id,
        ) from error
