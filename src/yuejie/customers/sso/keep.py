"""Set up and end identity providers."""

from datetime import datetime

from yuejie.customers.enrol import find_customer
from yuejie.customers.sso import store
from yuejie.customers.sso.provider import Provider, ProviderDraft
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database
from yuejie.kernel.cipher import seal
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.kernel.ids import mint


def set_provider(
    db: Database, customer: str | None, draft: ProviderDraft, *, key: bytes, by: str, now: datetime
) -> Provider:
    """Have a customer's people log in at a provider, or the operator's, in place of the one before.

    Where only single sign-on is allowed from now on, sessions end: they were opened otherwise.
    Raises Invalid for what could not work, Conflict for a domain that is somebody else's.
    """
    draft.refuse_unfit(of_house=customer is None)
    provider_id = mint("sso", now)
    with db.begin() as tx:
        tx.lock_exclusive(store.SWITCH)
        customer_id = find_customer(tx, customer).customer_id if customer else None
        was = store.provider_of(tx, customer_id)
        if was is not None:
            store.end_provider(tx, was.provider_id, now)
        for domain in draft.domains:
            taken = store.provider_for_domain(tx, domain)
            if taken is not None:
                raise Conflict(f"邮箱域名 {domain} 已登记给另一个单点登录，请先停用那一个")
        became = Provider(
            provider_id=provider_id,
            customer_id=customer_id,
            label=draft.label,
            issuer=draft.issuer,
            client_id=draft.client_id,
            sealed=seal(draft.client_secret.encode(), key, provider_id),
            domains=draft.domains,
            only_sso=draft.only_sso,
            groups=draft.groups,
            made_at=now,
        )
        store.insert_provider(tx, became)
        if draft.only_sso:
            store.end_logins(tx, customer_id, now)
        record_deed(tx, Deed(by, now, "set", "sso_provider", provider_id), was=was, became=became)
    return became


def end_provider(db: Database, customer: str | None, *, by: str, now: datetime) -> Provider:
    """Have people log in by password again. Raises NotFound where there is no provider."""
    with db.begin() as tx:
        customer_id = find_customer(tx, customer).customer_id if customer else None
        was = store.provider_of(tx, customer_id)
        if was is None or not store.end_provider(tx, was.provider_id, now):
            raise NotFound("没有在用的单点登录，请用 yuejie sso list 查看")
        record_deed(tx, Deed(by, now, "end", "sso_provider", was.provider_id), was=was)
    return was
