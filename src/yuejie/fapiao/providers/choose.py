"""Choose who issues, by name."""

from dataclasses import dataclass, field

from yuejie.db.session import Database
from yuejie.fapiao.providers import baiwang, nuonuo
from yuejie.fapiao.providers.port import Drawer, Provider
from yuejie.fapiao.providers.tokens import Tokens
from yuejie.fapiao.providers.wire import Wire
from yuejie.fapiao.request import MANUAL
from yuejie.kernel.errors import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What an installation says of its provider; empty addresses mean the provider's own."""

    provider: str
    app_key: str
    app_secret: str = field(repr=False)
    username: str = ""
    password: str = field(repr=False, default="")
    salt: str = field(repr=False, default="")
    url: str = ""
    token_url: str = ""


def provider_of(given: Credentials, drawer: Drawer, db: Database, key: bytes) -> Provider | None:
    """Return the provider of that name, ready to be called; None for issuing by hand."""
    if given.provider == MANUAL:
        return None
    if given.provider not in {nuonuo.NAME, baiwang.NAME}:
        raise Invalid(
            f"YUEJIE_FAPIAO_PROVIDER=“{given.provider}”应为 manual、nuonuo 或 baiwang，请改正"
        )
    if not (given.app_key and given.app_secret and drawer.name):
        raise Invalid(
            "开票服务商需要 YUEJIE_FAPIAO_APP_KEY、YUEJIE_FAPIAO_APP_SECRET 和 YUEJIE_FAPIAO_DRAWER"
        )
    tokens, wire = Tokens(db, given.provider, key), Wire()
    if given.provider == nuonuo.NAME:
        access = nuonuo.NuonuoAccess(
            app_key=given.app_key,
            app_secret=given.app_secret,
            base_url=given.url or nuonuo.BASE_URL,
            token_url=given.token_url or nuonuo.TOKEN_URL,
        )
        return nuonuo.Nuonuo(access, drawer, tokens, wire)
    return baiwang.Baiwang(
        baiwang.BaiwangAccess(
            app_key=given.app_key,
            app_secret=given.app_secret,
            username=given.username,
            password=given.password,
            salt=given.salt,
            base_url=given.url or baiwang.BASE_URL,
        ),
        drawer,
        tokens,
        wire,
    )
