"""Clouds: what do the clouds ask for, and whose is it?

Owns: cloud sources, the rules that say whose an account or a tag is, deliveries of cloud bills
(AWS CUR, Azure, GCP, FOCUS) row by row, and the statements of a period that follow from them.
Does not own: the agreed mark-up (contracts), what of it stands on which bill (bills), what a
provider of models asks for our own calls (assurance).

Invariants:
- a file is taken whole or not at all; what is wrong is named by row and column;
- every column of a file is used, kept as it stood, or named as deliberately not used;
- a statement never changes: a period delivered again with other rows is its next revision, the
  same rows in whatever order are the same delivery and change nothing;
- every row is in exactly one charge of its statement: a customer's, our own, or nobody's yet.
"""
