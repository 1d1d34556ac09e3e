"""Jobs: how far is the work that takes longer than somebody waits?

Owns: work that a request began and a clerk does: what was asked, its pieces and what became of
each, how far it is, who does it under which lease, its files until it is over.
Does not own: the deeds themselves (`kinds` calls the verbs of the rooms below, each piece one of
theirs), progress bars on the command line, duties and errands, which nobody asked for.

Invariants:
- a piece is a deed that done twice does nothing more, so whoever goes on after a death may begin
  with the piece that was under way;
- one worker at a time writes into a job: a lease that ran out, or was taken by another, writes no
  more;
- a piece that is refused says why in one sentence, and the rest goes on;
- each deed is done under the name of whoever asked for the work, by the powers it had then;
- the same work is open once: asked for again, it is the job that is there;
- a customer finds what its own people asked for, and nothing else;
- what was uploaded is deleted in the transaction that ends the job.
"""
