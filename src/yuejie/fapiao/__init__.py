"""Fapiao: what did the tax office see?

Owns: titles, requests, fapiao and red fapiao with their lines as issued, red forms and their
72 hours, those that buyers start among them, the errands to the provider and what it answered,
files and their hashes, the chain of seals, what is known of the drawer's session and the issuing
limit.
Does not own: what is owed and taxed (bills), what was paid (payments; a paid bill says so itself),
who is told (notices), when rounds are made (clerk).

Invariants:
- a key never issues twice: a call whose answer is unknown is resolved by asking, never by another
  key, and asking again under the same key is refused by the provider as a duplicate;
- of each tax line, fapiao less red fapiao never exceeds the line, and of each bill never what is
  left of it after credit notes (else 欠票, which blocks the next request);
- an issued line is kept word for word, and nothing issued changes but its state;
- no call leaves from inside a transaction;
- who requests does not approve, and two people answer a buyer's form; what the tax office shows
  otherwise is taken for true, and told to both.
"""
