"""`yuejie models auto …`."""

from datetime import datetime
from pathlib import Path
from typing import Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.contracts.auto import store
from yuejie.contracts.auto.policy import AutoModel, in_force
from yuejie.contracts.auto.publish import end_auto, publish_auto
from yuejie.contracts.auto.words import read_policy, rule_sentence
from yuejie.contracts.store import models as all_models
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import parse_instant, zone_of

_CHINA: Final = zone_of("Asia/Shanghai")


@click.group()
def auto() -> None:
    """自动模型：客户请求一个名字，按公布的策略逐次选模型，谁应答按谁计费。"""


@auto.command("list")
@as_json
@frame
def list_autos(house: Frame, *, json: bool) -> None:
    """列出自动模型，每个显示此刻生效的一版。"""
    now = house.now()
    with house.database() as db, db.read() as tx:
        found = store.versions(tx)
    names = sorted({each.name for each in found})
    shown = [(name, [each for each in found if each.name == name]) for name in names]
    if json:
        give_json([_plain(_shown(versions, now)) for _, versions in shown])
        return
    if not shown:
        say("还没有自动模型；用 yuejie models auto set 名字 策略.toml 公布一个")
        return
    rows = []
    for name, versions in shown:
        each = _shown(versions, now)
        models = dict.fromkeys(model for rule in each.policy.rules for model in rule.models)
        later = sum(1 for version in versions if version.starts_at > now)
        rows.append(
            (
                name,
                each.version,
                each.default_model,
                len(each.policy.rules),
                "、".join(models),
                _state(each, now) + (f"，另有 {later} 版待生效" if later else ""),
            )
        )
    show_table("自动模型", ["名字", "版次", "默认模型", "规则", "候选模型", "状态"], rows)


@auto.command("show")
@click.argument("name")
@as_json
@frame
def show(house: Frame, name: str, *, json: bool) -> None:
    """一个自动模型的全部版次和规则。"""
    now = house.now()
    with house.database() as db, db.read() as tx:
        versions = store.versions_of(tx, name)
        silent = {each.model_id for each in all_models(tx) if not each.capabilities}
    if not versions:
        raise NotFound(f"自动模型“{name}”不存在，请用 yuejie models auto list 核对")
    if json:
        give_json([_plain(each) for each in versions])
        return
    current = in_force(versions, now)
    for each in versions:
        mark = "（此刻生效）" if each is current else ""
        starts = each.starts_at.astimezone(_CHINA)
        say(
            f"{name} 第 {each.version} 版{mark}　{starts:%Y-%m-%d %H:%M:%S} 起　"
            f"{'在用' if each.active else '停用'}　默认模型 {each.default_model}　"
            f"由 {each.published_by} 公布"
        )
        if each.active:
            for number, rule in enumerate(each.policy.rules, start=1):
                say(f"  {rule_sentence(number, rule)}")
    _warn(versions[-1], silent)


@auto.command("set")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--starts-at", help="何时生效，例如 2026-12-01T00:00；不写则立即")
@as_json
@frame
def set_policy(house: Frame, name: str, file: Path, starts_at: str | None, *, json: bool) -> None:
    """公布策略的下一版：写明默认模型和各任务可选的模型；旧版留存，内容相同则不变。"""
    policy = read_policy(file.read_bytes(), file.name)
    starts = parse_instant(starts_at, _CHINA) if starts_at else None
    now = house.now()
    with house.database() as db:
        made = publish_auto(db, name, policy, by=house.by, now=now, starts_at=starts)
        with db.read() as tx:
            silent = {each.model_id for each in all_models(tx) if not each.capabilities}
    if json:
        give_json(_plain(made))
        return
    when = made.starts_at.astimezone(_CHINA)
    same = "" if made.published_at == now else "内容与现行的相同，没有新版："
    say(f"{same}自动模型 {name} 第 {made.version} 版自 {when:%Y-%m-%d %H:%M:%S} 起生效")
    for number, rule in enumerate(made.policy.rules, start=1):
        say(f"  {rule_sentence(number, rule)}")
    _warn(made, silent)


@auto.command("end")
@click.argument("name")
@click.option("--starts-at", help="何时停用；不写则立即")
@frame
def end(house: Frame, name: str, starts_at: str | None) -> None:
    """停用自动模型：此后这个名字不再受理，已发生的选择和节省仍可查。"""
    starts = parse_instant(starts_at, _CHINA) if starts_at else None
    with house.database() as db:
        ended = end_auto(db, name, by=house.by, now=house.now(), starts_at=starts)
    say(f"自动模型 {name} 自 {ended.starts_at.astimezone(_CHINA):%Y-%m-%d %H:%M:%S} 起停用")


def _shown(versions: list[AutoModel], now: datetime) -> AutoModel:
    return in_force(versions, now) or versions[-1]


def _state(each: AutoModel, now: datetime) -> str:
    if each.starts_at > now:
        return "待生效"
    return "在用" if each.active else "停用"


def _plain(each: AutoModel) -> dict[str, object]:
    rules = [
        {name: getattr(rule, name) for name in rule.__struct_fields__} for rule in each.policy.rules
    ]
    return {
        "name": each.name,
        "version": each.version,
        "active": each.active,
        "default_model": each.default_model,
        "rules": rules,
        "starts_at": each.starts_at,
        "published_at": each.published_at,
        "published_by": each.published_by,
    }


def _warn(each: AutoModel, silent: set[str]) -> None:
    models = sorted({model for rule in each.policy.rules for model in rule.models} & silent)
    if each.active and models:
        say(
            f"提示：目录没有写明 {'、'.join(models)} 的能力（capabilities），"
            "带工具、图片或要求 JSON 的请求不会选它们"
        )
