"""What somebody else has written is shown at the keyboard, and is neither markup nor obeyed."""

import pytest

from yuejie.cli.frame import give_json, say, show_table


def test_a_cell_in_brackets_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A customer's reason “[/b]” ended every list that it stood in; “[red]” was swallowed."""
    show_table("发票 [/x]", ["申请号", "说明"], [("N1", "[red]抬头[/red] 有误 [/b] [1]")])
    shown = capsys.readouterr().out
    assert "[red]抬头[/red] 有误 [/b] [1]" in shown
    assert "发票 [/x]" in shown


def test_a_terminal_obeys_no_character_of_somebody_elses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither a colour nor a cleared screen, nor words turned about; a program reads them all."""
    hostile = "甲\x1b[2J\x07乙\u202e丙\r丁\n戊"
    show_table("发票", ["说明"], [(hostile,)])
    say(hostile)
    told = capsys.readouterr().out
    assert not set("\x1b\x07\u202e\r") & set(told)
    assert told.endswith("甲\\x1b[2J\\x07乙\\x202e丙\\x0d丁\n戊\n")
    give_json({"why": hostile})
    assert "\u202e" in capsys.readouterr().out
