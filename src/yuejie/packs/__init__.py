"""Packs: what does a customer's finance take home of a month?

Owns: the one ZIP of a customer and month, its names and its 说明.txt; what each priced call of the
month is worth, row by row, as CSV; packing all customers of a month.
Does not own: any file in it but those two: bills makes its documents, fapiao keeps its archive.

Invariants:
- the same content gives the same bytes;
- a pack is there whole or not at all, and 说明.txt names every other file with its SHA-256;
- the rows of the month's calls add up to the month's lines of the bills, meter by meter;
- however much a month used, a pack takes no more memory than one bill's documents.
"""
