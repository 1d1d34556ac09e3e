"""Issue, rotate and revoke API keys."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from yuejie.customers import store
from yuejie.customers.customer import Customer
from yuejie.customers.key import ApiKey, digest_of, hint_of, make_secret
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import KeyId, mint
from yuejie.kernel.limits import TAG_LENGTH, TAGS
from yuejie.usage.event import join_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDraft:
    """What is wished of a new key. `models` of None allows all."""

    project: str
    name: str
    tags: dict[str, str] = field(default_factory=dict)
    task_type: str = ""
    priority: int = 0
    models: list[str] | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A fresh key and its secret, which is shown this once."""

    key: ApiKey
    secret: str = field(repr=False)


def issue_key(
    db: Database, customer: Customer, draft: KeyDraft, *, pepper: bytes, by: str, now: datetime
) -> IssuedKey:
    """Make a key for a project; only its HMAC is kept."""
    with db.begin() as tx:
        return issue_in(tx, customer, draft, pepper=pepper, by=by, now=now)


def issue_in(
    tx: Tx, customer: Customer, draft: KeyDraft, *, pepper: bytes, by: str, now: datetime
) -> IssuedKey:
    """Do so in somebody's transaction."""
    project = store.project_by_name(tx, customer.customer_id, draft.project)
    if project is None:
        raise NotFound(f"项目“{draft.project}”不存在，请先为客户 {customer.slug} 建立项目")
    tags = check_tags(draft.tags, customer)
    if draft.expires_at is not None and draft.expires_at <= now:
        raise Invalid(f"密钥 {draft.name} 的到期时间已过，请写将来的时间")
    secret = make_secret()
    key = ApiKey(
        key_id=KeyId(mint("key", now)),
        customer_id=customer.customer_id,
        project_id=project.project_id,
        name=draft.name,
        digest=digest_of(secret, pepper),
        hint=hint_of(secret),
        tags=tags,
        task_type=draft.task_type,
        priority=draft.priority,
        models=draft.models,
        created_at=now,
        expires_at=draft.expires_at,
        revoked_at=None,
        replaced_by=None,
    )
    store.insert_key(tx, key)
    record_deed(tx, Deed(by, now, "issue", "api_key", key.key_id), became=key)
    return IssuedKey(key, secret)


def rotate_key(
    db: Database, key_id: KeyId, *, overlap: timedelta, pepper: bytes, by: str, now: datetime
) -> IssuedKey:
    """Make a successor with the same rights; the old key runs out when the overlap ends."""
    if overlap < timedelta():
        raise Invalid("新旧密钥的重叠时间不能为负")
    with db.begin() as tx:
        old = _live_key(tx, key_id)
        secret = make_secret()
        new = ApiKey(
            key_id=KeyId(mint("key", now)),
            customer_id=old.customer_id,
            project_id=old.project_id,
            name=old.name,
            digest=digest_of(secret, pepper),
            hint=hint_of(secret),
            tags=old.tags,
            task_type=old.task_type,
            priority=old.priority,
            models=old.models,
            created_at=now,
            expires_at=old.expires_at,
            revoked_at=None,
            replaced_by=None,
        )
        store.insert_key(tx, new)
        ends = min(filter(None, (old.expires_at, now + overlap)))
        store.replace_key(tx, key_id, replaced_by=new.key_id, expires_at=ends)
        record_deed(tx, Deed(by, now, "rotate", "api_key", key_id), was=old, became=new)
        return IssuedKey(new, secret)


def revoke_key(db: Database, key_id: KeyId, *, by: str, now: datetime) -> ApiKey:
    """End a key for good; every gateway refuses it within a second."""
    with db.begin() as tx:
        key = _live_key(tx, key_id)
        store.revoke_key(tx, key_id, now)
        record_deed(tx, Deed(by, now, "revoke", "api_key", key_id), was=key)
        return key


def check_tags(tags: dict[str, str], customer: Customer) -> str:
    """Return the canonical tag set; an undeclared name or an unfit value is refused."""
    if len(tags) > TAGS:
        raise Invalid(f"标签最多 {TAGS} 个，现有 {len(tags)} 个")
    for name, value in tags.items():
        if name not in customer.tag_names:
            known = "、".join(customer.tag_names) or "无"
            raise Invalid(f"标签名“{name}”未在客户 {customer.slug} 登记（已登记：{known}）")
        if not value or len(value) > TAG_LENGTH or any(char in value for char in ",=\n\0"):
            raise Invalid(f"标签 {name} 的值“{value}”应为 1 到 {TAG_LENGTH} 个字符，不含逗号和等号")
    return join_tags(tags)


def _live_key(tx: Tx, key_id: KeyId) -> ApiKey:
    key = store.key_by_id(tx, key_id)
    if key is None:
        raise NotFound(f"密钥 {key_id} 不存在，请用 yuejie keys list 查看")
    if key.revoked_at is not None:
        raise Conflict(f"密钥 {key_id} 已于 {key.revoked_at:%Y-%m-%d %H:%M} 吊销")
    return key
