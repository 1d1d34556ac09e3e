"""The house file: what an operator writes down about its house, in TOML.

[[fx]]          base, quote, on_date, rate, source
[[account]]     id, provider, platform, base_url, region, credential or credential_env
[[model]]       id, mode, owner, context_window, max_output, capabilities, deprecation_date, …
[[deployment]]  model, account, upstream_model, cost_model, priority, weight
[[auto]]        name, default_model, starts_at
  [[auto.rule]]         tasks, models, choose, first_byte_ms_max, error_ppm_max
[[book]]        id, kind, currency, prices = ["file", …] or "seed:cost", starts_at, approve
[[customer]]    slug, legal_name, uscc, zone, currency, tag_names, …
  [customer.contract]   book, currency, fx_policy, tax_mode, tax_ppm, starts_at
    [customer.contract.terms]        every commercial term, see docs/reference/contract-terms.md
    [[customer.contract.discount]]   models = "gpt-*", discount = "10%"
    [[customer.contract.override]]   model, meter, rate, service_tier, context_above, time_window
  [[customer.project]]  name, parent, department, environment, allowed_providers, …
  [[customer.key]]      project, name, tags, task_type, priority, models, expires_at
  [[customer.budget]]   name, cap, measure, currency, per, mode, project, key, model, tag, alert, …
"""

from datetime import date
from typing import Final

import msgspec

from yuejie.budgets.allowance import (
    DEFAULT_FORECASTS,
    DEFAULT_THRESHOLDS,
    Measure,
    Mode,
    Period,
)
from yuejie.contracts.auto.policy import Rule
from yuejie.contracts.contract import TAX_PPM
from yuejie.contracts.formats.agreed import DiscountWords, OverrideWords, TermsWords
from yuejie.kernel.errors import UNREADABLE, Invalid, said_of

_CHINA: Final = "Asia/Shanghai"


class _Part(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A part of the house file; a word it does not know is refused."""


class FxPart(_Part):
    """An exchange rate of a day."""

    base: str
    quote: str
    on_date: date
    rate: str
    source: str


class AccountPart(_Part):
    """A provider account; the credential comes from the environment or stands here."""

    id: str
    provider: str
    platform: str
    base_url: str
    region: str = ""
    credential: str = ""
    credential_env: str = ""


class ModelPart(_Part):
    """A model of the catalogue."""

    id: str
    mode: str = "chat"
    owner: str = ""
    context_window: int | None = None
    max_output: int | None = None
    capabilities: list[str] = []
    deprecation_date: date | None = None
    replacement: str | None = None
    backup_model: str | None = None


class DeploymentPart(_Part):
    """Where a model is served."""

    model: str
    account: str
    upstream_model: str = ""
    cost_model: str = ""
    priority: int = 0
    weight: int = 1


class AutoPart(_Part):
    """An auto model: a name behind which a policy chooses; whoever answers is billed as itself."""

    name: str
    default_model: str
    rule: list[Rule] = []
    starts_at: str | None = None


class BookPart(_Part):
    """A price book and the files to publish in it."""

    id: str
    kind: str
    currency: str
    prices: list[str] = []
    starts_at: str | None = None
    approve: bool = False


class ContractPart(_Part):
    """The contract of a customer."""

    book: str
    starts_at: str
    currency: str = "CNY"
    fx_policy: str = "none"
    tax_mode: str = "inclusive"
    tax_ppm: int = TAX_PPM
    terms: TermsWords = TermsWords()
    discount: list[DiscountWords] = []
    override: list[OverrideWords] = []


class ProjectPart(_Part):
    """A project in a customer's tree."""

    name: str
    parent: str | None = None
    department: str = ""
    environment: str = ""
    allowed_providers: list[str] | None = None
    allowed_regions: list[str] | None = None


class KeyPart(_Part):
    """A key that should exist; it is issued once and its secret shown once."""

    project: str
    name: str
    tags: dict[str, str] = {}
    task_type: str = ""
    priority: int = 0
    models: list[str] | None = None
    expires_at: str | None = None


class BudgetPart(_Part):
    """An allowance: what is capped, over which period, for whom; its scope never changes.

    `cap` is written as on the command line: a decimal for money, a whole number for the rest.
    """

    name: str
    cap: str | int
    measure: Measure = Measure.MONEY
    currency: str = ""
    per: Period | None = None
    mode: Mode = Mode.HARD
    project: str | None = None
    key: str | None = None
    model: str | None = None
    tag: str | None = None
    output_bound: int | None = None
    alert: tuple[int, ...] = DEFAULT_THRESHOLDS
    forecast: tuple[int, ...] = DEFAULT_FORECASTS


class CustomerPart(_Part):
    """A customer with its contract, projects, keys and budgets."""

    slug: str
    legal_name: str
    uscc: str | None = None
    tax_address: str = ""
    tax_phone: str = ""
    bank_name: str = ""
    bank_account: str = ""
    zone: str = _CHINA
    currency: str = "CNY"
    tag_names: list[str] = []
    state: str = "active"
    contract: ContractPart | None = None
    project: list[ProjectPart] = []
    key: list[KeyPart] = []
    budget: list[BudgetPart] = []


class HouseFile(_Part):
    """The whole file."""

    fx: list[FxPart] = []
    account: list[AccountPart] = []
    model: list[ModelPart] = []
    deployment: list[DeploymentPart] = []
    auto: list[AutoPart] = []
    book: list[BookPart] = []
    customer: list[CustomerPart] = []


def read_house_file(text: str, name: str) -> HouseFile:
    """Read a house file; the first thing that does not fit is named with its place."""
    try:
        return msgspec.toml.decode(text, type=HouseFile)
    except msgspec.ValidationError as error:
        raise Invalid(
            f"{name} 不符合格式：{said_of(error)}，请改正后重试，尚未做任何更改"
        ) from None
    except UNREADABLE as error:
        raise Invalid(
            f"{name} 不是有效的 TOML：{said_of(error)}，请改正后重试，尚未做任何更改"
        ) from None
