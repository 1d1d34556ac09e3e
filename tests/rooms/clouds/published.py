"""The columns that clouds and the FinOps Foundation publish, by name, as of 2026-11."""

from pathlib import Path


def _sections(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            found[line.strip("[]")] = []
        else:
            found[list(found)[-1]].append(line)
    return found


COLUMNS = _sections((Path(__file__).parent / "files" / "columns.txt").read_text())
