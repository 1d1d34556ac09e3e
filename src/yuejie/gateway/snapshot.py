"""The snapshot: everything a gateway must know, as one file.

    magic · published_us u64le · SHA-256 of the body · body (msgpack)

The publisher rewrites the head every few seconds, so that age says how long the database has been
silent; the body changes only when something the gateways must know has changed.
Credentials travel as ciphertext; keys as their HMAC.
"""

import hashlib
import os
import struct
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from yuejie.contracts.prices import BookRows
from yuejie.kernel.errors import DomainError

FILE: Final = "snapshot.msgpack"
MAGIC: Final = b"yuejie-snapshot1"
_HEAD: Final = struct.Struct("<16sQ32s")


class SnapshotBroken(DomainError):
    """The file is no snapshot, or not a whole one."""

    code = "snapshot_broken"


class KeyRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An API key as admission needs it. `models` of None allows every model. 0: never."""

    key_id: str
    digest: bytes
    customer_id: str
    project_id: str
    tags: str
    models: list[str] | None
    expires_us: int
    revoked_us: int
    task: str = ""
    """What its calls are for, where they do not say themselves: auto models choose by it."""


class ProjectRow(msgspec.Struct, frozen=True, array_like=True):
    """What a project may reach: already the intersection with all its ancestors."""

    project_id: str
    customer_id: str
    providers: list[str] | None
    regions: list[str] | None
    above: list[str] = []
    """The project itself and all its ancestors: whose allowances hold it."""


class CustomerRow(msgspec.Struct, frozen=True, array_like=True):
    """A customer as admission needs it. `barred` is why its calls are refused for money, or "".

    `covered`: it has paid ahead for more than it used, or has credit; not before somebody saw so.
    """

    customer_id: str
    active: bool
    zone: str
    tag_names: list[str]
    barred: str = ""
    covered: bool = False


class ContractRow(msgspec.Struct, frozen=True, array_like=True):
    """One version of a contract."""

    contract_id: str
    version: int
    customer_id: str
    sale_book: str
    currency: str
    starts_us: int
    ends_us: int = 0
    """The first instant at which it no longer holds; 0: open end."""
    prepaid: bool = False
    """It asks for money before use: nothing is served that is not covered."""


class ModelRow(msgspec.Struct, frozen=True, array_like=True):
    """A model of the catalogue, under the name that customers call it."""

    model_id: str
    mode: str
    owner: str
    context_window: int | None
    max_output: int | None
    backup_model: str | None
    active: bool
    created_s: int
    capabilities: list[str] = []


class AccountRow(msgspec.Struct, frozen=True, array_like=True):
    """An account with a provider. `platform` says which dialect it speaks."""

    account_id: str
    provider: str
    platform: str
    base_url: str
    region: str
    credential: bytes
    active: bool


class DeploymentRow(msgspec.Struct, frozen=True, array_like=True):
    """One way to reach a model."""

    deployment_id: str
    model_id: str
    account_id: str
    upstream_model: str
    cost_model: str
    priority: int
    weight: int
    active: bool


class AllowanceRow(msgspec.Struct, frozen=True, array_like=True):
    """A cap that calls are held to, and whose calls it holds. Empty names narrow nothing.

    `cap` is in the allowance's own currency, as text: picos of ten million yuan are no number of
    64 bits. What a window allows, the lease says.
    """

    number: int
    name: str
    customer_id: str
    project_id: str
    key_id: str
    model: str
    tag: str
    measure: str
    currency: str
    period: str
    cap: str
    hard: bool
    output_bound: int
    """0: none."""
    starts_s: int
    origin: str = "budget"
    terms: tuple[int, ...] = ()
    """The first seconds of the contract's terms, where those are its windows."""


class RuleRow(msgspec.Struct, frozen=True, array_like=True):
    """One rule of an auto model: `contracts.auto.policy.Rule` as it travels."""

    tasks: list[str]
    models: list[str]
    choose: str
    first_byte_ms_max: int
    error_ppm_max: int


class AutoRow(msgspec.Struct, frozen=True, array_like=True):
    """One version of an auto model, in force from its start until a later one's."""

    name: str
    version: int
    active: bool
    default_model: str
    starts_us: int
    rules: list[RuleRow]


class PrefixRow(msgspec.Struct, frozen=True, array_like=True):
    """Whose prompts are looked at for repeated beginnings; `project_id` of "": all of them.

    The salt is the customer's own: without it the hashes tell nothing, not even to each other.
    """

    customer_id: str
    project_id: str
    salt: bytes


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """What the gateways know."""

    revision: int
    keys: list[KeyRow]
    projects: list[ProjectRow]
    customers: list[CustomerRow]
    contracts: list[ContractRow]
    models: list[ModelRow]
    accounts: list[AccountRow]
    deployments: list[DeploymentRow]
    books: list[BookRows]
    skew_ms: int = 0
    """How far the node's clock is from the database's, where that is more than CLOCK_SKEW; else 0,
    so that the file does not change with every breath of a clock."""
    allowances: list[AllowanceRow] = []
    workers: int = 1
    """How many journals are written to: without the database they share what a rate allows."""
    autos: list[AutoRow] = []
    prefixes: list[PrefixRow] = []


class Head(NamedTuple):
    """When the snapshot was known to be true, and which it is."""

    published_us: int
    digest: bytes


_ENCODE: Final = msgspec.msgpack.Encoder().encode
_DECODE: Final = msgspec.msgpack.Decoder(Snapshot).decode


def pack(snapshot: Snapshot) -> bytes:
    """Write the body of the file."""
    return _ENCODE(snapshot)


def write_snapshot(home: Path, body: bytes, published_us: int) -> None:
    """Replace the node's snapshot in one step; a reader sees the old one or the new one."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / FILE
    part = path.with_suffix(f".{os.getpid()}.part")
    fd = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(_HEAD.pack(MAGIC, published_us, hashlib.sha256(body).digest()))
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_head(path: Path) -> Head:
    """Read when a snapshot was published and which it is."""
    with path.open("rb") as file:
        return _head(file.read(_HEAD.size), path)


def read_snapshot(path: Path) -> tuple[Head, Snapshot]:
    """Read a whole snapshot; a broken one is refused."""
    data = path.read_bytes()
    head = _head(data, path)
    body = data[_HEAD.size :]
    if hashlib.sha256(body).digest() != head.digest:
        raise _broken(path)
    try:
        return head, _DECODE(body)
    except msgspec.MsgspecError as error:
        raise _broken(path) from error


def _head(data: bytes, path: Path) -> Head:
    if len(data) < _HEAD.size:
        raise _broken(path)
    magic, published_us, digest = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise _broken(path)
    return Head(published_us, digest)


def _broken(path: Path) -> SnapshotBroken:
    return SnapshotBroken(f"快照文件 {path} 不完整或版本不符，请启动 yuejie intake 重新生成")
