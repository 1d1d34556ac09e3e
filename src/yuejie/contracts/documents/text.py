"""A contract as plain text: for the terminal, and for the golden file that reviewers read."""

from yuejie.contracts.documents import words
from yuejie.contracts.documents.framework import ContractText


def to_text(text: ContractText) -> str:
    """Write a contract with one clause per line, the price list tab-separated."""
    draft = "（草案）" if text.is_draft else ""
    lines = [
        f"{text.title}{draft}",
        f"合同编号：{text.number}",
        f"日期：{words.day(text.dated)}",
        "",
    ]
    for role, name, rows in text.parties:
        lines.append(f"{role}：{name}")
        lines += [f"    {label}：{value}" for label, value in rows]
    for section in text.sections:
        lines += ["", section.heading, *section.clauses]
    lines += ["", "附件　价目", text.annex_note, "\t".join(text.annex_heads)]
    lines += ["\t".join(row) for row in text.annex]
    return "\n".join(lines) + "\n"
