"""Forms of what is offered: a provider account, a model and where it is served."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel

from yuejie.contracts.offer import (
    AccountDraft,
    DeploymentDraft,
    ModelDraft,
    put_account,
    put_deployment,
    put_model,
)
from yuejie.contracts.store import accounts, models
from yuejie.db.session import Database
from yuejie.gateway.credentials import decrypt, encrypt
from yuejie.kernel.errors import Conflict, DomainError, Invalid, NotFound
from yuejie.kernel.money import whole
from yuejie.web.shapes.customers import Text

_CREDENTIAL: Final = "sk-simulator"
"""What the simulators accept; it opens nothing else."""


@dataclass(frozen=True, slots=True)
class Platform:
    """Where a provider is reached: what people call it, its owner, its usual address and region."""

    name: str
    provider: str
    base_url: str
    region: str


PLATFORMS: Final = {
    "openai": Platform("OpenAI", "openai", "https://api.openai.com/v1", "us"),
    "anthropic": Platform("Anthropic", "anthropic", "https://api.anthropic.com", "us"),
    "gemini_api": Platform(
        "Google Gemini API", "google", "https://generativelanguage.googleapis.com", "us"
    ),
    "deepseek": Platform("DeepSeek", "deepseek", "https://api.deepseek.com/v1", "cn"),
    "moonshot": Platform("Moonshot (Kimi)", "moonshot", "https://api.moonshot.cn/v1", "cn"),
    "dashscope": Platform(
        "阿里云百炼", "alibaba", "https://dashscope.aliyuncs.com/compatible-mode/v1", "cn"
    ),
    "zhipu": Platform("智谱", "zhipu", "https://open.bigmodel.cn/api/paas/v4", "cn"),
    "volcengine": Platform(
        "火山方舟", "bytedance", "https://ark.cn-beijing.volces.com/api/v3", "cn"
    ),
    "other": Platform("其他，兼容 OpenAI 接口", "other", "", ""),
}
"""What the form knows by itself; anything else that speaks OpenAI's dialect is typed."""
SPOKEN: Final = frozenset({"other", "dashscope", "zhipu", "volcengine"})
"""Platforms whose names are Chinese, and English in English."""
REGION_HINT: Final = "数据在哪里处理，例如 cn、us；项目可以限定地域"


class AccountForm(BaseModel):
    """A provider account as it is typed. An empty address is the platform's usual one."""

    account: Text = ""
    platform: Text = "openai"
    base_url: Text = ""
    region: Text = ""
    credential: Text = ""

    def put(self, db: Database, *, credential_key: bytes, by: str, now: datetime) -> None:
        """Write it; one of that name is not overwritten by whoever does not see what it has."""
        name, known = self.account.strip(), PLATFORMS.get(self.platform)
        if known is None:
            raise Invalid("请从列表中选择供应商平台")
        if not name or not self.credential.strip():
            raise Invalid("请填写账号名称和供应商发给您的 API 密钥")
        url = (self.base_url.strip() or known.base_url).rstrip("/")
        if not url:
            raise Invalid("请填写接口地址，例如 https://llm.example.com/v1")
        with db.read() as tx:
            if any(each.account_id == name for each in accounts(tx)):
                raise Conflict(f"供应商账号“{name}”已登记；换凭证请用 yuejie apply，或另起一个名称")
        draft = AccountDraft(
            account_id=name,
            provider=known.provider,
            platform=self.platform if self.platform != "other" else known.provider,
            base_url=url,
            region=self.region.strip() or known.region,
            credential=encrypt(self.credential.strip(), credential_key, name),
        )
        put_account(db, draft, by=by, now=now)


class ModelForm(BaseModel):
    """A model as it is typed, and the account that serves it."""

    model: Text = ""
    mode: Text = "chat"
    account: Text = ""
    upstream_model: Text = ""
    context_window: Text = ""

    def put(self, db: Database, *, by: str, now: datetime) -> None:
        """Write the model if it is new, then where it is served."""
        name = self.model.strip()
        if not name:
            raise Invalid("请填写模型名，客户按这个名字调用，例如 gpt-4o")
        with db.read() as tx:
            account = next((a for a in accounts(tx) if a.account_id == self.account), None)
            known = any(each.model_id == name for each in models(tx))
        if account is None:
            raise NotFound("请选择提供这个模型的供应商账号；还没有就先做上一步")
        window = whole(self.context_window)
        if self.context_window.strip() and not window:
            raise Invalid("上下文长度请写整数，例如 128000，不知道可不填")
        if not known:
            draft = ModelDraft(
                model_id=name,
                mode=self.mode,
                owner=account.provider,
                context_window=window,
            )
            put_model(db, draft, by=by, now=now)
        upstream = self.upstream_model.strip() or name
        place = DeploymentDraft(
            model_id=name,
            account_id=account.account_id,
            upstream_model=upstream,
            cost_model=f"{account.platform}/{upstream}",
        )
        put_deployment(db, place, by=by, now=now)


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated account, and the model that it serves."""

    platform: str
    provider: str
    model: str
    cost_model: str
    context_window: int


SIMULATED: Final = {
    "simulated-openai": Simulated("openai", "openai", "gpt-4o", "openai/gpt-4o", 128_000),
    "simulated-anthropic": Simulated(
        "anthropic",
        "anthropic",
        "claude-3-5-sonnet",
        "anthropic/claude-3-5-sonnet-20241022",
        200_000,
    ),
    "simulated-google": Simulated(
        "gemini_api", "google", "gemini-1.5-pro", "gemini_api/gemini-1.5-pro", 2_097_152
    ),
}


def put_simulated(db: Database, url: str, *, credential_key: bytes, by: str, now: datetime) -> None:
    """Write the simulated accounts, models and deployments; what is there already stays."""
    with db.read() as tx:
        sealed = {str(each.account_id): each.credential for each in accounts(tx)}
        offered = {each.model_id for each in models(tx)}
    for name, each in SIMULATED.items():
        account = AccountDraft(
            account_id=name,
            provider=each.provider,
            platform=each.platform,
            base_url=url,
            region="local",
            credential=encrypt(_CREDENTIAL, credential_key, name),
        )
        same = _opens(sealed.get(name), credential_key, name)
        put_account(db, account, by=by, now=now, opens_same=same)
        if each.model not in offered:
            model = ModelDraft(
                model_id=each.model, owner=each.provider, context_window=each.context_window
            )
            put_model(db, model, by=by, now=now)
        place = DeploymentDraft(
            model_id=each.model,
            account_id=name,
            upstream_model=each.model,
            cost_model=each.cost_model,
            priority=9,
        )
        put_deployment(db, place, by=by, now=now)


def _opens(sealed: bytes | None, key: bytes, name: str) -> bool:
    try:
        return sealed is not None and decrypt(sealed, key, name) == _CREDENTIAL
    except DomainError:
        return False
