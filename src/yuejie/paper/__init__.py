"""Paper: how does it look on paper?

Owns: the house's fonts with their licence and their coverage, which characters can be drawn, how a
text is made fit to print, the compiler that sets a template as PDF, the maker of charts; how a
table that somebody hands in is read.
Does not own: what a document says, nor its template (the room whose document it is).

Invariants:
- the same data in the same template gives the same bytes, on every machine;
- data is never read as markup;
- no character is printed as an empty box, and none that cannot be seen is printed at all;
- a table is read as the rows that were written, or refused by its line.
"""
