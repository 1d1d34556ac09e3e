"""The seal of a fapiao: SHA-256 over canonical form 1, chained per customer.

The same idea as the seal of a bill: UTF-8 JSON with sorted keys and no spaces, whole numbers only,
every issued line word for word, and the seal before it. Blue and red fapiao of a customer are one
chain in the order of their issue, so that none can be left out without a trace.
"""

import hashlib
from typing import Any, Final

import msgspec

from yuejie.fapiao.amounts import Amounts, FapiaoLine
from yuejie.fapiao.fapiao import Fapiao, Party, RedFapiao, RedLine

VERSION: Final = 1
GENESIS: Final = bytes(32)
"""The seal before a customer's first."""


def canonical(fapiao: Fapiao, previous: bytes) -> bytes:
    """Return the bytes that are sealed; the fapiao has its number and its time."""
    if fapiao.number is None or fapiao.issued_at is None:
        raise AssertionError("only an issued fapiao is sealed")
    return _encode(
        {
            "form": VERSION,
            "what": "fapiao",
            "fapiao_id": fapiao.fapiao_id,
            "number": fapiao.number,
            "customer_id": fapiao.customer_id,
            "key": fapiao.key,
            "kind": str(fapiao.kind),
            "buyer": _party(fapiao.buyer),
            "seller": _party(fapiao.seller),
            "remark": fapiao.remark,
            "totals_fen": _figures(fapiao.amounts),
            "issued_at": fapiao.issued_at.isoformat(),
            "lines": [_line(line) for line in fapiao.lines],
            "previous": previous.hex(),
        }
    )


def canonical_red(red: RedFapiao, previous: bytes) -> bytes:
    """Return the bytes that are sealed of a red fapiao; it has its number and its time."""
    if red.number is None or red.issued_at is None:
        raise AssertionError("only an issued red fapiao is sealed")
    return _encode(
        {
            "form": VERSION,
            "what": "red_fapiao",
            "red_id": red.red_id,
            "fapiao_id": red.fapiao_id,
            "blue_number": red.blue_number,
            "number": red.number,
            "customer_id": red.customer_id,
            "key": red.key,
            "reason": red.reason,
            "form_number": red.form_number,
            "totals_fen": _figures(red.amounts),
            "issued_at": red.issued_at.isoformat(),
            "lines": [_red_line(line) for line in red.lines],
            "previous": previous.hex(),
        }
    )


def seal_of(canonical_bytes: bytes) -> bytes:
    """Return the seal of a canonical form."""
    return hashlib.sha256(canonical_bytes).digest()


def _encode(body: dict[str, Any]) -> bytes:
    return msgspec.json.encode(body, order="sorted")


def _party(party: Party) -> list[Any]:
    return [
        party.name,
        party.tax_number,
        party.natural_person,
        party.address,
        party.phone,
        party.bank_name,
        party.bank_account,
    ]


def _figures(amounts: Amounts) -> list[int]:
    return [amounts.net_fen, amounts.tax_fen, amounts.gross_fen]


def _line(line: FapiaoLine) -> list[Any]:
    return [
        line.position,
        int(line.nature),
        line.bill_id,
        line.tax_position,
        line.code,
        line.printed,
        line.spec,
        line.unit,
        line.quantity,
        line.price,
        line.tax_ppm,
        *_figures(line.amounts),
    ]


def _red_line(line: RedLine) -> list[Any]:
    return [line.position, line.blue_position, *_figures(line.amounts)]
