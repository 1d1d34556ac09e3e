"""`yuejie customers|projects|keys|members …`."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.words import OFFERED, ROLES, called
from yuejie.customers.enrol import ProjectDraft, add_project, find_customer
from yuejie.customers.key import ApiKey, digest_of, digest_of_foreign, hint_of
from yuejie.customers.keys import IssuedKey, KeyDraft, issue_key, revoke_key, rotate_key
from yuejie.customers.logins.keep import invite
from yuejie.customers.members.enrol import enrol_member, revoke_member
from yuejie.customers.members.store import members as all_members
from yuejie.customers.sso.people import give_email
from yuejie.customers.store import customers as all_customers
from yuejie.customers.store import keys as keys_of
from yuejie.customers.store import projects as projects_of
from yuejie.gateway.blocklist import block, unblock
from yuejie.intake.elsewhere.keys import Elsewhere, take_over_keys
from yuejie.intake.elsewhere.tables import rows_of_table
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import KeyId
from yuejie.kernel.period import parse_instant, zone_of

_TOLD_OF_MEMBERS: Final = ("member_id", "name", "role", "customer_id", "created_at", "revoked_at")

_KEY_ITSELF: Final = "sk-"
_BLOCKABLE: Final = re.compile(r"key_[0-9a-f]{32}|[0-9a-f]{64}")
_CHINA = zone_of("Asia/Shanghai")


@click.group()
def customers() -> None:
    """客户。"""


@customers.command("list")
@as_json
@frame
def list_customers(house: Frame, *, json: bool) -> None:
    """列出客户。"""
    with house.database() as db, db.read() as tx:
        found = all_customers(tx)
    if json:
        give_json(found)
        return
    rows = [
        (c.slug, c.legal_name, c.uscc or "", c.currency, c.zone, called(OFFERED, c.state))
        for c in found
    ]
    show_table("客户", ["简称", "单位全称", "统一社会信用代码", "币种", "时区", "状态"], rows)


@customers.command("show")
@click.argument("name")
@as_json
@frame
def show_customer(house: Frame, name: str, *, json: bool) -> None:
    """查看一个客户。"""
    with house.database() as db, db.read() as tx:
        customer = find_customer(tx, name)
    if json:
        give_json(customer)
        return
    for field in customer.__dataclass_fields__:
        say(f"{field:14} {getattr(customer, field)}")


@click.group()
def projects() -> None:
    """项目：客户的成本中心。"""


@projects.command("list")
@click.option("--customer", required=True)
@as_json
@frame
def list_projects(house: Frame, customer: str, *, json: bool) -> None:
    """列出一个客户的项目树。"""
    with house.database() as db, db.read() as tx:
        found = projects_of(tx, find_customer(tx, customer).customer_id)
    if json:
        give_json(found)
        return
    names = {p.project_id: p.name for p in found}
    rows = [
        (
            p.name,
            names.get(p.parent_id, "") if p.parent_id else "",
            p.department,
            p.environment,
            "全部" if p.allowed_providers is None else "、".join(p.allowed_providers),
            "全部" if p.allowed_regions is None else "、".join(p.allowed_regions),
        )
        for p in found
    ]
    show_table(f"{customer} 的项目", ["项目", "上级", "部门", "环境", "供应商", "区域"], rows)


@projects.command("add")
@click.argument("name")
@click.option("--customer", required=True, help="客户的简称或编号")
@click.option("--parent", help="上级项目的名称；不写则在最上层")
@click.option("--department", default="", help="部门")
@click.option("--environment", default="", help="环境，例如 prod")
@frame
def add_one(
    house: Frame,
    name: str,
    customer: str,
    parent: str | None,
    department: str,
    environment: str,
) -> None:
    """为客户建立一个项目；已有同名的则改成这样。"""
    draft = ProjectDraft(name=name, parent=parent, department=department, environment=environment)
    with house.database() as db:
        with db.read() as tx:
            who = find_customer(tx, customer)
        made = add_project(db, who.customer_id, draft, by=house.by, now=house.now())
    say(f"客户 {who.slug} 的项目 {made.name} 已建立")
    say(f"签发密钥：yuejie keys issue --customer {who.slug} --project {made.name} --name 名称")


@click.group()
def keys() -> None:
    """密钥：签发、轮换、吊销、本机封禁。"""


@keys.command("list")
@click.option("--customer", required=True)
@as_json
@frame
def list_keys(house: Frame, customer: str, *, json: bool) -> None:
    """列出一个客户的密钥（不含密钥本身）。"""
    with house.database() as db, db.read() as tx:
        who = find_customer(tx, customer)
        names = {p.project_id: p.name for p in projects_of(tx, who.customer_id)}
        found = keys_of(tx, who.customer_id)
    if json:
        give_json([_public(key) for key in found])
        return
    rows = [
        (
            key.key_id,
            key.name,
            names[key.project_id],
            f"…{key.hint}",
            key.tags,
            _state(key, house.now()),
        )
        for key in found
    ]
    show_table(f"{customer} 的密钥", ["编号", "名称", "项目", "尾号", "标签", "状态"], rows)


def _public(key: ApiKey) -> dict[str, object]:
    fields = {name: getattr(key, name) for name in key.__dataclass_fields__}
    del fields["digest"]
    return fields


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "已吊销"
    if key.expires_at is not None and key.expires_at <= now:
        return "已到期"
    if key.expires_at is not None:
        return f"有效至 {key.expires_at.astimezone(_CHINA):%Y-%m-%d %H:%M}"
    return "有效"


@keys.command("take-over")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--customer", required=True)
@click.option("--project", required=True)
@click.option(
    "--of", required=True, type=click.Choice([each.value for each in Elsewhere]), help="原网关"
)
@as_json
@frame
def take_over(
    house: Frame, file: Path, customer: str, project: str, of: str, *, json: bool
) -> None:
    """接管 new-api 或 LiteLLM 的密钥（CSV、JSON 行或 SQLite）；调用方只需改地址。"""
    with house.database() as db:
        with db.read() as tx:
            who = find_customer(tx, customer)
        told = take_over_keys(
            db,
            who,
            project,
            rows_of_table(file, f"{of}-keys"),
            of=Elsewhere(of),
            pepper=house.settings.pepper,
            by=house.by,
            now=house.now(),
        )
    if json:
        give_json(told)
        return
    rows = [(each.name, each.key_id or "—", each.why or "已接管") for each in told]
    show_table(f"{who.slug} 的密钥", ["名称", "编号", "结果"], rows)


@keys.command("issue")
@click.option("--customer", required=True)
@click.option("--project", required=True)
@click.option("--name", required=True)
@click.option("--tag", "tags", multiple=True, help="标签，写成 名=值，可多次")
@click.option("--model", "models", multiple=True, help="只允许这些模型，可多次；不写则全部")
@click.option("--task-type", default="")
@click.option("--priority", default=0)
@click.option("--expires", help="到期时间，例如 2027-01-01T00:00:00")
@as_json
@frame
def issue(  # noqa: PLR0913, PLR0917 - a command takes its options one by one
    house: Frame,
    customer: str,
    project: str,
    name: str,
    tags: tuple[str, ...],
    models: tuple[str, ...],
    task_type: str,
    priority: int,
    expires: str | None,
    *,
    json: bool,
) -> None:
    """签发密钥；密钥只显示这一次。"""
    with house.database() as db:
        with db.read() as tx:
            who = find_customer(tx, customer)
        draft = KeyDraft(
            project=project,
            name=name,
            tags=dict(_pair(tag) for tag in tags),
            task_type=task_type,
            priority=priority,
            models=list(models) or None,
            expires_at=parse_instant(expires, zone_of(who.zone)) if expires else None,
        )
        issued = issue_key(
            db, who, draft, pepper=house.settings.pepper, by=house.by, now=house.now()
        )
    _tell(issued, json=json)


def _pair(tag: str) -> tuple[str, str]:
    name, found, value = tag.partition("=")
    if not found:
        raise Invalid(f"标签“{tag}”请写成 名=值，例如 team=search")
    return name, value


def _tell(issued: IssuedKey, *, json: bool) -> None:
    if json:
        give_json({"key_id": issued.key.key_id, "secret": issued.secret})
        return
    say(f"密钥编号 {issued.key.key_id}")
    say(f"密钥（只显示这一次） {issued.secret}")


@keys.command("rotate")
@click.argument("key_id")
@click.option("--overlap-hours", default=24, help="新旧密钥同时有效的小时数")
@as_json
@frame
def rotate(house: Frame, key_id: str, overlap_hours: int, *, json: bool) -> None:
    """轮换：签发接替的新密钥，旧密钥在重叠期满后失效。"""
    with house.database() as db:
        issued = rotate_key(
            db,
            KeyId(key_id),
            overlap=timedelta(hours=overlap_hours),
            pepper=house.settings.pepper,
            by=house.by,
            now=house.now(),
        )
    _tell(issued, json=json)


@keys.command("revoke")
@click.argument("key_id")
@frame
def revoke(house: Frame, key_id: str) -> None:
    """吊销：所有网关一秒内拒绝这个密钥，不可恢复。"""
    with house.database() as db:
        key = revoke_key(db, KeyId(key_id), by=house.by, now=house.now())
    say(f"已吊销 {key.name}（…{key.hint}）")


@keys.command("block")
@click.argument("key_id")
@frame
def block_key(house: Frame, key_id: str) -> None:
    """在本机立即封禁一个密钥，不需要数据库；数据库可用后请再吊销。

    KEY_ID 是密钥编号（key_…）、它的摘要，或密钥本身（sk-…）。
    """
    for name in _names_of(house, key_id):
        block(house.settings.home, name)
    shown = _unsaid(key_id)
    say(f"本机网关将在一秒内拒绝 {shown}；数据库恢复后请执行 yuejie keys revoke 并写明密钥编号")


@keys.command("unblock")
@click.argument("key_id")
@frame
def unblock_key(house: Frame, key_id: str) -> None:
    """解除本机对一个密钥的封禁；已吊销的密钥不会因此恢复。"""
    names = _names_of(house, key_id) if key_id.startswith(_KEY_ITSELF) else [key_id]
    was = [name for name in names if unblock(house.settings.home, name)]
    shown = _unsaid(key_id)
    say(f"本机不再封禁 {shown}" if was else f"本机没有封禁 {shown}")


def _names_of(house: Frame, key: str) -> list[str | bytes]:
    """Return under which names the node refuses a key. Without a database nobody knows which exist.

    A key that leaked is at hand itself, and its id perhaps not; of a key that was taken over from
    elsewhere the node knows another digest.
    """
    if key.startswith(_KEY_ITSELF):
        pepper = house.settings.pepper
        return [digest_of(key, pepper), digest_of_foreign(key, pepper)]
    if _BLOCKABLE.fullmatch(key):
        return [key]
    raise Invalid(
        f"“{key}”不是密钥编号（key_…）、密钥摘要，也不是密钥本身（sk-…），没有封禁任何密钥；请核对后重试"
    )


def _unsaid(key: str) -> str:
    """Name a key without saying a secret again."""
    return f"…{hint_of(key)}" if key.startswith(_KEY_ITSELF) else key


@click.group()
def members() -> None:
    """成员：以自己的名义行事的人；须两人经手的事要两个成员。"""


@members.command("list")
@as_json
@frame
def list_members(house: Frame, *, json: bool) -> None:
    """列出成员，不含令牌。"""
    with house.database() as db, db.read() as tx:
        found = all_members(tx)
        slugs = {each.customer_id: each.slug for each in all_customers(tx)}
    if json:
        give_json([{name: getattr(m, name) for name in _TOLD_OF_MEMBERS} for m in found])
        return
    rows = [
        (
            m.name,
            called(ROLES, m.role),
            slugs[m.customer_id] if m.customer_id else "运营方",
            f"{m.created_at.astimezone(_CHINA):%Y-%m-%d %H:%M}",
            f"{m.revoked_at.astimezone(_CHINA):%Y-%m-%d %H:%M}" if m.revoked_at else "",
        )
        for m in found
    ]
    show_table("成员", ["成员", "角色", "所属", "登记", "停用"], rows)


@members.command("enrol")
@click.argument("name")
@click.argument("role")
@click.option("--customer", help="客户简称；不写为运营方")
@frame
def enrol_one(house: Frame, name: str, role: str, customer: str | None) -> None:
    """登记成员；令牌只显示这一次，放进环境变量 YUEJIE_MEMBER_TOKEN 即以其名义行事。"""
    with house.database() as db:
        enrolled = enrol_member(
            db,
            name,
            role,
            customer=customer,
            pepper=house.settings.pepper,
            by=house.by,
            now=house.now(),
        )
    say(enrolled.token)


@members.command("invite")
@click.argument("name")
@frame
def invite_one(house: Frame, name: str) -> None:
    """生成邀请链接：打开它即可设置控制台密码；只显示这一次，三天内有效。"""
    with house.database() as db:
        invited = invite(
            db, name, within=None, pepper=house.settings.pepper, by=house.by, now=house.now()
        )
    say(f"{house.settings.console_url}/invitation/{invited.secret}")


@members.command("email")
@click.argument("name")
@click.argument("address")
@frame
def give_address(house: Frame, name: str, address: str) -> None:
    """登记成员的企业邮箱：单点登录据此认人；原来绑定的身份随即作废。"""
    with house.database() as db:
        give_email(db, name, address, by=house.by, now=house.now())
    say(f"成员 {name} 的企业邮箱已登记")


@members.command("revoke")
@click.argument("name")
@frame
def revoke_one(house: Frame, name: str) -> None:
    """停用成员的令牌，立即生效。"""
    with house.database() as db:
        revoke_member(db, name, by=house.by, now=house.now())
    say(f"已停用 {name}")
