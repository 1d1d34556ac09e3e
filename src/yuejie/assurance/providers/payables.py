"""What each provider account is owed, and what of ours lies there: read off the ledger."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yuejie.assurance.providers import store
from yuejie.assurance.providers.owed import (
    ProviderPayment,
    ProviderPaymentState,
    party_of,
)
from yuejie.contracts.store import accounts
from yuejie.db.session import Tx
from yuejie.ledger.posting import Account
from yuejie.ledger.store import balances_of


@dataclass(frozen=True, slots=True)
class Payable:
    """An account in one currency: owed to the provider, of that on its way, our balance there.

    `asked_fen` is what is asked for or approved to pay bills and not paid yet, draws too.
    """

    account_id: str
    currency: str
    owed_fen: int
    asked_fen: int
    prepaid_fen: int


def payables(tx: Tx, account_id: str | None = None) -> list[Payable]:
    """Return how every provider account stands in the books, of those that ever owed or held."""
    payments = store.payments(tx, account_id)
    names = {each.account_id for each in store.bills(tx, account_id)}
    names |= {each.account_id for each in payments}
    names |= {a.account_id for a in accounts(tx) if account_id in {None, a.account_id}}
    return [each for name in sorted(names) for each in _of_account(tx, name, payments)]


def _of_account(tx: Tx, name: str, payments: Sequence[ProviderPayment]) -> Iterator[Payable]:
    held = balances_of(tx, party_of(name))
    known = {currency for account, currency in held if account in _OURS}
    known |= {each.currency for each in payments if each.account_id == name}
    for currency in sorted(known):
        yield Payable(
            account_id=name,
            currency=currency,
            owed_fen=-held.get((Account.PROVIDER_PAYABLE, currency), 0),
            asked_fen=sum(_asked(each, name, currency) for each in payments),
            prepaid_fen=held.get((Account.PROVIDER_PREPAID, currency), 0),
        )


_OURS = frozenset({Account.PROVIDER_PAYABLE, Account.PROVIDER_PREPAID})
_OPEN = frozenset({ProviderPaymentState.REQUESTED, ProviderPaymentState.APPROVED})


def _asked(payment: ProviderPayment, account_id: str, currency: str) -> int:
    mine = (payment.account_id, payment.currency) == (account_id, currency)
    open_ = payment.state in _OPEN and payment.provider_bill_id is not None
    return payment.fen if mine and open_ else 0
