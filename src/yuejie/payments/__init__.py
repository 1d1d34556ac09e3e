"""Payments: what have they paid?

Owns: our bank accounts, statements as banks write them, receipts and whose they are, what becomes
of them (apportionments, prepayments, deposits, refunds), waivers and write-offs, reminders, late
fees, how a customer stands, statements of account.
Does not own: what is owed (bills), the books (ledger), who is told by which channel (notices), what
the tax office saw (fapiao), and letting calls through (gateway).

Invariants:
- a line of a statement is one receipt, however often and in how many files it is imported;
- a receipt = what was apportioned + what went back + what nobody has claimed yet;
- of a bill, gross = credited + apportioned + open, and nothing is apportioned beyond that; what is
  credited beyond is a prepayment within a round of the clerk, and its state says what is open;
- money leaves, or is given up, by the word of two people;
- whose money it is decides a machine only above ninety points and alone; it says why.
"""
