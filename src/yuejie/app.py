"""The composition root: settings become a database, and whoever needs one is given it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING

from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.errors import DatabaseUnavailable, EmbeddedUnavailable
from yuejie.db.migrate import marked, migrate
from yuejie.db.session import IDLE_SECONDS, STATEMENT_SECONDS, Database, Pacing
from yuejie.db.warehouse.client import Warehouse
from yuejie.settings import Settings

if TYPE_CHECKING:
    from yuejie.bills.documents.document import Seller
    from yuejie.bills.documents.stamp.note import Stamping
    from yuejie.contracts.documents.framework import Signatory
    from yuejie.contracts.esign.ask import SigningForm
    from yuejie.contracts.esign.store import Signing
    from yuejie.customers.customer import Customer
    from yuejie.fapiao.providers.port import Provider
    from yuejie.fapiao.request import Selling
    from yuejie.ledger.check import Check

Say = Callable[[str], None]


def app_url(settings: Settings) -> str:
    """Return the address the application connects to; an embedded server must be running."""
    if settings.database_url is not None:
        return settings.database_url
    return EmbeddedPostgres(settings.postgres).url("app")


def owner_url(settings: Settings) -> str:
    """Return the address that may change the schema; a pooler is passed by."""
    if settings.direct_url is not None:
        return settings.direct_url
    if settings.database_url is not None:
        return settings.database_url
    return EmbeddedPostgres(settings.postgres).url("owner")


def backup_url(settings: Settings) -> str:
    """Return the address that may copy the whole database and follow its log."""
    if settings.backups.backup_database_url is not None:
        return settings.backups.backup_database_url
    if settings.database_url is not None:
        return owner_url(settings)
    return EmbeddedPostgres(settings.postgres).url("superuser", "yuejie")


def reachable_url(settings: Settings) -> str:
    """Return the application's address, or nothing while the embedded server is down.

    A gateway starts all the same: it serves from its snapshot.
    """
    try:
        return app_url(settings)
    except EmbeddedUnavailable:
        return ""


@contextmanager
def database(settings: Settings, *, size: int = 4, name: str = "yuejie") -> Iterator[Database]:
    """Open the database of a running house."""
    with open_database(settings, size=size, name=name) as db:
        yield db


def open_database(
    settings: Settings,
    *,
    size: int,
    name: str,
    statement_seconds: int = STATEMENT_SECONDS,
    idle_seconds: int = IDLE_SECONDS,
    pacing: Pacing = nullcontext,
) -> Database:
    """Open the database, which knows where moved events lie if settings say so."""
    db = Database.open(
        app_url(settings),
        size=size,
        name=marked(name),
        statement_seconds=statement_seconds,
        idle_seconds=idle_seconds,
        pacing=pacing,
    )
    if settings.clickhouse_url:
        db.warehouse = Warehouse(settings.clickhouse_url)
    return db


@contextmanager
def house(settings: Settings, say: Say, *, size: int = 4) -> Iterator[Database]:
    """Open the database, starting the embedded server for as long as needed if none runs.

    So every command works whether or not `yuejie serve` is up.
    """
    if settings.database_url is not None or _runs(settings):
        with database(settings, size=size) as db:
            yield db
        return
    with running(settings, say), database(settings, size=size) as db:
        yield db


@contextmanager
def running(settings: Settings, say: Say) -> Iterator[EmbeddedPostgres]:
    """Run the embedded server, migrated, for the length of the block."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with EmbeddedPostgres(settings.postgres, progress=say) as postgres:
        for name in migrate(postgres.url("owner")):
            say(f"数据库结构已更新：{name}")
        yield postgres


def _runs(settings: Settings) -> bool:
    try:
        with Database.open(app_url(settings), size=1):
            return True
    except (EmbeddedUnavailable, DatabaseUnavailable):
        return False


def seller(settings: Settings) -> "Seller":
    """Return the operator as its bills name it."""
    from yuejie.bills.documents.document import Seller  # noqa: PLC0415 - a gateway prints no bills

    return Seller(
        legal_name=settings.seller_name,
        uscc=settings.seller_uscc,
        bank_name=settings.seller_bank,
        bank_account=settings.seller_account,
    )


def stamping(settings: Settings, *, by: str, now: datetime) -> "Stamping":
    """Return what stamps a paper: the picture of our seal, who asks for it, and when."""
    from yuejie.bills.documents.stamp.note import Stamping  # noqa: PLC0415 - as above
    from yuejie.bills.documents.stamp.picture import read_stamp  # noqa: PLC0415 - as above

    return Stamping(read_stamp(settings.seller_stamp), by=by, now=now)


def selling(settings: Settings) -> "Selling":
    """Return the operator as its fapiao name it, and what it sells under."""
    from yuejie.fapiao.fapiao import Party  # noqa: PLC0415 - a gateway issues no fapiao
    from yuejie.fapiao.request import Selling  # noqa: PLC0415 - the same

    return Selling(
        party=Party(name=settings.seller_name, tax_number=settings.seller_uscc),
        code=settings.fapiao.fapiao_tax_code,
        item=settings.fapiao.fapiao_item,
    )


def fapiao_provider(settings: Settings, db: Database) -> "Provider | None":
    """Return who issues fapiao, or None where a person does and uploads them."""
    from yuejie.fapiao.providers.choose import Credentials, provider_of  # noqa: PLC0415 - the same
    from yuejie.fapiao.providers.port import Drawer  # noqa: PLC0415 - the same

    chosen = settings.fapiao
    return provider_of(
        Credentials(
            provider=chosen.fapiao_provider,
            app_key=chosen.fapiao_app_key,
            app_secret=chosen.fapiao_app_secret,
            username=chosen.fapiao_username,
            password=chosen.fapiao_password,
            salt=chosen.fapiao_salt,
            url=chosen.fapiao_url,
            token_url=chosen.fapiao_token_url,
        ),
        Drawer(
            tax_number=settings.seller_uscc,
            name=chosen.fapiao_drawer,
            callback_url=chosen.fapiao_callback_url,
        ),
        db,
        settings.credential_key,
    )


def ledger_checks() -> "tuple[Check, ...]":
    """Return what the rooms that post promise about the books, beside the ledger's own checks."""
    from yuejie.assurance.providers.pay import LEDGER_CHECKS as PAID  # noqa: PLC0415 - as above
    from yuejie.bills.correct.booked import LEDGER_CHECKS as BOOKED  # noqa: PLC0415 - as above

    return (*BOOKED, *PAID)


def signatories(seller: "Seller", customer: "Customer") -> "tuple[Signatory, Signatory]":
    """Return both parties as a contract names them: the operator, then the customer."""
    from yuejie.contracts.documents.framework import Signatory  # noqa: PLC0415 - as above

    ours = Signatory(
        legal_name=seller.legal_name,
        uscc=seller.uscc,
        bank_name=seller.bank_name,
        bank_account=seller.bank_account,
    )
    theirs = Signatory(
        legal_name=customer.legal_name,
        uscc=customer.uscc or "",
        address=customer.tax_address,
        phone=customer.tax_phone,
        bank_name=customer.bank_name,
        bank_account=customer.bank_account,
    )
    return ours, theirs


def ask_to_sign(
    db: Database,
    seller: "Seller",
    draft_id: str,
    form: "SigningForm",
    *,
    by: str,
    now: datetime,
) -> "Signing":
    """Ask a customer's person to sign a reviewed draft; raises what `ask_signature` does.

    The form names one of the platforms in use.
    """
    from yuejie.contracts.esign.ask import (  # noqa: PLC0415 - as above
        SigningWish,
        ask_signature,
        signing_text,
    )
    from yuejie.contracts.esign.port import Signer  # noqa: PLC0415 - as above
    from yuejie.contracts.life.drafting import found  # noqa: PLC0415 - as above
    from yuejie.customers.enrol import find_customer  # noqa: PLC0415 - as above

    with db.read() as tx:
        draft = found(tx, draft_id)
        who = find_customer(tx, draft.customer_id)
        ours, theirs = signatories(seller, who)
        text = signing_text(tx, draft, seller=ours, customer=theirs)
    signer = Signer(
        legal_name=who.legal_name, uscc=who.uscc or "", person=form.person, mobile=form.mobile
    )
    wish = SigningWish(signer=signer, platform=form.platform, checked=form.checked)
    return ask_signature(db, draft_id, text, wish, by=by, now=now)
