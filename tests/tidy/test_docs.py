"""The documents say what is there: commands, variables, targets, links, examples, decisions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.tidy.source import ROOT
from yuejie.cli.main import yuejie as root
from yuejie.house_file import read_house_file

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
HEADINGS = (
    "## Situation",
    "## Decision",
    "## What we gave up",
    "## What would change our mind",
)
REFERENCE = (
    "codes",
    "commands",
    "contract-terms",
    "limits",
    "meters",
    "rest",
    "settings",
    "states",
)
FOUR_PAGES = 240
"""Lines of ARCHITECTURE.md."""

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
TYPED = re.compile(r"(?<![\w.-])(?<![a-z] )yuejie(?: (?:--?)?[a-z][a-z-]*)+")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text(page: Path) -> str:
    return page.read_text("utf-8")


def commands(page: Path) -> Iterator[str]:
    """Yield what a reader would type: lines of shell blocks, and spans of code."""
    prose = FENCE.sub("", text(page))
    shells = [body for kind, body in FENCE.findall(text(page)) if kind == "bash"]
    lines = [line for body in shells for line in body.replace("\\\n", " ").splitlines()]
    for line in [*lines, *INLINE.findall(prose)]:
        typed = line.partition(" #")[0].strip()
        if re.match(r"(yuejie|make)( |$)", typed):
            yield typed


def wrong_in(typed: str) -> str:
    """Say what is wrong with a `yuejie …` line, or nothing."""
    command: click.Command = root
    context = click.Context(root)
    words = typed.split()[1:]
    for word, value in zip(words, [*words[1:], ""], strict=False):
        if word.startswith("-"):
            known = {name: each for each in command.params for name in each.opts}
            option = known.get(word.partition("=")[0])
            if option is None and word != "--help":
                return f"{typed}: no option {word}"
            if option is not None and not _takes(option, value, context):
                return f"{typed}: {word} does not take {value}"
        elif isinstance(command, click.Group) and word != "…":
            below = command.get_command(context, word)
            if below is None:
                return f"{typed}: no command {word}"
            command = below
    return ""


def _takes(option: click.Parameter, value: str, context: click.Context) -> bool:
    """Tell whether an option of few words takes this one; of other values nothing is known."""
    if not isinstance(option.type, click.Choice):
        return True
    try:
        option.type.convert(value, option, context)
    except click.UsageError:
        return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_exists(page: Path) -> None:
    typed = [each for each in commands(page) if each.startswith("yuejie")]
    assert [wrong for each in typed if (wrong := wrong_in(each))] == []


def told() -> Iterator[str]:
    """Yield what the program says to people: its pages, and its sentences, which are Chinese."""
    for page in sorted((ROOT / "src/yuejie/web/pages/templates").rglob("*.html")):
        yield text(page)
    for file in sorted((ROOT / "src/yuejie").rglob("*.py")):
        for node in ast.walk(ast.parse(text(file))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value if re.search(r"[\u4e00-\u9fff]", node.value) else ""


def test_every_command_that_a_sentence_names_exists() -> None:
    typed = [each for said in told() for each in re.findall(TYPED, said)]
    assert typed
    assert [wrong for each in typed if (wrong := wrong_in(each))] == []


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert (
        wrong_in("yuejie bills finish 2026-10") == "yuejie bills finish 2026-10: no command finish"
    )
    assert wrong_in("yuejie bills export --format doc").endswith("--format does not take doc")
    assert wrong_in("yuejie bills close --now") == "yuejie bills close --now: no option --now"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    known = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    typed = [each.split()[1:] for each in commands(page) if each.startswith("make")]
    targets = {word for words in typed for word in words[:1]}
    assert targets - known == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_variable_exists(page: Path) -> None:
    read = ("settings.py", "intake/elsewhere/yuejie_litellm.py.txt")
    said = "".join((ROOT / "src/yuejie" / each).read_text("utf-8") for each in read)
    known = set(re.findall(r"YUEJIE_[A-Z_]+", said))
    assert set(re.findall(r"YUEJIE_[A-Z_]+", text(page))) - known == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    inside = [link for link in LINK.findall(text(page)) if "://" not in link]
    assert [link for link in inside if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    """A path in code font is read from the repository, or from the package."""
    spans = INLINE.findall(FENCE.sub("", text(page)))
    named = [span for span in spans if re.fullmatch(r"\w[\w.-]*(/[\w.-]+)+\.(py|sql|txt)", span)]
    places = (ROOT, ROOT / "src/yuejie")
    assert [each for each in named if not any((place / each).exists() for place in places)] == []


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_a_decision_says_what_it_cost(page: Path) -> None:
    written = [line for line in text(page).splitlines() if line.startswith("## ")]
    assert (written, text(page)[:7]) == (list(HEADINGS), f"# {page.name[:4]} ")


def test_decisions_are_numbered_without_gaps() -> None:
    assert [page.name[:4] for page in DECISIONS] == [
        f"{number:04d}" for number in range(1, len(DECISIONS) + 1)
    ]


@pytest.mark.parametrize("topic", REFERENCE)
def test_every_page_of_the_reference_is_generated(topic: str) -> None:
    page = text(ROOT / f"docs/reference/{topic}.md")
    assert "[[[cog" in page
    assert "Say so in render.MEANING" not in page


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_house_file_of_the_readme_is_one(readme: str) -> None:
    examples = [body for kind, body in FENCE.findall(text(ROOT / readme)) if kind == "toml"]
    assert [read_house_file(body, readme).customer[0].slug for body in examples] == ["acme"]


def test_both_readmes_type_the_same() -> None:
    english, chinese = ROOT / "README.md", ROOT / "README.zh-CN.md"
    assert list(commands(english)) == list(commands(chinese))


def test_the_architecture_has_four_pages_and_every_room() -> None:
    page = text(ROOT / "ARCHITECTURE.md")
    rooms = {room.parent.name for room in ROOT.glob("src/yuejie/*/__init__.py")} - {"cli"}
    assert [room for room in sorted(rooms) if not re.search(rf"\*\*{room}\b", page)] == []
    assert len(page.splitlines()) <= FOUR_PAGES
