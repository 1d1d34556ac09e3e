"""Files: every line is an event once or in the reject file with its reason."""

import csv
import gzip
import json
from pathlib import Path

import pytest

from tests.rooms.intake.calls import rolled_up
from tests.rooms.intake.shop import Shop
from yuejie.db.session import Database
from yuejie.intake.imports.load import ImportReport, Progress, import_usage
from yuejie.intake.imports.mapping import Mapping, parse_mapping, read_mapping
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import IMPORT_BATCH
from yuejie.kernel.period import BillingMonth
from yuejie.usage.rebuild import rebuild
from yuejie.usage.show import By, Question, show_usage

OCTOBER = BillingMonth(2026, 10)
TRACE = parse_mapping(
    """
    shift = { from = "2023-11-16", to = "2026-10-16" }
    [columns]
    started_at = "TIMESTAMP"
    input = "ContextTokens"
    output = "GeneratedTokens"
    [constant]
    customer = "acme"
    project = "main"
    model = "gpt-4o"
    """
)
CONSTANT = Mapping(constant={"customer": "acme", "project": "main"})


def trace(path: Path, rows: int = 100) -> Path:
    """A file in the form of the Azure trace."""
    lines = ["TIMESTAMP,ContextTokens,GeneratedTokens"]
    lines += [
        f"2023-11-16 {18 + i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}.6805900,{i},{i % 7}"
        for i in range(rows)
    ]
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def rejects(report: ImportReport) -> list[tuple[str, str]]:
    """Line number and reason of each reject."""
    assert report.reject_file is not None
    with report.reject_file.open(encoding="utf-8-sig", newline="") as file:
        return [(row[0], row[1]) for row in list(csv.reader(file))[1:]]


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.rows, report.stored, report.known, report.rejected


@pytest.mark.parametrize("name", ["trace.csv", "trace.csv.gz"])
def test_a_trace_is_imported_once_and_moved_to_its_month(
    database: Database, shop: Shop, tmp_path: Path, name: str
) -> None:
    path = trace(tmp_path / name)
    seen: list[Progress] = []
    report = import_usage(database, path, TRACE, progress=seen.append)
    assert counts(report) == (100, 100, 0, 0)
    assert report.reject_file is None
    assert seen[-1] == Progress(path.stat().st_size, path.stat().st_size, 100, stored=100)
    assert counts(import_usage(database, path, TRACE)) == (100, 0, 100, 0)
    assert rolled_up(database) == {
        (shop.acme.customer_id, "gpt-4o", "input", "measured"): sum(range(100)),
        (shop.acme.customer_id, "gpt-4o", "output", "measured"): sum(i % 7 for i in range(100)),
        (shop.acme.customer_id, "gpt-4o", "requests", "measured"): 100,
    }
    (line,) = show_usage(database, None, Question(by=(By.DAY,), first=OCTOBER, last=OCTOBER))
    assert line.keys == {By.DAY: "2026-10-17"}
    assert rebuild(database, OCTOBER).different == 0


def test_bad_lines_are_set_aside_with_their_reason_and_good_ones_kept(
    database: Database, shop: Shop, tmp_path: Path
) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(
        "started_at,model,customer,project,input\n"
        "2026-10-01T00:00:00Z,gpt-4o,acme,main,10\n"
        "2026-10-01T00:00:00Z,gpt-4o,acme,main,-1\n"
        "2026-10-01T00:00:00Z,gpt-4o,acme,main\n"
        "soon,gpt-4o,acme,main,1\n"
        "2026-10-01T00:00:00Z,gpt-9,acme,main,1\n"
        "2026-10-01T00:00:00Z,gpt-4o,nobody,main,1\n"
        "2026-10-01T00:00:00Z,gpt-4o,acme,main,\n"
        ",gpt-4o,acme,main,1\n"
        "2026-10-01T00:00:00Z,,acme,main,1\n"
        "2026-10-01T00:00:00Z,gpt-4o,acme,main,99999999999999\n"
        "2026-10-01T00:00:00Z,gpt-\0,acme,main,1\n"
        f"2026-10-01T00:00:00Z,gpt-4o,acme,main,{'9' * 5_000}\n"
        '2026-10-01T00:00:00Z,gpt-4o,acme,main,"1\n'
        "2026-10-01T00:00:00Z,gpt-4o,acme,main,1\n"
    )
    report = import_usage(database, path, Mapping())
    assert counts(report) == (13, 1, 0, 12)
    reasons = rejects(report)
    assert [line for line, _ in reasons] == [str(line) for line in range(3, 14)] + ["15"]
    for (_, reason), expected in zip(
        reasons,
        [
            "不是不小于 0 的整数",
            "有 4 列，表头有 5 列",
            "格式不对",
            "没有销售价",
            "客户不存在",
            "没有任何计量项",
            "没有开始时间",
            "没有模型",
            "大得不合理",
            "没有销售价",
            "大得不合理",
            "CSV 格式错误",  # a quote that nobody closed swallowed the rows behind it
        ],
        strict=True,
    ):
        assert expected in reason
    again = import_usage(database, path, Mapping())
    assert counts(again) == (13, 0, 1, 12)
    assert rejects(again) == reasons


def test_an_interrupted_import_goes_on_and_adds_nothing_twice(
    database: Database, shop: Shop, tmp_path: Path
) -> None:
    path = trace(tmp_path / "trace.csv", IMPORT_BATCH + 500)

    class Interrupted(Exception):
        pass

    def interrupt(_: Progress) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        import_usage(database, path, TRACE, progress=interrupt)
    total = IMPORT_BATCH + 500
    assert counts(import_usage(database, path, TRACE)) == (total, 500, IMPORT_BATCH, 0)
    sums = rolled_up(database)
    assert sums[shop.acme.customer_id, "gpt-4o", "requests", "measured"] == total


def test_rejected_lines_get_another_chance(database: Database, shop: Shop, tmp_path: Path) -> None:
    path = trace(tmp_path / "trace.csv", 3)
    lost = parse_mapping('[clients."a"]\ncustomer = "acme"\n[columns]\nclient = "TIMESTAMP"')
    assert counts(import_usage(database, path, lost)) == (3, 0, 0, 3)
    assert "补充 [clients]" in rejects(import_usage(database, path, lost))[0][1]
    assert counts(import_usage(database, path, TRACE)) == (3, 3, 0, 0)
    assert not path.with_name("trace.csv.rejects.csv").exists()


def test_own_ids_are_the_sources(database: Database, shop: Shop, tmp_path: Path) -> None:
    mapping = parse_mapping(
        """
        source = "erp"
        zone = "Asia/Shanghai"
        [columns]
        id = "no"
        started_at = "time"
        input = "in"
        "tags.team" = "team"
        [constant]
        customer = "acme"
        project = "child"
        model = "gpt-4o"
        """
    )
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("no,time,in,team\n1,2026-11-01 00:00:00,5,x\n2,2026-11-01 00:00:00,6,\n")
    second.write_text(
        "no,time,in,team\n2,2026-11-01 00:00:00,6,\n1,2026-11-01 00:00:00,7,x\n"
        "3,2026-10-31 23:59:59,8,y\n"
    )
    assert counts(import_usage(database, first, mapping)) == (2, 2, 0, 0)
    report = import_usage(database, second, mapping)
    assert counts(report) == (3, 1, 1, 1)
    assert rejects(report) == [("3", "编号 1 已用于内容不同的事件")]
    months = Question(by=(By.TAG, By.DAY), first=OCTOBER, last=OCTOBER.next, tag_name="team")
    lines = show_usage(database, shop.acme.customer_id, months)
    assert [(line.keys[By.DAY], line.keys[By.TAG], line.quantities["input"]) for line in lines] == [
        ("2026-11-01", "", 6),
        ("2026-11-01", "x", 5),
        ("2026-10-31", "y", 8),
    ]


def test_jsonl_is_read_like_pushed_events(database: Database, shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    row = {
        "started_at": "2026-10-02T00:00:00Z",
        "ended_at": "2026-10-02T00:00:03Z",
        "model": "gpt-4o",
        "meters": {"input": 7, "cache_read": 3},
        "tags": {"team": "x"},
        "context_tokens": 10,
    }
    path.write_text(
        json.dumps(row)
        + "\n\n{broken\n[1]\n"
        + json.dumps(row | {"state": "guessed"})
        + "\n"
        + json.dumps(row | {"state": "estimated"})
        + "\n"
        + json.dumps(row | {"ended_at": "2026-10-01T00:00:00Z"})
        + "\n"
    )
    report = import_usage(database, path, CONSTANT)
    assert counts(report) == (6, 2, 0, 4)
    assert [line for line, _ in rejects(report)] == ["3", "4", "5", "7"]
    sums = rolled_up(database)
    assert sums[shop.acme.customer_id, "gpt-4o", "cache_read", "measured"] == 3
    assert sums[shop.acme.customer_id, "gpt-4o", "input", "estimated"] == 7


def test_openai_buckets_become_disjoint_meters(
    database: Database, shop: Shop, tmp_path: Path
) -> None:
    newer = {
        "object": "organization.usage.completions.result",
        "input_tokens": 1_000,
        "input_uncached_tokens": 250,
        "input_cached_tokens": 750,
        "input_audio_tokens": 50,
        "output_tokens": 500,
        "num_model_requests": 5,
        "model": "gpt-4o-2024-08-06",
        "project_id": "proj_1",
    }
    older = {
        "input_tokens": 90,
        "input_cached_tokens": 60,
        "output_tokens": 1,
        "num_model_requests": 1,
        "model": "gpt-4o-2024-08-06",
        "project_id": "proj_1",
    }
    wrong = older | {"input_tokens": 10}
    odd = older | {"output_tokens": "many"}
    bucket = {"start_time": 1_790_812_800, "end_time": 1_790_899_200}
    path = tmp_path / "usage.json"
    page = {"object": "page", "data": [{**bucket, "results": [newer, older, wrong, odd]}]}
    path.write_text(json.dumps(page, indent=2))
    mapping = parse_mapping(
        """
        format = "openai"
        [clients.proj_1]
        customer = "acme"
        project = "main"
        [models]
        "gpt-4o-2024-08-06" = "gpt-4o"
        """
    )
    report = import_usage(database, path, mapping)
    assert counts(report) == (4, 2, 0, 2)
    assert sum("自相矛盾" in reason for _, reason in rejects(report)) == 1
    acme = shop.acme.customer_id
    assert rolled_up(database) == {
        (acme, "gpt-4o", "input", "measured"): 200 + 30,
        (acme, "gpt-4o", "cache_read", "measured"): 750 + 60,
        (acme, "gpt-4o", "audio_in", "measured"): 50,
        (acme, "gpt-4o", "output", "measured"): 501,
        (acme, "gpt-4o", "requests", "measured"): 6,
    }


def test_anthropic_pages_by_line(database: Database, shop: Shop, tmp_path: Path) -> None:
    result = {
        "uncached_input_tokens": 10,
        "cache_read_input_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        "output_tokens": 5,
        "server_tool_use": {"web_search_requests": 0},
        "model": "gpt-4o",
    }
    bucket = {
        "starting_at": "2026-10-01T00:00:00Z",
        "ending_at": "2026-10-02T00:00:00Z",
        "results": [result],
    }
    path = tmp_path / "usage.jsonl"
    path.write_text("".join(json.dumps({"data": [bucket]}) + "\n" for _ in range(2)))
    mapping = Mapping(form="anthropic", constant=CONSTANT.constant)
    assert counts(import_usage(database, path, mapping)) == (2, 2, 0, 0)
    sums = rolled_up(database)
    assert {meter: q for (_, _, meter, _), q in sums.items()} == {
        "input": 20,
        "cache_read": 40,
        "cache_write_5m": 6,
        "cache_write_1h": 8,
        "output": 10,
        "requests": 2,
    }


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("x.parquet", b"", "看不出 x.parquet 的格式"),
        ("x.csv", b"a,a\n", "表头有重名"),
        ("x.csv", "started_at\n你好".encode("gbk"), "不是 UTF-8"),
        ("x.csv.gz", gzip.compress(b"a,b\n" * 9_999, mtime=0)[:-9], "压缩文件不完整"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(
    database: Database, tmp_path: Path, name: str, body: bytes, sentence: str
) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    with pytest.raises(Invalid, match=sentence):
        import_usage(database, path, Mapping())


@pytest.mark.parametrize(
    ("body", "sentence"), [(b"{", "不是完整的 JSON"), (b"[]", "不是供应商的用量导出")]
)
def test_an_export_that_is_none_is_refused(
    database: Database, tmp_path: Path, body: bytes, sentence: str
) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(body)
    with pytest.raises(Invalid, match=sentence):
        import_usage(database, path, Mapping(form="openai"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("format = 'xml'", "format“xml”不认识"),
        ("[columns]\nwhen = 'a'", "“when”不是我们的字段"),
        ("[columns]\nid = 'a'", "没有 source"),
        ("zone = 'Mars'", "时区“Mars”不存在"),
        ("nonsense = 1", "映射文件有误"),
        ("[columns", "映射文件有误"),
    ],
)
def test_a_wrong_mapping_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        parse_mapping(text)


def test_a_mapping_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text('format = "csv"\n[constant]\ncustomer = "acme"\n')
    assert read_mapping(path).constant == {"customer": "acme"}
    with pytest.raises(Invalid, match="读不了映射文件"):
        read_mapping(tmp_path / "none.toml")


def test_a_column_that_the_mapping_names_must_be_there(
    database: Database, shop: Shop, tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("when,input\n2026-10-01,1\n")
    assert "没有“TIMESTAMP”这一列" in rejects(import_usage(database, path, TRACE))[0][1]
