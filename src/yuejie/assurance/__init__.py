"""Assurance: did we keep our word, can we prove it?

Owns: re-rating a closed month from raw events by an independent slow path, checking seals and
their chain.
Does not own: rating and closing themselves (it must not share their code), corrections.

Invariants:
- the oracle shares no arithmetic with `rating` or `bills`: fractions, plain searches, no caches;
- a proof compares to the fen and names every difference; it changes nothing.
"""
