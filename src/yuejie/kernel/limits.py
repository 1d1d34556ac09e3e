"""Every bound of the system, with its reason. Nothing loops, queues or reads without one."""

from datetime import timedelta
from typing import Final

# The gateway
BODY_BYTES: Final = 64 * 1024 * 1024
"""Largest request body: a 20 MB PDF in base64, twice over; providers stop near 32 MB."""
UPLOAD_BYTES: Final = 256 * 1024 * 1024
"""Largest multipart upload, streamed through, never held."""
ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Largest buffered answer that is read for its usage."""
STREAM_SECONDS: Final = 3600
"""Longest stream; a month may be committed only this long after its end."""
CONNECT_SECONDS: Final = 10
FIRST_BYTE_SECONDS: Final = 600
"""Reasoning models think for minutes before the first byte."""
DRAIN_SECONDS: Final = 300
"""How long the pump reads on after the client has gone."""
DRAIN_BYTES: Final = 16 * 1024 * 1024
DRAINS: Final = 1000
"""Concurrent drains per worker; beyond, the oldest is cut and recorded as a floor."""
ATTEMPTS: Final = 3
"""Upstream attempts per operation, retries and fail-over together."""
RETRY_WAIT_SECONDS: Final = 2
"""Longest retry-after the gateway waits out itself; a longer one goes to the client."""
SNAPSHOT_AGE: Final = timedelta(hours=24)
"""A snapshot older than this is refused: prices, keys and contracts are too far from the truth."""
SNAPSHOT_POLL_SECONDS: Final = 0.2
"""Both the publisher and the workers look this often, so a revoked key dies within a second."""
CLOCK_SKEW: Final = timedelta(seconds=1)
PLAUSIBLE_TOKENS: Final = 10**9
"""More tokens than this in one call is not usage but a broken answer."""
TAGS: Final = 16
TAG_LENGTH: Final = 64

# The journal
RECORD_BYTES: Final = 256 * 1024
SEGMENT_BYTES: Final = 64 * 1024 * 1024
SEGMENT_KEEP: Final = timedelta(days=14)

# The database
INGEST_BATCH: Final = 10_000
IMPORT_BATCH: Final = 5_000
PUSH_EVENTS: Final = 1_000
"""Events in one POST /usage/events."""
PAGE: Final = 100
PAGE_MAX: Final = 1_000
BILL_LINES: Final = 100_000
PACK_ROWS: Final = 1_000_000
"""Rows of one CSV file in a pack; a spreadsheet shows at most 1,048,576."""

REFUSED_OF_REASON: Final = 5
"""Calls of one key, turned away in a minute for one reason, that one worker keeps one by one."""
REFUSED_OF_CUSTOMER: Final = 20
"""Such calls of one customer; those whose customer nobody knows are together as one."""
REFUSED_OF_WORKER: Final = 100
"""Such calls of one worker: 144,000 a day at worst, a few hundred bytes each."""
REFUSED_DAYS: Final = 30
"""How long they can be looked up by their ids; the counts stay with the logs."""

REPORT_ROWS: Final = 50_000
"""Rows of one report: more than anybody reads, little enough to keep and to mail."""
REPORT_GROUPS: Final = 200_000
"""Groups of usage that the database may give a report; tags and departments are grouped here."""

# Prices
PUBLICATION_LEAD: Final = timedelta(minutes=10)
"""A revision starts at least this long after its publication, unless an approved correction."""
PRICE_CHANGE_PPM: Final = 300_000
"""A rate that moves by more than 30 % needs an approval."""
PRICE_FILE_BYTES: Final = 8 * 1024 * 1024
"""Largest price file: the prices of 275 models are half a megabyte."""

POLICY_BYTES: Final = 64 * 1024
"""Largest file of an auto model's policy: thirty rules are a tenth of it."""
STAMP_BYTES: Final = 512 * 1024
"""Largest picture of a seal: 1,200 pixels square as PNG is a quarter of it."""

# Contracts
PAPER_BYTES: Final = 20 * 1024 * 1024
"""Largest paper kept with a contract: a scan of fifty pages at 300 dpi, compressed."""
SIGNING_ATTEMPTS: Final = 8
"""Tries to reach a signing platform before a person is asked."""
SIGNING_SECONDS: Final = 30
"""Longest wait for a signing platform's answer."""
CALLBACK_SKEW: Final = timedelta(minutes=10)
"""A signing platform's callback that is older or younger is refused (e签宝 and 法大大 say so)."""

CALLBACK_BYTES: Final = 64 * 1024
"""Largest callback of a signing platform; theirs are some 1 KB, and anybody may call."""

# Money
AMOUNT_FEN: Final = 10**15
"""Largest amount that anybody writes: ten trillion yuan are a slip of the pen, and sums stay in
range."""

# Money that comes in
STATEMENT_BYTES: Final = 32 * 1024 * 1024
"""Largest bank statement file; a year of a busy account as xlsx is a tenth of it."""
STATEMENT_LINES: Final = 200_000
"""Rows of one statement file, so that a file is held and judged whole."""
STATEMENT_WORD: Final = 500
"""Longest name or number on a line of a statement; ISO 20022 allows 140 characters."""
SUBSET_SUMS: Final = 65_536
"""Different sums of half the open bills, kept while looking for those that a transfer may pay: of
sixteen bills all; some 15 MB. Beyond, a person is asked."""
SUBSET_STEPS: Final = 4 * SUBSET_SUMS
"""Additions while doing so, a tenth of a second: hundreds of small bills have few sums, each of
which comes up again and again."""
SHORT_PAY_CNY_FEN: Final = 50_00
"""A difference up to ¥50 may be a bank's fee; a second person decides (china-finance §3.3)."""
SHORT_PAY_USD_FEN: Final = 7_00
"""The same of a bill in dollars, some ¥50; `YUEJIE_SHORT_PAY` says otherwise."""
REPRIEVE_DAYS: Final = 31
"""So long, from when it first did, may one person put a suspension off: until a promised transfer
is there, at most a whole month. Then it takes another person, or credit, which takes two."""

# Who watches each second
WATCHERS: Final = 128
"""Open streams of one console; each holds one of the requests that it takes in at once."""
WATCHERS_OF_CUSTOMER: Final = 100
WATCH_SECONDS: Final = 600
"""Longest stream; then the client connects again, and its key is looked at again."""

# Questions that take long
JOBS_OF_CUSTOMER: Final = 10
"""Jobs of one customer that are not over: each keeps its files until it is."""

# Support
TICKET_TEXT: Final = 20_000
"""Characters of one message: a long log belongs in a file."""
TICKET_FILE_BYTES: Final = 2 * 1024 * 1024
"""Largest file of a message; three of them fit into one request of the console."""
TICKET_FILES: Final = 3
TICKET_MESSAGES: Final = 500
"""Messages on one ticket: what takes more is several matters."""
TICKETS_ALIVE: Final = 500
"""Tickets of one customer that are not closed."""
