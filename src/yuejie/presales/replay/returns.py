"""What changing over is worth in the mean month: plain, and with all that was told. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from yuejie.presales.compare import Side
from yuejie.presales.replay.scales import Scales
from yuejie.presales.roi import RATIO_SCALE, Avoided, Roi
from yuejie.presales.trace import Op


def returns_of(scales: Scales, ours: Side) -> tuple[Roi, Roi]:
    """Return the mean month's saving, net benefit and ratio: plain, and with all that was told."""
    mean = _Mean(scales)
    here = f"ours.{ours.name}"
    before = mean.of("prepaid.usage", "现在每月用量费用")
    after = mean.of(f"{here}.usage", "月结每月用量费用")
    fee = mean.of(f"{here}.fee", "每月管理费")
    waste = mean.of("prepaid.wasted", "每月作废余额")
    value = scales.tracing.value
    lost = (Avoided(waste, "季节性浪费（作废余额）", value(waste)),) if value(waste) else ()
    plain = _return(scales, "roi", before, after, fee, [a.name for a in lost], lost)
    vat = scales.tracing.derived(
        "roi.vat_gained",
        "多抵扣的进项税额",
        Op.MINUS,
        (f"{here}.deductible", "prepaid.deductible"),
        "fen",
        currency=scales.currency,
    )
    idle = scales.tracing.derived(
        "roi.idle_freed",
        "少占用资金的成本",
        Op.MINUS,
        ("prepaid.idle", f"{here}.idle"),
        "fen",
        currency=scales.currency,
    )
    more = [
        Avoided(name, label, value(name))
        for name, label in (
            (mean.of(vat, "每月多抵扣的进项税额"), "多抵扣的进项税额"),
            (mean.of("prepaid.extra", "每月手续费与汇差"), "手续费与汇差"),
            (mean.of(idle, "每月少占用资金的成本"), "少占用资金的成本"),
        )
        if value(name)
    ]
    everything = (*lost, *more)
    names = [each.name for each in everything]
    return plain, _return(scales, "roi_whole", before, after, fee, names, everything)


@dataclass(frozen=True, slots=True)
class _Mean:
    """The mean month of the months compared."""

    scales: Scales

    def of(self, name: str, label: str) -> str:
        """Note a sum's mean month."""
        return self.scales.ratio(f"mean.{name}", label, (name,), by=len(self.scales.months))


def _return(
    scales: Scales,
    name: str,
    before: str,
    after: str,
    fee: str,
    avoided: Sequence[str],
    parts: tuple[Avoided, ...],
) -> Roi:
    tracing, currency = scales.tracing, scales.currency
    saving = tracing.derived(
        f"{name}.saving", "每月用量节省", Op.MINUS, (before, after), "fen", currency=currency
    )
    gained = scales.sum(f"{name}.gained", "节省与避免的损失", (saving, *avoided))
    net = tracing.derived(
        f"{name}.net",
        "每月净收益",
        Op.MINUS,
        (gained, fee),
        "fen",
        currency=currency,
        words="节省 + 避免的损失 − 管理费",
    )
    value = tracing.value
    if value(fee) > 0:
        tracing.derived(
            f"{name}.ratio",
            "净收益与管理费之比",
            Op.DIVIDED,
            (net, fee),
            "e2",
            times=RATIO_SCALE,
        )
    roi = Roi(
        currency=currency,
        before_fen=value(before),
        after_fen=value(after),
        fee_fen=value(fee),
        avoided=parts,
    )
    assert roi.net_fen == value(net), "the return is what its trace says"
    return roi
