"""The only SQL about the catalogue, price books, exchange rates and contracts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from yuejie.contracts.catalog import Deployment, KeyUsage, Model, ProviderAccount
from yuejie.contracts.contract import Contract, at
from yuejie.contracts.fx import LOOK_BACK, FxRow, MonthFx, month_rate
from yuejie.contracts.prices import BookRows, RateRow, RevisionRow
from yuejie.contracts.terms import decode_terms, encode_terms
from yuejie.db.session import Tx
from yuejie.kernel.ids import BookId, ContractId, CustomerId
from yuejie.kernel.period import BillingMonth

OPERATOR_READS: Final = {
    "contracts": "the gateway's snapshot holds everybody's contracts",
    "key_usage": "the clerk tells every customer which of its keys use an ending model",
    "contract_versions": "the operator signs the next version of a contract it names",
}
"""Reads that serve the operator or the gateway; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class BookRow:
    """A book: whose side, which currency, and for a card the list book it converts."""

    book_id: str
    kind: str
    currency: str
    parent_book: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RevisionNote:
    """What was published when, by which source and on whose approval."""

    book_id: str
    revision: int
    starts_at: datetime
    published_at: datetime
    source: str
    body_hash: bytes
    approved_by: str | None
    fx_id: int | None


# ── books ───────────────────────────────────────────────────────────────────────────────────────

BOOK: Final = """
    SELECT book_id, kind, currency, parent_book, created_at FROM book WHERE book_id = %(book_id)s
"""


def book(tx: Tx, book_id: str) -> BookRow | None:
    """Return a book by its name."""
    return tx.maybe(BookRow, BOOK, book_id=book_id)


BOOKS: Final = """
    SELECT book_id, kind, currency, parent_book, created_at FROM book ORDER BY book_id
"""


def books(tx: Tx) -> list[BookRow]:
    """Return every book."""
    return tx.rows(BookRow, BOOKS)


CARDS: Final = """
    SELECT book_id, kind, currency, parent_book, created_at
    FROM book
    WHERE parent_book = %(parent)s AND kind = 'card'
    ORDER BY book_id
"""


def cards_of(tx: Tx, parent: str) -> list[BookRow]:
    """Return the card books that convert a list book."""
    return tx.rows(BookRow, CARDS, parent=parent)


INSERT_BOOK: Final = """
    INSERT INTO book (book_id, kind, currency, parent_book, created_at)
    VALUES (%(book_id)s, %(kind)s, %(currency)s, %(parent_book)s, %(created_at)s)
"""


def insert_book(tx: Tx, row: BookRow) -> None:
    """Write a new, empty book."""
    tx.run(
        INSERT_BOOK,
        book_id=row.book_id,
        kind=row.kind,
        currency=row.currency,
        parent_book=row.parent_book,
        created_at=row.created_at,
    )


# ── revisions and rates ─────────────────────────────────────────────────────────────────────────

REVISIONS: Final = """
    SELECT book_id, revision, starts_at, published_at, source, body_hash, approved_by, fx_id
    FROM book_revision
    WHERE book_id = %(book_id)s
    ORDER BY revision
"""


def revisions(tx: Tx, book_id: str) -> list[RevisionNote]:
    """Return what was ever published in a book, the oldest first."""
    return tx.rows(RevisionNote, REVISIONS, book_id=book_id)


INSERT_REVISION: Final = """
    INSERT INTO book_revision (book_id, revision, starts_at, published_at, source, body_hash,
                               approved_by, fx_id)
    SELECT %(book_id)s, coalesce(max(revision), 0) + 1, %(starts_at)s, %(published_at)s,
           %(source)s, %(body_hash)s, %(approved_by)s, %(fx_id)s
    FROM book_revision
    WHERE book_id = %(book_id)s
    RETURNING revision
"""


def insert_revision(tx: Tx, note: RevisionNote) -> int:
    """Write the next revision of a book and return its number, whatever number the note has."""
    number = tx.value(
        INSERT_REVISION,
        book_id=note.book_id,
        starts_at=note.starts_at,
        published_at=note.published_at,
        source=note.source,
        body_hash=note.body_hash,
        approved_by=note.approved_by,
        fx_id=note.fx_id,
    )
    return int(number)


COPY_RATES: Final = """
    COPY rate (book_id, revision, model, meter, pico, currency, service_tier, context_above,
               time_window, list_rate, origin)
    FROM STDIN
"""


def insert_rates(tx: Tx, book_id: str, rows: Iterable[RateRow]) -> int:
    """Write the rates of a revision; their numbers are given by the database."""
    return tx.copy(
        COPY_RATES,
        (
            (
                book_id,
                row.revision,
                row.model,
                row.meter,
                row.pico,
                row.currency,
                row.service_tier,
                row.context_above,
                row.time_window,
                row.list_rate or None,
                row.origin,
            )
            for row in rows
        ),
    )


RATES: Final = """
    SELECT rate_id, revision, model, meter, pico, currency, service_tier, context_above,
           time_window, coalesce(list_rate, 0) AS list_rate, origin
    FROM rate
    WHERE book_id = %(book_id)s
    ORDER BY rate_id
"""


def rates(tx: Tx, book_id: str) -> list[RateRow]:
    """Return every rate of a book, in the order in which they were published."""
    return tx.rows(RateRow, RATES, book_id=book_id)


@dataclass(frozen=True, slots=True)
class _Model:
    model: str


PRICED_MODELS: Final = """
    SELECT DISTINCT r.model
    FROM rate r
    JOIN book b USING (book_id)
    JOIN book_revision v USING (book_id, revision)
    WHERE b.kind = %(kind)s AND v.starts_at <= %(at)s
"""


def priced_models(tx: Tx, kind: str, at: datetime) -> frozenset[str]:
    """Return the models that some book of a kind prices at an instant."""
    return frozenset(row.model for row in tx.rows(_Model, PRICED_MODELS, kind=kind, at=at))


RATES_OF_REVISION: Final = """
    SELECT rate_id, revision, model, meter, pico, currency, service_tier, context_above,
           time_window, coalesce(list_rate, 0) AS list_rate, origin
    FROM rate
    WHERE book_id = %(book_id)s AND revision = %(revision)s
    ORDER BY rate_id
"""


def rates_of_revision(tx: Tx, book_id: str, revision: int) -> list[RateRow]:
    """Return the rates that one revision named."""
    return tx.rows(RateRow, RATES_OF_REVISION, book_id=book_id, revision=revision)


RATES_BY_ID: Final = """
    SELECT rate_id, revision, model, meter, pico, currency, service_tier, context_above,
           time_window, coalesce(list_rate, 0) AS list_rate, origin
    FROM rate
    WHERE rate_id = ANY(%(rate_ids)s)
"""


def rates_by_id(tx: Tx, rate_ids: Iterable[int]) -> dict[int, RateRow]:
    """Return rates by their numbers, of whatever book."""
    wanted = sorted(set(rate_ids))
    return {row.rate_id: row for row in tx.rows(RateRow, RATES_BY_ID, rate_ids=wanted)}


REVISION_STARTS: Final = """
    SELECT revision, (extract(epoch FROM starts_at) * 1000000)::bigint AS starts_us
    FROM book_revision
    WHERE book_id = %(book_id)s
    ORDER BY revision
"""


def book_rows(tx: Tx, row: BookRow) -> BookRows:
    """Return a whole book, as the gateway and rating read it."""
    starts = tx.rows(RevisionRow, REVISION_STARTS, book_id=row.book_id)
    return BookRows(row.book_id, row.kind, row.currency, starts, rates(tx, row.book_id))


# ── exchange rates ──────────────────────────────────────────────────────────────────────────────

FX_ROWS: Final = """
    SELECT fx_id, base, quote, on_date, e8, source, published_at
    FROM fx_rate
    WHERE base = %(base)s AND quote = %(quote)s AND on_date BETWEEN %(first)s AND %(last)s
    ORDER BY on_date, published_at, fx_id
"""


def fx_rows(tx: Tx, *, base: str, quote: str, first: date, last: date) -> list[FxRow]:
    """Return the rates of a pair of currencies between two days, both included."""
    return tx.rows(FxRow, FX_ROWS, base=base, quote=quote, first=first, last=last)


FX_NEWEST: Final = """
    SELECT fx_id, base, quote, on_date, e8, source, published_at
    FROM fx_rate
    WHERE base = %(base)s AND quote = %(quote)s AND on_date <= %(day)s
    ORDER BY on_date DESC, published_at DESC, fx_id DESC
    LIMIT 1
"""


def fx_on(tx: Tx, *, base: str, quote: str, day: date) -> FxRow | None:
    """Return the rate in force on a day: the newest dated up to it."""
    return tx.maybe(FxRow, FX_NEWEST, base=base, quote=quote, day=day)


FX_BY_ID: Final = """
    SELECT fx_id, base, quote, on_date, e8, source, published_at
    FROM fx_rate
    WHERE fx_id = %(fx_id)s
"""


def fx_by_id(tx: Tx, fx_id: int) -> FxRow:
    """Return a rate that something refers to."""
    return tx.row(FxRow, FX_BY_ID, fx_id=fx_id)


INSERT_FX: Final = """
    INSERT INTO fx_rate (base, quote, on_date, e8, source, published_at)
    VALUES (%(base)s, %(quote)s, %(on_date)s, %(e8)s, %(source)s, %(published_at)s)
    RETURNING fx_id
"""


def insert_fx(tx: Tx, row: FxRow) -> int:
    """Write a rate down and return its number, whatever number the row has."""
    number = tx.value(
        INSERT_FX,
        base=row.base,
        quote=row.quote,
        on_date=row.on_date,
        e8=row.e8,
        source=row.source,
        published_at=row.published_at,
    )
    return int(number)


def month_fx(tx: Tx, *, base: str, quote: str, month: BillingMonth) -> MonthFx:
    """Return the service month's rate, or say that there is none."""
    first = month.first_day - LOOK_BACK
    rows = fx_rows(tx, base=base, quote=quote, first=first, last=month.last_day)
    return month_rate(rows, base=base, quote=quote, month=month)


# ── contracts ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _ContractRow:
    contract_id: ContractId
    version: int
    customer_id: CustomerId
    sale_book: BookId
    currency: str
    zone: str
    fx_policy: str
    tax_mode: str
    tax_ppm: int
    starts_at: datetime
    signed_at: datetime
    terms: str


def _contract(row: _ContractRow) -> Contract:
    return Contract(
        contract_id=row.contract_id,
        version=row.version,
        customer_id=row.customer_id,
        sale_book=row.sale_book,
        currency=row.currency,
        zone=row.zone,
        fx_policy=row.fx_policy,
        tax_mode=row.tax_mode,
        tax_ppm=row.tax_ppm,
        starts_at=row.starts_at,
        signed_at=row.signed_at,
        terms=decode_terms(row.terms),
    )


CONTRACTS: Final = """
    SELECT contract_id, version, customer_id, sale_book, currency, zone, fx_policy, tax_mode,
           tax_ppm, starts_at, signed_at, terms::text AS terms
    FROM contract
    ORDER BY customer_id, starts_at, signed_at, version, contract_id COLLATE "C"
"""


def contracts(tx: Tx) -> list[Contract]:
    """Return every version of every contract, those of a customer as `contract.order` has them."""
    return [_contract(row) for row in tx.rows(_ContractRow, CONTRACTS)]


CONTRACTS_OF_CUSTOMER: Final = """
    SELECT contract_id, version, customer_id, sale_book, currency, zone, fx_policy, tax_mode,
           tax_ppm, starts_at, signed_at, terms::text AS terms
    FROM contract
    WHERE customer_id = %(customer_id)s
    ORDER BY starts_at, signed_at, version, contract_id COLLATE "C"
"""


def contracts_of(tx: Tx, customer_id: CustomerId) -> list[Contract]:
    """Return every contract version of a customer, as `contract.order` has them."""
    rows = tx.rows(_ContractRow, CONTRACTS_OF_CUSTOMER, customer_id=customer_id)
    return [_contract(row) for row in rows]


def contract_at(tx: Tx, customer_id: CustomerId, started: datetime) -> Contract | None:
    """Return the version that applies to a customer at an instant."""
    return at(contracts_of(tx, customer_id), started)


VERSIONS: Final = """
    SELECT contract_id, version, customer_id, sale_book, currency, zone, fx_policy, tax_mode,
           tax_ppm, starts_at, signed_at, terms::text AS terms
    FROM contract
    WHERE contract_id = %(contract_id)s
    ORDER BY version
"""


def contract_versions(tx: Tx, contract_id: str) -> list[Contract]:
    """Return the versions of one contract, the oldest first."""
    rows = tx.rows(_ContractRow, VERSIONS, contract_id=contract_id)
    return [_contract(row) for row in rows]


INSERT_CONTRACT: Final = """
    INSERT INTO contract (contract_id, version, customer_id, sale_book, currency, zone, fx_policy,
                          tax_mode, tax_ppm, starts_at, signed_at, terms)
    VALUES (%(contract_id)s, %(version)s, %(customer_id)s, %(sale_book)s, %(currency)s, %(zone)s,
            %(fx_policy)s, %(tax_mode)s, %(tax_ppm)s, %(starts_at)s, %(signed_at)s,
            %(terms)s::jsonb)
"""


def insert_contract(tx: Tx, contract: Contract) -> None:
    """Write a signed version."""
    tx.run(
        INSERT_CONTRACT,
        contract_id=contract.contract_id,
        version=contract.version,
        customer_id=contract.customer_id,
        sale_book=contract.sale_book,
        currency=contract.currency,
        zone=contract.zone,
        fx_policy=contract.fx_policy,
        tax_mode=contract.tax_mode,
        tax_ppm=contract.tax_ppm,
        starts_at=contract.starts_at,
        signed_at=contract.signed_at,
        terms=encode_terms(contract.terms),
    )


# ── catalogue ───────────────────────────────────────────────────────────────────────────────────

ACCOUNTS: Final = """
    SELECT account_id, provider, platform, base_url, region, credential, state, created_at
    FROM provider_account
    ORDER BY account_id
"""


def accounts(tx: Tx) -> list[ProviderAccount]:
    """Return every provider account, its credential still encrypted."""
    return tx.rows(ProviderAccount, ACCOUNTS)


SAVE_ACCOUNT: Final = """
    INSERT INTO provider_account (account_id, provider, platform, base_url, region, credential,
                                  state, created_at)
    VALUES (%(account_id)s, %(provider)s, %(platform)s, %(base_url)s, %(region)s, %(credential)s,
            %(state)s, %(created_at)s)
    ON CONFLICT (account_id) DO UPDATE
    SET provider = EXCLUDED.provider, platform = EXCLUDED.platform, base_url = EXCLUDED.base_url,
        region = EXCLUDED.region, credential = EXCLUDED.credential, state = EXCLUDED.state
"""


def save_account(tx: Tx, account: ProviderAccount) -> None:
    """Write a provider account, new or changed."""
    tx.run(
        SAVE_ACCOUNT,
        account_id=account.account_id,
        provider=account.provider,
        platform=account.platform,
        base_url=account.base_url,
        region=account.region,
        credential=account.credential,
        state=account.state,
        created_at=account.created_at,
    )


MODELS: Final = """
    SELECT model_id, mode, owner, context_window, max_output, capabilities, deprecation_date,
           replacement, backup_model, state, created_at
    FROM model
    ORDER BY model_id
"""


def models(tx: Tx) -> list[Model]:
    """Return every model of the catalogue."""
    return tx.rows(Model, MODELS)


SAVE_MODEL: Final = """
    INSERT INTO model (model_id, mode, owner, context_window, max_output, capabilities,
                       deprecation_date, replacement, backup_model, state, created_at)
    VALUES (%(model_id)s, %(mode)s, %(owner)s, %(context_window)s, %(max_output)s,
            %(capabilities)s, %(deprecation_date)s, %(replacement)s, %(backup_model)s, %(state)s,
            %(created_at)s)
    ON CONFLICT (model_id) DO UPDATE
    SET mode = EXCLUDED.mode, owner = EXCLUDED.owner, context_window = EXCLUDED.context_window,
        max_output = EXCLUDED.max_output, capabilities = EXCLUDED.capabilities,
        deprecation_date = EXCLUDED.deprecation_date, replacement = EXCLUDED.replacement,
        backup_model = EXCLUDED.backup_model, state = EXCLUDED.state
"""


def save_model(tx: Tx, model: Model) -> None:
    """Write a model, new or changed."""
    tx.run(
        SAVE_MODEL,
        model_id=model.model_id,
        mode=model.mode,
        owner=model.owner,
        context_window=model.context_window,
        max_output=model.max_output,
        capabilities=model.capabilities,
        deprecation_date=model.deprecation_date,
        replacement=model.replacement,
        backup_model=model.backup_model,
        state=model.state,
        created_at=model.created_at,
    )


DEPLOYMENTS: Final = """
    SELECT deployment_id, model_id, account_id, upstream_model, cost_model, priority, weight,
           state, created_at
    FROM deployment
    ORDER BY model_id, priority, deployment_id
"""


def deployments(tx: Tx) -> list[Deployment]:
    """Return every deployment, by model and priority."""
    return tx.rows(Deployment, DEPLOYMENTS)


SAVE_DEPLOYMENT: Final = """
    INSERT INTO deployment (deployment_id, model_id, account_id, upstream_model, cost_model,
                            priority, weight, state, created_at)
    VALUES (%(deployment_id)s, %(model_id)s, %(account_id)s, %(upstream_model)s, %(cost_model)s,
            %(priority)s, %(weight)s, %(state)s, %(created_at)s)
    ON CONFLICT (deployment_id) DO UPDATE
    SET upstream_model = EXCLUDED.upstream_model, cost_model = EXCLUDED.cost_model,
        priority = EXCLUDED.priority, weight = EXCLUDED.weight, state = EXCLUDED.state
"""


def save_deployment(tx: Tx, deployment: Deployment) -> None:
    """Write a deployment, new or changed; which model and account it joins never moves."""
    tx.run(
        SAVE_DEPLOYMENT,
        deployment_id=deployment.deployment_id,
        model_id=deployment.model_id,
        account_id=deployment.account_id,
        upstream_model=deployment.upstream_model,
        cost_model=deployment.cost_model,
        priority=deployment.priority,
        weight=deployment.weight,
        state=deployment.state,
        created_at=deployment.created_at,
    )


KEY_USAGE: Final = """
    SELECT d.customer_id, d.key_id, r.model, r.meter, sum(r.quantity) AS quantity
    FROM usage_rollup r JOIN usage_dimension d USING (dimension_id)
    WHERE r.model = ANY(%(models)s) AND r.hour >= %(since)s AND r.month >= %(first)s
      AND r.state IN ('measured', 'partial')
    GROUP BY d.customer_id, d.key_id, r.model, r.meter
    HAVING sum(r.quantity) <> 0
    ORDER BY d.customer_id, d.key_id, r.model, r.meter
"""


def key_usage(tx: Tx, models_used: Iterable[str], since: datetime) -> list[KeyUsage]:
    """Return what each key used of some models since an instant."""
    # Months are the customers' own: a day's margin takes in every zone.
    first = f"{since - timedelta(days=1):%Y-%m}"
    return tx.rows(KeyUsage, KEY_USAGE, models=sorted(set(models_used)), since=since, first=first)
