"""Ledger: does it balance?

Owns: accounts, entries and their postings, balances, the trial balance, reversal, what finance
carries over into its own books at the end of a month (`handover/`).
Does not own: what a deed means and when it happens (bills, payments, contracts post), documents,
bank lines, the customers' statement of account.

Invariants:
- an entry balances to zero in each currency, by the noun, by the database, by `check`;
- a key is posted once: again with the same body changes nothing, with another body is refused;
- what is written never changes, whoever asks; a mistake is reversed by its mirror, once;
- a balance is the sum of its postings to the fen (`yuejie ledger rebuild --check`);
- an entry is carried over to finance in exactly one batch, and a batch never changes.
"""
