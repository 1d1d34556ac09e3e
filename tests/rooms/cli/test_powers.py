"""A command under a member's token does what the member's role may do, and nothing else."""

import inspect
from collections.abc import Iterator

import click
import pytest

from tests.rooms.cli.desk import run
from tests.rooms.ledger.deeds import LATER
from yuejie.cli.agreed.contracts import contracts
from yuejie.cli.billing.corrections import credits_
from yuejie.cli.customers import members
from yuejie.cli.main import yuejie
from yuejie.cli.money.receivables import receivables
from yuejie.cli.notices.entrance import notices
from yuejie.cli.powers import COMMANDS, power_of
from yuejie.customers.members.member import Role
from yuejie.customers.members.power import HOLDERS, Power
from yuejie.db.session import Database
from yuejie.kernel.errors import Forbidden, NotFound

ATTACKS: list[tuple[Role, click.Command, tuple[str, ...]]] = [
    (Role.SALES, contracts, ("sign", "draft_0")),
    (Role.FINANCE, contracts, ("sign", "draft_0")),
    (Role.SALES, contracts, ("reject", "draft_0", "--why", "资料不全")),
    (Role.SALES, contracts, ("approve-end", "end_0")),
    (Role.SUPPORT, credits_, ("approve", "cre_0")),
    (Role.SALES, receivables, ("waivers", "decide", "wai_0", "--approve")),
    (Role.FINANCE, notices, ("channels", "remove", "chn_0")),
    (Role.FINANCE, members, ("enrol", "李雷", "admin")),
]


def enrolled(url: str, role: Role) -> str:
    return run(members, url, LATER, "enrol", "某人", role).strip()


@pytest.mark.parametrize(("role", "command", "words"), ATTACKS)
def test_a_member_without_the_power_is_refused(
    database: Database,
    database_url: str,
    role: Role,
    command: click.Command,
    words: tuple[str, ...],
) -> None:
    token = enrolled(database_url, role)
    with pytest.raises(Forbidden, match="无权进行这个操作"):
        run(command, database_url, LATER, *words, token=token)


def test_a_member_with_the_power_gets_as_far_as_the_deed(
    database: Database, database_url: str
) -> None:
    token = enrolled(database_url, Role.ADMIN)
    with pytest.raises(NotFound):
        run(contracts, database_url, LATER, "sign", "draft_0", token=token)


def test_without_a_token_the_house_itself_acts(database: Database, database_url: str) -> None:
    with pytest.raises(NotFound):
        run(contracts, database_url, LATER, "sign", "draft_0")


def commands(
    command: click.Command, ctx: click.Context, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    """Yield every command by its words, with the source of what it does."""
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            found = command.get_command(ctx, name)
            assert found is not None
            yield from commands(found, ctx, (*words, name))
    else:
        assert command.callback is not None
        yield " ".join(words), inspect.getsource(inspect.unwrap(command.callback))


def test_every_command_that_does_something_under_a_name_has_its_power() -> None:
    known = dict(commands(yuejie, click.Context(yuejie)))
    doing = {words for words, source in known.items() if "house.by" in source}
    assert doing - COMMANDS.keys() == set()
    assert COMMANDS.keys() - known.keys() == set(), "these are no commands any more"


def test_a_command_is_known_with_and_without_the_programs_name() -> None:
    assert power_of(["yuejie", "contracts", "sign"]) is Power.SIGN_CONTRACTS
    assert power_of(["contracts", "sign"]) is Power.SIGN_CONTRACTS
    assert power_of(["contracts", "unheard-of"]) is None
    assert Role.SALES not in HOLDERS[Power.SIGN_CONTRACTS]
