"""The command line: what would an operator like to do?

    yuejie apply house.toml                 set providers, models, prices, customers up
    yuejie bills close 2026-10 --commit     draft a month's bills
    yuejie serve                            run everything

Owns: the words of the command line, tables and progress on the terminal.
Does not own: any deed; every command is one verb of a room.

Invariants:
- nouns, then verbs; deeds that move money are dry runs unless `--commit`;
- every read takes `--json`; an error is one sentence on standard error and exit code 1.
"""
