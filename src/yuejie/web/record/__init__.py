"""The record of deeds, as people read it: what does each deed say, of what, and what changed?

Owns: the words for deeds, things and fields, and the names of what deeds write down as ids.
Does not own: the deeds themselves; `db/deeds` writes them, `web/store` finds them.

Invariants:
- every deed that the house writes down has Chinese words (tests/rooms/web/test_record.py);
- what has no word or no name here is shown as it was written, never left out.
"""
