"""Documents of a bill: the same facts as PDF, spreadsheet, CSV, JSON and plain text.

Owns: how a bill looks and what it says to the people who check it.
Does not own: any number on it (bills), the fonts it is set in (paper), nor where the files are kept
or sent.

Invariants:
- one `BillDocument` gives the same bytes every time, on every machine;
- every document's lines add up to the bill's total, to the fen;
- names are data: no name can become markup, a formula or a path.
"""
