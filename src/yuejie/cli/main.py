"""The root command and its nouns, each loaded when asked for: a gateway needs no PDF writer."""

import sys
from importlib import import_module
from typing import Final, NoReturn

import click

from yuejie import __version__
from yuejie.cli.mistakes import USAGE, refused_path, sentence_of
from yuejie.kernel.errors import DomainError

NOUNS: Final = {
    "serve": "house",
    "gateway": "house",
    "intake": "house",
    "console": "house",
    "clerk": "house",
    "demo": "house",
    "practice": "house",
    "apply": "house",
    "journals": "house",
    "nodes": "watch.nodes",
    "jobs": "upkeep.jobs",
    "token": "house",
    "backup": "upkeep.backup",
    "database": "upkeep.database",
    "customers": "customers",
    "projects": "customers",
    "keys": "customers",
    "models": "catalog",
    "deployments": "catalog",
    "price": "prices",
    "fx": "prices",
    "contracts": "agreed.contracts",
    "limits": "agreed.limits",
    "usage": "usage",
    "budgets": "watch.budgets",
    "bills": "billing.entrance",
    "disputes": "billing.review",
    "adjustments": "billing.corrections",
    "credits": "billing.corrections",
    "grants": "agreed.grants",
    "members": "customers",
    "tokens": "identity",
    "sso": "identity",
    "bank": "money.bank",
    "receipts": "money.receipts",
    "receivables": "money.receivables",
    "prove": "billing.bills",
    "fapiao": "fapiao.entrance",
    "ledger": "books.ledger",
    "reconcile": "books.reconcile",
    "margin": "books.reconcile",
    "clouds": "books.clouds",
    "shares": "billing.shares",
    "sla": "books.sla",
    "providers": "books.providers",
    "notices": "notices.entrance",
    "anomalies": "watch.anomalies",
    "protections": "watch.protections",
    "presales": "presales.entrance",
    "whatif": "insight.whatif",
    "routing": "insight.routing",
    "trial": "presales.trial",
    "reports": "insight.reports",
    "trend": "insight.trend",
    "advice": "insight.advice",
    "forecast": "insight.forecast",
    "capacity": "insight.capacity",
    "tickets": "support.tickets",
    "rota": "support.rota",
    "incidents": "support.incidents",
    "retention": "keeping.retention",
}
"""Which module holds which noun."""
_NAMED: Final = {"credits": "credits_"}
"""Nouns that are called otherwise in Python, which has a `credits` of its own."""


class Nouns(click.Group):
    """A group whose commands are imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the nouns in the order a newcomer needs them."""
        del ctx
        return list(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the noun's module and return its command."""
        del ctx
        module = NOUNS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(
            import_module(f"yuejie.cli.{module}"), _NAMED.get(cmd_name, cmd_name)
        )
        return command


@click.group(cls=Nouns, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="yuejie")
@click.pass_context
def yuejie(ctx: click.Context) -> None:
    """月结：企业大模型 API 采购中心。一个入口，精确计量，月底出账。"""
    from yuejie.cli.frame import make_frame

    ctx.obj = make_frame()


def main() -> None:
    """Run the command line; a refusal is a sentence, never a traceback."""
    try:
        code = yuejie(prog_name="yuejie", standalone_mode=False)
    except DomainError as error:
        _end(error.sentence, 1)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(USAGE)
    except click.ClickException as error:
        _end(sentence_of(error), error.exit_code)
    except click.Abort:
        _end("已中断", 1)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:
        if error.filename is None:
            raise
        _end(refused_path(error), 1)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _end(sentence: str, code: int) -> NoReturn:
    sys.stderr.write(f"错误：{sentence}\n")
    sys.exit(code)
