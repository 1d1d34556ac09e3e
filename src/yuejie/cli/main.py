"""The root command and its nouns, each loaded when asked for: a gateway needs no PDF writer."""

import sys
from codecs import lookup, register_error
from importlib import import_module
from io import TextIOWrapper
from typing import Final, NoReturn
from unicodedata import normalize

import click

from yuejie import __version__
from yuejie.cli.mistakes import USAGE, refused_path, sentence_of
from yuejie.kernel.errors import DomainError

SECTIONS: Final = {
    "运行": {
        "serve": "house",
        "gateway": "house",
        "intake": "house",
        "console": "house",
        "clerk": "house",
        "demo": "house",
        "practice": "house",
        "apply": "house",
    },
    "客户与合同": {
        "customers": "customers",
        "projects": "customers",
        "keys": "customers",
        "contracts": "agreed.contracts",
        "grants": "agreed.grants",
        "limits": "agreed.limits",
    },
    "模型与价目": {
        "models": "catalog",
        "deployments": "catalog",
        "price": "prices",
        "fx": "prices",
    },
    "用量与额度": {
        "usage": "usage",
        "budgets": "watch.budgets",
        "anomalies": "watch.anomalies",
        "protections": "watch.protections",
        "sla": "books.sla",
        "clouds": "books.clouds",
        "shares": "billing.shares",
    },
    "账单与发票": {
        "bills": "billing.entrance",
        "prove": "billing.bills",
        "disputes": "billing.review",
        "adjustments": "billing.corrections",
        "credits": "billing.corrections",
        "fapiao": "fapiao.entrance",
    },
    "收款与账簿": {
        "bank": "money.bank",
        "receipts": "money.receipts",
        "receivables": "money.receivables",
        "ledger": "books.ledger",
        "reconcile": "books.reconcile",
        "providers": "books.providers",
        "margin": "books.reconcile",
    },
    "洞察": {
        "trend": "insight.trend",
        "forecast": "insight.forecast",
        "capacity": "insight.capacity",
        "advice": "insight.advice",
        "whatif": "insight.whatif",
        "routing": "insight.routing",
        "reports": "insight.reports",
    },
    "售前": {
        "presales": "presales.entrance",
        "trial": "presales.trial",
    },
    "成员与支持": {
        "members": "customers",
        "tokens": "identity",
        "sso": "identity",
        "notices": "notices.entrance",
        "tickets": "support.tickets",
        "rota": "support.rota",
        "incidents": "support.incidents",
    },
    "运维": {
        "nodes": "watch.nodes",
        "jobs": "upkeep.jobs",
        "journals": "house",
        "backup": "upkeep.backup",
        "database": "upkeep.database",
        "retention": "keeping.retention",
        "token": "house",
    },
}
"""Which module holds which noun, in the order a newcomer needs them."""
NOUNS: Final = {noun: module for section in SECTIONS.values() for noun, module in section.items()}
_NAMED: Final = {"credits": "credits_"}
"""Nouns that are called otherwise in Python, which has a `credits` of its own."""


class Nouns(click.Group):
    """A group whose commands are imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the nouns, section by section."""
        del ctx
        return list(NOUNS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the nouns under the headings of their sections, all in one column."""
        wide = max(map(len, NOUNS))
        room = formatter.width - wide - formatter.current_indent - 4
        for heading, nouns in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [(noun.ljust(wide), self._about(ctx, noun, room)) for noun in nouns]
                )

    def _about(self, ctx: click.Context, noun: str, room: int) -> str:
        command = self.get_command(ctx, noun)
        return command.get_short_help_str(room) if command is not None else ""

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


_TWINS: Final = {"¥": "￥", "−": "-", "░": ".", "▒": ":", "▶": ">", "◀": "<"}
"""What a terminal of the mainland's encodings lacks, in its nearest that they have."""


def _nearest(error: UnicodeError) -> tuple[str | bytes, int]:
    """Stand in for characters that an output's encoding lacks: their twin, or a question mark.

    Half a surrogate is no character: it came from a word that was no text.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    if any("\ud800" <= each <= "\udfff" for each in lacking):
        raise error
    found = ""
    for each in lacking:
        twin = _TWINS.get(each) or normalize("NFKC", each)
        found += twin.encode(error.encoding, "replace").decode(error.encoding)
    return found, error.end


def _speak_plainly() -> None:
    """Let nothing fail, or come out as code, because an output is not UTF-8."""
    register_error("nearest", _nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and lookup(stream.encoding).name != "utf-8":
            stream.reconfigure(errors="nearest")


def main() -> None:
    """Run the command line; a refusal is a sentence, never a traceback."""
    _speak_plainly()
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
    except (OSError, UnicodeEncodeError) as error:
        _refuse_machine(error)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _refuse_machine(error: OSError | UnicodeEncodeError) -> NoReturn:
    """Refuse a path that cannot be used, and words that a terminal of another encoding gave.

    Anything else is a fault of ours, and says so itself.
    """
    if isinstance(error, UnicodeEncodeError):
        if any(error.object[error.start : error.end] in word for word in sys.argv):
            _end("命令行中有不是 UTF-8 的文字，请把终端编码设为 UTF-8 后重新输入", USAGE)
    elif error.filename is not None:
        _end(refused_path(error), 1)
    raise error


def _end(sentence: str, code: int) -> NoReturn:
    sys.stderr.write(f"错误：{sentence}\n")
    sys.exit(code)
