"""Every rule bites what it is against, and lets pass what it is not."""

import textwrap
from functools import partial
from typing import Any

import pytest

from tests.tidy import files, golden, money, shape, sql, words
from tests.tidy.source import Rule, Source

scope = partial(sql.customer_scope, tables=frozenset({"bill", "project"}))

ROOM = '"""Bills: what is owed?\n\nOwns: a.\nDoes not own: b.\n\nInvariants:\n- c.\n"""\n'
READ = 'Q = "SELECT id FROM bill WHERE state = 1"\n'

BITES: list[tuple[Rule, str, str]] = [
    (shape.file_names, "src/yuejie/bills/utils.py", ""),
    (shape.file_names, "src/yuejie/bills/bill_helper.py", ""),
    (shape.file_names, "tests/common.py", ""),
    (shape.function_size, "src/yuejie/cli.py", "def f():\n" + "    g()\n" * 71),
    (shape.file_size, "src/yuejie/cli.py", "x = 1\n" * 601),
    (shape.async_places, "src/yuejie/bills/close.py", "async def close(): ..."),
    (shape.broad_handlers, "src/yuejie/a/b.py", "def f():\n  try: g()\n  except Exception: h()"),
    (shape.broad_handlers, "src/yuejie/a/b.py", "def f():\n  try: g()\n  except: h()"),
    (
        shape.broad_handlers,
        "src/yuejie/a/b.py",
        "def f():\n  try: g()\n  except (E, BaseException): raise F from None",
    ),
    (shape.room_docstring, "src/yuejie/bills/__init__.py", ""),
    (shape.room_docstring, "src/yuejie/bills/__init__.py", ROOM + "X = 1"),
    (
        shape.room_docstring,
        "src/yuejie/bills/__init__.py",
        ROOM.replace("Does not own", "Does own"),
    ),
    (shape.reasoned_ignores, "src/yuejie/cli.py", "x = 1  # type: " + "ignore"),
    (shape.reasoned_ignores, "src/yuejie/cli.py", "x = 1  # type: " + "ignore[misc]"),
    (shape.own_code_patched, "tests/a.py", 'monkeypatch.setattr("yuejie.bills.close", 1)'),
    (shape.own_code_patched, "tests/a.py", '@patch("yuejie.bills.close")\ndef f(): ...'),
    (
        shape.own_code_patched,
        "tests/a.py",
        "from yuejie import bills\nmonkeypatch.setattr(bills.close, 'f', 1)",
    ),
    (
        shape.own_code_patched,
        "tests/a.py",
        "from yuejie.bills import close as c\nmock.patch.object(c, 'f')",
    ),
    (money.no_float, "src/yuejie/kernel/money.py", "x = float(y)"),
    (money.no_float, "src/yuejie/rating/tiers.py", "x = a / b"),
    (money.no_float, "src/yuejie/rating/deep/er.py", "x /= b"),
    (money.no_float, "src/yuejie/bills/bill.py", "x = 0.06"),
    (money.no_float, "src/yuejie/contracts/rate_card.py", "x = round(y, 2)"),
    (money.no_float, "src/yuejie/bills/statement_lines.py", "def f(x: float) -> int: ..."),
    (money.one_settle, "src/yuejie/bills/bill.py", "class C:\n  def settle(self): ..."),
    (money.now_is_an_argument, "src/yuejie/bills/close.py", "t = datetime.now(UTC)"),
    (money.now_is_an_argument, "src/yuejie/bills/close.py", "t = clock.now()"),
    (money.now_is_an_argument, "src/yuejie/cli.py", "t = datetime.now(UTC)"),
    (money.now_is_an_argument, "src/yuejie/gateway/http.py", "t = time.time()"),
    (money.now_is_an_argument, "src/yuejie/clerk.py", "t = dt.date.today() or date.today()"),
    (money.nouns_are_pure, "src/yuejie/rating/rate.py", "import psycopg"),
    (money.nouns_are_pure, "src/yuejie/rating/rate.py", "from yuejie.contracts import store"),
    (money.nouns_are_pure, "src/yuejie/bills/bill.py", "from yuejie.db.session import Tx"),
    (money.nouns_are_pure, "src/yuejie/usage/dialects/gemini.py", "import asyncio.events"),
    (
        sql.one_transaction,
        "src/yuejie/bills/close.py",
        "def f():\n  with db.begin() as a: g(a)\n  with db.begin() as b: g(b)",
    ),
    (
        sql.one_transaction,
        "src/yuejie/bills/store.py",
        "def f(db):\n  with db.begin() as a: g(a)",
    ),
    (sql.nobody_commits, "src/yuejie/bills/store.py", "def f(tx): tx.commit()"),
    (sql.nobody_commits, "src/yuejie/bills/close.py", "def f(tx): tx.connection.rollback()"),
    (sql.sql_in_stores, "src/yuejie/bills/close.py", 'Q = """\n  SELECT a\n  FROM bill """'),
    (sql.sql_in_stores, "src/yuejie/web/api.py", 'tx.run(f"DELETE FROM bill WHERE {x}")'),
    (scope, "src/yuejie/bills/store.py", READ + "def f(tx, bill_id): return tx.rows(Q)"),
    (scope, "src/yuejie/bills/store.py", READ + "def f(tx, *, customer_id): return tx.rows(Q)"),
    (
        scope,
        "src/yuejie/bills/store.py",
        'Q: Final = "SELECT 1 FROM month JOIN project USING (id)"\ndef f(tx): return tx.rows(Q)',
    ),
    (
        scope,
        "src/yuejie/bills/store.py",
        READ + 'OPERATOR_READS = {"f": ""}\ndef f(tx): return tx.rows(Q)',
    ),
    (
        scope,
        "src/yuejie/bills/store.py",
        READ + 'OPERATOR_READS = {"gone": "why"}\ndef f(tx, customer_id): return tx.rows(Q)',
    ),
    (
        scope,
        "src/yuejie/bills/store.py",
        READ + 'OPERATOR_READS = {"f": "why"}\ndef f(tx, customer_id): return tx.rows(Q)',
    ),
    (words.refused_words, "src/yuejie/bills/bill.py", "class InvoiceLine: ..."),
    (words.codes_in_refusals, "src/yuejie/bills/bill.py", 'raise E(f"已是 {state} 状态")'),
    (words.codes_in_refusals, "src/yuejie/bills/bill.py", 'raise E(f"账单不能 {x.event}")'),
    (words.refused_words, "src/yuejie/bills/bill.py", "def f(org_id): ..."),
    (words.refused_words, "src/yuejie/bills/bill.py", "monthly_quotas = 1"),
    (words.refused_words, "src/yuejie/bills/bill.py", "self.invoice = 1"),
    (words.refused_words, "src/yuejie/bills/bill.py", "def settle_month(): ..."),
    (words.refused_words, "src/yuejie/bills/bill.py", "from a import bill as invoice"),
]

PASSES: list[tuple[Rule, str, str]] = [
    (shape.file_names, "src/yuejie/bills/close.py", ""),
    (shape.file_names, "src/yuejie/contracts/basement.py", ""),
    (
        shape.function_size,
        "src/yuejie/cli.py",
        'def f():\n    """\n' + "    story\n" * 80 + '    """\n    return 1\n',
    ),
    (shape.file_size, "src/yuejie/cli.py", "x = 1\n" * 600),
    (shape.async_places, "src/yuejie/gateway/stream.py", "async def pump(): ..."),
    (shape.async_places, "tests/wire/test_a.py", "async def test_a(): ..."),
    (shape.broad_handlers, "src/yuejie/a/b.py", "def f():\n  try: g()\n  except OSError: h()"),
    (
        shape.broad_handlers,
        "src/yuejie/a/b.py",
        "def f():\n  try: g()\n  except BaseException:\n    h()\n    raise",
    ),
    (shape.room_docstring, "src/yuejie/bills/__init__.py", ROOM),
    (shape.room_docstring, "src/yuejie/web/api/__init__.py", ""),
    (shape.reasoned_ignores, "src/yuejie/cli.py", "x = 1  # type: " + "ignore[misc]  # granian#1"),
    (shape.own_code_patched, "tests/a.py", 'monkeypatch.setenv("YUEJIE_URL", "x")'),
    (
        shape.own_code_patched,
        "tests/a.py",
        "import os\nfrom yuejie import bills\nmonkeypatch.setattr(os, 'fsync', bills.fail)",
    ),
    (money.no_float, "src/yuejie/rating/tiers.py", "whole, rest = divmod(a, b)\nx = a // b"),
    (money.no_float, "src/yuejie/gateway/http.py", "x = float(y) / 2"),
    (money.one_settle, "src/yuejie/kernel/money.py", "def settle(self): ..."),
    (money.now_is_an_argument, "src/yuejie/kernel/clock.py", "t = datetime.now(UTC)"),
    (money.now_is_an_argument, "src/yuejie/cli.py", "t = clock.now()"),
    (money.now_is_an_argument, "src/yuejie/gateway/http.py", "t = time.monotonic()"),
    (money.nouns_are_pure, "src/yuejie/rating/rate.py", "from yuejie.kernel.money import Rate"),
    (money.nouns_are_pure, "src/yuejie/bills/close.py", "from yuejie.db.session import Tx"),
    (
        sql.one_transaction,
        "src/yuejie/bills/close.py",
        "def f():\n  with db.begin() as a: g(a)\ndef h():\n  with db.begin() as b: g(b)",
    ),
    (sql.one_transaction, "src/yuejie/gateway/http.py", "def f():\n  j.begin(1)\n  j.begin(2)"),
    (sql.nobody_commits, "src/yuejie/db/session.py", "def f(c): c.commit()"),
    (sql.nobody_commits, "src/yuejie/cli.py", "def f(commit):\n  return commit"),
    (sql.sql_in_stores, "src/yuejie/bills/store.py", 'Q = "SELECT a FROM bill"'),
    (sql.sql_in_stores, "src/yuejie/cli.py", 'help = "Update the month from a file"'),
    (scope, "src/yuejie/bills/store.py", READ + "def f(tx, customer_id): return tx.rows(Q)"),
    (
        scope,
        "src/yuejie/bills/store.py",
        READ + 'OPERATOR_READS = {"f": "the clerk closes all"}\ndef f(tx): return tx.rows(Q)',
    ),
    (
        scope,
        "src/yuejie/bills/store.py",
        'Q = "DELETE FROM bill WHERE id = 1"\ndef f(tx, bill_id): tx.run(Q)',
    ),
    (
        scope,
        "src/yuejie/bills/store.py",
        'Q = "SELECT state FROM bill_number"\ndef f(tx): return tx.rows(Q)',
    ),
    (words.refused_words, "src/yuejie/bills/bill.py", "class Organ: ...\nx = sdk.organization"),
    (words.refused_words, "tests/a.py", "invoice = 1"),
    (words.codes_in_refusals, "src/yuejie/bills/bill.py", 'raise E(f"已是 {SAID[state]} 状态")'),
    (words.codes_in_refusals, "src/yuejie/bills/bill.py", 'raise E(f"“{state}”不认识")'),
    (words.codes_in_refusals, "src/yuejie/bills/bill.py", 'raise E(f"in {state}")'),
    (words.refused_words, "src/yuejie/usage/dialects/openai.py", "insufficient_quota = 1"),
]


@pytest.mark.parametrize(("rule", "path", "code"), BITES)
def test_bites(rule: Rule, path: str, code: str) -> None:
    assert list(rule(Source.parse(path, textwrap.dedent(code))))


@pytest.mark.parametrize(("rule", "path", "code"), PASSES)
def test_lets_pass(rule: Rule, path: str, code: str) -> None:
    assert [str(f) for f in rule(Source.parse(path, textwrap.dedent(code)))] == []


def test_stale_edges_bites() -> None:
    swallows = Source.parse(
        "src/yuejie/clerk.py", "def loop():\n  try: f()\n  except Exception: g()"
    )
    edges = {"clerk.py::loop": "logs, and marks the job failed"}
    assert list(shape.stale_edges([swallows], edges)) == []
    assert list(shape.stale_edges([], edges)) == ["clerk.py::loop"]
    assert list(shape.stale_edges([swallows], {"clerk.py::loop": " "})) == ["clerk.py::loop"]


def test_rooms_without_readme_bites() -> None:
    paths = ["src/yuejie/cli.py", "src/yuejie/bills/bill.py", "src/yuejie/db/__init__.py"]
    assert list(shape.rooms_without_readme(paths)) == ["bills"]


def test_crowded_folders_bites() -> None:
    paths = [f"src/yuejie/bills/deed_{n}.py" for n in range(13)]
    assert list(shape.crowded_folders(paths)) == ["src/yuejie/bills"]
    assert list(shape.crowded_folders(paths[1:])) == []


def test_scoped_tables_are_those_with_a_customer_column() -> None:
    script = (
        "CREATE TABLE bill (\n    id TEXT,\n    customer_id TEXT NOT NULL\n);\n"
        "CREATE TABLE model (\n    id TEXT, -- no customer_id here\n    mode TEXT\n);\n"
        "CREATE TABLE usage_event (\n    customer_id TEXT\n) PARTITION BY RANGE (id);\n"
    )
    assert sql.tables_with_customer([script]) == {"bill", "usage_event"}


def test_the_glossary_rule_bites() -> None:
    code = 'class BillState(StrEnum):\n    """Doc."""\n    DRAFT = "draft"\n    PAID = "paid"\n'
    found = words.words_of_the_house([Source.parse("src/yuejie/bills/bill.py", code)])
    missing = list(words.missing_from("| `draft` | 草稿 | and paid |", found))
    assert missing == ["paid (src/yuejie/bills/bill.py)"]


@pytest.mark.parametrize(
    "line",
    [
        "cd /" + "work/main",
        "see `/" + "tmp/x`",
        "PIP=/opt/" + "wheels",
        "look in ." + "library/README",
        "https://" + "py" + "pi.org/simple",
        "open('/ro" + "ot/.profile')",
    ],
)
def test_addresses_bites(line: str) -> None:
    assert list(files.addresses("README.md", line))


def test_addresses_lets_pass() -> None:
    paths = ("POST http://127.0.0.1:8400/v1/" + "work/x", "a/" + "tmp/b", "example.com/" + "home/")
    text = "\n".join((*paths, "library"))
    assert [str(f) for f in files.addresses("README.md", text)] == []


@pytest.mark.parametrize(
    "line", ["--index-url https://example.com", "click==8.1", "click>=8 \\", "# via /opt"]
)
def test_lock_lines_bites(line: str) -> None:
    assert list(files.lock_lines("requirements.lock", line))


def test_unlocked_bites() -> None:
    project: dict[str, Any] = {
        "project": {
            "dependencies": ["psycopg[binary]", "XlsxWriter"],
            "optional-dependencies": {"dev": ["pytest>=8"]},
        },
        "build-system": {"requires": ["setuptools>=80"]},
    }
    lock = "psycopg==3 \\\nxlsxwriter==1 \\\nsetuptools==80 \\\n"
    assert list(files.unlocked(project, lock)) == ["pytest>=8"]


def test_unreasoned_bites() -> None:
    text = (
        '[project]\ndependencies = [\n    "a",  # because\n    "b",\n]\n'
        '# For the demo.\ndemo = [\n    "c",\n]\ndev = [\n    "d",\n]\n[project.scripts]\n'
    )
    assert list(files.unreasoned(text)) == ['"b",', '"d",']


def test_rooms_open_to_the_gateway_bites() -> None:
    contract = {
        "type": "forbidden",
        "source_modules": ["yuejie.gateway"],
        "forbidden_modules": ["yuejie.bills"],
    }
    project = {"tool": {"importlinter": {"contracts": [contract]}}}
    rooms = ["bills", "ledger", "usage"]
    assert list(files.rooms_open_to_the_gateway(project, rooms)) == ["ledger"]


PAGE = "tests/golden/months/late_fee.txt"


@pytest.mark.parametrize(
    ("pages", "told", "found"),
    [
        ({PAGE: ("合计 5.30", "合计 5.31")}, [], 1),
        ({PAGE: ("合计 5.30", "合计 5.31")}, ["+- Late fees are dearer."], 1),
        ({PAGE: ("合计 5.30", "合计 5.31")}, ["+- ⚠️ Late fees are dearer."], 0),
        ({PAGE: ("合计 5.30", "共计 5.30")}, [], 0),
        ({"tests/golden/contracts/open_draft.txt": ("5.30", "5.31")}, [], 0),
    ],
)
def test_a_golden_figure_is_told(
    pages: dict[str, tuple[str, str]], told: list[str], found: int
) -> None:
    assert len(list(golden.untold(pages, told))) == found
