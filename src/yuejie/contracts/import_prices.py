"""Import a price file: read it, check it line by line, and publish it whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Final

from yuejie.contracts import store
from yuejie.contracts.formats.facts import read_facts
from yuejie.contracts.formats.ours import parse_json, parse_toml, read_csv, read_table
from yuejie.contracts.formats.pricelist import PriceList, RateDraft, Remark, Severity
from yuejie.contracts.formats.read import PriceFile
from yuejie.contracts.publish import Publication, Published, publish_revision, stops
from yuejie.contracts.tier import DEFAULT
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.limits import PRICE_CHANGE_PPM
from yuejie.kernel.money import PPM
from yuejie.usage.meters import Meter

_SHOWN: Final = {
    Severity.ERROR: "错误",
    Severity.APPROVE: "待批准",
    Severity.WARNING: "注意",
    Severity.NOTE: "说明",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceImport:
    """A file to import, and into which book from when."""

    name: str
    body: bytes
    book_id: str
    starts_at: datetime
    """When it holds, where the file is imported the direct way."""
    approve: bool = False


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The report of an import. `published` is None when the file was refused before publishing.

    `needs_another`: it changes prices that somebody else has to approve; `change_id` names what
    waits for that, once it was asked for.
    """

    remarks: tuple[Remark, ...]
    published: Published | None
    needs_another: bool = False
    change_id: str | None = None

    @property
    def refused(self) -> bool:
        """Whether nothing was imported because of what the report says."""
        return self.published is None or self.published.refused

    def lines(self) -> list[str]:
        """Write the report as people read it, the grave first."""
        order = {severity: rank for rank, severity in enumerate(Severity)}
        ranked = sorted(self.remarks, key=lambda remark: order[remark.severity])
        return [*(f"[{_SHOWN[r.severity]}] {r.where}：{r.sentence}" for r in ranked), self.outcome]

    @property
    def gravest(self) -> str:
        """Say in one sentence what forbids the import."""
        for severity in (Severity.ERROR, Severity.APPROVE):
            for remark in self.remarks:
                if remark.severity is severity:
                    return remark.sentence
        return self.outcome

    @property
    def outcome(self) -> str:
        """Say in one sentence what came of it."""
        if self.published is None or self.published.refused:
            return "未导入任何价目：请按以上各条改正或批准后重新导入。"
        done, count = self.published, len(self.published.models)
        if not done.models:
            return f"价目 {done.book_id} 没有变化。"
        if self.change_id is not None:
            return f"调价 {self.change_id} 已提出，由另一人批准后才生效。"
        if self.needs_another:
            return f"试算通过：改动价目 {done.book_id} 的 {count} 个模型，须由另一人批准后才生效。"
        if done.revision is None:
            return f"试算通过：将更新价目 {done.book_id} 的 {count} 个模型。"
        cards = "".join(f"，折算卡 {card} 第 {number} 版" for card, number in done.cards)
        return f"已发布价目 {done.book_id} 第 {done.revision} 版，{count} 个模型{cards}。"


def import_prices(
    db: Database, wanted: PriceImport, *, by: str, now: datetime, dry_run: bool = False
) -> ImportReport:
    """Import a price file into a book; any error leaves the book untouched.

    The direct way, of who runs the house: pages, programs and members take `changes/ask.py`.
    """
    remarks, publication = read_publication(db, wanted)
    unreadable = stops(remarks, approve=wanted.approve)
    done = publish_revision(db, publication, by=by, now=now, dry_run=dry_run or unreadable)
    return ImportReport((*remarks, *done.remarks), None if unreadable else done)


def read_publication(db: Database, wanted: PriceImport) -> tuple[list[Remark], Publication]:
    """Return what a file says and what is odd about it, before it is held against its book."""
    with db.read() as tx:
        book = store.book(tx, wanted.book_id)
    if book is None:
        raise NotFound(f"价目 {wanted.book_id} 不存在，请先建立", book=wanted.book_id)
    read = read_price_file(wanted.name, wanted.body, currency=book.currency)
    publication = Publication(
        book_id=wanted.book_id,
        lists=read.lists,
        starts_at=wanted.starts_at,
        source=read.source or PurePath(wanted.name).name,
        approve=wanted.approve,
    )
    return [*read.remarks, *across_platforms(read.lists)], publication


def read_price_file(name: str, body: bytes, *, currency: str) -> PriceFile:
    """Read a price file by its ending; JSON may be ours or the open fact file."""
    suffix = PurePath(name).suffix.lower()
    if suffix == ".toml":
        return read_table(parse_toml(body), currency=currency)
    if suffix == ".csv":
        return read_csv(body, currency=currency)
    if suffix == ".json":
        document = parse_json(body)
        if isinstance(document.get("models"), list):
            return read_facts(document, currency=currency)
        return read_table(document, currency=currency)
    raise Invalid(f"价目文件“{name}”的格式不认识，请用 .toml、.csv 或 .json")


def across_platforms(lists: Sequence[PriceList]) -> list[Remark]:
    """Tell where two platforms sell the same model at very different prices; one may be stale."""
    by_name: dict[str, list[tuple[str, RateDraft]]] = {}
    for prices in lists:
        _, _, name = prices.model.partition("/")
        for rate in prices.rates:
            if name and rate.meter is Meter.INPUT and rate.place == (DEFAULT, 0, ""):
                by_name.setdefault(name, []).append((prices.model, rate))
    remarks = []
    for name, offers in sorted(by_name.items()):
        low = min(offers, key=lambda offer: offer[1].pico)
        high = max(offers, key=lambda offer: offer[1].pico)
        if (high[1].pico - low[1].pico) * PPM > low[1].pico * PRICE_CHANGE_PPM:
            sentence = (
                f"{high[0]} 的 input 单价比 {low[0]} 高出 {PRICE_CHANGE_PPM * 100 // PPM}% 以上，"
                "请核对是否有一方过时"
            )
            remarks.append(Remark(name, Severity.WARNING, sentence))
    return remarks
