"""Assurance: did we keep our word, can we prove it?

Owns: computing a closed month again from raw events and contracts by an independent slow path,
checking seals and their chain, the export of sealed records and the verifier beside it;
reconciliation with providers' reports (`reconcile/`); provider accounts as money sees them
(`providers/`); margins, and what is used and not billed; the report of a month's service, and the
probe that sees the gateway from outside (`sla/`).
Does not own: rating and closing themselves (it must not share their code), corrections, the
catalogue of provider accounts (contracts), accounts and entries (ledger).

Invariants:
- the oracle shares no arithmetic with `rating` or `bills`: fractions, plain searches, no caches;
- SLA credits are proved from raw events by rules of blame that are written out again;
- a proof compares to the fen and names every difference; it changes nothing;
- the parts of a difference with a provider add up to it, in quantities and in picos, and each has
  a cause; reading a report shares no code with importing usage;
- a provider's bill and a payment are in the ledger in the transaction that makes them so, once;
  who asks for a payment does not approve it.
"""
