"""The only SQL about titles, fapiao, their lines and their seals."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

import msgspec

from yuejie.contracts.terms import FapiaoKind
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.fapiao.amounts import Amounts, FapiaoLine, LineNature
from yuejie.fapiao.available import TaxedBill
from yuejie.fapiao.draft import Place, TaxLine
from yuejie.fapiao.fapiao import Fapiao, Party
from yuejie.fapiao.life import FapiaoEvent, FapiaoState
from yuejie.fapiao.title import Title
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money

OPERATOR_READS: Final = {
    "holder_of": "a number belongs to one fapiao of all customers",
    "fapiao_by_name": "the operator names a fapiao by id, key or number; callers are checked above",
    "title_by_id": "the operator names a title by its id; callers are checked above",
    "all_fapiao": "the operator lists everybody's fapiao",
}
"""Reads that serve the operator; all others take `customer_id` first."""

# titles ------------------------------------------------------------------------------------------

TITLES_OF_CUSTOMER: Final = """
    SELECT title_id, customer_id, name, tax_number, natural_person, address, phone, bank_name,
           bank_account, cnaps, emails, mobile, is_default, state, created_at
    FROM fapiao_title
    WHERE customer_id = %(customer_id)s
    ORDER BY is_default DESC, name
"""


def titles_of_customer(tx: Tx, customer_id: CustomerId) -> list[Title]:
    """Return a customer's titles, the default first."""
    return tx.rows(Title, TITLES_OF_CUSTOMER, customer_id=customer_id)


TITLE_BY_ID: Final = """
    SELECT title_id, customer_id, name, tax_number, natural_person, address, phone, bank_name,
           bank_account, cnaps, emails, mobile, is_default, state, created_at
    FROM fapiao_title
    WHERE title_id = %(title_id)s
"""


def title_by_id(tx: Tx, title_id: str) -> Title | None:
    """Return a title by its id."""
    return tx.maybe(Title, TITLE_BY_ID, title_id=title_id)


CLEAR_DEFAULT: Final = """
    UPDATE fapiao_title SET is_default = FALSE
    WHERE customer_id = %(customer_id)s AND is_default AND title_id <> %(title_id)s
"""
SAVE_TITLE: Final = """
    INSERT INTO fapiao_title (title_id, customer_id, name, tax_number, natural_person, address,
                              phone, bank_name, bank_account, cnaps, emails, mobile, is_default,
                              state, created_at)
    VALUES (%(title_id)s, %(customer_id)s, %(name)s, %(tax_number)s, %(natural_person)s,
            %(address)s, %(phone)s, %(bank_name)s, %(bank_account)s, %(cnaps)s, %(emails)s,
            %(mobile)s, %(is_default)s, %(state)s, %(created_at)s)
    ON CONFLICT (title_id) DO UPDATE
    SET name = EXCLUDED.name, tax_number = EXCLUDED.tax_number,
        natural_person = EXCLUDED.natural_person, address = EXCLUDED.address,
        phone = EXCLUDED.phone, bank_name = EXCLUDED.bank_name,
        bank_account = EXCLUDED.bank_account, cnaps = EXCLUDED.cnaps, emails = EXCLUDED.emails,
        mobile = EXCLUDED.mobile, is_default = EXCLUDED.is_default, state = EXCLUDED.state
"""


def save_title(tx: Tx, title: Title) -> None:
    """Write a title, new or altered; a new default takes the place of the old one."""
    if title.is_default:
        tx.run(CLEAR_DEFAULT, customer_id=title.customer_id, title_id=title.title_id)
    tx.run(SAVE_TITLE, **_fields(title))


# what may be taxed -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _TaxedRow:
    bill_id: str
    number: str
    month: str
    state: str
    contract_id: str
    contract_version: int
    purchase_order: str
    fapiao_by: date | None
    part_name: str
    position: int
    item: str
    model: str
    tax_ppm: int
    net_fen: int
    tax_fen: int
    gross_fen: int
    credited_net_fen: int
    credited_tax_fen: int


TAXED_BILLS: Final = """
    WITH credited AS (
        SELECT l.bill_id, l.tax_line, sum(c.net_fen) AS net_fen, sum(c.tax_fen) AS tax_fen
        FROM credit_note n
        JOIN credit_note_line c USING (credit_note_id)
        JOIN bill_line l USING (line_id)
        WHERE n.customer_id = %(customer_id)s AND n.state = 'approved'
        GROUP BY l.bill_id, l.tax_line
    )
    SELECT b.bill_id, b.number, b.month, b.state, b.contract_id, b.contract_version,
           b.purchase_order, b.fapiao_by, b.part_name, t.position, t.item,
           COALESCE(t.model, '') AS model, t.tax_ppm, t.net_fen, t.tax_fen, t.gross_fen,
           COALESCE(c.net_fen, 0)::bigint AS credited_net_fen,
           COALESCE(c.tax_fen, 0)::bigint AS credited_tax_fen
    FROM bill b
    JOIN bill_tax_line t USING (bill_id)
    LEFT JOIN credited c ON c.bill_id = t.bill_id AND c.tax_line = t.position
    WHERE b.customer_id = %(customer_id)s AND b.currency = 'CNY' AND b.number IS NOT NULL
      AND b.state IN ('issued', 'paid', 'written_off', 'voided')
    ORDER BY b.month, b.bill_id, t.position
"""


def taxed_bills(tx: Tx, customer_id: CustomerId) -> list[TaxedBill]:
    """Return a customer's issued bills in CNY with their tax lines: all that is read of bills."""
    rows = tx.rows(_TaxedRow, TAXED_BILLS, customer_id=customer_id)
    found: list[TaxedBill] = []
    for _, group in groupby(rows, key=lambda row: row.bill_id):
        lines = list(group)
        first = lines[0]
        found.append(
            TaxedBill(
                bill_id=first.bill_id,
                number=first.number,
                month=first.month,
                state=first.state,
                contract_id=first.contract_id,
                contract_version=first.contract_version,
                purchase_order=first.purchase_order,
                fapiao_by=first.fapiao_by,
                part_name=first.part_name,
                lines=tuple(_tax_line(line) for line in lines),
            )
        )
    return found


def _tax_line(row: _TaxedRow) -> TaxLine:
    return TaxLine(**{name: getattr(row, name) for name in TaxLine.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class _TakenRow:
    bill_id: str
    tax_position: int
    net_fen: int
    tax_fen: int
    gross_fen: int


TAKEN: Final = """
    WITH blue AS (
        SELECT l.bill_id, l.tax_position, l.net_fen, l.tax_fen, l.gross_fen
        FROM fapiao_line l JOIN fapiao f USING (fapiao_id)
        WHERE l.customer_id = %(customer_id)s AND f.state <> 'rejected'
    ), red AS (
        SELECT l.bill_id, l.tax_position, r.net_fen, r.tax_fen, r.gross_fen
        FROM fapiao_red h
        JOIN fapiao_red_line r USING (red_id)
        JOIN fapiao_line l ON l.fapiao_id = r.fapiao_id AND l.position = r.blue_position
        WHERE h.customer_id = %(customer_id)s AND h.state = 'issued'
    )
    SELECT bill_id, tax_position, sum(net_fen)::bigint AS net_fen, sum(tax_fen)::bigint AS tax_fen,
           sum(gross_fen)::bigint AS gross_fen
    FROM (SELECT * FROM blue UNION ALL SELECT * FROM red) AS both_kinds
    GROUP BY bill_id, tax_position
"""


def taken(tx: Tx, customer_id: CustomerId) -> dict[Place, Amounts]:
    """Return what fapiao in force, less red fapiao issued, have taken of each tax line."""
    rows = tx.rows(_TakenRow, TAKEN, customer_id=customer_id)
    return {
        (row.bill_id, row.tax_position): Amounts(row.net_fen, row.tax_fen, row.gross_fen)
        for row in rows
    }


# fapiao ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _FapiaoRow:
    fapiao_id: str
    customer_id: CustomerId
    request_id: str
    key: str
    kind: str
    state: str
    buyer: Any
    seller: Any
    emails: list[str]
    mobile: str
    remark: str
    net_fen: int
    tax_fen: int
    gross_fen: int
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    provider: str
    number: str | None
    issued_at: datetime | None
    delivered_at: datetime | None
    why: str


FAPIAO_BY_NAME: Final = """
    SELECT fapiao_id, customer_id, request_id, key, kind, state, buyer, seller, emails, mobile,
           remark, net_fen, tax_fen, gross_fen, requested_by, requested_at, approved_by,
           approved_at, provider, number, issued_at, delivered_at, why
    FROM fapiao
    WHERE fapiao_id = %(name)s OR number = %(name)s OR key = %(name)s
"""


def fapiao_by_name(tx: Tx, name: str) -> Fapiao | None:
    """Return a fapiao by its id, its number or its key, whole."""
    row = tx.maybe(_FapiaoRow, FAPIAO_BY_NAME, name=name)
    return _whole(tx, row) if row else None


LOCK_FAPIAO: Final = "SELECT fapiao_id FROM fapiao WHERE fapiao_id = %(fapiao_id)s FOR UPDATE"


def lock_fapiao(tx: Tx, customer_id: CustomerId, fapiao_id: str) -> Fapiao:
    """Return a fapiao that nobody else changes until the transaction ends."""
    tx.value(LOCK_FAPIAO, fapiao_id=fapiao_id)
    found = fapiao_by_name(tx, fapiao_id)
    assert found is not None
    assert found.customer_id == customer_id
    return found


FAPIAO_OF_CUSTOMER: Final = """
    SELECT fapiao_id, customer_id, request_id, key, kind, state, buyer, seller, emails, mobile,
           remark, net_fen, tax_fen, gross_fen, requested_by, requested_at, approved_by,
           approved_at, provider, number, issued_at, delivered_at, why
    FROM fapiao
    WHERE customer_id = %(customer_id)s AND fapiao_id > %(after)s
    ORDER BY fapiao_id
    LIMIT %(limit)s
"""


def fapiao_of_customer(
    tx: Tx, customer_id: CustomerId, *, after: str = "", limit: int | None = None
) -> list[Fapiao]:
    """Return a customer's fapiao in the order of their requests, whole."""
    rows = tx.rows(
        _FapiaoRow, FAPIAO_OF_CUSTOMER, customer_id=customer_id, after=after, limit=limit
    )
    return [_whole(tx, row) for row in rows]


ALL_FAPIAO: Final = """
    SELECT fapiao_id, customer_id, request_id, key, kind, state, buyer, seller, emails, mobile,
           remark, net_fen, tax_fen, gross_fen, requested_by, requested_at, approved_by,
           approved_at, provider, number, issued_at, delivered_at, why
    FROM fapiao
    WHERE (%(state)s::text IS NULL OR state = %(state)s) AND fapiao_id > %(after)s
    ORDER BY fapiao_id
    LIMIT %(limit)s
"""


def all_fapiao(
    tx: Tx, *, state: str | None = None, after: str = "", limit: int | None = None
) -> list[Fapiao]:
    """Return everybody's fapiao of a state (or of all), from behind `after` on, whole."""
    rows = tx.rows(_FapiaoRow, ALL_FAPIAO, state=state, after=after, limit=limit)
    return [_whole(tx, row) for row in rows]


NEWEST_FAPIAO: Final = """
    SELECT fapiao_id, customer_id, request_id, key, kind, state, buyer, seller, emails, mobile,
           remark, net_fen, tax_fen, gross_fen, requested_by, requested_at, approved_by,
           approved_at, provider, number, issued_at, delivered_at, why
    FROM fapiao
    WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
      AND (%(state)s::text IS NULL OR state = %(state)s)
      AND (%(before)s = '' OR fapiao_id < %(before)s)
    ORDER BY fapiao_id DESC
    LIMIT %(limit)s
"""


def newest_fapiao(
    tx: Tx,
    customer_id: CustomerId | None,
    *,
    state: str | None = None,
    before: str = "",
    limit: int,
) -> list[Fapiao]:
    """Return a customer's fapiao (None: everybody's) of a state or all, the newest request first.

    Their lines are not read: each may have two thousand.
    """
    rows = tx.rows(
        _FapiaoRow,
        NEWEST_FAPIAO,
        customer_id=customer_id,
        state=state,
        before=before,
        limit=limit,
    )
    return [_fapiao(row, []) for row in rows]


INSERT_FAPIAO: Final = """
    INSERT INTO fapiao (fapiao_id, customer_id, request_id, key, kind, state, buyer, seller, emails,
                        mobile, remark, net_fen, tax_fen, gross_fen, requested_by, requested_at)
    VALUES (%(fapiao_id)s, %(customer_id)s, %(request_id)s, %(key)s, %(kind)s, %(state)s,
            %(buyer)s, %(seller)s, %(emails)s, %(mobile)s, %(remark)s, %(net_fen)s, %(tax_fen)s,
            %(gross_fen)s, %(requested_by)s, %(requested_at)s)
"""
INSERT_LINE: Final = """
    INSERT INTO fapiao_line (fapiao_id, position, customer_id, nature, bill_id, tax_position, code,
                             short_name, item, spec, unit, quantity, price, tax_ppm, net_fen,
                             tax_fen, gross_fen)
    VALUES (%(fapiao_id)s, %(position)s, %(customer_id)s, %(nature)s, %(bill_id)s,
            %(tax_position)s, %(code)s, %(short_name)s, %(item)s, %(spec)s, %(unit)s, %(quantity)s,
            %(price)s, %(tax_ppm)s, %(net_fen)s, %(tax_fen)s, %(gross_fen)s)
"""


def insert_fapiao(tx: Tx, fapiao: Fapiao) -> None:
    """Write a requested fapiao with its lines, which are never touched again."""
    tx.run(
        INSERT_FAPIAO,
        fapiao_id=fapiao.fapiao_id,
        customer_id=fapiao.customer_id,
        request_id=fapiao.request_id,
        key=fapiao.key,
        kind=str(fapiao.kind),
        state=str(fapiao.state),
        buyer=msgspec.to_builtins(fapiao.buyer),
        seller=msgspec.to_builtins(fapiao.seller),
        emails=list(fapiao.emails),
        mobile=fapiao.mobile,
        remark=fapiao.remark,
        net_fen=fapiao.amounts.net_fen,
        tax_fen=fapiao.amounts.tax_fen,
        gross_fen=fapiao.amounts.gross_fen,
        requested_by=fapiao.requested_by,
        requested_at=fapiao.requested_at,
    )
    for line in fapiao.lines:
        facts = _fields(line) | {"nature": int(line.nature)}
        tx.run(INSERT_LINE, fapiao_id=fapiao.fapiao_id, customer_id=fapiao.customer_id, **facts)
    deed = Deed(fapiao.requested_by, fapiao.requested_at, "request", "fapiao", fapiao.key)
    record_deed(tx, deed, became=_told(fapiao))


def _told(fapiao: Fapiao) -> dict[str, object]:
    """Return what the record of deeds says of a fapiao; its lines stand with itself."""
    return {
        "state": str(fapiao.state),
        "kind": str(fapiao.kind),
        "buyer": fapiao.buyer.name,
        "gross": str(Money(fapiao.amounts.gross_fen, "CNY")),
        "provider": fapiao.provider,
        "number": fapiao.number,
    }


MOVE_FAPIAO: Final = """
    UPDATE fapiao
    SET state = %(became)s, approved_by = %(approved_by)s, approved_at = %(approved_at)s,
        provider = %(provider)s, number = %(number)s, issued_at = %(issued_at)s, why = %(why)s
    WHERE fapiao_id = %(fapiao_id)s AND state = %(was)s
"""
NOTE_TRANSITION: Final = """
    INSERT INTO fapiao_transition (fapiao_id, at, event, was, became, by, why)
    VALUES (%(fapiao_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


def move_fapiao(
    tx: Tx, was: Fapiao, became: Fapiao, event: FapiaoEvent, *, by: str, at: datetime
) -> bool:
    """Move a fapiao to its next state if it is still in the one it was read in, and note it."""
    moved = tx.run(
        MOVE_FAPIAO,
        fapiao_id=was.fapiao_id,
        was=str(was.state),
        became=str(became.state),
        approved_by=became.approved_by,
        approved_at=became.approved_at,
        provider=became.provider,
        number=became.number,
        issued_at=became.issued_at,
        why=became.why,
    )
    if moved:
        step = Transition(at, event, was.state, became.state, by, became.why)
        tx.run(NOTE_TRANSITION, fapiao_id=was.fapiao_id, **step.row())
        deed = Deed(by, at, str(event), "fapiao", was.key, became.why)
        record_deed(tx, deed, was=_told(was), became=_told(became))
    return bool(moved)


HOLDER_OF: Final = """
    SELECT fapiao_id FROM fapiao WHERE number = %(number)s
    UNION ALL
    SELECT red_id FROM fapiao_red WHERE number = %(number)s
"""


@dataclass(frozen=True, slots=True)
class _Holder:
    fapiao_id: str


def holder_of(tx: Tx, number: str) -> str:
    """Return the id of the fapiao or red fapiao that has a number, or nothing."""
    found = tx.rows(_Holder, HOLDER_OF, number=number)
    return found[0].fapiao_id if found else ""


MARK_DELIVERED: Final = """
    UPDATE fapiao SET delivered_at = %(at)s
    WHERE fapiao_id = %(fapiao_id)s AND delivered_at IS NULL
"""


def mark_delivered(tx: Tx, fapiao_id: str, *, at: datetime) -> bool:
    """Note when a fapiao was delivered for the first time, and say whether this was it."""
    return bool(tx.run(MARK_DELIVERED, fapiao_id=fapiao_id, at=at))


LINES: Final = """
    SELECT position, nature, bill_id, tax_position, code, short_name, item, spec, unit, quantity,
           price, tax_ppm, net_fen, tax_fen, gross_fen
    FROM fapiao_line
    WHERE fapiao_id = %(fapiao_id)s
    ORDER BY position
"""


def _whole(tx: Tx, row: _FapiaoRow) -> Fapiao:
    """Put a fapiao and its lines together."""
    return _fapiao(row, tx.rows(FapiaoLine, LINES, fapiao_id=row.fapiao_id))


def _fapiao(row: _FapiaoRow, lines: Iterable[FapiaoLine]) -> Fapiao:
    return Fapiao(
        fapiao_id=row.fapiao_id,
        customer_id=row.customer_id,
        request_id=row.request_id,
        key=row.key,
        kind=FapiaoKind(row.kind),
        state=FapiaoState(row.state),
        buyer=msgspec.convert(row.buyer, Party),
        seller=msgspec.convert(row.seller, Party),
        emails=tuple(row.emails),
        mobile=row.mobile,
        remark=row.remark,
        amounts=Amounts(row.net_fen, row.tax_fen, row.gross_fen),
        lines=tuple(_natured(line) for line in lines),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        provider=row.provider,
        number=row.number,
        issued_at=row.issued_at,
        delivered_at=row.delivered_at,
        why=row.why,
    )


def _natured(line: FapiaoLine) -> FapiaoLine:
    facts = _fields(line) | {"nature": LineNature(line.nature)}
    return FapiaoLine(**facts)


def _fields(thing: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the nouns above
    return {name: getattr(thing, name) for name in thing.__dataclass_fields__}


# seals -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SealRow:
    """A link of a customer's chain, with the bytes that it seals."""

    customer_id: CustomerId
    position: int
    subject_id: str
    canonical: bytes
    previous: bytes
    seal: bytes


LAST_SEAL: Final = """
    SELECT customer_id, position, subject_id, canonical, previous, seal
    FROM fapiao_seal
    WHERE customer_id = %(customer_id)s
    ORDER BY position DESC
    LIMIT 1
"""


def last_seal(tx: Tx, customer_id: CustomerId) -> SealRow | None:
    """Return the end of a customer's chain."""
    return tx.maybe(SealRow, LAST_SEAL, customer_id=customer_id)


INSERT_SEAL: Final = """
    INSERT INTO fapiao_seal (customer_id, position, subject_id, canonical, previous, seal)
    VALUES (%(customer_id)s, %(position)s, %(subject_id)s, %(canonical)s, %(previous)s, %(seal)s)
"""


def insert_seal(tx: Tx, row: SealRow) -> None:
    """Add a link; a position that is taken is a bug, for the chain has one end."""
    tx.run(INSERT_SEAL, **_fields(row))


UNSEALED: Final = """
    SELECT array_agg(number ORDER BY number) FROM (
        SELECT number, fapiao_id AS subject_id FROM fapiao
        WHERE customer_id = %(customer_id)s AND number IS NOT NULL
        UNION ALL
        SELECT number, red_id FROM fapiao_red
        WHERE customer_id = %(customer_id)s AND number IS NOT NULL
    ) AS issued
    WHERE NOT EXISTS (SELECT FROM fapiao_seal s WHERE s.subject_id = issued.subject_id)
"""


def unsealed(tx: Tx, customer_id: CustomerId) -> list[str]:
    """Return the numbers of a customer's fapiao and red fapiao that stand in no chain: none."""
    return list(tx.value(UNSEALED, customer_id=customer_id) or [])


SEALS_OF_CUSTOMER: Final = """
    SELECT customer_id, position, subject_id, canonical, previous, seal
    FROM fapiao_seal
    WHERE customer_id = %(customer_id)s
    ORDER BY position
"""


def seals_of_customer(tx: Tx, customer_id: CustomerId) -> list[SealRow]:
    """Return a customer's chain from its beginning."""
    return tx.rows(SealRow, SEALS_OF_CUSTOMER, customer_id=customer_id)
