# ruff: noqa: INP001 (cog imports it from the folder of the pages that it fills)
"""Writes the generated parts of the reference, from the code that they describe.

Each page in this folder holds a cog block that calls one function of this file; `make docs`
rewrites them, `make check` refuses pages that are stale.
"""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from enum import Enum
from itertools import pairwise
from types import ModuleType
from typing import Final

import click
import msgspec

import yuejie
from yuejie.assurance.providers import owed
from yuejie.bills import life
from yuejie.bills.bill import BillState, LineKind
from yuejie.cli.main import yuejie as root
from yuejie.contracts.esign import life as signing_lives
from yuejie.contracts.esign.port import SigningState
from yuejie.contracts.formats.agreed import TermsWords
from yuejie.contracts.life import draft
from yuejie.contracts.terms import CommercialTerms
from yuejie.customers.members.power import HOLDERS, Power
from yuejie.fapiao import life as fapiao_lives
from yuejie.fapiao.reversing.form import FORM_STATES
from yuejie.gateway.refusal import Code
from yuejie.insights.advice import advice
from yuejie.insights.anomaly import finding, rules
from yuejie.kernel import limits as bounds
from yuejie.kernel.errors import DomainError
from yuejie.payments.apportion import refund
from yuejie.payments.dunning import standing
from yuejie.payments.receipts import receipt
from yuejie.presales import quote
from yuejie.settings import Settings
from yuejie.support.status import incident as incidents
from yuejie.support.tickets import ticket as tickets
from yuejie.usage.dialects import ReadingState, Reason
from yuejie.usage.event import EventState, Outcome
from yuejie.usage.meters import (
    COUNT_METERS,
    FALLBACK,
    INPUT_SIDE,
    UNIT_METERS,
    Meter,
    meter_name,
)
from yuejie.web.auth import ACCESS, Who
from yuejie.web.errors import HTTP, TABLE, UNFORESEEN, Kind

WIDTH: Final = 96

MEANING: Final[dict[str, tuple[str, str]]] = {
    "YUEJIE_HOME": ("", "The home folder: embedded database, journals, snapshot, secrets."),
    "YUEJIE_DATABASE_URL": (
        "none: the embedded server",
        "A PostgreSQL of 16 or newer. Its user runs migrations where one runs `yuejie serve`.",
    ),
    "YUEJIE_DATABASE_DIRECT_URL": (
        "as YUEJIE_DATABASE_URL",
        "The same database past a pooler (PgBouncer): migrations need a session of their own.",
    ),
    "YUEJIE_BACKUP": (
        "none: no backups",
        "The folder of backups, on another disk; with it `yuejie serve` follows into it.",
    ),
    "YUEJIE_BACKUP_EVERY_H": ("", "Hours between base backups."),
    "YUEJIE_BACKUP_KEEP_DAYS": ("", "Days back to which any moment can be restored."),
    "YUEJIE_BACKUP_PASSPHRASE": (
        "none: secrets are not kept",
        "Seals `secrets/` into the folder of backups; at least 12 characters, kept elsewhere.",
    ),
    "YUEJIE_BACKUP_HOOK": (
        "none",
        "A command run for each finished file with its path and its name; refused, offered again.",
    ),
    "YUEJIE_BACKUP_DATABASE_URL": (
        "the embedded server's own",
        "A role with `REPLICATION` that is a member of `yuejie_owner`, past any pooler.",
    ),
    "YUEJIE_NODE": ("the machine's name", "How this node is called beside its journals."),
    "YUEJIE_HOST": ("", "The address that gateway and console listen on."),
    "YUEJIE_GATEWAY_PORT": ("", "The port of the gateway; its workers share it."),
    "YUEJIE_API_PORT": ("", "The port of the console's REST API."),
    "YUEJIE_DRAIN_NOTICE_S": (
        "",
        "How long the gateways of a node that leaves still serve while `/readyz` says so.",
    ),
    "YUEJIE_WORKERS": ("", "How many gateway workers `yuejie serve` runs."),
    "YUEJIE_CLOCK_SHIFT_S": ("", "Seconds by which this process's clock is moved; for the demo."),
    "YUEJIE_SELLER_NAME": ("", "The operator's legal name on bills."),
    "YUEJIE_SELLER_USCC": ("", "The operator's 统一社会信用代码."),
    "YUEJIE_SELLER_BANK": ("", "The bank that customers pay into."),
    "YUEJIE_SELLER_ACCOUNT": ("", "The account that customers pay into."),
    "YUEJIE_SELLER_STAMP": (
        "none: nothing is stamped",
        "A PNG with transparent ground: the seal's picture for `--stamped`, no e-signature.",
    ),
    "YUEJIE_SHORT_PAY": (
        "`CNY=50,USD=7`",
        "Up to how much of a bill paid short may be given up as a bank's fee, by currency.",
    ),
    "YUEJIE_FAPIAO_PROVIDER": (
        "",
        "Who issues fapiao: `nuonuo`, `baiwang`, or `manual`: by hand, uploaded afterwards.",
    ),
    "YUEJIE_FAPIAO_URL": ("the provider's own", "Another address of the provider, for trials."),
    "YUEJIE_FAPIAO_TOKEN_URL": ("Nuonuo's own", "Another address for Nuonuo's tokens."),
    "YUEJIE_FAPIAO_APP_KEY": ("", "The application's key at the provider."),
    "YUEJIE_FAPIAO_APP_SECRET": ("", "The application's secret at the provider; signs each call."),
    "YUEJIE_FAPIAO_USERNAME": ("", "Baiwang: the user for whom tokens are fetched."),
    "YUEJIE_FAPIAO_PASSWORD": ("", "Baiwang: that user's password."),
    "YUEJIE_FAPIAO_SALT": ("", "Baiwang: the salt of the password's hash."),
    "YUEJIE_FAPIAO_DRAWER": (
        "",
        "The drawer (开票员): the name of the account that is logged in at the tax office.",
    ),
    "YUEJIE_FAPIAO_CALLBACK_URL": (
        "none: only asking",
        "Where the provider may call back: `https://…/fapiao/callbacks/nuonuo`. A hint, no more.",
    ),
    "YUEJIE_FAPIAO_TAX_CODE": ("", "税收分类编码 of what is sold; its short name is looked up."),
    "YUEJIE_FAPIAO_ITEM": ("", "The item on a fapiao where the bill's tax line has no name."),
    "YUEJIE_ESIGN_APP_ID": (
        "none: not used",
        "The application at e签宝; with it contracts can be signed there.",
    ),
    "YUEJIE_ESIGN_SECRET": ("", "Its secret; signs each call and checks each callback."),
    "YUEJIE_ESIGN_URL": (
        "the platform's own",
        "Another address: `https://smlopenapi.esign.cn` for the sandbox.",
    ),
    "YUEJIE_ESIGN_CALLBACK_URL": (
        "none: only asking",
        "Where e签宝 calls back: `https://…/signing/callbacks/esign`. A hint, no more.",
    ),
    "YUEJIE_FADADA_APP_ID": (
        "none: not used",
        "As above at 法大大, whose console is told `https://…/signing/callbacks/fadada`.",
    ),
    "YUEJIE_FADADA_SECRET": ("", "Its secret; signs each call and checks each callback."),
    "YUEJIE_FADADA_CORP_ID": ("", "Our own enterprise at 法大大 (openCorpId)."),
    "YUEJIE_FADADA_URL": ("the platform's own", "Another address of the platform, for trials."),
    "YUEJIE_SSO_HOSTS": (
        "none",
        "Private hosts, `host` or `host:port` and commas between, of identity providers.",
    ),
    "YUEJIE_PROXIES": (
        "none",
        (
            "Addresses or networks, commas between, of reverse proxies before the console; only "
            "they are believed about who asks (`X-Forwarded-For`), which limits log-ins and trials."
        ),
    ),
    "YUEJIE_NOTICE_HOSTS": (
        "none",
        "Private hosts, `host` or `host:port` and commas between, that notices may be sent to.",
    ),
    "YUEJIE_CONSOLE_URL": (
        "`http://127.0.0.1` and the console's port",
        "Where people reach the console; with `https://` its cookies travel by https only.",
    ),
    "YUEJIE_PRACTICE": (
        "0",
        "`1` marks a house to practise in, on every page; `yuejie practice start` sets it.",
    ),
    "YUEJIE_SUPERVISOR": (
        "none",
        "Set by `yuejie serve` for its own processes: the number of the one that watches them.",
    ),
    "YUEJIE_GATEWAY_URL": (
        "`http://127.0.0.1` and the gateway's port",
        "Where customers reach the gateway: what the console's quick start tells their SDKs.",
    ),
    "YUEJIE_CLICKHOUSE_URL": (
        "none: raw events stay in PostgreSQL",
        "Where raw events of proved months go: `clickhouse://user:password@host:8123/name`.",
    ),
    "YUEJIE_METRICS_PORT": (
        "none",
        "The first port at which this node's processes are read by Prometheus, each at its own.",
    ),
    "YUEJIE_PROBE_URL": (
        "`/readyz` of this node's gateway",
        "Where the clerk sees once a minute whether anybody is served: as customers reach it.",
    ),
    "YUEJIE_PEPPER": (
        "made once, in `<home>/secrets/`",
        "64 hexadecimal digits. API keys are stored as HMAC under it; lost, every key is lost.",
    ),
    "YUEJIE_CREDENTIAL_KEY": (
        "made once, in `<home>/secrets/`",
        "64 hexadecimal digits. Provider credentials and notice channels are encrypted with it.",
    ),
    "YUEJIE_OPERATOR_TOKEN": (
        "made once, in `<home>/secrets/`",
        "Opens the REST API to the operator; `yuejie token` shows it.",
    ),
    "YUEJIE_MEMBER_TOKEN": (
        "none: the user's name",
        "A token of `yuejie members enrol`, under whose name the command line then acts.",
    ),
}
"""A default to print where the program's own is of this machine, and what the variable is for."""


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"


def _code(text: object) -> str:
    return f"`{text}`"


# settings -----------------------------------------------------------------------------------------


def settings() -> str:
    """Return the table of environment variables; one without a meaning here is an error."""
    fields = _variables()
    secret = "0" * 64
    loaded = Settings.load({name: secret for name in fields if _is_secret(name)})
    rows = []
    for name, field in fields.items():
        default, meaning = MEANING.get(name, ("", "What is it for? Say so in render.MEANING."))
        if name == "YUEJIE_HOME":
            default = _code(loaded.home.name)
        elif name == "YUEJIE_CLOCK_SHIFT_S":
            default = _code(int(loaded.clock_shift.total_seconds()))
        value = getattr(loaded, field, None)
        value = getattr(loaded.fapiao, field, value)
        value = getattr(loaded.signing, field, value)
        rows.append((_code(name), default or (_code(value) if value else ""), meaning))
    return table(("variable", "default", "meaning"), rows)


def _is_secret(name: str) -> bool:
    return name in {"YUEJIE_PEPPER", "YUEJIE_CREDENTIAL_KEY", "YUEJIE_OPERATOR_TOKEN"}


def _variables() -> dict[str, str]:
    """Return every variable that `Settings.load` reads, with the field it fills."""
    tree = ast.parse(inspect.getsource(importlib.import_module("yuejie.settings")))
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found |= dict.fromkeys(_named(node.value), node.targets[0].id)
        elif isinstance(node, ast.keyword) and node.arg:
            found |= dict.fromkeys(_named(node.value), node.arg)
    return found


def _named(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if (
            isinstance(each, ast.Constant)
            and isinstance(each.value, str)
            and each.value.startswith("YUEJIE_")
        ):
            yield each.value


# states -------------------------------------------------------------------------------------------


def bill_life() -> str:
    """Return the whole life of a bill: from each state, what leads where."""
    rows = [
        (_code(state), _code(event), _code(life.NEXT[state, event]))
        for state in BillState
        for event in life.BillEvent
        if (state, event) in life.NEXT
    ]
    return table(("state", "event", "becomes"), rows)


def fapiao_life() -> str:
    """Return the whole life of a fapiao."""
    rows = [(_code(s), _code(e), _code(to)) for (s, e), to in fapiao_lives.NEXT.items()]
    return table(("state", "event", "becomes"), rows)


def red_life() -> str:
    """Return the whole life of a red fapiao."""
    rows = [(_code(s), _code(e), _code(to)) for (s, e), to in fapiao_lives.RED_NEXT.items()]
    return table(("state", "event", "becomes"), rows)


def ticket_life() -> str:
    """Return the whole life of a ticket."""
    rows = [(_code(s), _code(e), _code(to)) for (s, e), to in tickets.NEXT.items()]
    return table(("state", "event", "becomes"), rows)


def incident_life() -> str:
    """Return what may be said of an incident next: the update is the event."""
    rows = [(_code(s), _code(e), _code(to)) for (s, e), to in incidents.NEXT.items()]
    return table(("state", "update", "becomes"), rows)


def form_states() -> str:
    """Return the tax office's states of a red form and the event that each is."""
    rows = [(_code(c), words, _code(e) if e else "") for c, (words, e) in FORM_STATES.items()]
    return table(("code", "中文", "event"), rows)


def payment_life() -> str:
    """Return the whole life of a payment to a provider."""
    rows = [
        (_code(state), _code(step), _code(owed.NEXT[state, step]))
        for state in owed.ProviderPaymentState
        for step in owed.PaymentStep
        if (state, step) in owed.NEXT
    ]
    return table(("state", "step", "becomes"), rows)


def receipt_life() -> str:
    """Return the whole life of a receipt: from each state, what leads where."""
    rows = [
        (_code(was), _code(event), _code(became)) for (was, event), became in receipt.NEXT.items()
    ]
    return table(("state", "event", "becomes"), rows)


def standing_life() -> str:
    """Return how a customer's standing moves."""
    rows = [
        (_code(was), _code(event), _code(became)) for (was, event), became in standing.NEXT.items()
    ]
    return table(("state", "event", "becomes"), rows)


def refund_life() -> str:
    """Return the whole life of a refund."""
    rows = [
        (_code(was), _code(event), _code(became)) for (was, event), became in refund.NEXT.items()
    ]
    return table(("state", "event", "becomes"), rows)


def quote_life() -> str:
    """Return the whole life of a quote."""
    rows = [
        (_code(was), _code(event), _code(became)) for (was, event), became in quote.NEXT.items()
    ]
    return table(("state", "event", "becomes"), rows)


def advice_life() -> str:
    """Return the whole life of an advice."""
    rows = [
        (_code(was), _code(event), _code(became)) for (was, event), became in advice.NEXT.items()
    ]
    return table(("state", "event", "becomes"), rows)


def finding_life() -> str:
    """Return the whole life of a finding."""
    rows = [
        (_code(was), _code(event), _code(became)) for (was, event), became in finding.NEXT.items()
    ]
    return table(("state", "event", "becomes"), rows)


def plain_rules() -> str:
    """Return the plain rules of anomalies and their floors, as they are kept."""
    rows = [
        (_code(each.rule), each.grain, f"{each.factor:g} ×", str(each.known))
        for each in rules.RULES
    ]
    return table(("rule", "per", "at least", "known"), rows)


def event_states() -> str:
    """Return what is known of an event's quantities, state by state."""
    return _explained(EventState)


def reading_states() -> str:
    """Return what one answer can say about usage."""
    return _explained(ReadingState)


def reasons() -> str:
    """Return why a reading is not measured."""
    return _explained(Reason)


def outcomes() -> str:
    """Return how a call can end for its client."""
    return ", ".join(_code(outcome) for outcome in Outcome) + "."


def line_kinds() -> str:
    """Return why a line can be on a bill."""
    return _explained(LineKind)


def _explained(kind: type[Enum]) -> str:
    """Return the members of an enum with the sentences written below them."""
    tree = ast.parse(inspect.getsource(kind))
    notes = _notes([each for top in ast.iter_child_nodes(tree) for each in _body(top)])
    rows = [(_code(each.value), notes.get(each.name, "")) for each in kind]
    return table(("value", "meaning"), rows)


def _body(node: ast.AST) -> list[ast.stmt]:
    return node.body if isinstance(node, ast.ClassDef) else []


def _notes(body: Sequence[ast.stmt]) -> dict[str, str]:
    """Return the docstrings that stand below assignments, by the assigned name."""
    notes: dict[str, str] = {}
    for statement, below in pairwise(body):
        name = _target(statement)
        if name and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            notes[name] = " ".join(str(below.value.value).split())
    return notes


def _target(statement: ast.stmt) -> str:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return ""


# contracts ----------------------------------------------------------------------------------------


def contract_terms() -> str:
    """Return every word of a contract's terms with its default and its meaning."""
    tree = ast.parse(inspect.getsource(CommercialTerms))
    said = _notes([each for top in ast.iter_child_nodes(tree) for each in _body(top)])
    notes = {re.sub("_(fen|ppm)$|_ppm(?=_)", "", name): note for name, note in said.items()}
    rows = []
    for field in msgspec.structs.fields(TermsWords):
        choices = getattr(field.type, "__members__", {})
        known = ", ".join(_code(each.value) for each in choices.values())
        rows.append(
            (_code(field.name), _plain_default(field.default), notes.get(field.name) or known)
        )
    return table(("word", "default", "meaning"), rows)


def _plain_default(value: object) -> str:
    if value is None or isinstance(value, msgspec.Struct) or value is msgspec.NODEFAULT:
        return "none"
    return _code(value) if str(value) else "empty"


def draft_life() -> str:
    """Return the whole life of a contract's draft."""
    rows = [
        (_code(state), _code(event), _code(draft.NEXT[state, event]))
        for state in draft.DraftState
        for event in draft.DraftEvent
        if (state, event) in draft.NEXT
    ]
    return table(("state", "event", "becomes"), rows)


def signing_life() -> str:
    """Return the whole life of a request for signature."""
    rows = [
        (_code(state), _code(event), _code(signing_lives.NEXT[state, event]))
        for state in SigningState
        for event in signing_lives.SigningEvent
        if (state, event) in signing_lives.NEXT
    ]
    return table(("state", "event", "becomes"), rows)


# meters and bounds --------------------------------------------------------------------------------


def meters() -> str:
    """Return every meter: its name on a bill, its unit, its side, whose price it borrows."""
    rows = []
    for meter in Meter:
        unit = "piece" if meter in UNIT_METERS else "token"
        side = "yes" if meter in INPUT_SIDE else ""
        borrows = "needs no rate" if meter in COUNT_METERS else ""
        if meter in FALLBACK:
            borrows = _code(FALLBACK[meter])
        rows.append((_code(meter), meter_name(meter), unit, side, borrows))
    heads = ("meter", "on bills", "unit", "context size", "priced as, when not listed")
    return table(heads, rows)


def limits() -> str:
    """Return every bound of the system with its reason."""
    notes = _notes(ast.parse(inspect.getsource(bounds)).body)
    names = [name for name in vars(bounds) if name.isupper()]
    rows = [(_code(name), _bound(getattr(bounds, name)), notes.get(name, "")) for name in names]
    return table(("bound", "value", "reason"), rows)


def _bound(value: object) -> str:
    if not isinstance(value, timedelta):
        return f"{value:,}" if isinstance(value, int) else str(value)
    for unit, name in _UNITS:
        if value % unit == timedelta():
            return f"{value // unit} {name}"
    return str(value)


_UNITS: Final = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)


# refusals -----------------------------------------------------------------------------------------


def gateway_codes() -> str:
    """Return the gateway's refusals: code, status, and the sentence without its facts."""
    rows = [(_code(c.name.lower()), c.value.status, c.value.zh, c.value.en) for c in Code]
    return table(("code", "status", "中文", "English"), rows)


def problem_codes() -> str:
    """Return the codes of the REST API's problems, with status, title and what they mean."""
    _import_all(yuejie)
    told = {error.code: (_kind(error), _first_line(error)) for error in _errors(DomainError)}
    found = {code: (kind.status, kind.title, means) for code, (kind, means) in told.items()}
    found |= {each.code: (status, each.title, "") for status, each in HTTP.items()}
    found["invalid_request"] = (422, "内容不合要求", "A field of the request does not fit.")
    found["internal"] = (UNFORESEEN.status, UNFORESEEN.title, "A bug of ours; it is in the log.")
    rows = [(_code(code), *found[code]) for code in sorted(found)]
    return table(("code", "status", "title", "meaning"), rows)


def _kind(error: type[DomainError]) -> Kind:
    return next(TABLE[each] for each in error.__mro__ if each in TABLE)


def _first_line(error: type[DomainError]) -> str:
    return (inspect.getdoc(error) or "").partition("\n\n")[0].replace("\n", " ")


def _errors(error: type[DomainError]) -> Iterator[type[DomainError]]:
    yield error
    for below in error.__subclasses__():
        yield from _errors(below)


def _import_all(package: ModuleType) -> None:
    """Import every module, so that every error is known; the demo has none of its own."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith("__main__") and ".demo" not in found.name:
            importlib.import_module(found.name)


def routes() -> str:
    """Return the routes of the REST API and who may call them."""
    rows = [(method, _code(path), _who(who)) for (method, path), who in ACCESS.items()]
    return table(("method", "path", "who"), rows)


def _who(who: Who | Power) -> str:
    """Say whom a route serves, and of the operator's members which roles."""
    if isinstance(who, Power):
        return f"operator ({', '.join(sorted(HOLDERS[who]))})"
    return who.value


# commands -----------------------------------------------------------------------------------------


def commands() -> str:
    """Return the help of every command, as it prints itself."""
    return "\n\n".join(_helps(root, None, "yuejie"))


def _helps(command: click.Command, parent: click.Context | None, name: str) -> Iterator[str]:
    context = click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
    )
    yield f"## {context.command_path}\n\n```text\n{_trimmed(command.get_help(context))}\n```"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            if below is not None:
                yield from _helps(below, context, each)


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines())
