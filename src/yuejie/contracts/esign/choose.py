"""Which signing platforms this house has an account at, and the way to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from yuejie.contracts.esign import esign, fadada
from yuejie.contracts.esign.esign import Esign
from yuejie.contracts.esign.fadada import Fadada
from yuejie.contracts.esign.port import Send, SigningPlatform
from yuejie.contracts.esign.wire import origin, sender
from yuejie.kernel.errors import Conflict, Invalid

_HERE: Final = ("http://127.0.0.1:", "http://localhost:")
"""A simulator on this machine, the only address that may be without encryption."""


class Accounts(Protocol):
    """What an installation says of its accounts; empty addresses mean the platform's own."""

    @property
    def esign_app_id(self) -> str: ...  # noqa: D102
    @property
    def esign_secret(self) -> str: ...  # noqa: D102
    @property
    def esign_url(self) -> str: ...  # noqa: D102
    @property
    def esign_callback_url(self) -> str: ...  # noqa: D102
    @property
    def fadada_app_id(self) -> str: ...  # noqa: D102
    @property
    def fadada_secret(self) -> str: ...  # noqa: D102
    @property
    def fadada_corp_id(self) -> str: ...  # noqa: D102
    @property
    def fadada_url(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Reachable:
    """The platforms in use, by name, and what carries requests to them."""

    platforms: Mapping[str, SigningPlatform] = field(default_factory=dict)
    send: Send = field(default_factory=sender)

    def named(self, name: str = "") -> str:
        """Return the name of a platform in use; unnamed, the only one.

        Raises Conflict where no platform is in use, Invalid where that is none of them, or not one.
        """
        if not self.platforms:
            raise Conflict(
                "没有启用电子签平台，请设置 YUEJIE_ESIGN_APP_ID 或 YUEJIE_FADADA_APP_ID；"
                "也可上传双方签署的扫描件"
            )
        known = "、".join(self.platforms)
        if not name and len(self.platforms) > 1:
            raise Invalid(f"启用了多个电子签平台，请写明其一（platform）：{known}")
        chosen = name or next(iter(self.platforms))
        if chosen not in self.platforms:
            raise Invalid(f"电子签平台“{name:.20}”没有启用，可用的有：{known}")
        return chosen


def reachable(given: Accounts) -> Reachable:
    """Return the platforms whose accounts are given; none where nothing is.

    Raises Invalid for an account that is given in part, or an address in clear.
    """
    platforms: dict[str, SigningPlatform] = {}
    if given.esign_app_id:
        _refuse_gaps("YUEJIE_ESIGN_SECRET", given.esign_secret)
        platforms["esign"] = Esign(
            given.esign_app_id,
            given.esign_secret,
            host=_address("YUEJIE_ESIGN_URL", given.esign_url) or esign.HOST,
            notify_url=given.esign_callback_url,
        )
    if given.fadada_app_id:
        _refuse_gaps("YUEJIE_FADADA_SECRET", given.fadada_secret)
        _refuse_gaps("YUEJIE_FADADA_CORP_ID", given.fadada_corp_id)
        platforms["fadada"] = Fadada(
            given.fadada_app_id,
            given.fadada_secret,
            corp_id=given.fadada_corp_id,
            host=_address("YUEJIE_FADADA_URL", given.fadada_url) or fadada.HOST,
        )
    trials = {origin(url) for url in (given.esign_url, given.fadada_url) if url.startswith(_HERE)}
    return Reachable(platforms, sender(trials))


def _refuse_gaps(name: str, value: str) -> None:
    if not value:
        raise Invalid(f"电子签平台还需要 {name}，请补全环境变量")


def _address(name: str, url: str) -> str:
    if url and not url.startswith(("https://", *_HERE)):
        raise Invalid(f"{name}=“{url:.60}”应以 https:// 开头（本机模拟器除外），请改正")
    return url.rstrip("/")
