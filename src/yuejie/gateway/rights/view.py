"""The snapshot as admission reads it: looked up by name, credentials opened, books ready.

A view never changes; a new snapshot makes a new one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from yuejie.contracts.prices import Book
from yuejie.gateway.refusal import Dialect
from yuejie.gateway.snapshot import (
    AccountRow,
    AllowanceRow,
    AutoRow,
    ContractRow,
    CustomerRow,
    DeploymentRow,
    KeyRow,
    ModelRow,
    ProjectRow,
    Snapshot,
)
from yuejie.kernel.errors import DomainError

FOREVER_US: Final = 1 << 62

SPEAKS: Final = {
    "anthropic": Dialect.ANTHROPIC,
    "gemini": Dialect.GEMINI,
    "gemini_api": Dialect.GEMINI,
}
"""Which dialect a platform speaks; every other platform speaks OpenAI's, except under an address
that ends in /anthropic: so DeepSeek, Kimi, GLM and Qwen offer Anthropic's beside OpenAI's."""


@dataclass(frozen=True, slots=True)
class Access:
    """How an account is reached: the address calls are made under, and the header that opens it."""

    account_id: str
    provider: str
    platform: str
    region: str
    dialect: Dialect
    base_url: str
    header: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """A deployment that may be called at all."""

    deployment_id: str
    model_id: str
    upstream_model: str
    cost_model: str
    cost_prefix: str
    priority: int
    weight: int
    access: Access


class View:
    """Everything a request is judged by."""

    __slots__ = (
        "allowances",
        "autos",
        "books",
        "contracts",
        "cost_books",
        "customers",
        "keys",
        "locked",
        "models",
        "prefixes",
        "projects",
        "rates",
        "revision",
        "skew_ms",
        "targets",
        "widest",
        "workers",
    )

    def __init__(self, snapshot: Snapshot, unlock: Callable[[AccountRow], str]) -> None:
        """Arrange a snapshot. Accounts that `unlock` cannot open are left out, in `locked`."""
        self.revision = snapshot.revision
        self.skew_ms = snapshot.skew_ms
        self.keys: dict[bytes, KeyRow] = {row.digest: row for row in snapshot.keys}
        self.projects: dict[str, ProjectRow] = {row.project_id: row for row in snapshot.projects}
        self.customers: dict[str, CustomerRow] = {
            row.customer_id: row for row in snapshot.customers
        }
        self.contracts = _contracts(snapshot.contracts)
        self.models: dict[str, ModelRow] = {row.model_id: row for row in snapshot.models}
        self.books = {rows.book_id: Book(rows) for rows in snapshot.books}
        self.rates = {
            rows.book_id: {rate.rate_id: rate for rate in rows.rates} for rows in snapshot.books
        }
        self.cost_books = [
            self.books[rows.book_id]
            for rows in sorted(snapshot.books, key=lambda rows: rows.book_id)
            if rows.kind == "cost"
        ]
        self.workers = snapshot.workers
        self.autos: dict[str, list[AutoRow]] = {}
        for auto in sorted(snapshot.autos, key=lambda each: (each.starts_us, each.version)):
            self.autos.setdefault(auto.name, []).append(auto)
        self.widest = {name: self.listed(name).context_window for name in self.autos}
        self.allowances: dict[str, list[AllowanceRow]] = {}
        for row in snapshot.allowances:
            self.allowances.setdefault(row.customer_id, []).append(row)
        self.prefixes = {(row.customer_id, row.project_id): row.salt for row in snapshot.prefixes}
        self.locked: list[DomainError] = []
        accounts = {row.account_id: self._access(row, unlock) for row in snapshot.accounts}
        self.targets = _targets(snapshot.deployments, accounts, self.models)

    def window_of(self, model: str) -> int | None:
        """Return how much a model can read at once, if the catalogue says.

        Of an auto model: as much as the widest that may answer, for it bounds what is plausible.
        """
        known = self.models.get(model)
        return self.widest.get(model) if known is None else known.context_window

    def salt_of(self, project: ProjectRow) -> bytes:
        """Return the salt of a project's prefix hashes; empty where nobody asked for any."""
        if not self.prefixes:
            return b""
        places = ((project.customer_id, name) for name in ("", *project.above))
        return next((self.prefixes[each] for each in places if each in self.prefixes), b"")

    def contract_at(self, customer_id: str, now_us: int) -> ContractRow | None:
        """Return the newest version that has started."""
        started = [row for row in self.contracts.get(customer_id, ()) if row.starts_us <= now_us]
        return started[-1] if started else None

    def auto_at(self, name: str, now_us: int) -> AutoRow | None:
        """Return the version of an auto model that decides at an instant; None: there is none."""
        started = [row for row in self.autos.get(name, ()) if row.starts_us <= now_us]
        return started[-1] if started and started[-1].active else None

    def watched(self) -> set[str]:
        """Return the deployments that policies may choose among."""
        rules = (rule for rows in self.autos.values() for row in rows for rule in row.rules)
        models = {model for rule in rules for model in rule.models}
        return {each.deployment_id for model in models for each in self.targets.get(model, ())}

    def listed(self, name: str) -> ModelRow:
        """Return a model as lists of models show it; an auto model as the widest of its own."""
        known = self.models.get(name)
        if known is not None:
            return known
        row = self.autos[name][-1]
        own = [self.models[m] for rule in row.rules for m in rule.models if m in self.models]
        return ModelRow(
            name,
            own[0].mode if own else "chat",
            "yuejie",
            max((each.context_window or 0 for each in own), default=0) or None,
            max((each.max_output or 0 for each in own), default=0) or None,
            None,
            row.active,
            row.starts_us // 1_000_000,
        )

    def cost_book_of(self, model: str, now_us: int) -> tuple[Book, int] | None:
        """Return the cost book, and its revision, that prices a model at an instant."""
        for book in self.cost_books:
            revision = book.revision_at(now_us)
            if revision is not None and book.prices(model, revision):
                return book, revision
        return None

    def next_change_us(self, customer_id: str, now_us: int) -> int:
        """Return when a price, contract or policy starts next, or one ends: pins hold till then."""
        rows = self.contracts.get(customer_id, ())
        starts = [each for row in rows for each in (row.starts_us, row.ends_us)]
        for book in self.books.values():
            starts += [revision.starts_us for revision in book.rows.revisions]
        starts += [row.starts_us for rows in self.autos.values() for row in rows]
        return min((start for start in starts if start > now_us), default=FOREVER_US)

    def _access(self, row: AccountRow, unlock: Callable[[AccountRow], str]) -> Access | None:
        if not row.active:
            return None
        try:
            secret = unlock(row)
        except DomainError as error:
            self.locked.append(error)
            return None
        base = row.base_url.rstrip("/")
        dialect = SPEAKS.get(row.platform, Dialect.OPENAI)
        if base.endswith("/anthropic"):
            dialect = Dialect.ANTHROPIC
        return Access(
            row.account_id,
            row.provider,
            row.platform,
            row.region,
            dialect,
            _root(base, dialect),
            _opening(row.platform, dialect, secret),
        )


def _root(base: str, dialect: Dialect) -> str:
    """Return what an endpoint's path is added to, whether or not the version was written."""
    if dialect is Dialect.OPENAI:
        return base if "/" in base.partition("://")[2] else f"{base}/v1"
    return base.removesuffix("/v1").removesuffix("/v1beta")


def _opening(platform: str, dialect: Dialect, secret: str) -> tuple[str, str]:
    match dialect:
        case Dialect.ANTHROPIC:
            return ("x-api-key", secret)
        case Dialect.GEMINI:
            return ("x-goog-api-key", secret)
    if platform.startswith("azure"):
        return ("api-key", secret)
    return ("authorization", f"Bearer {secret}")


def _contracts(rows: Iterable[ContractRow]) -> dict[str, list[ContractRow]]:
    found: dict[str, list[ContractRow]] = {}
    # Among versions that start together the later signed one counts: the order they come in.
    for row in sorted(rows, key=lambda row: row.starts_us):
        found.setdefault(row.customer_id, []).append(row)
    return found


def _targets(
    rows: Iterable[DeploymentRow],
    accounts: dict[str, Access | None],
    models: dict[str, ModelRow],
) -> dict[str, list[Target]]:
    found: dict[str, list[Target]] = {}
    for row in rows:
        access = accounts.get(row.account_id)
        model = models.get(row.model_id)
        if not row.active or access is None or model is None:
            continue
        found.setdefault(row.model_id, []).append(
            Target(
                row.deployment_id,
                row.model_id,
                row.upstream_model,
                row.cost_model,
                f"{access.platform}/",
                row.priority,
                row.weight,
                access,
            )
        )
    return found
