"""Publish prices: a revision of a book, with the cards that depend on it; an exchange rate.

A revision is checked, completed and written with all its rates in one transaction, or refused
whole. Models whose list says what the book says already are left out, so publishing the same file
twice changes nothing. The converted rates of every card book are written in the same transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Final

import msgspec

from yuejie.contracts import store
from yuejie.contracts.agreed.write import extend_contract_books
from yuejie.contracts.formats.pricelist import (
    PriceList,
    RateDraft,
    Remark,
    Severity,
    changes,
    check,
    complete,
)
from yuejie.contracts.fx import FxRow
from yuejie.contracts.prices import RateRow
from yuejie.contracts.store import BookRow, RevisionNote
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.limits import PUBLICATION_LEAD
from yuejie.kernel.money import CURRENCIES, FxRate, Rate
from yuejie.kernel.period import zone_of
from yuejie.usage.meters import Meter

_KINDS: Final = {"cost": "成本价目", "sale": "销售价目"}
_SAID: Final = _KINDS | {"card": "折算卡", "contract": "合同价目"}
_CHINA: Final = zone_of("Asia/Shanghai")
"""Exchange rates are published by Chinese calendar days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What somebody wants published. `approve` accepts what needs a second look."""

    book_id: str
    lists: Sequence[PriceList]
    starts_at: datetime
    source: str
    approve: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it: the revision, or None when nothing changed or it was refused."""

    book_id: str
    revision: int | None
    models: tuple[str, ...]
    remarks: tuple[Remark, ...]
    refused: bool = False
    cards: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What would be published: the report, the completed lists that say something new.

    `stands` names for each of them the revision it stands in until then, 0 where it has no price.
    """

    book: BookRow
    report: Published
    lists: tuple[PriceList, ...]
    stands: Mapping[str, int]

    @property
    def alters(self) -> bool:
        """Whether a model that has prices gets others."""
        return any(self.stands.values())


@dataclass(frozen=True, slots=True)
class _Standing:
    """The newest list of a model in a book, and when its revision starts."""

    revision: int
    starts_at: datetime
    rows: tuple[RateRow, ...]


def open_book(
    db: Database, book_id: str, *, kind: str, currency: str, by: str, now: datetime
) -> BookRow:
    """Open a cost or sale book; one that is open already must be the same."""
    if kind not in _KINDS:
        raise Invalid(f"价目类别“{kind}”不认识，请写 cost（成本价）或 sale（销售价）")
    if currency not in CURRENCIES:
        raise Invalid(f"价目 {book_id} 的币种“{currency}”不支持，请写 CNY 或 USD")
    with db.begin() as tx:
        tx.lock_exclusive(f"book {book_id}")
        was = store.book(tx, book_id)
        if was is not None:
            if (was.kind, was.currency) != (kind, currency):
                raise Conflict(
                    f"价目 {book_id} 已存在，是{_SAID[was.kind]}、{was.currency}，不能改成"
                    f"{_KINDS[kind]}、{currency}；请另取名称"
                )
            return was
        row = BookRow(book_id, kind, currency, None, now)
        store.insert_book(tx, row)
        record_deed(tx, Deed(by, now, "open", "book", book_id), became=row)
        return row


def publish_revision(
    db: Database, publication: Publication, *, by: str, now: datetime, dry_run: bool = False
) -> Published:
    """Check, complete and write a revision with its cards; a dry run only reports."""
    if dry_run:
        with db.read() as tx:
            return judge(tx, publication, now).report
    with db.begin() as tx:
        tx.lock_exclusive(f"book {publication.book_id}")
        return publish_judged(tx, judge(tx, publication, now), publication, by=by, now=now)


def publish_judged(
    tx: Tx, judged: Judged, publication: Publication, *, by: str, now: datetime
) -> Published:
    """Write what was judged under the lock of its book, unless it was refused or is no news."""
    if judged.report.refused or not judged.lists:
        return judged.report
    note = RevisionNote(
        book_id=judged.book.book_id,
        revision=0,
        starts_at=publication.starts_at,
        published_at=now,
        source=publication.source,
        body_hash=hash_of(judged.lists),
        approved_by=by if publication.approve else None,
        fx_id=None,
    )
    number, cards = write_revision(tx, judged.book, note, judged.lists, by=by)
    return replace(judged.report, revision=number, cards=cards)


def write_revision(
    tx: Tx, book: BookRow, note: RevisionNote, lists: Sequence[PriceList], *, by: str
) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Write a revision of completed lists with its cards and the books of contracts behind it."""
    number = store.insert_revision(tx, note)
    store.insert_rates(tx, book.book_id, rows_of(lists, number, book.currency))
    written = store.rates_of_revision(tx, book.book_id, number)
    cards = tuple(
        (card.book_id, _extend_card(tx, card, note, written))
        for card in store.cards_of(tx, book.book_id)
    )
    models = [prices.model for prices in lists]
    for each in (book.book_id, *(card_id for card_id, _ in cards)):
        extend_contract_books(tx, each, models, starts_at=note.starts_at, now=note.published_at)
    deed = Deed(by, note.published_at, "publish", "book", book.book_id)
    became = {
        "revision": number,
        "models": models,
        "starts_at": note.starts_at,
        "source": note.source,
        "sha256": note.body_hash.hex(),
        "approved_by": note.approved_by,
    }
    record_deed(tx, deed, was={"revision": number - 1} if number > 1 else None, became=became)
    return number, cards


def publish_fx(
    db: Database,
    rate: FxRate,
    on_date: date,
    *,
    source: str,
    by: str,
    now: datetime,
    cards_from: datetime | None = None,
    approve: bool = False,
) -> FxRow:
    """Write an exchange rate down; with `cards_from` every card of the pair converts anew then.

    The same rate for the same day from the same source changes nothing; another one is added, and
    the one published last counts.
    """
    if cards_from is not None:
        _refuse_soon(cards_from, now, approve=approve)
    with db.begin() as tx:
        tx.lock_exclusive("fx")
        was = store.fx_on(tx, base=rate.base, quote=rate.quote, day=on_date)
        row = _fx_row(tx, rate, on_date, source, now)
        if cards_from is not None:
            for card in _cards_between(tx, rate.base, rate.quote):
                _convert_card(tx, card, row, starts_at=cards_from, by=by, now=now)
        deed = Deed(by, now, "publish", "fx", f"{rate.base}{rate.quote}")
        record_deed(tx, deed, was=was, became=row)
        return row


def card_of(tx: Tx, book: BookRow, currency: str, now: datetime) -> BookRow:
    """Return the card book of a list book in a currency, writing it if it is the first such.

    A new card converts every revision of its parent, at the rate in force today.
    """
    card_id = f"{book.book_id}@{currency}"
    tx.lock_exclusive(f"book {book.book_id}")
    found = store.book(tx, card_id)
    if found is not None:
        return found
    card = BookRow(card_id, "card", currency, book.book_id, now)
    fx = _fx_now(tx, book.currency, currency, now)
    store.insert_book(tx, card)
    for note in store.revisions(tx, book.book_id):
        parents = store.rates_of_revision(tx, book.book_id, note.revision)
        _write_card(tx, card, replace(note, book_id=card_id, published_at=now), parents, fx)
    return card


def judge(tx: Tx, publication: Publication, now: datetime) -> Judged:
    """Return the report of a publication, and the completed lists that say something new."""
    book = _book(tx, publication.book_id)
    standing = _standing(tx, book.book_id)
    remarks: list[Remark] = list(_lead(publication, now))
    late_cards = behind_cards(tx, book.book_id, publication.starts_at)
    fresh: list[PriceList] = []
    seen: set[str] = set()
    for prices in publication.lists:
        if prices.model in seen:
            sentence = f"模型 {prices.model} 在文件中出现两次，请合并"
            remarks.append(Remark(prices.where, Severity.ERROR, sentence))
        seen.add(prices.model)
        was = standing.get(prices.model)
        whole, told = complete(prices)
        if was is not None and _same(whole.rates, was.rows):
            continue
        remarks += check(prices, publication.starts_at)
        remarks += told
        remarks += _behind(prices, was, publication.starts_at)
        if prices.model in late_cards:
            remarks.append(Remark(prices.where, Severity.ERROR, late_cards[prices.model]))
        remarks += changes(prices, [_draft(row) for row in was.rows] if was else [])
        fresh.append(whole)
    refused = stops(remarks, approve=publication.approve)
    models = tuple(prices.model for prices in fresh)
    if not fresh:
        remarks = [r for r in remarks if r.severity is Severity.ERROR]
        refused = bool(remarks)
    stands = {model: standing[model].revision if model in standing else 0 for model in models}
    report = Published(book.book_id, None, models, tuple(remarks), refused=refused)
    return Judged(book, report, tuple(fresh), stands)


def standing_revisions(tx: Tx, book_id: str) -> dict[str, int]:
    """Return the revision that holds each model's newest list, scheduled ones included."""
    return {model: each.revision for model, each in _standing(tx, book_id).items()}


def stops(remarks: Iterable[Remark], *, approve: bool) -> bool:
    """Say whether a report forbids the import."""
    grave = {Severity.ERROR} if approve else {Severity.ERROR, Severity.APPROVE}
    return any(remark.severity in grave for remark in remarks)


def _book(tx: Tx, book_id: str) -> BookRow:
    book = store.book(tx, book_id)
    if book is None:
        raise NotFound(f"价目 {book_id} 不存在，请先建立", book=book_id)
    if book.kind == "card":
        raise Invalid(f"价目 {book_id} 是折算卡，由 {book.parent_book} 自动生成，请改在那里发布")
    if book.kind == "contract":
        raise Invalid(
            f"价目 {book_id} 是合同价目，由 {book.parent_book} 按合同约定自动生成，"
            "请改在那里发布，或变更合同"
        )
    return book


def _standing(tx: Tx, book_id: str) -> dict[str, _Standing]:
    """Return each model's newest list, scheduled ones included."""
    starts = {note.revision: note.starts_at for note in store.revisions(tx, book_id)}
    newest: dict[str, list[RateRow]] = {}
    for row in store.rates(tx, book_id):
        rows = newest.get(row.model)
        if rows is None or rows[0].revision < row.revision:
            rows = newest[row.model] = []
        rows.append(row)
    return {
        model: _Standing(rows[0].revision, starts[rows[0].revision], tuple(rows))
        for model, rows in newest.items()
    }


def _lead(publication: Publication, now: datetime) -> Iterable[Remark]:
    if publication.starts_at < now + PUBLICATION_LEAD:
        minutes = PUBLICATION_LEAD.seconds // 60
        yield Remark(
            "starts_at",
            Severity.APPROVE,
            f"生效时间 {publication.starts_at.isoformat()} 距现在不足 {minutes} 分钟，"
            "只有经批准的更正才能这样发布",
        )


def _refuse_soon(starts_at: datetime, now: datetime, *, approve: bool) -> None:
    if not approve and starts_at < now + PUBLICATION_LEAD:
        minutes = PUBLICATION_LEAD.seconds // 60
        raise Invalid(
            f"折算卡的生效时间 {starts_at.isoformat()} 距现在不足 {minutes} 分钟，"
            "请推后，或核对无误后加 --approve"
        )


def _behind(prices: PriceList, was: _Standing | None, starts_at: datetime) -> Iterable[Remark]:
    """A list may not start before the one it follows: time would run backwards in the book."""
    if was is not None and starts_at < was.starts_at:
        yield Remark(
            prices.where,
            Severity.ERROR,
            f"{prices.model} 已有第 {was.revision} 版定于 {was.starts_at.isoformat()} 生效，"
            "新价目不能早于它，请推后生效时间",
        )


def _draft(row: RateRow) -> RateDraft:
    return RateDraft(
        Meter(row.meter), row.pico, row.service_tier, row.context_above, row.time_window, row.origin
    )


def _same(drafts: Sequence[RateDraft], rows: Sequence[RateRow]) -> bool:
    return set(drafts) == {_draft(row) for row in rows}


def rows_of(lists: Iterable[PriceList], revision: int, currency: str) -> list[RateRow]:
    """Return lists as the rows of a revision, which have no numbers yet."""
    return [
        RateRow(
            rate_id=0,
            revision=revision,
            model=prices.model,
            meter=str(rate.meter),
            pico=rate.pico,
            currency=currency,
            service_tier=rate.service_tier,
            context_above=rate.context_above,
            time_window=rate.time_window,
            list_rate=0,
            origin=rate.origin,
        )
        for prices in lists
        for rate in prices.rates
    ]


def hash_of(lists: Iterable[PriceList]) -> bytes:
    """Return the hash of what a revision says, whatever order the file had."""
    body = sorted(
        (prices.model, sorted((str(r.meter), *r.place, r.pico, r.origin) for r in prices.rates))
        for prices in lists
    )
    return sha256(msgspec.json.encode(body)).digest()


# ── cards ───────────────────────────────────────────────────────────────────────────────────────


def _extend_card(tx: Tx, card: BookRow, note: RevisionNote, parents: Sequence[RateRow]) -> int:
    """Write the card's revision of a fresh list revision, at the card's own rate."""
    notes = store.revisions(tx, card.book_id)
    used = [each for each in notes if each.starts_at <= note.starts_at and each.fx_id is not None]
    if used and used[-1].fx_id is not None:
        fx = store.fx_by_id(tx, used[-1].fx_id)
    else:
        book = _book(tx, str(card.parent_book))
        fx = _fx_now(tx, book.currency, card.currency, note.published_at)
    _refuse_earlier(tx, card, {row.model for row in parents}, note.starts_at)
    return _write_card(tx, card, replace(note, book_id=card.book_id), parents, fx)


def _convert_card(
    tx: Tx, card: BookRow, fx: FxRow, *, starts_at: datetime, by: str, now: datetime
) -> int:
    """Convert every list anew that will be in force when the card's rate changes."""
    parent = str(card.parent_book)
    tx.lock_exclusive(f"book {parent}")
    lists = _standing(tx, parent)
    _refuse_earlier(tx, card, set(lists), starts_at)
    parents = [row for each in lists.values() for row in each.rows]
    note = RevisionNote(card.book_id, 0, starts_at, now, f"汇率 {fx.on_date}", b"", by, None)
    number = _write_card(tx, card, note, parents, fx)
    extend_contract_books(tx, card.book_id, lists, starts_at=starts_at, now=now)
    return number


def behind_cards(tx: Tx, book_id: str, starts_at: datetime) -> dict[str, str]:
    """Say of which models a list that starts then could not be written into the book's cards."""
    return {
        model: sentence
        for card in store.cards_of(tx, book_id)
        for model, sentence in _later(tx, card, starts_at)
    }


def _refuse_earlier(tx: Tx, card: BookRow, models: set[str], starts_at: datetime) -> None:
    for model, sentence in _later(tx, card, starts_at):
        if model in models:
            raise Conflict(sentence)


def _later(tx: Tx, card: BookRow, starts_at: datetime) -> Iterable[tuple[str, str]]:
    """Yield the models of a card that have a list which starts later, and say so of each."""
    for model, standing in _standing(tx, card.book_id).items():
        if starts_at < standing.starts_at:
            sentence = (
                f"折算卡 {card.book_id} 的 {model} 已有第 {standing.revision} 版定于 "
                f"{standing.starts_at.isoformat()} 生效，请推后生效时间"
            )
            yield model, sentence


def _write_card(
    tx: Tx, card: BookRow, note: RevisionNote, parents: Sequence[RateRow], fx: FxRow
) -> int:
    """Write converted rates, each naming the list rate it comes from."""
    body = [(row.rate_id, fx.e8) for row in parents]
    digest = sha256(msgspec.json.encode(body)).digest()
    number = store.insert_revision(tx, replace(note, body_hash=digest, fx_id=fx.fx_id))
    store.insert_rates(
        tx,
        card.book_id,
        [
            msgspec.structs.replace(
                row,
                revision=number,
                pico=Rate(row.pico, row.currency).card(fx.rate).pico,
                currency=card.currency,
                list_rate=row.rate_id,
            )
            for row in parents
        ],
    )
    return number


# ── exchange rates ──────────────────────────────────────────────────────────────────────────────


def _fx_row(tx: Tx, rate: FxRate, on_date: date, source: str, now: datetime) -> FxRow:
    rows = store.fx_rows(tx, base=rate.base, quote=rate.quote, first=on_date, last=on_date)
    if rows and (rows[-1].e8, rows[-1].source) == (rate.e8, source):
        return rows[-1]
    row = FxRow(0, rate.base, rate.quote, on_date, rate.e8, source, now)
    return replace(row, fx_id=store.insert_fx(tx, row))


def _fx_now(tx: Tx, base: str, quote: str, now: datetime) -> FxRow:
    day = now.astimezone(_CHINA).date()
    found = store.fx_on(tx, base=base, quote=quote, day=day)
    if found is None:
        raise NotFound(
            f"没有 {day} 及以前的 {base}→{quote} 汇率，无法写出折算卡，请先登记汇率",
            base=base,
            quote=quote,
        )
    return found


def _cards_between(tx: Tx, base: str, quote: str) -> list[BookRow]:
    books = {row.book_id: row for row in store.books(tx)}
    return [
        row
        for row in books.values()
        if row.kind == "card"
        and row.parent_book is not None
        and row.currency == quote
        and books[row.parent_book].currency == base
    ]
