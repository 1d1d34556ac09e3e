"""What every price file becomes, and the reading that they share.

No number of a price file passes through a float: JSON and TOML numbers arrive as they are written.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from yuejie.contracts.formats.pricelist import PriceList, RateDraft, Remark, Severity
from yuejie.contracts.tier import DEFAULT
from yuejie.contracts.window import Window
from yuejie.kernel.errors import DomainError
from yuejie.kernel.money import Rate
from yuejie.usage.meters import Meter, per

_TIER: Final = re.compile(r"[a-z0-9_]+(\+[a-z0-9_]+)*\Z")


@dataclass(frozen=True, slots=True)
class PriceFile:
    """What a file says: lists, the report so far, and where its prices come from."""

    lists: list[PriceList] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    source: str = ""


@dataclass(slots=True)
class Gathering:
    """Collects one model's rates; what cannot be read becomes a remark and the rest goes on.

    A list that `failed` is not handed on: the remarks about what it lacks would mislead.
    """

    model: str
    where: str
    currency: str
    remarks: list[Remark]
    rates: list[RateDraft] = field(default_factory=list)
    failed: bool = False

    def add(
        self,
        meter: str,
        price: str,
        *,
        service_tier: str = DEFAULT,
        context_above: int = 0,
        time_window: str = "",
    ) -> None:
        """Read one price: per million tokens, or per piece for meters that count pieces."""
        try:
            known = self.meter(meter)
            if known is None:
                return
            pico = Rate.parse(price, self.currency, per=per(known)).pico
            window = str(Window.parse(time_window)) if time_window.strip() else ""
        except DomainError as error:
            self.error(f"{self.model} 的 {meter}：{error.sentence}")
            return
        if not _TIER.match(service_tier):
            self.error(f"{self.model} 的服务档“{service_tier}”写法不对，只用小写字母、数字、下划线")
            return
        self.rates.append(RateDraft(known, pico, service_tier, context_above, window))

    def meter(self, name: str) -> Meter | None:
        """Return the meter of that name; an unknown one is an error in the report."""
        try:
            return Meter(name)
        except ValueError:
            self.error(f"{self.model} 的计量项“{name}”不认识，可用：{'、'.join(Meter)}")
            return None

    def error(self, sentence: str) -> None:
        """Report what stops the import."""
        self.failed = True
        self.remarks.append(Remark(self.where, Severity.ERROR, sentence))

    def skip(self, sentence: str) -> None:
        """Report what the file says and the book leaves out."""
        self.remarks.append(Remark(self.where, Severity.WARNING, f"{self.model}：{sentence}"))
