"""Keep ceilings, say how every lane stands, and warn the operator before one is exhausted."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Final

from yuejie.assurance.providers.watch import refuse_unknown
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database
from yuejie.insights.capacity import store
from yuejie.insights.capacity.lane import (
    AHEAD,
    GAUGE_NAMES,
    WHOLE,
    Ceiling,
    Gauge,
    Level,
    Outlook,
    PeakRow,
    outlook,
)
from yuejie.insights.forecast.used import rests_of
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import zone_of
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue

ZONE: Final = "Asia/Shanghai"
"""Days of accounts are the house's: a provider counts minutes, and has no days."""
HISTORY: Final = timedelta(days=120)
_DAY: Final = timedelta(days=1)


def put_ceiling(db: Database, ceiling: Ceiling, *, by: str, now: datetime) -> bool:
    """Write a ceiling down and say whether anything changed; one without numbers takes it back."""
    ceiling.refuse_nonsense()
    with db.begin() as tx:
        refuse_unknown(tx, ceiling.account_id)
        lane = (ceiling.account_id, ceiling.upstream_model)
        if ceiling.upstream_model != WHOLE and lane not in store.served(tx):
            raise NotFound(
                f"账号 {ceiling.account_id} 没有上游模型“{ceiling.upstream_model}”的部署，"
                "请用 yuejie deployments list 核对上游名称"
            )
        tx.lock_exclusive(f"provider ceiling {ceiling.account_id}")
        was = next(
            (q for q in store.ceilings(tx) if (q.account_id, q.upstream_model) == lane), None
        )
        gone = ceiling.rpm is None and ceiling.tpm is None
        if was == ceiling or (was is None and gone):
            return False
        store.insert_ceiling(tx, ceiling, at=now, by=by)
        name = f"{ceiling.account_id} {ceiling.upstream_model}".strip()
        record_deed(tx, Deed(by, now, "put", "provider_ceiling", name), was=was, became=ceiling)
        return True


def outlooks(
    db: Database, *, account: str | None = None, whole: bool = False, now: datetime
) -> list[Outlook]:
    """Return how every lane stands that was used of late or has a ceiling, by account and model.

    An account as a whole is a lane where it has a ceiling, or where that is asked for.
    """
    today = now.astimezone(zone_of(ZONE)).date()
    with db.read(consistent=True) as tx:
        if account is not None:
            refuse_unknown(tx, account)
        ceilings = {(q.account_id, q.upstream_model): q for q in store.ceilings(tx)}
        rows = store.daily_peaks(tx, now - HISTORY, zone=ZONE, account_id=account)
    lanes: defaultdict[tuple[str, str], list[PeakRow]] = defaultdict(list)
    for row in rows:
        lane = (row.account_id, row.upstream_model)
        if whole or row.upstream_model != WHOLE or lane in ceilings:
            lanes[lane].append(row)
    named = {lane for lane in ceilings if account in (None, lane[0])}
    return [
        _outlook(gauge, lane, lanes.get(lane, []), ceilings.get(lane), today)
        for lane in sorted(named | set(lanes))
        for gauge in Gauge
    ]


def _outlook(
    gauge: Gauge, lane: tuple[str, str], rows: list[PeakRow], ceiling: Ceiling | None, today: date
) -> Outlook:
    first = min((row.at.date() for row in rows), default=today)
    rests = rests_of(ZONE, min(first, today), (today - min(first, today)).days + AHEAD)
    return outlook(
        gauge,
        rows,
        account_id=lane[0],
        upstream_model=lane[1],
        ceiling=ceiling.of(gauge) if ceiling else None,
        today=today,
        rests=rests,
    )


def watch_capacity(db: Database, now: datetime) -> int:
    """Tell what is near, once a week for each lane and level; return how many notices are new."""
    warned = [each for each in outlooks(db, now=now) if each.level is not None]
    with db.begin() as tx:
        return sum(enqueue(tx, _notice(each, now), at=now) for each in warned)


def _notice(each: Outlook, now: datetime) -> Notice:
    year, week, _ = now.astimezone(zone_of(ZONE)).isocalendar()
    lane = f"{each.account_id}:{each.upstream_model}:{each.gauge}:{each.level}"
    facts = {
        "account": each.account_id,
        "model": each.upstream_model or "*",
        "gauge": each.gauge.upper(),
        "peak": f"{each.peak:,}",
        "ceiling": "—" if each.ceiling is None else f"{each.ceiling:,}",
        "percent": "—" if each.percent is None else str(each.percent),
        "when": _when(each),
    }
    key = f"capacity:{lane}:{year}-W{week:02d}"
    return Notice(Kind.CAPACITY_NEAR, Audience.OPERATOR, facts, key, None)


def _when(each: Outlook) -> str:
    if each.level in (Level.PASSED, Level.NEAR):
        return f"{each.peak_at.astimezone(zone_of(ZONE)):%Y-%m-%d %H:%M}" if each.peak_at else "—"
    return str(each.likely_on or each.maybe_on or "—")


def sentence(each: Outlook) -> str:
    """Say in one sentence how a lane stands."""
    where = f"{each.account_id} {each.upstream_model or '（整个账号）'}"
    gauge = GAUGE_NAMES[each.gauge]
    if each.ceiling is None:
        said = f"{where} 的{gauge}近 7 天最高 {each.peak:,}，没有登记配额"
        return said + (f"；供应商以 429 拒绝了 {each.throttled:,} 次" if each.throttled else "")
    said = (
        f"{where} 的{gauge}近 7 天最高 {each.peak:,}，为配额 {each.ceiling:,} 的 {each.percent} %"
    )
    match each.level:
        case Level.PASSED if each.throttled:
            return f"{said}；供应商以 429 拒绝了 {each.throttled:,} 次，请尽快提高配额或分流"
        case Level.PASSED:
            return f"{said}，已到配额，请尽快提高配额或分流"
        case Level.NEAR:
            return f"{said}，已接近配额，请提高配额或分流"
        case Level.AHEAD:
            return f"{said}；照目前走势约在 {each.likely_on} 到达，请提前申请提高"
        case Level.MAYBE:
            return f"{said}；按波动最早可能在 {each.maybe_on} 到达，请留意"
        case None:
            return f"{said}，28 天内" + (
                f"约在 {each.likely_on} 到达" if each.likely_on else "预计不会到达"
            )
