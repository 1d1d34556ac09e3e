"""What changing over is worth for a month: saving and what is avoided, against the fee. Pure.

5,000 → 3,500, fee 200                 net 1,300, ratio 6.50
8,000 → 6,500, waste 500, fee 300      net 1,700, ratio 5.67
"""

from dataclasses import dataclass

from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import divide

RATIO_SCALE = 100


@dataclass(frozen=True, slots=True)
class Avoided:
    """A cost of the present way that falls away, e.g. seasonal waste; fen. Each has a figure."""

    name: str
    label: str
    fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Roi:
    """One month before and after, whole fen of one currency.

    `before_fen` and `after_fen` are what the same usage costs there and here, without the fee.
    """

    currency: str
    before_fen: int
    after_fen: int
    fee_fen: int
    avoided: tuple[Avoided, ...] = ()

    @property
    def saving_fen(self) -> int:
        """What the usage itself costs less; negative where it costs more."""
        return self.before_fen - self.after_fen

    @property
    def net_fen(self) -> int:
        """Saving, and what is avoided, less the management fee."""
        return self.saving_fen + sum(each.fen for each in self.avoided) - self.fee_fen

    @property
    def ratio_e2(self) -> int | None:
        """Net benefit by fee in hundredths, 650 is 6.50; None without a fee."""
        return divide(self.net_fen * RATIO_SCALE, self.fee_fen) if self.fee_fen > 0 else None

    def refuse_nonsense(self) -> None:
        """Refuse amounts that are below nothing."""
        parts = [self.before_fen, self.after_fen, self.fee_fen, *(a.fen for a in self.avoided)]
        if any(part < 0 for part in parts):
            raise Invalid("投资回报的各项金额不能为负，请核对现有费用、管理费与可避免的损失")
