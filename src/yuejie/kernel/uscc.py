"""统一社会信用代码: the registration number of a Chinese organisation, with its check character.

GB 32100-2015: 18 characters of 0-9A-Z without I O S V Z; the last is
(31 − Σ value·3^i mod 31) mod 31 over the first seventeen.
"""

from typing import Final

from yuejie.kernel.errors import Invalid

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_LENGTH: Final = 18


def check_uscc(text: str) -> str:
    """Return the code in its written form; a wrong length, character or check is refused."""
    code = text.strip().upper()
    if len(code) != _LENGTH or any(char not in _ALPHABET for char in code):
        raise Invalid(
            f"统一社会信用代码“{text}”应为 18 位数字或大写字母（不含 I O S V Z），请核对营业执照"
        )
    expected = uscc_check_character(code[:-1])
    if code[-1] != expected:
        raise Invalid(f"统一社会信用代码“{text}”校验位不对，请核对营业执照后重新填写")
    return code


def uscc_check_character(first17: str) -> str:
    """Compute the check character of the first seventeen (GB 32100-2015 §5)."""
    total = sum(_ALPHABET.index(char) * pow(3, i, 31) for i, char in enumerate(first17))
    return _ALPHABET[-total % 31]
