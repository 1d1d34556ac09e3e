"""`yuejie presales …`: prospects, their forms and past usage, grades of models, the floor."""

from dataclasses import replace
from pathlib import Path

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.presales.words import show_volumes
from yuejie.contracts.formats.agreed import percent, ppm_of
from yuejie.intake.imports.mapping import Mapping, read_mapping
from yuejie.intake.imports.reading import FORMATS
from yuejie.kernel.errors import NotFound
from yuejie.presales import prospects as deeds
from yuejie.presales import store
from yuejie.presales.examples import EXAMPLES, example
from yuejie.presales.form import read_form, words_of
from yuejie.presales.reckon.choose import QUALITIES_SAID, TASKS
from yuejie.presales.replay.load import Loaded, load_usage
from yuejie.presales.replay.store import usages_of
from yuejie.presales.requirement import Form, Quality, TaskType
from yuejie.presales.trace import Tracing
from yuejie.presales.volume import plan_volume

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def presales() -> None:
    """售前：潜在客户、需求表、历史用量重放、报价与比较；不产生客户、合同或用量。"""


@presales.command("example")
@click.argument("name", type=click.Choice(EXAMPLES))
def show_example(name: str) -> None:
    """打印一份可以照着改的文件：需求表（general、fintech、ecommerce）或报价要求（ask）。"""
    say(example(name).rstrip())


@presales.command("list")
@as_json
@frame
def list_prospects(house: Frame, *, json: bool) -> None:
    """列出潜在客户。"""
    with house.database() as db, db.read() as tx:
        found = store.prospects(tx)
    if json:
        give_json(found)
        return
    if not found:
        say("还没有潜在客户，用 yuejie presales enrol 登记")
        return
    rows = [(each.slug, each.name, each.made_by, f"{each.made_at:%Y-%m-%d}") for each in found]
    show_table("潜在客户", ["简称", "公司", "登记人", "登记日"], rows)


@presales.command("enrol")
@click.argument("slug")
@click.option("--name", required=True, help="公司名称")
@frame
def enrol(house: Frame, slug: str, name: str) -> None:
    """登记一个潜在客户。"""
    with house.database() as db:
        made = deeds.enrol_prospect(db, slug, name, by=house.by, now=house.now())
    say(f"潜在客户 {made.slug}（{made.name}）已登记")
    say(f"请填需求表：yuejie presales form {slug} 文件；样例：yuejie presales example general")


@presales.command("form")
@click.argument("prospect")
@click.argument("file", required=False, type=_FILE)
@click.option("--version", type=int, help="查看第几版；不写为最新一版")
@as_json
@frame
def form(
    house: Frame, prospect: str, file: Path | None, version: int | None, *, json: bool
) -> None:
    """填写或查看需求表：写了文件则存为新的一版，否则查看；都给出每月用量的估算。

    文件为 TOML 或 JSON，写法见 yuejie presales example general。
    """
    with house.database() as db:
        if file is not None:
            need = read_form(file.read_bytes(), file.name)
            found = deeds.hand_in_form(db, prospect, need, by=house.by, now=house.now())
        else:
            with db.read() as tx:
                who = deeds.find_prospect(tx, prospect)
                found = _form(store.forms_of(tx, who.prospect_id), prospect, version)
    volumes = plan_volume(found.requirement, Tracing())
    if json:
        give_json({"form": found, "words": words_of(found.requirement), "volumes": volumes})
        return
    need = found.requirement
    say(f"{need.company.name} 的需求表第 {found.version} 版")
    say(f"任务 {TASKS[need.task]}，质量 {QUALITIES_SAID[need.quality]}，币种 {need.currency}")
    show_volumes(volumes)
    if file is not None:
        say(f"报价：yuejie presales quote {prospect} --book 价目，或 --ask 报价要求文件")


def _form(known: list[Form], prospect: str, version: int | None) -> Form:
    if not known:
        raise NotFound(f"{prospect} 还没有需求表，请在命令后写上文件")
    wanted = known[-1].version if version is None else version
    found = next((each for each in known if each.version == wanted), None)
    if found is None:
        raise NotFound(f"{prospect} 的需求表没有第 {version} 版，最新为第 {known[-1].version} 版")
    return found


@presales.command("usage")
@click.argument("prospect")
@click.argument("file", required=False, type=_FILE)
@click.option("--format", "form", type=click.Choice(FORMATS), help="文件格式；不写则看文件名")
@click.option("--mapping", type=_FILE, help="映射文件：列名、模型名的对应")
@click.option("--zone", default="Asia/Shanghai", help="按哪个时区分月")
@as_json
@frame
def usage(
    house: Frame,
    prospect: str,
    file: Path | None,
    form: str | None,
    mapping: Path | None,
    zone: str,
    *,
    json: bool,
) -> None:
    """导入潜在客户的历史用量（只留汇总），或列出导入过的文件。

    支持我们的 CSV 与 JSONL、OpenAI 与 Anthropic 的用量导出（--format openai、anthropic）。
    """
    with house.database() as db:
        if file is None:
            with db.read() as tx:
                who = deeds.find_prospect(tx, prospect)
                known = usages_of(tx, who.prospect_id)
            if json:
                give_json(known)
                return
            rows = [(u.import_id, u.name, u.row_count, u.rejected, u.made_by) for u in known]
            show_table("历史用量", ["编号", "文件", "行", "未采用", "导入人"], rows)
            return
        columns = read_mapping(mapping) if mapping else Mapping()
        if form is not None:
            columns = replace(columns, form=form)
        found = load_usage(db, prospect, file, columns, zone=zone, by=house.by, now=house.now())
    if json:
        give_json(found)
        return
    _say_loaded(found)


def _say_loaded(found: Loaded) -> None:
    used = found.usage
    say(
        f"历史用量 {used.import_id} 已导入：{used.row_count:,} 行，"
        f"{found.months[0]} 至 {found.months[-1]}，模型 {'、'.join(found.models)}"
    )
    if used.rejected:
        say(f"有 {used.rejected:,} 行未采用，前 {len(found.rejects)} 行：")
        for each in found.rejects:
            say(f"  第 {each.line} 行：{each.why}")


@presales.command("grade")
@click.argument("model")
@click.option(
    "--quality", type=click.Choice([str(each) for each in Quality]), required=True, help="质量级别"
)
@click.option(
    "--task",
    "tasks",
    type=click.Choice([str(each) for each in TaskType]),
    required=True,
    multiple=True,
    help="适合的任务，可写多次",
)
@click.option("--source", required=True, help="依据，例如评测报告的名称与日期")
@frame
def grade(house: Frame, model: str, quality: str, tasks: tuple[str, ...], source: str) -> None:
    """给一个模型评级：什么质量、适合哪些任务；推荐只用评过级的模型。"""
    with house.database() as db:
        found = deeds.grade_model(
            db,
            model,
            Quality(quality),
            tuple(TaskType(each) for each in tasks),
            source=source,
            by=house.by,
            now=house.now(),
        )
    said = "、".join(TASKS[each] for each in found.tasks)
    say(f"{model} 评级为{QUALITIES_SAID[found.quality]}，适合{said}")


@presales.command("grades")
@as_json
@frame
def grades(house: Frame, *, json: bool) -> None:
    """列出各模型的评级。"""
    with house.database() as db, db.read() as tx:
        found = sorted(store.grades(tx).values(), key=lambda each: each.model_id)
    if json:
        give_json(found)
        return
    if not found:
        say("还没有模型评级，用 yuejie presales grade 评级")
        return
    rows = [
        (
            each.model_id,
            QUALITIES_SAID[each.quality],
            "、".join(TASKS[task] for task in each.tasks),
            each.source,
            each.made_by,
        )
        for each in found
    ]
    show_table("模型评级", ["模型", "质量", "适合", "依据", "评级人"], rows)


@presales.command("floor")
@click.option("--set", "share", help="设为，例如 8%")
@as_json
@frame
def floor(house: Frame, share: str | None, *, json: bool) -> None:
    """查看或设置毛利底线：低于它的报价须由另一人批准。"""
    with house.database() as db:
        if share is not None:
            deeds.set_floor(db, ppm_of(share, "毛利底线"), by=house.by, now=house.now())
        with db.read() as tx:
            known = store.floor(tx)
            ppm = deeds.floor_ppm(tx)
    if json:
        give_json({"ppm": ppm, "set": known})
        return
    whose = f"由 {known.made_by} 于 {known.made_at:%Y-%m-%d} 设置" if known else "默认"
    say(f"毛利底线 {percent(ppm)}（{whose}）")
