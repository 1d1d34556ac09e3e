"""Inspect a place of backups without restoring: is everything there that a restore would need?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yuejie.db.backup.place import Base, Place, missing
from yuejie.db.backup.take import segment_bytes, verify_base
from yuejie.kernel.errors import DomainError

LATE: Final = timedelta(seconds=10)
"""How far following may be behind before somebody should look."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A promise about the backups: what was seen, or what is wrong."""

    promise: str
    seen: str
    wrong: str = ""


def inspect(
    place: Place, *, every: timedelta, passphrase: str, quick: bool, now: datetime
) -> list[Inspection]:
    """Check base backups against their checksums, the log for gaps, following for its delay."""
    bases = place.bases()
    found = [_fresh(bases, every, now)]
    if not quick:
        found += [_whole(place, base, now) for base in bases]
    if bases:
        found.append(_log(place, next(base for base in bases if base.life == bases[-1].life)))
    found.append(_following(place, now))
    found.append(_secrets(place, passphrase))
    return found


def _fresh(bases: list[Base], every: timedelta, now: datetime) -> Inspection:
    promise = "完整备份够新"
    if not bases:
        return Inspection(promise, "", "还没有完整备份；请执行 yuejie backup take")
    age = now - bases[-1].ended_at
    if age > 2 * every:
        hours = age // timedelta(hours=1)
        return Inspection(promise, "", f"最新的一份已是 {hours} 小时前；请查看 backup 进程的日志")
    return Inspection(promise, f"{len(bases)} 份，最新 {bases[-1].name}")


def _whole(place: Place, base: Base, now: datetime) -> Inspection:
    promise = f"完整备份 {base.name} 与校验和相符"
    try:
        verify_base(place, base, now=now)
    except DomainError as error:
        return Inspection(promise, "", f"{error.sentence}；请弃用它并立即重新备份")
    return Inspection(promise, f"{base.bytes >> 20:,} MB")


def _log(place: Place, oldest: Base) -> Inspection:
    promise = "日志自最早的备份起没有缺段"
    size = segment_bytes(place, oldest.life)
    segments = place.segments(oldest.life)
    if not segments:
        return Inspection(
            promise, "", "没有日志，只能恢复到完整备份的时刻；请运行 yuejie backup follow"
        )
    gaps = missing(segments, oldest, size)
    odd = [each.path.name for each in segments if each.path.stat().st_size != size]
    if gaps or odd:
        what = f"缺第 {gaps[0]} 段等 {len(gaps)} 段" if gaps else f"{odd[0]} 大小不对"
        return Inspection(promise, "", f"{what}；请立即重新备份，此前的时刻可能到不了")
    return Inspection(promise, f"{len(segments)} 段")


def _following(place: Place, now: datetime) -> Inspection:
    promise = "跟随不落后"
    following = place.following()
    if following is None or following.through is None:
        return Inspection(promise, "", "没有进程在跟随；请设 YUEJIE_BACKUP 后运行 yuejie serve")
    behind = now - following.through
    if behind > LATE:
        return Inspection(
            promise, "", f"落后 {behind.total_seconds():.0f} 秒；请查看 backup 进程与磁盘空间"
        )
    return Inspection(promise, f"落后 {max(behind.total_seconds(), 0):.1f} 秒")


def _secrets(place: Place, passphrase: str) -> Inspection:
    promise = "密钥已封存"
    if place.sealed.exists():
        return Inspection(promise, str(place.sealed.name))
    why = "请运行 yuejie backup take" if passphrase else "请设 YUEJIE_BACKUP_PASSPHRASE"
    return Inspection(promise, "", f"没有密钥，恢复到新机器后打不开供应商凭证；{why}")
