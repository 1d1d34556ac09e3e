"""Who may ask what: the one table of every route, and how a caller is known.

    OPEN       anybody: health, metrics, the description of the API
    OPERATOR   whoever holds the operator's token, and the operator's members: to read
    a power    whoever holds the operator's token, and those of its members whose role holds it
    OWN        the operator; a customer's keys and members for the rows of their own customer
    ASKS       a customer's members that ask for help (all but auditors), by their own tokens; for
               it, the operator and those of its members that hold Power.ANSWER
    SPEAKS     a customer's members that give its word (admin, finance); for it, the operator and
               those of its members that hold Power.SPEAK
    TELLS      the same members of a customer's for whoever hears of its matters; for it, the
               operator and those of its members that hold Power.SET_NOTICES
    AUDITS     the operator; a customer's admin and auditor for the deeds of their own
    LEADS      a customer's admin, for its members; for it, whoever holds Power.SET_UP
    MEMBER     a member of anybody's, for itself

An API token is its member with fewer powers: it needs the scope `read` to read, and for a deed the
scope of that deed's power. What is a person's own (LEADS, MEMBER) no token does.

A route that is not in the table cannot be served: building the application fails.
"""

import hmac
from datetime import datetime
from typing import Annotated, ClassVar, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from yuejie.bills.documents.stamp.note import Stamping
from yuejie.bills.documents.stamp.picture import read_stamp
from yuejie.customers.enrol import find_customer
from yuejie.customers.key import PREFIX, digest_of
from yuejie.customers.logins.open import recognise
from yuejie.customers.members.member import PREFIX as MEMBER_PREFIX
from yuejie.customers.members.member import Member
from yuejie.customers.members.power import Power
from yuejie.customers.members.store import member_by_digest
from yuejie.customers.sso.store import unknown_to
from yuejie.customers.store import key_by_digest
from yuejie.customers.tokens.keep import recognise_token
from yuejie.customers.tokens.token import PREFIX as TOKEN_PREFIX
from yuejie.db.deeds import VIA, Deed, record_deed
from yuejie.db.session import Tx
from yuejie.kernel.errors import DomainError, Forbidden, NotFound, Unavailable
from yuejie.kernel.ids import CustomerId
from yuejie.web.caller import Caller, Who, may, permit
from yuejie.web.desk import Desk, DeskHere, Now
from yuejie.web.pages.frame.cookies import SESSION

API: Final = "/api/v1"

__all__ = [
    "ACCESS",
    "API",
    "AnyCaller",
    "Caller",
    "Who",
    "admit",
    "guarded",
    "may",
    "permit",
    "whose",
]


ACCESS: Final[dict[tuple[str, str], Who | Power]] = {
    ("GET", "/healthz"): Who.OPEN,
    ("GET", "/readyz"): Who.OPEN,
    ("GET", "/metrics"): Who.OPEN,
    ("GET", "/api/docs"): Who.OPEN,
    ("GET", "/api/docs/{name}"): Who.OPEN,
    ("GET", "/api/openapi.json"): Who.OPEN,
    ("GET", f"{API}/customers"): Who.OPERATOR,
    ("GET", f"{API}/customers/{{customer}}"): Who.OPERATOR,
    ("PUT", f"{API}/customers/{{customer}}"): Power.KEEP_CUSTOMERS,
    ("GET", f"{API}/customers/{{customer}}/projects"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/projects"): Power.KEEP_CUSTOMERS,
    ("GET", f"{API}/customers/{{customer}}/keys"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/keys"): Power.KEEP_CUSTOMERS,
    ("GET", f"{API}/customers/{{customer}}/contracts"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/contracts"): Power.SIGN_CONTRACTS,
    ("GET", f"{API}/customers/{{customer}}/limits"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/limits"): Power.DRAFT_CONTRACTS,
    ("POST", f"{API}/limits/{{limit}}/approve"): Power.REVIEW_CREDIT,
    ("POST", f"{API}/limits/{{limit}}/reject"): Power.REVIEW_CREDIT,
    ("POST", f"{API}/limits/{{limit}}/end"): Power.REVIEW_CREDIT,
    ("GET", f"{API}/grants"): Who.OPERATOR,
    ("GET", f"{API}/customers/{{customer}}/grants"): Who.OPERATOR,
    ("POST", f"{API}/customers/{{customer}}/grants"): Power.DRAFT_CONTRACTS,
    ("POST", f"{API}/grants/{{grant}}/approve"): Power.REVIEW_CREDIT,
    ("POST", f"{API}/grants/{{grant}}/reject"): Power.REVIEW_CREDIT,
    ("GET", f"{API}/credit-classes"): Who.OPERATOR,
    ("PUT", f"{API}/credit-classes/{{credit_class}}"): Power.REVIEW_CREDIT,
    ("GET", f"{API}/contract-drafts"): Who.OPERATOR,
    ("POST", f"{API}/contract-drafts"): Power.DRAFT_CONTRACTS,
    ("GET", f"{API}/contract-drafts/{{draft}}"): Who.OPERATOR,
    ("PUT", f"{API}/contract-drafts/{{draft}}"): Power.DRAFT_CONTRACTS,
    ("POST", f"{API}/contract-drafts/{{draft}}/review"): Power.REVIEW_CREDIT,
    ("POST", f"{API}/contract-drafts/{{draft}}/sign"): Power.SIGN_CONTRACTS,
    ("POST", f"{API}/contract-drafts/{{draft}}/{{step}}"): Who.OPERATOR,  # by its step
    ("GET", f"{API}/contract-drafts/{{draft}}/documents/{{format}}"): Who.OPERATOR,
    ("GET", f"{API}/contract-drafts/{{draft}}/papers"): Who.OPERATOR,
    ("POST", f"{API}/contract-drafts/{{draft}}/papers"): Power.DRAFT_CONTRACTS,
    ("GET", f"{API}/contract-drafts/{{draft}}/signings"): Who.OPERATOR,
    ("POST", f"{API}/contract-drafts/{{draft}}/signings"): Power.DRAFT_CONTRACTS,
    ("GET", f"{API}/contract-papers/{{paper}}/file"): Who.OPERATOR,
    ("GET", f"{API}/signings/{{signing}}"): Who.OPERATOR,
    ("POST", f"{API}/signings/{{signing}}/resume"): Power.DRAFT_CONTRACTS,
    ("POST", "/signing/callbacks/{platform}"): Who.OPEN,
    ("GET", f"{API}/contracts"): Who.OWN,
    ("GET", f"{API}/contracts/{{contract}}/documents/{{format}}"): Who.OWN,
    ("POST", f"{API}/contracts/{{contract}}/renew"): Power.SIGN_CONTRACTS,
    ("POST", f"{API}/contracts/{{contract}}/terminate"): Power.DRAFT_CONTRACTS,
    ("GET", f"{API}/contract-ends"): Who.OPERATOR,
    ("POST", f"{API}/contract-ends/{{end}}/approve"): Power.REVIEW_CREDIT,
    ("POST", f"{API}/contract-ends/{{end}}/reject"): Power.REVIEW_CREDIT,
    ("POST", f"{API}/keys/{{key_id}}/rotate"): Power.KEEP_CUSTOMERS,
    ("POST", f"{API}/keys/{{key_id}}/revoke"): Power.KEEP_CUSTOMERS,
    ("GET", f"{API}/models"): Who.OWN,
    ("GET", f"{API}/models/deprecations"): Who.OPERATOR,
    ("POST", f"{API}/models/{{model_id:path}}/disable"): Power.RUN_HOUSE,
    ("POST", f"{API}/models/{{model_id:path}}/enable"): Power.RUN_HOUSE,
    ("GET", f"{API}/auto-models"): Who.OWN,
    ("GET", f"{API}/auto-models/{{name}}"): Who.OWN,
    ("POST", f"{API}/auto-models/{{name}}/versions"): Power.SET_PRICES,
    ("POST", f"{API}/auto-models/{{name}}/end"): Power.SET_PRICES,
    ("GET", f"{API}/routing/{{month}}"): Who.OWN,
    ("GET", f"{API}/jobs"): Who.OPERATOR,
    ("POST", f"{API}/jobs"): Power.BILL,
    ("GET", f"{API}/jobs/{{job}}"): Who.OWN,
    ("GET", f"{API}/jobs/{{job}}/pieces"): Who.OWN,
    ("GET", f"{API}/jobs/{{job}}/what-if"): Who.OWN,
    ("GET", f"{API}/jobs/{{job}}/cloud-trial"): Who.OPERATOR,
    ("POST", f"{API}/jobs/{{job}}/cancel"): Who.OWN,  # by the power of its kind
    ("POST", f"{API}/usage/imports"): Power.RUN_HOUSE,
    ("GET", f"{API}/nodes"): Who.OPERATOR,
    ("POST", f"{API}/nodes/{{node}}/drain"): Power.RUN_HOUSE,
    ("POST", f"{API}/nodes/{{node}}/resume"): Power.RUN_HOUSE,
    ("POST", f"{API}/nodes/{{node}}/lost"): Power.RUN_HOUSE,
    ("GET", f"{API}/deployments"): Who.OPERATOR,
    ("POST", f"{API}/deployments/{{deployment_id:path}}/drain"): Power.RUN_HOUSE,
    ("POST", f"{API}/deployments/{{deployment_id:path}}/restore"): Power.RUN_HOUSE,
    ("GET", f"{API}/books"): Who.OPERATOR,
    ("GET", f"{API}/books/{{book_id}}/revisions"): Who.OPERATOR,
    ("GET", f"{API}/books/{{book_id}}/price"): Who.OPERATOR,
    ("POST", f"{API}/books/{{book_id}}/imports"): Power.SET_PRICES,
    ("GET", f"{API}/price-changes"): Who.OPERATOR,
    ("GET", f"{API}/price-changes/{{change}}"): Who.OPERATOR,
    ("GET", f"{API}/price-changes/{{change}}/prices"): Who.OPERATOR,
    ("POST", f"{API}/price-changes/{{change}}/{{decision}}"): Power.SET_PRICES,
    ("GET", f"{API}/customers/{{customer}}/rates"): Who.OWN,
    ("GET", f"{API}/fx"): Who.OPERATOR,
    ("POST", f"{API}/fx"): Power.SET_PRICES,
    ("GET", f"{API}/usage"): Who.OWN,
    ("GET", f"{API}/usage/refusals"): Who.OWN,
    ("GET", f"{API}/usage/worklist"): Who.OPERATOR,
    ("POST", f"{API}/usage/worklist/{{event_id}}/resolve"): Power.BILL,
    ("POST", f"{API}/usage/worklist/reprice"): Power.BILL,
    ("POST", f"{API}/usage/events"): Power.RUN_HOUSE,
    ("GET", f"{API}/requests"): Who.OWN,
    ("GET", f"{API}/requests/{{request_id}}"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/budgets"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/budgets"): Who.SPEAKS,
    ("GET", f"{API}/customers/{{customer}}/budgets/report/{{month}}"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/budgets/{{budget}}"): Who.OWN,
    ("PUT", f"{API}/customers/{{customer}}/budgets/{{budget}}"): Who.SPEAKS,
    ("POST", f"{API}/customers/{{customer}}/budgets/{{budget}}/end"): Who.SPEAKS,
    ("GET", f"{API}/customers/{{customer}}/protection-policies"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/protection-policies"): Who.SPEAKS,
    ("POST", f"{API}/customers/{{customer}}/protection-policies/{{policy}}/end"): Who.SPEAKS,
    ("GET", f"{API}/customers/{{customer}}/protections"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/protections/{{protection}}/release"): Who.SPEAKS,
    ("GET", f"{API}/bills"): Who.OWN,
    ("GET", f"{API}/bills/{{bill}}"): Who.OWN,
    ("GET", f"{API}/bills/{{bill}}/documents/{{kind}}"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/packs/{{month}}"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/bills/live"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/bills/live/stream"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/what-if/{{month}}"): Who.OWN,
    ("POST", f"{API}/bills/close"): Power.BILL,
    ("POST", f"{API}/bills/{{bill}}/propose"): Power.BILL,
    ("POST", f"{API}/bills/{{bill}}/confirm"): Who.SPEAKS,
    ("POST", f"{API}/bills/{{bill}}/reopen"): Power.BILL,
    ("POST", f"{API}/bills/{{bill}}/issue"): Power.BILL,
    ("GET", f"{API}/bills/{{bill}}/life"): Who.OWN,
    ("GET", f"{API}/bills/{{bill}}/disputes"): Who.OWN,
    ("POST", f"{API}/bills/{{bill}}/disputes"): Who.SPEAKS,
    ("POST", f"{API}/disputes/{{dispute}}/withdraw"): Who.SPEAKS,
    ("POST", f"{API}/disputes/{{dispute}}/accept"): Power.BILL,
    ("POST", f"{API}/disputes/{{dispute}}/reject"): Power.BILL,
    ("GET", f"{API}/disputes"): Who.OPERATOR,
    ("GET", f"{API}/adjustments"): Who.OPERATOR,
    ("POST", f"{API}/adjustments"): Power.BILL,
    ("POST", f"{API}/adjustments/{{adjustment}}/{{decision}}"): Power.BILL,
    ("GET", f"{API}/bills/{{bill}}/credit-notes"): Who.OWN,
    ("POST", f"{API}/bills/{{bill}}/credit-notes"): Power.BILL,
    ("POST", f"{API}/credit-notes/{{note}}/approve"): Power.BILL,
    ("POST", f"{API}/credit-notes/{{note}}/reject"): Power.BILL,
    ("POST", f"{API}/customers/{{customer}}/billing-units"): Power.BILL,
    ("GET", f"{API}/members"): Who.OPERATOR,
    ("POST", f"{API}/members"): Power.SET_UP,
    ("POST", f"{API}/members/{{member}}/revoke"): Power.SET_UP,
    ("GET", f"{API}/tokens"): Who.MEMBER,
    ("POST", f"{API}/tokens"): Who.MEMBER,
    ("POST", f"{API}/tokens/{{token}}/revoke"): Who.MEMBER,
    ("GET", f"{API}/fapiao/available"): Who.OWN,
    ("GET", f"{API}/fapiao/titles"): Who.OWN,
    ("POST", f"{API}/fapiao/titles"): Who.SPEAKS,
    ("PUT", f"{API}/fapiao/titles/{{title}}"): Who.SPEAKS,
    ("GET", f"{API}/fapiao"): Who.OWN,
    ("POST", f"{API}/fapiao"): Who.SPEAKS,
    ("GET", f"{API}/fapiao/{{fapiao}}"): Who.OWN,
    ("GET", f"{API}/fapiao/{{fapiao}}/files/{{form}}"): Who.OWN,
    ("POST", f"{API}/fapiao/{{fapiao}}/approve"): Power.ISSUE_FAPIAO,
    ("POST", f"{API}/fapiao/{{fapiao}}/decline"): Power.ISSUE_FAPIAO,
    ("POST", f"{API}/fapiao/{{fapiao}}/upload"): Power.ISSUE_FAPIAO,
    ("POST", f"{API}/fapiao/{{fapiao}}/reverse"): Who.SPEAKS,
    ("POST", f"{API}/fapiao/titles/{{title}}/retire"): Who.SPEAKS,
    ("GET", f"{API}/red-fapiao"): Who.OWN,
    ("GET", f"{API}/red-fapiao/{{red}}/files/{{form}}"): Who.OWN,
    ("POST", f"{API}/red-fapiao/{{red}}/approve"): Power.ISSUE_FAPIAO,
    ("POST", f"{API}/red-fapiao/{{red}}/withdraw"): Power.ISSUE_FAPIAO,
    ("POST", f"{API}/red-fapiao/{{red}}/upload"): Power.ISSUE_FAPIAO,
    ("POST", f"{API}/red-fapiao/{{red}}/filed"): Power.ISSUE_FAPIAO,
    ("POST", f"{API}/red-fapiao/{{red}}/ended"): Power.ISSUE_FAPIAO,
    ("POST", f"{API}/red-fapiao/{{red}}/answer"): Power.ISSUE_FAPIAO,
    ("POST", f"{API}/red-fapiao/{{red}}/answer/approve"): Power.ISSUE_FAPIAO,
    ("POST", f"{API}/fapiao/{{fapiao}}/buyers-form"): Power.ISSUE_FAPIAO,
    ("GET", f"{API}/fapiao-errands"): Who.OPERATOR,
    ("POST", f"{API}/fapiao-errands/{{errand}}/stop"): Power.ISSUE_FAPIAO,
    ("POST", f"{API}/fapiao-errands/{{errand}}/retry"): Power.ISSUE_FAPIAO,
    ("GET", f"{API}/fapiao-limit"): Who.OPERATOR,
    ("POST", "/fapiao/callbacks/{provider}"): Who.OPEN,
    ("GET", f"{API}/bank/accounts"): Who.OPERATOR,
    ("POST", f"{API}/bank/accounts"): Power.COLLECT,
    ("POST", f"{API}/bank/accounts/{{account}}/statements"): Power.COLLECT,
    ("GET", f"{API}/pay-into"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/virtual-accounts"): Power.COLLECT,
    ("PUT", f"{API}/customers/{{customer}}/parent"): Power.COLLECT,
    ("POST", f"{API}/customers/{{customer}}/payer-authorisations"): Power.COLLECT,
    ("GET", f"{API}/receipts"): Who.OWN,
    ("GET", f"{API}/receipts/{{receipt}}"): Who.OPERATOR,
    ("POST", f"{API}/receipts/match"): Power.COLLECT,
    ("POST", f"{API}/receipts/{{receipt}}/apportion"): Power.COLLECT,
    ("POST", f"{API}/apportionments/{{batch}}/undo"): Power.COLLECT,
    ("POST", f"{API}/receipts/{{receipt}}/bounce"): Power.COLLECT,
    ("POST", f"{API}/customers/{{customer}}/draw"): Power.COLLECT,
    ("POST", f"{API}/customers/{{customer}}/set-aside"): Power.COLLECT,
    ("GET", f"{API}/claims"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/claims"): Who.SPEAKS,
    ("POST", f"{API}/claims/{{claim}}/accept"): Power.COLLECT,
    ("POST", f"{API}/claims/{{claim}}/reject"): Power.COLLECT,
    ("GET", f"{API}/refunds"): Who.OPERATOR,
    ("POST", f"{API}/receipts/{{receipt}}/refunds"): Power.COLLECT,
    ("POST", f"{API}/refunds/{{refund}}/{{decision}}"): Power.COLLECT,
    ("PUT", f"{API}/refunds/{{refund}}/paid"): Power.COLLECT,
    ("PUT", f"{API}/refunds/{{refund}}/failed"): Power.COLLECT,
    ("GET", f"{API}/receivables/ageing"): Who.OPERATOR,
    ("GET", f"{API}/customers/{{customer}}/receivables"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/statement"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/letters/{{letter}}"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/deposit-slips"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/deposit-slips/{{number}}"): Who.OWN,
    ("GET", f"{API}/waivers"): Who.OPERATOR,
    ("POST", f"{API}/bills/{{bill}}/waivers"): Power.COLLECT,
    ("POST", f"{API}/waivers/{{waiver}}/{{decision}}"): Power.COLLECT,
    ("GET", f"{API}/customers/{{customer}}/standing"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/reprieve"): Power.COLLECT,
    ("GET", f"{API}/proofs/{{month}}"): Who.OPERATOR,
    ("GET", f"{API}/deeds"): Who.AUDITS,
    ("GET", f"{API}/ledger/balances"): Who.OPERATOR,
    ("GET", f"{API}/ledger/trial-balance"): Who.OPERATOR,
    ("GET", f"{API}/ledger/statement"): Who.OPERATOR,
    ("GET", f"{API}/ledger/entries"): Who.OPERATOR,
    ("GET", f"{API}/ledger/check"): Who.OPERATOR,
    ("POST", f"{API}/ledger/accruals"): Power.KEEP_BOOKS,
    ("GET", f"{API}/ledger/handovers"): Who.OPERATOR,
    ("POST", f"{API}/ledger/handovers"): Power.KEEP_BOOKS,
    ("GET", f"{API}/ledger/handovers/{{batch_id}}/file"): Who.OPERATOR,
    ("GET", f"{API}/providers/standings"): Who.OPERATOR,
    ("GET", f"{API}/providers/warnings"): Who.OPERATOR,
    ("PUT", f"{API}/providers/{{account_id}}/terms"): Power.KEEP_BOOKS,
    ("POST", f"{API}/providers/{{account_id}}/balances"): Power.KEEP_BOOKS,
    ("GET", f"{API}/providers/bills"): Who.OPERATOR,
    ("POST", f"{API}/providers/bills"): Power.KEEP_BOOKS,
    ("POST", f"{API}/providers/bills/{{provider_bill_id}}/void"): Power.KEEP_BOOKS,
    ("GET", f"{API}/providers/credits"): Who.OPERATOR,
    ("POST", f"{API}/providers/credits"): Power.KEEP_BOOKS,
    ("POST", f"{API}/providers/credits/{{provider_credit_id}}/void"): Power.KEEP_BOOKS,
    ("GET", f"{API}/providers/payables"): Who.OPERATOR,
    ("GET", f"{API}/providers/payments"): Who.OPERATOR,
    ("POST", f"{API}/providers/payments"): Power.KEEP_BOOKS,
    ("POST", f"{API}/providers/payments/{{payment_id}}/decision"): Power.KEEP_BOOKS,
    ("POST", f"{API}/providers/payments/{{payment_id}}/paid"): Power.KEEP_BOOKS,
    ("GET", f"{API}/customers/{{customer}}/share-rules"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/share-rules"): Who.SPEAKS,
    ("GET", f"{API}/customers/{{customer}}/shares/{{month}}"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/shares/{{month}}/table"): Who.OWN,
    ("GET", f"{API}/cloud-sources"): Who.OPERATOR,
    ("POST", f"{API}/cloud-sources"): Power.KEEP_BOOKS,
    ("GET", f"{API}/cloud-sources/{{source}}/rules"): Who.OPERATOR,
    ("POST", f"{API}/cloud-sources/{{source}}/rules"): Power.KEEP_BOOKS,
    ("POST", f"{API}/cloud-sources/{{source}}/deliveries"): Power.KEEP_BOOKS,
    ("POST", f"{API}/cloud-sources/{{source}}/remap"): Power.KEEP_BOOKS,
    ("GET", f"{API}/cloud-costs"): Who.OPERATOR,
    ("GET", f"{API}/bills/{{bill}}/lines/{{position}}/cloud-rows"): Who.OWN,
    ("POST", f"{API}/reconciliations/reports"): Power.KEEP_BOOKS,
    ("GET", f"{API}/reconciliations/reports"): Who.OPERATOR,
    ("POST", f"{API}/reconciliations"): Power.KEEP_BOOKS,
    ("GET", f"{API}/reconciliations"): Who.OPERATOR,
    ("GET", f"{API}/reconciliations/{{reconciliation_id}}"): Who.OPERATOR,
    ("GET", f"{API}/reconciliations/{{reconciliation_id}}/tables/{{table}}"): Who.OPERATOR,
    ("GET", f"{API}/margins/{{month}}"): Who.OPERATOR,
    ("GET", f"{API}/sla/{{month}}"): Who.OWN,
    ("GET", f"{API}/sla/{{month}}/pdf"): Who.OWN,
    ("GET", f"{API}/anomalies"): Who.OWN,
    ("GET", f"{API}/anomalies/{{finding}}"): Who.OWN,
    ("POST", f"{API}/anomalies/{{finding}}/acknowledge"): Who.SPEAKS,
    ("POST", f"{API}/anomalies/{{finding}}/mute"): Who.SPEAKS,
    ("POST", f"{API}/anomalies/{{finding}}/feedback"): Who.SPEAKS,
    ("GET", f"{API}/prospects/{{prospect}}/proposals"): Who.OPERATOR,
    ("POST", f"{API}/quotes/{{quote_id}}/proposals"): Power.DRAFT_CONTRACTS,
    ("GET", f"{API}/proposals/{{proposal}}/files/{{file}}"): Who.OPERATOR,
    ("GET", f"{API}/proposals/{{proposal}}/trace"): Who.OPERATOR,
    ("GET", f"{API}/certificates"): Who.OPERATOR,
    ("POST", f"{API}/certificates"): Power.DRAFT_CONTRACTS,
    ("POST", f"{API}/certificates/{{certificate}}/withdraw"): Power.DRAFT_CONTRACTS,
    ("POST", f"{API}/trial-requests"): Who.OPEN,
    ("POST", f"{API}/trial-requests/{{request_id}}/claim"): Who.OPEN,
    ("GET", f"{API}/trial-requests"): Who.OPERATOR,
    ("POST", f"{API}/trial-requests/{{request_id}}/approve"): Power.DRAFT_CONTRACTS,
    ("POST", f"{API}/trial-requests/{{request_id}}/decline"): Power.DRAFT_CONTRACTS,
    ("GET", f"{API}/trials"): Who.OPERATOR,
    ("GET", f"{API}/trials/{{trial}}"): Who.OWN,
    ("GET", f"{API}/trials/{{trial}}/papers/{{sheet}}"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/trial/convert"): Power.SIGN_CONTRACTS,
    ("GET", f"{API}/prospects"): Who.OPERATOR,
    ("POST", f"{API}/prospects"): Power.DRAFT_CONTRACTS,
    ("GET", f"{API}/prospects/{{prospect}}"): Who.OPERATOR,
    ("GET", f"{API}/prospects/{{prospect}}/forms"): Who.OPERATOR,
    ("POST", f"{API}/prospects/{{prospect}}/forms"): Power.DRAFT_CONTRACTS,
    ("POST", f"{API}/prospects/{{prospect}}/volumes"): Power.DRAFT_CONTRACTS,
    ("GET", f"{API}/prospects/{{prospect}}/usage"): Who.OPERATOR,
    ("POST", f"{API}/prospects/{{prospect}}/usage"): Power.DRAFT_CONTRACTS,
    ("POST", f"{API}/prospects/{{prospect}}/replays"): Power.DRAFT_CONTRACTS,
    ("GET", f"{API}/prospects/{{prospect}}/quotes"): Who.OPERATOR,
    ("POST", f"{API}/prospects/{{prospect}}/quotes"): Power.DRAFT_CONTRACTS,
    ("GET", f"{API}/quotes"): Who.OPERATOR,
    ("GET", f"{API}/quotes/{{quote_id}}"): Who.OPERATOR,
    ("GET", f"{API}/quotes/{{quote_id}}/trace"): Who.OPERATOR,
    ("GET", f"{API}/quotes/{{quote_id}}/life"): Who.OPERATOR,
    ("POST", f"{API}/quotes/{{quote_id}}/approve"): Power.SET_PRICES,
    ("POST", f"{API}/quotes/{{quote_id}}/reject"): Power.SET_PRICES,
    ("POST", f"{API}/quotes/{{quote_id}}/offer"): Power.DRAFT_CONTRACTS,
    ("POST", f"{API}/quotes/{{quote_id}}/accept"): Power.DRAFT_CONTRACTS,
    ("POST", f"{API}/quotes/{{quote_id}}/withdraw"): Power.DRAFT_CONTRACTS,
    ("POST", f"{API}/quotes/{{quote_id}}/draft"): Power.DRAFT_CONTRACTS,
    ("GET", f"{API}/model-grades"): Who.OPERATOR,
    ("PUT", f"{API}/model-grades/{{model_id:path}}"): Power.RUN_HOUSE,
    ("GET", f"{API}/margin-floor"): Who.OPERATOR,
    ("PUT", f"{API}/margin-floor"): Power.SET_PRICES,
    ("GET", f"{API}/reports"): Who.OWN,
    ("POST", f"{API}/reports"): Who.SPEAKS,
    ("GET", f"{API}/reports/{{report}}"): Who.OWN,
    ("PUT", f"{API}/reports/{{report}}"): Who.SPEAKS,
    ("POST", f"{API}/reports/{{report}}/run"): Who.SPEAKS,
    ("POST", f"{API}/reports/{{report}}/end"): Who.SPEAKS,
    ("GET", f"{API}/reports/{{report}}/runs"): Who.OWN,
    ("GET", f"{API}/report-runs/{{run}}"): Who.OWN,
    ("GET", f"{API}/report-runs/{{run}}/pdf"): Who.OWN,
    ("GET", f"{API}/report-runs/{{run}}/xlsx"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/trend"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/trend/comparison"): Who.OWN,
    ("GET", f"{API}/advice"): Who.OWN,
    ("GET", f"{API}/advice/{{advice}}"): Who.OWN,
    ("POST", f"{API}/advice/{{advice}}/accept"): Who.SPEAKS,
    ("POST", f"{API}/advice/{{advice}}/dismiss"): Who.SPEAKS,
    ("POST", f"{API}/advice/{{advice}}/end"): Who.SPEAKS,
    ("GET", f"{API}/customers/{{customer}}/advice-summary"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/advice-words"): Who.OWN,
    ("POST", f"{API}/customers/{{customer}}/advice-words"): Who.SPEAKS,
    ("POST", f"{API}/customers/{{customer}}/advice-words/unsay"): Who.SPEAKS,
    ("GET", f"{API}/customers/{{customer}}/forecast"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/forecast/hours"): Who.OWN,
    ("GET", f"{API}/customers/{{customer}}/forecast/budgets"): Who.OWN,
    ("GET", f"{API}/capacity"): Who.OPERATOR,
    ("GET", f"{API}/capacity/ceilings"): Who.OPERATOR,
    ("PUT", f"{API}/capacity/ceilings/{{account_id}}"): Power.RUN_HOUSE,
    ("GET", f"{API}/tickets"): Who.OWN,
    ("POST", f"{API}/tickets"): Who.ASKS,
    ("GET", f"{API}/tickets/{{ticket}}"): Who.OWN,
    ("POST", f"{API}/tickets/{{ticket}}/reply"): Who.ASKS,
    ("POST", f"{API}/tickets/{{ticket}}/close"): Who.ASKS,
    ("POST", f"{API}/tickets/{{ticket}}/answer"): Power.ANSWER,
    ("POST", f"{API}/tickets/{{ticket}}/ask"): Power.ANSWER,
    ("POST", f"{API}/tickets/{{ticket}}/severity"): Power.ANSWER,
    ("POST", f"{API}/tickets/{{ticket}}/resolve"): Power.ANSWER,
    ("GET", f"{API}/tickets/{{ticket}}/files/{{file}}"): Who.OWN,
    ("GET", f"{API}/rota"): Who.OPERATOR,
    ("POST", f"{API}/rota/weeks"): Power.ANSWER,
    ("POST", f"{API}/rota/overrides"): Power.ANSWER,
    ("POST", f"{API}/rota/{{duty}}/remove"): Power.ANSWER,
    ("PUT", f"{API}/customers/{{customer}}/adviser"): Power.ANSWER,
    ("GET", f"{API}/incidents"): Who.OWN,
    ("POST", f"{API}/incidents"): Power.ANSWER,
    ("POST", f"{API}/incidents/{{incident}}/updates"): Power.ANSWER,
    ("GET", f"{API}/notices/contacts"): Who.OWN,
    ("POST", f"{API}/notices/contacts"): Who.TELLS,
    ("PUT", f"{API}/notices/contacts/{{contact_id}}"): Who.TELLS,
    ("GET", f"{API}/notices/channels"): Who.OWN,
    ("POST", f"{API}/notices/contacts/{{contact_id}}/channels"): Who.TELLS,
    ("POST", f"{API}/notices/channels/{{channel_id}}/test"): Who.TELLS,
    ("POST", f"{API}/notices/channels/{{channel_id}}/rotate"): Who.TELLS,
    ("POST", f"{API}/notices/channels/{{channel_id}}/remove"): Who.TELLS,
    ("POST", f"{API}/notices/contacts/{{contact_id}}/remove"): Who.TELLS,
    ("GET", f"{API}/notices/kinds"): Who.OWN,
    ("GET", f"{API}/notices/senders"): Who.OPERATOR,
    ("PUT", f"{API}/notices/senders/{{sender}}"): Power.SET_UP,
    ("GET", f"{API}/notices/log"): Who.OWN,
    ("GET", f"{API}/notices/log/{{message_id}}"): Who.OWN,
    ("POST", f"{API}/notices/log/retry"): Power.SET_NOTICES,
}


class Unauthenticated(DomainError):
    """Nobody we know is asking."""

    code: ClassVar[str] = "unauthenticated"


_bearer: Final = HTTPBearer(
    auto_error=False,
    scheme_name="令牌",
    description="运营令牌 `yj-…`（`yuejie token` 可见），"
    "成员令牌 `yj-m-…` 或它的 API 令牌 `yj-t-…`，或客户的 API 密钥 `sk-yj-…`（只读自己的数据）",
)


def admit(
    request: Request,
    desk: DeskHere,
    shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """Let a caller through to a route that serves it, or refuse."""
    caller = None
    if shown is None and request.method == "GET":
        caller = _by_session(desk, request)
    if caller is None:
        caller = _recognise(desk, shown.credentials if shown else "", desk.clock.now())
    permit(caller, ACCESS[request.method, request.scope["route"].path])
    return caller


AnyCaller = Annotated[Caller, Depends(admit)]


def note_token(request: Request, desk: DeskHere, caller: AnyCaller) -> None:
    """Write down that a token is used for a deed, whatever comes of it and wherever it is kept."""
    if caller.token is None or request.method == "GET":
        return
    said = {
        "method": request.method,
        "path": request.scope["route"].path,
        "request_id": request.state.request_id,
    }
    with desk.door.database().begin() as tx:
        deed = Deed(caller.name, desk.clock.now(), "use", "token", caller.token.token_id)
        record_deed(tx, deed, became=said)


async def _through(caller: AnyCaller) -> None:
    """Have every deed of this request say by which token it was done.

    Not in a thread of its own: what is set there is forgotten with it.
    """
    if caller.token is not None:
        VIA.set(caller.token.token_id)


def guarded(tag: str, *, prefix: str = "") -> APIRouter:
    """Return a router whose every route admits its caller first.

    It carries the whole path of its routes, under which ACCESS knows them.
    """
    first = [Depends(admit), Depends(_through), Depends(note_token)]
    return APIRouter(prefix=f"{API}{prefix}", tags=[tag], dependencies=first)


def _by_session(desk: Desk, request: Request) -> Caller | None:
    """Let a page's reader follow a link to a document; deeds over the API need a token.

    The cookie comes with a link from anywhere, so it opens what changes nothing.
    """
    secret = request.cookies.get(SESSION, "")
    if not secret:
        return None
    found = recognise(desk.door.database(), secret, pepper=desk.pepper, now=desk.clock.now())
    return Caller(found[1].signs_as, member=found[1]) if found else None


def _recognise(desk: Desk, secret: str, now: datetime) -> Caller:
    """Find out who holds a token. A suspended customer may still read: its bills remain due."""
    if not secret:
        raise Unauthenticated("请求没有带令牌，请加上请求头 Authorization: Bearer <运营令牌>")
    if hmac.compare_digest(secret.encode(), desk.operator_token.encode()):
        return Caller("api:operator")
    if secret.startswith(MEMBER_PREFIX):
        return _member(desk, secret)
    if secret.startswith(TOKEN_PREFIX):
        held = recognise_token(desk.door.database(), secret, pepper=desk.pepper, now=now)
        if held is None:
            raise Unauthenticated("令牌无效、已吊销或已过期，请在控制台新建令牌")
        _refuse_unknown_to_sso(desk, held[1])
        return Caller(held[1].signs_as, member=held[1], token=held[0])
    if not secret.startswith(PREFIX):
        raise Unauthenticated("运营令牌不对，请用 yuejie token 查看后重试")
    with desk.door.database().read() as tx:
        key = key_by_digest(tx, digest_of(secret, desk.pepper))
    if key is None:
        raise Unauthenticated("密钥无效，请核对后重试，或请管理员重新签发")
    if key.revoked_at is not None:
        raise Unauthenticated(f"密钥（…{key.hint}）已吊销，请换用新密钥")
    if key.expires_at is not None and key.expires_at <= now:
        raise Unauthenticated(f"密钥（…{key.hint}）已过期，请换用新密钥")
    return Caller(f"key:{key.key_id}", key)


def _member(desk: Desk, token: str) -> Caller:
    with desk.door.database().read() as tx:
        member = member_by_digest(tx, digest_of(token, desk.pepper))
    if member is None:
        raise Unauthenticated("成员令牌无效，请核对后重试，或请管理员重新签发")
    if member.revoked_at is not None:
        raise Unauthenticated(f"成员 {member.name} 已停用，请联系管理员")
    _refuse_unknown_to_sso(desk, member)
    return Caller(member.signs_as, member=member)


def _refuse_unknown_to_sso(desk: Desk, member: Member) -> None:
    """Refuse the tokens of a member whom the organisation's only way in has never let in."""
    with desk.door.database().read() as tx:
        label = unknown_to(tx, member.customer_id, member.member_id)
    if label is not None:
        raise Unauthenticated(
            f"贵单位只用单点登录：成员 {member.name} 还没有用“{label}”登录过，其令牌暂不可用；"
            "请本人登录控制台一次，令牌随即恢复"
        )


def still_admitted(request: Request, desk: Desk, customer_id: str) -> bool:
    """Tell whether whoever was let through to a customer's rows would be let through again.

    While nobody can be asked, whoever is in stays in.
    """
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    shown = None
    if secret and scheme.lower() == "bearer":
        shown = HTTPAuthorizationCredentials(scheme=scheme, credentials=secret.strip())
    try:
        caller = admit(request, desk, shown)
    except (Unauthenticated, Forbidden):
        return False
    except Unavailable:
        return True
    return caller.customer_id in (None, customer_id)


def _stamping(
    desk: DeskHere,
    caller: AnyCaller,
    now: Now,
    *,
    stamped: Annotated[
        bool, Query(description="加盖印章图样（仅运营方；只是图片，不是电子签名）")
    ] = False,
) -> Stamping | None:
    if not stamped:
        return None
    if not caller.is_operator:
        raise Forbidden("加盖印章图样的文件只能由运营方下载，请联系运营方")
    return Stamping(read_stamp(desk.stamp_file), by=caller.name, now=now)


StampingHere = Annotated[Stamping | None, Depends(_stamping)]
"""What stamps a paper, where `?stamped=true` asks for it; only the operator may ask."""


def whose(tx: Tx, caller: Caller, asked: str | None) -> CustomerId | None:
    """Return whose rows to read: a key's own, or whom the operator asks for, None for everybody.

    A key that names another customer hears what it would hear of one that does not exist.
    """
    if caller.customer_id is None:
        return find_customer(tx, asked).customer_id if asked else None
    if asked and find_customer(tx, asked).customer_id != caller.customer_id:
        raise NotFound(f"客户不存在：{asked}", customer=asked)
    return caller.customer_id
