"""Forecasts on the wire: figures to come with their ranges, and how good such figures have been."""

from datetime import date

from pydantic import Field

from yuejie.insights.forecast.figures import Exhaustion, Forecast, HoursAhead, Month, Told
from yuejie.insights.forecast.proof import Proof, Trial
from yuejie.insights.forecast.rhythm import HoursProof
from yuejie.kernel.money import PICO, Money, plain
from yuejie.web.shapes.wire import Instant, Out

_MONEY = frozenset({"CNY", "USD"})


def figure(number: int, unit: str) -> str:
    """Write a figure: money with two decimals, else whole pieces."""
    return Money(number, unit).amount if unit in _MONEY else str(number)


class ToldOut(Out):
    """将来的数：最可能的值与区间；历史太短时没有区间。"""

    middle: str = Field(description="预计", examples=["12345.67"])
    low80: str | None = Field(description="80 % 区间下限")
    high80: str | None = Field(description="80 % 区间上限")
    low95: str | None = Field(description="95 % 区间下限")
    high95: str | None = Field(description="95 % 区间上限")

    @classmethod
    def of(cls, told: Told, unit: str) -> "ToldOut":
        """Write a figure to come."""
        sides = {
            name: None if value is None else figure(value, unit)
            for name in ("low80", "high80", "low95", "high95")
            for value in (getattr(told, name),)
        }
        return cls(middle=figure(told.middle, unit), **sides)


class MonthOut(Out):
    """一个月：已用（精确）、预计、照目前速度推算。"""

    month: str = Field(description="账期", examples=["2026-10"])
    used: str = Field(description="已用，精确", examples=["4200.00"])
    told: ToldOut = Field(description="整月预计，已用在内")
    run_rate: str | None = Field(description="照本月至今的速度推算；今后各月没有")

    @classmethod
    def of(cls, month: Month, unit: str) -> "MonthOut":
        """Write a month."""
        rate = None if month.run_rate is None else figure(month.run_rate, unit)
        return cls(
            month=str(month.month),
            used=figure(month.used, unit),
            told=ToldOut.of(month.told, unit),
            run_rate=rate,
        )


class DayOut(Out):
    """一天：以往的用量，或预计。"""

    day: date = Field(description="日期（客户时区）")
    used: str = Field(description="已用")
    told: ToldOut | None = Field(description="还将用多少（今天）或全天预计；以往为空")


class TrialOut(Out):
    """在过去只用当时已知的用量重做的一次预测。"""

    made_on: date = Field(description="作于哪一天")
    since: date = Field(description="预测的区间，从")
    until: date = Field(description="到（不含）")
    told: str = Field(description="当时会预计多少")
    naive: str = Field(description="照当时速度推算多少")
    came: str = Field(description="实际")
    held80: bool = Field(description="实际在 80 % 区间内")
    held95: bool = Field(description="实际在 95 % 区间内")

    @classmethod
    def of(cls, trial: Trial, unit: str) -> "TrialOut":
        """Write a trial."""
        told, naive, came = (
            figure(round(value), unit) for value in (trial.told.middle, trial.naive, trial.came)
        )
        return cls(
            made_on=trial.made_on,
            since=trial.since,
            until=trial.until,
            told=told,
            naive=naive,
            came=came,
            held80=trial.held80,
            held95=trial.held95,
        )


class ProofOut(Out):
    """回测：这样的预测在过去有多准。"""

    mase: float | None = Field(description="逐日误差与“同上周同日”之比；小于 1 为好")
    miss: float | None = Field(description="总数误差的中位数，占实际的几成", examples=[0.06])
    naive_miss: float | None = Field(description="照当时速度推算的误差中位数")
    held80: int = Field(description="80 % 区间命中几次")
    held95: int = Field(description="95 % 区间命中几次")
    trials: list[TrialOut] = Field(description="逐次")

    @classmethod
    def of(cls, proof: Proof, unit: str) -> "ProofOut":
        """Write a proof."""
        return cls(
            mase=proof.mase,
            miss=proof.miss,
            naive_miss=proof.naive_miss,
            held80=proof.held80,
            held95=proof.held95,
            trials=[TrialOut.of(each, unit) for each in proof.trials],
        )


class ForecastOut(Out):
    """预测：本月底与今后三个月，逐日，带区间与回测误差。"""

    measure: str = Field(description="money、tokens 或 requests")
    unit: str = Field(description="CNY、USD，或度量本身；费用按售价计，未计合同条款")
    zone: str = Field(description="客户时区")
    as_of: Instant = Field(description="截至何时")
    known_days: int = Field(description="依据几天完整的用量")
    knows: str = Field(description="依据多少历史、可信到什么程度")
    months: list[MonthOut] = Field(description="本月与今后三个月；没有历史时为空")
    days: list[DayOut] = Field(description="以往 35 天与到月底的每一天")
    proof: ProofOut | None = Field(description="回测")

    @classmethod
    def of(cls, found: Forecast) -> "ForecastOut":
        """Write a forecast."""
        unit = found.unit
        return cls(
            measure=found.measure,
            unit=unit,
            zone=found.zone,
            as_of=found.as_of,
            known_days=found.known_days,
            knows=found.knows,
            months=[MonthOut.of(each, unit) for each in found.months],
            days=[
                DayOut(
                    day=each.day,
                    used=figure(each.used, unit),
                    told=ToldOut.of(each.told, unit) if each.told else None,
                )
                for each in found.days
            ],
            proof=ProofOut.of(found.proof, unit) if found.proof else None,
        )


class HourOut(Out):
    """一个小时：以往的用量，或预计。"""

    hour: Instant = Field(description="开始的时刻")
    used: str = Field(description="已用")
    told: ToldOut | None = Field(description="预计；以往为空")


class HoursProofOut(Out):
    """逐时预测在最近几段时间重做的结果。"""

    trials: int = Field(description="几段")
    mase: float | None = Field(description="误差与“同前一天同一小时”的历史误差之比")
    naive_mase: float | None = Field(description="照搬前一天的 MASE")
    held80: float = Field(description="80 % 区间含几成小时")
    held95: float = Field(description="95 % 区间含几成小时")

    @classmethod
    def of(cls, proof: HoursProof) -> "HoursProofOut":
        """Write a proof."""
        return cls.model_validate(proof)


class HoursOut(Out):
    """逐时预测：以往一周与今后的小时。"""

    measure: str = Field(description="money、tokens 或 requests")
    unit: str = Field(description="CNY、USD，或度量本身")
    zone: str = Field(description="客户时区")
    knows: str = Field(description="依据多少历史、可信到什么程度")
    hours: list[HourOut] = Field(description="按时间先后；有 told 的为将来")
    proof: HoursProofOut | None = Field(description="回测")

    @classmethod
    def of(cls, found: HoursAhead) -> "HoursOut":
        """Write hours."""
        return cls(
            measure=found.measure,
            unit=found.unit,
            zone=found.zone,
            knows=found.knows,
            hours=[
                HourOut(
                    hour=each.hour,
                    used=figure(each.used, found.unit),
                    told=ToldOut.of(each.told, found.unit) if each.told else None,
                )
                for each in found.hours
            ],
            proof=HoursProofOut.of(found.proof) if found.proof else None,
        )


class ExhaustionOut(Out):
    """一个额度何时用完。"""

    name: str = Field(description="额度")
    scope: str = Field(description="范围")
    period: str = Field(description="周期")
    measure: str = Field(description="money、tokens 或 requests")
    unit: str = Field(description="币种，或空")
    cap: str = Field(description="限额", examples=["10000.00"])
    spent: str = Field(description="已用")
    ends_at: Instant | None = Field(description="本周期何时结束；没有期限为空")
    told: ToldOut | None = Field(description="期末预计")
    early: Instant | None = Field(description="最早（十次有一次更早）；空为本周期内不会")
    likely: Instant | None = Field(description="最可能；空为本周期内多半不会")
    late: Instant | None = Field(description="最晚（十次有一次更晚）；空为可能不会")
    knows: str = Field(description="依据多少历史、可信到什么程度")

    @classmethod
    def of(cls, found: Exhaustion) -> "ExhaustionOut":
        """Write when an allowance is used up."""

        def write(number: int) -> str:
            return plain(number, PICO) if found.measure == "money" else str(number)

        estimate = None
        if found.told is not None:
            sides = {
                name: None if value is None else write(value)
                for name in ("low80", "high80", "low95", "high95")
                for value in (getattr(found.told, name),)
            }
            estimate = ToldOut(middle=write(found.told.middle), **sides)
        return cls(
            name=found.name,
            scope=found.scope,
            period=found.period,
            measure=found.measure,
            unit=found.unit,
            cap=write(found.cap),
            spent=write(found.spent),
            ends_at=found.ends_at,
            told=estimate,
            early=found.early,
            likely=found.likely,
            late=found.late,
            knows=found.knows,
        )
