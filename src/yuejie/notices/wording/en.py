"""The wording in English."""

from typing import Final

from yuejie.notices.notice import Kind
from yuejie.notices.wording.piece import Wording

WORDINGS: Final[dict[Kind, Wording]] = {
    Kind.BILL_PROPOSED: Wording(
        "Bill for {month} awaits your confirmation",
        "The bill for {month} is ready: {amount}. "
        "Please check and confirm it, or dispute single lines, by {review_until}.",
    ),
    Kind.BILL_ISSUED: Wording(
        "Bill {number} issued",
        "Bill {number} for {month} has been issued. Please pay {amount} by {due_on}.",
    ),
    Kind.BILL_REVIEW_REMINDER: Wording(
        "Review of the bill for {month} ends soon",
        "The bill for {month} ({amount}) is not confirmed yet; the review ends on {review_until}.",
    ),
    Kind.SETTLEMENT_WAITS: Wording(
        "Settlement waits: {customer} {month}",
        "The settlement day of {customer} for {month} has come, and the month could not be closed "
        "or put to the customer: {why}. Please see to it; it is tried again every hour.",
    ),
    Kind.CORRECTION_REJECTED: Wording(
        "Correction rejected: {customer} {correction}",
        "The correction {correction} ({amount}) that {drafted_by} drafted for {customer} was "
        "rejected: {why}. Please mend it and ask again, or answer the customer.",
    ),
    Kind.REQUEST_REJECTED: Wording(
        "{asked} {ended}: {request}",
        "{asked} {request}, asked for by {asked_by}: {ended}, because {why}. Please mend it and "
        "ask again where that is needed.",
    ),
    Kind.DISPUTE_REOPENED: Wording(
        "Dispute open again: {customer} {bill}",
        "{customer} disputes “{line}” of bill {bill}; it was accepted, but its adjustment was not "
        "approved: {why}. The dispute is open again and needs another answer.",
    ),
    Kind.FAPIAO_ISSUED: Wording(
        "Fapiao {fapiao_number} issued",
        "Fapiao {fapiao_number} over {amount}, tax included, has been issued.",
    ),
    Kind.FAPIAO_DELIVERY: Wording(
        "Fapiao {fapiao_number}",
        "Fapiao {fapiao_number} over {amount}, tax included, is attached.",
    ),
    Kind.PAYMENT_REMINDER: Wording(
        "Payment reminder: bill {number}",
        "{amount} of bill {number} is still open. Please pay by {due_on}; "
        "if you have paid already, nothing is left to do.",
    ),
    Kind.PAYMENT_RECEIVED: Wording(
        "Payment received: {amount}",
        "We have received your payment of {amount} of {received_on}. Thank you.",
    ),
    Kind.OVERDUE: Wording(
        "Bill {number} is overdue",
        "Bill {number} was due on {due_on}, {days} days ago; {amount} is still open. "
        "Please pay as soon as possible.",
    ),
    Kind.SUSPENSION_WARNING: Wording(
        "Your service is about to be suspended",
        "{amount} is overdue. Unless it is paid by {suspend_on}, the service will be suspended.",
    ),
    Kind.SUSPENDED: Wording(
        "Your service is suspended",
        "The service is suspended because {amount} is overdue. It resumes once this is paid.",
    ),
    Kind.PREPAYMENT_EMPTY: Wording(
        "Please top up: the prepaid balance is used up",
        "The contract asks for payment before use, and the balance is {available}: calls are not "
        "served. Please transfer money to the account of the contract; service resumes by itself.",
    ),
    Kind.RESTORED: Wording("Your service is restored", "New calls are served again. Thank you."),
    Kind.RED_FORM_WAITING: Wording(
        "Red-letter form waits: {fapiao_number}",
        "The red-letter form of fapiao {fapiao_number} ({amount}) waits for confirmation "
        "and lapses by itself.",
    ),
    Kind.RED_FORM_TO_ANSWER: Wording(
        "A buyer’s red-letter form waits for us: {fapiao_number}",
        "The buyer started a red-letter form for fapiao {fapiao_number} ({amount}). It lapses at "
        "{until} unless we agree or deny before; two people answer it at the fapiao desk.",
    ),
    Kind.RED_FORM_LAPSED: Wording(
        "72 hours of a red-letter form are over: {fapiao_number}",
        "The red-letter form of fapiao {fapiao_number} ({amount}) was due at {until}. One that was "
        "filed by hand: look at the tax office’s site, note what became of it, and request again "
        "where needed.",
    ),
    Kind.RED_FORM_UNREAD: Wording(
        "A buyer’s red-letter form is for the tax office’s site: {fapiao_number}",
        "Red-letter form {form_number} that the buyer started for fapiao {fapiao_number} cannot be "
        "answered here: {why}. Please answer it on the tax office’s site within 72 hours.",
    ),
    Kind.RED_FORM_CONTRARY: Wording(
        "A red-letter form ended otherwise than was approved: {fapiao_number}",
        "Red-letter form {form_number} that the buyer started for fapiao {fapiao_number} "
        "({amount}). Our answer: {answer} (proposed by {answered_by}, approved by {approved_by}). "
        "The tax office says: {became} (heard by {noted_by}; why: {why}). Whoever proposed and "
        "approved it, please look at the tax office’s site.",
    ),
    Kind.DRAWER_LOGGED_OUT: Wording(
        "The fapiao drawer is logged out",
        "The login of drawer {drawer} has ended and no fapiao can be issued. "
        "Please scan and log in again.",
    ),
    Kind.FAPIAO_CREDIT_LOW: Wording(
        "The credit for fapiao runs low",
        "Fapiao over {remaining} may still be issued, which may not last for the month. "
        "Please ask the tax office for more.",
    ),
    Kind.CONTRACT_ENDING: Wording(
        "Contract {contract} is ending",
        "Contract {contract} ends on {ends_on}, in {days} days, and the service with it. "
        "Please arrange its renewal.",
    ),
    Kind.CONTRACT_RENEWING: Wording(
        "Contract {contract} is about to renew",
        "Contract {contract} ends on {ends_on} and then goes on for {months} months by itself. "
        "If you do not want that, please say so by {say_until}.",
    ),
    Kind.CONTRACT_ENDED: Wording(
        "Contract {contract} has ended",
        "Contract {contract} ended on {ends_on}, and the service with it. "
        "To go on, please renew it.",
    ),
    Kind.CONTRACT_RENEWED: Wording(
        "Contract {contract} renewed",
        "Contract {contract} goes on under the same terms; it now ends on {ends_on}.",
    ),
    Kind.CREDIT_USED: Wording(
        "{percent}% of the credit limit is used",
        "{used} of the credit limit of {limit} is used ({percent}%). "
        "Once it is used up, new requests are refused.",
    ),
    Kind.BUDGET_REACHED: Wording(
        "Budget '{budget}': {percent}% used",
        "Of the budget '{budget}' ({limit}), {used} is used: {percent}% is reached.",
    ),
    Kind.BUDGET_USED_UP: Wording(
        "Budget '{budget}': {percent}% used",
        "Of the budget '{budget}' ({limit}), {used} is used: {percent}% is reached. {effect}",
    ),
    Kind.BUDGET_FORECAST: Wording(
        "Budget '{budget}' is heading for {percent}%",
        "At the present pace the budget '{budget}' ({limit}) comes to {forecast} by the end "
        "of its period: {percent}% is reached.",
    ),
    Kind.BUDGET_EASED: Wording(
        "Budget '{budget}': below {percent}% again",
        "Of the budget '{budget}' ({limit}), {used} is used, below {percent}%; calls are served.",
    ),
    Kind.PROTECTION_ACTED: Wording(
        "Unusual usage: protected by itself",
        "Finding {finding} brought about a protection ({protection}: {effect}); it can be released "
        "at any time.",
    ),
    Kind.PROTECTION_RELEASED: Wording(
        "A protection was released",
        "The protection {protection} ({effect}) because of {finding} was released: {why}.",
    ),
    Kind.DEPRECATION: Wording(
        "Model {model} is ending",
        "Model {model} ends on {ends_on}, in {days} days, and your keys used it within the last "
        "30 days. Please plan the move.",
    ),
    Kind.PRICE_RISE: Wording(
        "Price change: {model}",
        "The price of model {model} rises from {starts_on} on; earlier usage keeps its price.",
    ),
    Kind.PROVIDER_ACCOUNT_LOW: Wording(
        "Provider account {account} runs low",
        "The balance of provider account {account} is {balance}. Please top it up.",
    ),
    Kind.PROVIDER_CREDENTIAL_ENDING: Wording(
        "Credential of provider account {account} ends",
        "The credential of provider account {account} ends on {ends_on}, in {days} days: renew it.",
    ),
    Kind.PROVIDER_CEILING_NEAR: Wording(
        "Provider account {account} nears its ceiling",
        "Provider account {account} has used {used} of its monthly ceiling of {limit} "
        "({percent} %). Please ask the provider to raise it.",
    ),
    Kind.CAPACITY_NEAR: Wording(
        "Capacity: {account} {model} {gauge}",
        "The busiest minute of {account}, model {model}, had {peak} {gauge} within the last seven "
        "days; the ceiling is {ceiling} ({percent} %). Reached, or expected to be: {when}.",
    ),
    Kind.FAPIAO_DUE: Wording(
        "Fapiao due: {number}",
        "A fapiao for bill {number} is promised by {fapiao_by}; {amount} of it is on none yet. "
        "Please ask the customer to request it, or issue it.",
    ),
    Kind.SUSPENSE_UNCLAIMED: Wording(
        "Unclaimed receipt: {amount}",
        "{amount} received on {received_on} is not claimed yet. Please find out who paid.",
    ),
    Kind.SIGNING_ENDED: Wording(
        "Signature of {draft}: {outcome}",
        "The signature of contract draft {draft} ended: {outcome}. Note: {why}.",
    ),
    Kind.ANOMALY: Wording(
        "Unusual usage: {scope}",
        "{measure} of {scope} is unusual since {since}: {observed}, usually about {expected}. "
        "Mostly from key {key} and model {model}; about {extra} more so far. "
        "Please check that this is intended.",
    ),
    Kind.REPORT_READY: Wording(
        "Report: {report} ({span})",
        "The report {report} is made: {span}, {rows} rows; by mail it comes as PDF and XLSX.",
    ),
    Kind.REPORT_FAILED: Wording(
        "Report not made: {report}",
        "The report {report} was not made this time: {why}. "
        "Please change it as said; it is tried again at its next hour.",
    ),
    Kind.TICKET_OPENED: Wording(
        "New ticket: {subject}",
        "{customer} opened a ticket ({grade}), “{subject}” ({ticket}). First response is due by "
        "{answer_by}.",
    ),
    Kind.TICKET_URGENT: Wording(
        "Urgent ticket: {subject}",
        "{customer} opened a ticket ({grade}), “{subject}” ({ticket}). First response is due by "
        "{answer_by}.",
    ),
    Kind.TICKET_ANSWERED: Wording(
        "Your ticket: {subject}",
        "There is an answer to your ticket “{subject}” ({ticket}, {state}). Please see the "
        "console.",
    ),
    Kind.TICKET_GRADED: Wording(
        "Ticket now {grade}: {subject}",
        "Your ticket “{subject}” ({ticket}) was graded {grade}, before {before}: {why}. A response "
        "that is being waited for is not due any later by this.",
    ),
    Kind.TICKET_DUE_SOON: Wording(
        "Ticket about to be late: {subject}",
        "The ticket “{subject}” of {customer} ({grade}, {ticket}) still waits for us; it is due "
        "by {answer_by}.",
    ),
    Kind.TICKET_MISSED: Wording(
        "Ticket response missed: {subject}",
        "The ticket “{subject}” of {customer} ({grade}, {ticket}) was not answered by "
        "{answer_by}. Please answer now; where the contract says so, it is credited.",
    ),
    Kind.TRIAL_GRANTED: Wording(
        "Trial begun: {customer}",
        "The trial {trial} of {customer} is granted and has begun: {limit} tokens until {ends_on}, "
        "free of charge. Whoever asked fetches the key with the claim.",
    ),
    Kind.TRIAL_HALF_USED: Wording(
        "Half of a trial used: {customer}",
        "The trial {trial} of {customer} has used {used} of {limit} tokens; it runs until "
        "{ends_on}.",
    ),
    Kind.TRIAL_USED_UP: Wording(
        "Trial used up: {customer}",
        "The trial {trial} of {customer}, which ends on {ends_on}, has used {used} of {limit} "
        "tokens; what is left holds no further call, and new calls are refused. Under a contract "
        "the same keys go on.",
    ),
    Kind.TRIAL_ENDING: Wording(
        "Trial ends within three days: {customer}",
        "The trial {trial} of {customer} ends on {ends_on}, with {used} of {limit} tokens used. It "
        "ends by itself and is not renewed; under a contract the same keys go on.",
    ),
    Kind.TRIAL_ENDED: Wording(
        "Trial over: {customer}",
        "The trial {trial} of {customer} is over: {used} of {limit} tokens, worth {amount} at list "
        "rates, 0.00 to pay. The report and the specimen bill (marked 试用, a trial) come by mail "
        "and are on the trial's page.",
    ),
    Kind.TRIAL_CONVERTED: Wording(
        "Trial became a contract: {customer}",
        "Contract {contract} follows the trial {trial} of {customer}; usage is billed from "
        "{starts_on}. The keys stay, and what was used before is never billed.",
    ),
    Kind.INCIDENT: Wording("Incident: {what}", "{what} ({state}): {text}"),
    Kind.MAINTENANCE: Wording(
        "Maintenance: {what}", "{what} ({state}), {since} to {until}: {text}"
    ),
    Kind.UNDELIVERED: Wording(
        "Not delivered: {message}",
        "Message {message} could not be delivered by {channel}: {why}. "
        "Please check the contact and tell them yourself.",
    ),
    Kind.TEST: Wording("Test notice", "This is a test; that you read it shows that it works."),
}

LABELS: Final[dict[str, str]] = {
    "customer": "Customer",
    "correction": "Correction",
    "drafted_by": "Drafted by",
    "request": "Number",
    "asked": "Request",
    "ended": "Outcome",
    "asked_by": "Asked for by",
    "line": "Line",
    "number": "Bill number",
    "month": "Month",
    "amount": "Amount",
    "net": "Net",
    "tax": "Tax",
    "review_until": "Review until",
    "issued_on": "Issued on",
    "due_on": "Due on",
    "days": "Days",
    "bank": "Bank",
    "bank_account": "Bank account",
    "reference": "Payment reference",
    "po_number": "Purchase order",
    "fapiao_number": "Fapiao number",
    "fapiao_by": "Fapiao due by",
    "form_number": "Form number",
    "answer": "Approved answer",
    "answered_by": "Proposed by",
    "approved_by": "Approved by",
    "became": "The tax office says",
    "noted_by": "Heard by",
    "title": "Title",
    "received_on": "Received on",
    "payer": "Payer",
    "open": "Open amount",
    "late_fee": "Late fee",
    "suspend_on": "Suspension on",
    "drawer": "Drawer",
    "remaining": "Remaining",
    "contract": "Contract",
    "budget": "Budget",
    "protection": "Protection",
    "finding": "Finding",
    "scope": "Scope",
    "period": "Period",
    "ends_at": "Period ends",
    "forecast": "Forecast",
    "effect": "Effect",
    "ends_on": "Ends on",
    "trial": "Trial",
    "used": "Used",
    "limit": "Limit",
    "percent": "Percent used",
    "model": "Model",
    "keys": "Keys in use",
    "replacement": "Suggested replacement",
    "difference": "Difference per 30 days",
    "starts_on": "Starts on",
    "old_rate": "Old price",
    "new_rate": "New price",
    "available": "Available",
    "rises": "Prices per unit",
    "say_until": "Say so by",
    "months": "Renewed for months",
    "account": "Provider account",
    "balance": "Balance",
    "report": "Report",
    "span": "Period",
    "rows": "Rows",
    "run": "Run",
    "message": "Message",
    "channel": "Channel",
    "kind": "Kind of notice",
    "why": "Reason",
    "bill": "Bill",
    "draft": "Contract draft",
    "outcome": "Outcome",
    "measure": "What",
    "since": "Since",
    "observed": "Now",
    "expected": "Usually",
    "key": "Mostly from key",
    "extra": "More so far",
    "gauge": "Gauge",
    "peak": "Busiest minute",
    "ceiling": "Ceiling",
    "when": "Reached, or expected to be",
    "ticket": "Ticket",
    "grade": "Severity",
    "before": "Severity before",
    "subject": "Subject",
    "answer_by": "Response due",
    "state": "State",
    "what": "Announcement",
    "text": "Details",
    "until": "Until",
    "models": "Models",
}

VALUES: Final[dict[str, dict[str, str]]] = {
    "asked": {
        "refund": "Refund",
        "short_pay": "Waiver of a fee",
        "write_off": "Write-off",
        "claim": "Claim of a payment",
        "fapiao": "Fapiao request",
        "red_fapiao": "Red fapiao request",
        "provider_payment": "Payment to a provider",
        "quote": "Quote",
        "package": "Package",
        "voucher": "Voucher",
        "temporary_limit": "Temporary limit",
        "contract_end": "Termination",
        "price_change": "Price change",
        "contract_draft": "Contract draft",
    },
    "ended": {"rejected": "rejected", "unpaid": "not paid by the bank", "void": "void"},
}
"""What a fact with few values is called, by the fact."""

DIGEST: Final = "{count} notices: {first}, …"
LOOK: Final = "See details"
FOOT: Final = "Message {message_id} (should it arrive twice, act on it once)"
COLON: Final = ": "
