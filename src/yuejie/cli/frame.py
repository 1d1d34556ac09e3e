"""What every command shares: settings, the database, the time, and how answers are shown."""

import getpass
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click
import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from yuejie.app import house, stamping
from yuejie.bills.documents.stamp.note import Stamping
from yuejie.cli.powers import power_of
from yuejie.customers.key import digest_of
from yuejie.customers.members.member import Member
from yuejie.customers.members.power import Power, refuse_powerless
from yuejie.customers.members.store import member_by_digest
from yuejie.db.session import Database
from yuejie.kernel.clock import Clock, ShiftedClock, SystemClock
from yuejie.kernel.errors import Forbidden, Invalid
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.settings import Settings

as_json: Final = click.option("--json", "json", is_flag=True, help="以 JSON 输出，供程序读取")

as_stamped: Final = click.option(
    "--stamped", is_flag=True, help="加盖印章图样（YUEJIE_SELLER_STAMP；只是图片，不是电子签名）"
)

_NARROW: Final = 120
_WHOLE: Final = frozenset({"请求", "事件", "编号", "月", "周", "日", "小时", "走势"})
"""Columns of ids, which are for copying, of dates and of bars: they are never cut."""


@dataclass(slots=True)
class Frame:
    """What a command is given: settings, clock, and who is at the keyboard."""

    settings: Settings
    clock: Clock
    user: str
    _db: Database | None = field(default=None, init=False)
    _member: Member | None = field(default=None, init=False)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Open the database, starting the embedded one for the length of the command."""
        if "structlog" in sys.modules:  # some room logs; to import it costs most of a second
            import_module("yuejie.logs").set_aside()
        with house(self.settings, note) as db:
            self._db = db
            yield db

    @property
    def by(self) -> str:
        """Under whose name a deed is done: the member's whose token is set, else the user's.

        Deeds that need two people need two members. Raises Forbidden for a token that is not one
        of the operator's members in use, or whose role does not hold the power that the command
        needs; asked while the database is open.
        """
        token = self.settings.member_token
        if not token:
            return self.user
        if self._member is not None:
            return self._member.signs_as
        assert self._db is not None, "who signs is known once the database is open"
        with self._db.read() as tx:
            member = member_by_digest(tx, digest_of(token, self.settings.pepper))
        if member is None or member.revoked_at is not None or member.customer_id is not None:
            raise Forbidden("YUEJIE_MEMBER_TOKEN 不是运营方在用成员的令牌，请核对或去掉后重试")
        _refuse_powerless(member)
        self._member = member
        return member.signs_as

    @property
    def is_member(self) -> bool:
        """Whether a member is at the keyboard, and not whoever runs the machine."""
        return bool(self.settings.member_token)

    def needs(self, power: Power) -> None:
        """Refuse a member without a power that depends on what a command is given to."""
        assert self.by, "whoever signs is known"
        if self._member is not None:
            refuse_powerless(self._member, power)

    def stamping(self, *, wanted: bool) -> Stamping | None:
        """Return what stamps a paper, where that was asked for."""
        return stamping(self.settings, by=self.by, now=self.now()) if wanted else None

    def now(self) -> datetime:
        """Return the present instant."""
        return self.clock.now()


def _refuse_powerless(member: Member) -> None:
    """Refuse a member whose role may not give the command that runs."""
    words: list[str] = []
    ctx: click.Context | None = click.get_current_context()
    while ctx is not None:
        words.insert(0, str(ctx.info_name))
        ctx = ctx.parent
    power = power_of(words)
    if power is None:
        raise Forbidden(f"命令 {' '.join(words)} 没有登记职权，请去掉 YUEJIE_MEMBER_TOKEN 后重试")
    refuse_powerless(member, power)


frame = click.make_pass_decorator(Frame)
_OBEYED: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]|\r(?!\n)"
)
"""What moves a cursor, colours or turns round what stands behind it."""


def make_frame() -> Frame:
    """Read the settings; the deeds of this process are written down under the user's name."""
    settings = Settings.load()
    clock = ShiftedClock(SystemClock(), settings.clock_shift)
    return Frame(settings, clock, f"cli:{getpass.getuser()}")


def note(sentence: str) -> None:
    """Tell what is going on, aside from the answer."""
    sys.stderr.write(f"{visible(sentence)}\n")


def say(sentence: str) -> None:
    """Give the answer, or a part of it."""
    sys.stdout.write(f"{visible(sentence)}\n")


def visible(text: str) -> str:
    """Return a text as it is shown: what a terminal would obey is written out.

    Payers, customers and their callers choose what stands in it.
    """
    return _OBEYED.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def put(body: bytes, name: str, where: Path) -> Path:
    """Write a file under its name into a folder, or under the name that was asked for."""
    path = where if where.suffix == Path(name).suffix else where / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def text_of(path: Path) -> str:
    """Read a file that a person wrote."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(f"文件 {path.name} 不是 UTF-8 文本，请另存为 UTF-8 后重试") from None


def give_json(answer: object) -> None:
    """Write an answer as JSON: money as amount and currency, months as labels."""
    written = msgspec.json.format(msgspec.json.encode(plain(answer)), indent=2).decode()
    sys.stdout.write(f"{written}\n")


def plain(thing: Any) -> Any:  # noqa: ANN401 - anything goes in, only JSON's own types come out
    """Turn nouns into what JSON knows, money and months in the house's form."""
    if isinstance(thing, Money):
        return {"amount": thing.amount, "currency": thing.currency}
    if isinstance(thing, BillingMonth | StrEnum | UUID):
        return str(thing)
    if isinstance(thing, datetime | date):
        return thing.isoformat()
    if isinstance(thing, bytes):
        return thing.hex()
    if isinstance(thing, Mapping):
        return {str(name): plain(value) for name, value in thing.items()}
    if isinstance(thing, Sequence) and not isinstance(thing, str):
        return [plain(each) for each in thing]
    if hasattr(thing, "__slots__") and hasattr(thing, "__dataclass_fields__"):
        return {name: plain(getattr(thing, name)) for name in thing.__dataclass_fields__}
    return thing


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Show rows as a table; columns that hold numbers are set to the right.

    What stands in a cell is somebody's words, and no markup: “[/b]” is shown as it is.
    """
    named = Text(visible(title))
    table = Table(title=named, title_justify="left", header_style="bold", expand=False)
    for number, column in enumerate(columns):
        figures = bool(rows) and all(_is_figure(row[number]) for row in rows)
        table.add_column(
            column,
            justify="right" if figures else "left",
            no_wrap=figures or column in _WHOLE,
            overflow="fold",  # a Chinese sentence has no spaces to break at, and is not cut short
        )
    for row in rows:
        table.add_row(*(Text("" if cell is None else _shown(cell)) for cell in row))
    console = Console()
    if not console.is_terminal and console.width < _NARROW:
        console = Console(width=_NARROW)
    console.print(table)


def _is_figure(cell: object) -> bool:
    return cell is None or isinstance(cell, int | Decimal | Money)


def _shown(cell: object) -> str:
    number = isinstance(cell, int | Decimal) and not isinstance(cell, bool)
    return f"{cell:,}" if number else visible(str(cell))


@contextmanager
def progress(what: str) -> Iterator[Any]:
    """Show how far long work is; the block gets a function (done, of)."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def move(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        yield move
