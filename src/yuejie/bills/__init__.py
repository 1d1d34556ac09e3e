"""Bills: what does a customer owe for a month?

Owns: bills, bill lines, the act of closing a month, what drafts said before they were drawn anew
(`drafts/`), the live bill (`live/`), how a month's calls ended and what is given back for it
(`sla/`), issuing, numbers, the bill's documents.
Does not own: what a token is worth (rating), what was used (usage), what was paid, what the tax
office saw.

Invariants:
- an issued bill never changes; what comes later is a line on a later bill, naming its month;
- a bill's total is the sum of its printed lines;
- every item of every billable event is on exactly one bill line, or on none because its month is
  open; closing twice, concurrently or after a crash gives one bill and one number;
- looking at a live bill writes nothing and ends no epoch, and closing then draws the same fen.
"""
