"""`yuejie tokens|sso …`."""

from datetime import timedelta

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.customers.members.member import Member
from yuejie.customers.members.store import member_by_name
from yuejie.customers.sso.keep import end_provider, set_provider
from yuejie.customers.sso.provider import ProviderDraft, read_groups, read_list
from yuejie.customers.sso.store import providers
from yuejie.customers.store import customers
from yuejie.customers.tokens.keep import TokenDraft, make_token, revoke_token
from yuejie.customers.tokens.store import tokens_of
from yuejie.customers.tokens.token import scopes_of
from yuejie.db.session import Database
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import zone_of

_CHINA = zone_of("Asia/Shanghai")
_TOLD = ("token_id", "name", "hint", "made_at", "expires_at", "used_at", "revoked_at")
_SHOWN = ("provider_id", "customer_id", "label", "issuer", "client_id", "domains", "only_sso")


@click.group()
def tokens() -> None:
    """API 令牌：成员交给程序的一部分权限。"""


def _member(db: Database, name: str) -> Member:
    with db.read() as tx:
        found = member_by_name(tx, name)
    if found is None:
        raise NotFound(f"成员“{name}”不存在或已停用，请用 yuejie members list 查看")
    return found


@tokens.command("list")
@click.argument("member")
@as_json
@frame
def list_tokens(house: Frame, member: str, *, json: bool) -> None:
    """列出一个成员的令牌，不含令牌本身。"""
    with house.database() as db:
        who = _member(db, member)
        with db.read() as tx:
            found = tokens_of(tx, who.member_id)
    if json:
        told = [{name: getattr(t, name) for name in _TOLD} for t in found]
        give_json([t | {"scopes": sorted(e.scopes)} for t, e in zip(told, found, strict=True)])
        return
    rows = [
        (
            t.token_id,
            t.name,
            " ".join(sorted(t.scopes)),
            f"{t.expires_at.astimezone(_CHINA):%Y-%m-%d}",
            f"{t.used_at.astimezone(_CHINA):%Y-%m-%d %H:%M}" if t.used_at else "",
            "在用" if t.is_open(house.now()) else "已失效",
        )
        for t in found
    ]
    show_table("API 令牌", ["编号", "用途", "权限", "到期", "最近使用", "状态"], rows)


@tokens.command("make")
@click.argument("member")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, help="权限，可重复；不写则只有 read")
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True)
@frame
def make_one(house: Frame, member: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """替成员新建令牌；只显示这一次，权限不能超出成员的角色。"""
    with house.database() as db:
        who = _member(db, member)
        draft = TokenDraft(
            name=name,
            scopes=frozenset(scopes or ("read",)),
            expires_at=house.now() + timedelta(days=days),
        )
        pepper = house.settings.pepper
        made = make_token(db, who, draft, pepper=pepper, by=house.by, now=house.now())
    say(made.secret)


@tokens.command("scopes")
@click.argument("member")
@as_json
@frame
def list_scopes(house: Frame, member: str, *, json: bool) -> None:
    """列出一个成员可以交给令牌的权限。"""
    with house.database() as db:
        found = scopes_of(_member(db, member))
    if json:
        give_json(found)
        return
    for scope in found:
        say(scope)


@tokens.command("revoke")
@click.argument("member")
@click.argument("token")
@frame
def revoke_one(house: Frame, member: str, token: str) -> None:
    """吊销令牌，立即生效，不可恢复。"""
    with house.database() as db:
        revoke_token(db, _member(db, member), token, by=house.by, now=house.now())
    say(f"令牌 {token} 已吊销")


@click.group()
def sso() -> None:
    """单点登录：单位的人用自己的身份提供方（OIDC）登录。"""


@sso.command("list")
@as_json
@frame
def list_providers(house: Frame, *, json: bool) -> None:
    """列出在用的身份提供方，不含密钥。"""
    with house.database() as db, db.read() as tx:
        found = providers(tx)
        slugs = {each.customer_id: each.slug for each in customers(tx)}
    if json:
        give_json([{name: getattr(each, name) for name in _SHOWN} for each in found])
        return
    rows = [
        (
            slugs[each.customer_id] if each.customer_id else "运营方",
            each.label,
            each.issuer,
            " ".join(each.domains),
            "不允许" if each.only_sso else "允许",
        )
        for each in found
    ]
    show_table("单点登录", ["所属", "名称", "issuer", "邮箱域名", "密码登录"], rows)


@sso.command("set")
@click.option("--customer", help="客户简称；不写为运营方")
@click.option("--label", required=True, help="登录页上的名称")
@click.option("--issuer", required=True, help="身份提供方的 issuer，原样抄写")
@click.option("--client-id", required=True)
@click.option("--client-secret", prompt=True, hide_input=True, help="不写则提示输入")
@click.option("--domain", "domains", multiple=True, required=True, help="企业邮箱域名，可重复")
@click.option("--group", "groups", multiple=True, help="用户组=角色，可重复；首次登录即登记")
@click.option("--only-sso", is_flag=True, help="密码不再能登录")
@frame
def set_one(house: Frame, /, customer: str | None, **told: object) -> None:
    """登记身份提供方，取代原来的；回调地址为 <控制台>/sso/callback。"""
    draft = ProviderDraft(
        label=str(told["label"]),
        issuer=str(told["issuer"]),
        client_id=str(told["client_id"]),
        client_secret=str(told["client_secret"]),
        domains=read_list(" ".join(_texts(told["domains"]))),
        only_sso=bool(told["only_sso"]),
        groups=read_groups("\n".join(_texts(told["groups"]))),
    )
    with house.database() as db:
        key = house.settings.credential_key
        set_provider(db, customer, draft, key=key, by=house.by, now=house.now())
    say(f"单点登录“{draft.label}”已生效；回调地址 {house.settings.console_url}/sso/callback")


def _texts(value: object) -> tuple[str, ...]:
    assert isinstance(value, tuple), "click reads a repeated option as a tuple"
    return tuple(str(each) for each in value)


@sso.command("end")
@click.option("--customer", help="客户简称；不写为运营方")
@frame
def end_one(house: Frame, customer: str | None) -> None:
    """停用身份提供方：改用密码登录；身份提供方坏了时也这样进门。"""
    with house.database() as db:
        was = end_provider(db, customer, by=house.by, now=house.now())
    say(f"单点登录“{was.label}”已停用，改用密码登录")
