"""Assurance: did we keep our word, can we prove it?

Owns: computing a closed month again from raw events and contracts by an independent slow path,
checking seals and their chain, the export of sealed records and the verifier beside it.
Does not own: rating and closing themselves (it must not share their code), corrections.

Invariants:
- the oracle shares no arithmetic with `rating` or `bills`: fractions, plain searches, no caches;
- a proof compares to the fen and names every difference; it changes nothing.
"""
