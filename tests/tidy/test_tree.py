"""The tree keeps the rules of the house."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.tidy import files, golden, money, shape, sql, words
from tests.tidy.source import ROOT, Rule, everything, product

RULES: tuple[Rule, ...] = (
    shape.file_names,
    shape.function_size,
    shape.file_size,
    shape.async_places,
    shape.broad_handlers,
    shape.room_docstring,
    shape.reasoned_ignores,
    shape.own_code_patched,
    money.no_float,
    money.one_settle,
    money.now_is_an_argument,
    money.nouns_are_pure,
    sql.one_transaction,
    sql.nobody_commits,
    sql.sql_in_stores,
    sql.customer_scope,
    words.refused_words,
    words.codes_in_refusals,
)

DOCUMENTS = (
    "README.md",
    "README.zh-CN.md",
    "ARCHITECTURE.md",
    "GLOSSARY.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps(rule: Rule) -> None:
    assert [str(finding) for source in everything() for finding in rule(source)] == []


def test_every_process_edge_is_used_and_has_a_reason() -> None:
    assert list(shape.stale_edges(product(), shape.BROAD_HANDLERS)) == []


def test_every_room_has_its_readme() -> None:
    assert list(shape.rooms_without_readme(source.path for source in product())) == []


def test_no_folder_is_crowded() -> None:
    assert list(shape.crowded_folders(source.path for source in product())) == []


def test_the_glossary_has_every_meter_and_state() -> None:
    glossary = (ROOT / "GLOSSARY.md").read_text("utf-8")
    assert list(words.missing_from(glossary, words.words_of_the_house(product()))) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_there(name: str) -> None:
    assert (ROOT / name).read_text("utf-8").strip()


def test_no_file_names_this_machine_or_a_registry() -> None:
    found = [f for path in _tracked() for f in files.addresses(path, _text(ROOT / path))]
    assert [str(finding) for finding in found] == []


def test_a_golden_figure_that_changed_is_told() -> None:
    """The last commit and what is not committed yet, together: a change is told where it is."""
    since = _git("rev-parse", "--verify", "--quiet", "HEAD~1").strip() or "HEAD"
    names = _git("diff", "--name-only", "--diff-filter=M", "-z", since, "--", "tests/golden")
    pages = {
        name: (_git("show", f"{since}:{name}"), _text(ROOT / name))
        for name in names.split("\0")
        if name.endswith(".txt")
    }
    more = _git("diff", "--unified=0", since, "--", "CHANGELOG.md").splitlines()
    told = [line for line in more if line.startswith("+")]
    assert [str(finding) for finding in golden.untold(pages, told)] == []


LOCKS = ("requirements.lock", "requirements-chdb.lock")
"""What everybody has, and what is too heavy for that."""


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_holds_versions_and_hashes_only(name: str) -> None:
    lock = (ROOT / name).read_text("utf-8")
    assert [str(finding) for finding in files.lock_lines(name, lock)] == []


def test_the_lock_has_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    locks = "".join((ROOT / name).read_text("utf-8") for name in LOCKS)
    assert list(files.unlocked(project, locks)) == []


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert list(files.unreasoned(text)) == []


def test_the_gateway_contract_names_every_money_room_that_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    rooms = {source.room for source in product()}
    assert list(files.rooms_open_to_the_gateway(project, rooms)) == []


def _tracked() -> list[str]:
    """List what git would commit."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(git, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [name for name in names.split("\0") if name and (ROOT / name).is_file()]


def _git(*words: str) -> str:
    """Return what git says, or nothing where it knows no such thing."""
    command = ["git", *words]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True).stdout.decode()


def _text(path: Path) -> str:
    """Read a file, or nothing where it is not text."""
    body = path.read_bytes()
    return "" if b"\0" in body else body.decode("utf-8", "replace")
