"""Settings: what the environment says, read once, at the top; rooms are given what they need.

Everything lives below one home folder: the embedded database, journals, snapshot, secrets.
In production YUEJIE_DATABASE_URL points elsewhere and the secrets come from the environment.
"""

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final, Self

from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import SHORT_PAY_CNY_FEN, SHORT_PAY_USD_FEN
from yuejie.kernel.money import CURRENCIES, Money

_SECRET_BYTES: Final = 32
_HOME: Final = "yuejie-data"
_SHORT_PAY: Final[Mapping[str, int]] = {"CNY": SHORT_PAY_CNY_FEN, "USD": SHORT_PAY_USD_FEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class FapiaoSettings:
    """Who issues the seller's fapiao, and under which tax code."""

    fapiao_provider: str
    fapiao_url: str
    fapiao_token_url: str
    fapiao_app_key: str
    fapiao_app_secret: str = field(repr=False)
    fapiao_username: str
    fapiao_password: str = field(repr=False)
    fapiao_salt: str = field(repr=False)
    fapiao_drawer: str
    fapiao_callback_url: str
    fapiao_tax_code: str
    fapiao_item: str

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings; without any, fapiao are issued by hand and uploaded."""
        return cls(
            fapiao_provider=environ.get("YUEJIE_FAPIAO_PROVIDER", "manual"),
            fapiao_url=environ.get("YUEJIE_FAPIAO_URL", ""),
            fapiao_token_url=environ.get("YUEJIE_FAPIAO_TOKEN_URL", ""),
            fapiao_app_key=environ.get("YUEJIE_FAPIAO_APP_KEY", ""),
            fapiao_app_secret=environ.get("YUEJIE_FAPIAO_APP_SECRET", ""),
            fapiao_username=environ.get("YUEJIE_FAPIAO_USERNAME", ""),
            fapiao_password=environ.get("YUEJIE_FAPIAO_PASSWORD", ""),
            fapiao_salt=environ.get("YUEJIE_FAPIAO_SALT", ""),
            fapiao_drawer=environ.get("YUEJIE_FAPIAO_DRAWER", ""),
            fapiao_callback_url=environ.get("YUEJIE_FAPIAO_CALLBACK_URL", ""),
            fapiao_tax_code=environ.get("YUEJIE_FAPIAO_TAX_CODE", "3040205000000000000"),
            fapiao_item=environ.get("YUEJIE_FAPIAO_ITEM", "大模型API技术服务费"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSettings:
    """The accounts at signing platforms; those without an application id are not used."""

    esign_app_id: str
    esign_secret: str = field(repr=False)
    esign_url: str
    esign_callback_url: str
    fadada_app_id: str
    fadada_secret: str = field(repr=False)
    fadada_corp_id: str
    fadada_url: str

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings; without any, contracts are signed on paper and scanned."""
        return cls(
            esign_app_id=environ.get("YUEJIE_ESIGN_APP_ID", ""),
            esign_secret=environ.get("YUEJIE_ESIGN_SECRET", ""),
            esign_url=environ.get("YUEJIE_ESIGN_URL", ""),
            esign_callback_url=environ.get("YUEJIE_ESIGN_CALLBACK_URL", ""),
            fadada_app_id=environ.get("YUEJIE_FADADA_APP_ID", ""),
            fadada_secret=environ.get("YUEJIE_FADADA_SECRET", ""),
            fadada_corp_id=environ.get("YUEJIE_FADADA_CORP_ID", ""),
            fadada_url=environ.get("YUEJIE_FADADA_URL", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSettings:
    """Where backups go, how often and how long; without a folder nothing is backed up."""

    backup: Path | None
    backup_every: timedelta
    backup_keep: timedelta
    backup_passphrase: str = field(repr=False)
    backup_hook: str
    backup_database_url: str | None = field(repr=False)

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings."""
        return cls(
            backup=_path(environ, "YUEJIE_BACKUP"),
            backup_every=timedelta(hours=_number(environ, "YUEJIE_BACKUP_EVERY_H", 24)),
            backup_keep=timedelta(days=_number(environ, "YUEJIE_BACKUP_KEEP_DAYS", 7)),
            backup_passphrase=environ.get("YUEJIE_BACKUP_PASSPHRASE", ""),
            backup_hook=environ.get("YUEJIE_BACKUP_HOOK", ""),
            backup_database_url=environ.get("YUEJIE_BACKUP_DATABASE_URL") or None,
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between one installation and another.

    The seller is the operator's own legal entity: it issues the bills and is paid.
    """

    home: Path
    database_url: str | None
    node: str
    host: str
    gateway_port: int
    api_port: int
    workers: int
    clock_shift: timedelta
    seller_name: str
    seller_uscc: str
    seller_bank: str
    seller_account: str
    seller_stamp: Path | None
    notice_hosts: frozenset[str]
    pepper: bytes = field(repr=False)
    credential_key: bytes = field(repr=False)
    operator_token: str = field(repr=False)
    member_token: str = field(repr=False, default="")
    sso_hosts: frozenset[str] = frozenset()
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    metrics_port: int = 0
    probe_url: str = ""
    drain_notice_s: int = 5
    """How long gateways of a node that leaves still serve while `/readyz` says so."""
    clickhouse_url: str = field(repr=False, default="")
    console: str = ""
    gateway: str = ""
    practice: bool = False
    short_pay_fen: Mapping[str, int] = field(default_factory=lambda: _SHORT_PAY)
    """Up to how much a difference may be a bank's fee, by currency."""
    supervised: bool = False
    fapiao: FapiaoSettings = field(default_factory=lambda: FapiaoSettings.load({}))
    signing: SigningSettings = field(default_factory=lambda: SigningSettings.load({}))
    backups: BackupSettings = field(default_factory=lambda: BackupSettings.load({}))
    direct_url: str | None = field(repr=False, default=None)

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the settings; secrets not given are made once and kept in the home folder."""
        home = Path(environ.get("YUEJIE_HOME", _HOME)).absolute()
        kept = _Secrets(home / "secrets", environ)
        return cls(
            home=home,
            database_url=environ.get("YUEJIE_DATABASE_URL"),
            node=environ.get("YUEJIE_NODE", socket.gethostname()),
            host=environ.get("YUEJIE_HOST", "127.0.0.1"),
            gateway_port=_number(environ, "YUEJIE_GATEWAY_PORT", 8400),
            api_port=_number(environ, "YUEJIE_API_PORT", 8401),
            workers=_number(environ, "YUEJIE_WORKERS", 2),
            clock_shift=timedelta(seconds=_number(environ, "YUEJIE_CLOCK_SHIFT_S", 0)),
            seller_name=environ.get("YUEJIE_SELLER_NAME", "月结示例科技有限公司"),
            seller_uscc=environ.get("YUEJIE_SELLER_USCC", "91350100M000100Y43"),
            seller_bank=environ.get("YUEJIE_SELLER_BANK", "示例银行上海分行营业部"),
            seller_account=environ.get("YUEJIE_SELLER_ACCOUNT", "0000 0000 0000 0000 000"),
            seller_stamp=_path(environ, "YUEJIE_SELLER_STAMP"),
            notice_hosts=_names(environ, "YUEJIE_NOTICE_HOSTS"),
            pepper=kept.raw("YUEJIE_PEPPER"),
            credential_key=kept.raw("YUEJIE_CREDENTIAL_KEY"),
            operator_token=kept.text("YUEJIE_OPERATOR_TOKEN"),
            member_token=environ.get("YUEJIE_MEMBER_TOKEN", ""),
            sso_hosts=_names(environ, "YUEJIE_SSO_HOSTS"),
            proxies=_networks(environ, "YUEJIE_PROXIES"),
            metrics_port=_number(environ, "YUEJIE_METRICS_PORT", 0),
            probe_url=environ.get("YUEJIE_PROBE_URL", ""),
            drain_notice_s=_number(environ, "YUEJIE_DRAIN_NOTICE_S", 5),
            clickhouse_url=environ.get("YUEJIE_CLICKHOUSE_URL", ""),
            console=environ.get("YUEJIE_CONSOLE_URL", "").rstrip("/"),
            gateway=environ.get("YUEJIE_GATEWAY_URL", "").rstrip("/"),
            practice=environ.get("YUEJIE_PRACTICE", "") == "1",
            supervised="YUEJIE_SUPERVISOR" in environ,
            short_pay_fen=_amounts(environ, "YUEJIE_SHORT_PAY"),
            fapiao=FapiaoSettings.load(environ),
            signing=SigningSettings.load(environ),
            backups=BackupSettings.load(environ),
            direct_url=environ.get("YUEJIE_DATABASE_DIRECT_URL") or None,
        )

    @property
    def probed(self) -> str:
        """Return where the clerk sees whether anybody is served: as customers reach it, if said."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return self.probe_url or f"http://{host}:{self.gateway_port}/readyz"

    @property
    def console_url(self) -> str:
        """Return where people reach the console; links in invitations begin with it."""
        return self.console or f"http://127.0.0.1:{self.api_port}"

    @property
    def gateway_url(self) -> str:
        """Return where customers reach the gateway: what their SDKs are told."""
        return self.gateway or f"http://127.0.0.1:{self.gateway_port}"

    @property
    def journals(self) -> Path:
        """Return where the gateways of this node write usage."""
        return self.home / "journals"

    @property
    def postgres(self) -> Path:
        """Return where the embedded database lives."""
        return self.home / "postgres"


class _Secrets:
    """Secrets from the environment, else from files only the owner may read, made when missing."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ

    def text(self, name: str) -> str:
        given = self._environ.get(name)
        if given:
            return given
        path = self._folder / name.lower()
        if not path.exists():
            self._write(path, f"yj-{secrets.token_urlsafe(_SECRET_BYTES)}")
        return path.read_text().strip()

    def raw(self, name: str) -> bytes:
        """Return 32 bytes, given or kept as hexadecimal."""
        given = self._environ.get(name)
        path = self._folder / name.lower()
        if not given and not path.exists():
            self._write(path, secrets.token_hex(_SECRET_BYTES))
        written = given or path.read_text().strip()
        try:
            value = bytes.fromhex(written)
        except ValueError:
            value = b""
        if len(value) != _SECRET_BYTES:
            raise Invalid(f"{name} 应为 64 位十六进制数（32 字节），请检查环境变量或 {path}")
        return value

    def _write(self, path: Path, secret: str) -> None:
        """Keep a secret; of two processes that start at once, one wins and both read it."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = path.with_suffix(f".{os.getpid()}")
        fd = os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(secret + "\n")
        try:
            os.link(scratch, path)
        except FileExistsError:
            pass
        finally:
            scratch.unlink()


def _names(environ: Mapping[str, str], name: str) -> frozenset[str]:
    """Return the names in a list that is separated by commas."""
    found = (each.strip() for each in environ.get(name, "").split(","))
    return frozenset(each for each in found if each)


def _networks(environ: Mapping[str, str], name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the addresses and networks in a list that is separated by commas."""
    found = []
    for each in sorted(_names(environ, name)):
        try:
            found.append(ip_network(each))
        except ValueError as error:
            raise Invalid(f"{name} 中的 {each} 不是 IP 地址或网段，如 10.0.0.0/8") from error
    return tuple(found)


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    given = environ.get(name, "")
    return Path(given).absolute() if given else None


def _amounts(environ: Mapping[str, str], name: str) -> dict[str, int]:
    """Return up to how much may be a bank's fee, in fen by currency; what is not said is usual."""
    found = dict(_SHORT_PAY)
    for each in sorted(_names(environ, name)):
        currency, _, amount = each.partition("=")
        try:
            found[currency] = Money.parse(amount, currency).fen
        except Invalid:
            currency = ""
        if currency not in CURRENCIES or found[currency] < 0:
            raise Invalid(f"{name} 中的“{each}”不是币种与金额，请写作 CNY=50,USD=7")
    return found


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "")
    if not text:
        return default
    if not text.removeprefix("-").isdecimal():
        raise Invalid(f"环境变量 {name}=“{text}”应为整数，请改正后重新启动")
    return int(text)
