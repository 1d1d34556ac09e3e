"""An office to measure: the embedded database and customers with contracts, no gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from bench.house import temporary_home
from yuejie.apply import Applying, apply_house
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.migrate import migrate
from yuejie.db.session import Database
from yuejie.demo.house import START, demo_house
from yuejie.house_file import ContractPart, CustomerPart, FxPart, HouseFile, ProjectPart

CHINA: Final = "Asia/Shanghai"
FOUNDED: Final = datetime(2026, 1, 1, tzinfo=UTC)
_NOWHERE: Final = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Office:
    """A database with customers."""

    home: Path
    postgres: EmbeddedPostgres
    db: Database
    slugs: list[str]


@contextmanager
def office(customers: int) -> Iterator[Office]:
    """Have an office for the length of a block; nothing of it remains."""
    with temporary_home() as home, office_in(home, customers) as house:
        furnish(house)
        yield house


@contextmanager
def office_in(home: Path, customers: int) -> Iterator[Office]:
    """Open the office of a folder; whoever finds it empty furnishes it."""
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    with EmbeddedPostgres(home / "postgres") as postgres:
        migrate(postgres.url("owner"))
        with Database.open(postgres.url("app"), size=4, name="bench") as db:
            slugs = [f"bench-{number:04d}" for number in range(customers)]
            yield Office(home, postgres, db, slugs)


def furnish(house: Office) -> None:
    """Enrol an office's customers, with contracts at the prices of the demo."""
    print(f"  正在登记 {len(house.slugs):,} 家客户 …", flush=True)
    _furnish(house.db, house.slugs)


def _furnish(db: Database, slugs: list[str]) -> None:
    applying = Applying(
        db=db,
        pepper=bytes(32),
        credential_key=bytes(32),
        by="bench",
        now=FOUNDED,
        folder=Path(),
        environ={},
    )
    house: HouseFile = demo_house(_NOWHERE, date(2026, 8, 31))
    house.fx = [
        FxPart(base="USD", quote="CNY", on_date=day, rate="7.2", source="基准测试，非真实报价")
        for day in (date(2026, 8, 31), date(2026, 9, 30))
    ]
    house.customer = [_customer(slug) for slug in slugs]
    for _ in apply_house(house, applying):
        pass


def _customer(slug: str) -> CustomerPart:
    return CustomerPart(
        slug=slug,
        legal_name=f"基准测试 {slug} 有限公司",
        contract=ContractPart(book="sale", starts_at=START, fx_policy="bill"),
        project=[ProjectPart(name="main")],
    )
