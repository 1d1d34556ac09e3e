"""What watches a house is true: every rule and chart asks for figures that are told, every alert
names a runbook that is there, every unit starts a command that exists."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from yuejie import clerk
from yuejie.cli.main import NOUNS
from yuejie.figures.house import told
from yuejie.figures.node import NodeFigures
from yuejie.figures.store import HouseNow
from yuejie.gateway.call.live import Live
from yuejie.gateway.meter.chrono import Chrono
from yuejie.gateway.meter.ink import Ink
from yuejie.gateway.meter.metering import Metering
from yuejie.gateway.metrics import Gauges
from yuejie.gateway.upstream.breaker import Breakers
from yuejie.intake import ingest
from yuejie.web.metrics import Metrics

DEPLOY = Path("deploy")
ALERTS = (DEPLOY / "prometheus/alerts.yaml").read_text()
RULES = re.split(r"\n      - alert: ", ALERTS)[1:]
NOW = datetime(2026, 11, 29, tzinfo=UTC)
QUIET = [0, None, None, 0, 0, None, False, 0, None, 0, None, 0, None, None, *([0] * 6)]
HOUSE = HouseNow(*QUIET)  # type: ignore[arg-type]  # in order


def names(page: str) -> Iterator[str]:
    for family in text_string_to_metric_families(page):
        yield from (sample.name for sample in family.samples)
        kinds = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
        yield from (family.name + end for end in kinds.get(family.type, ("",)))


@pytest.fixture(scope="module")
def figures() -> set[str]:
    """Every name that a process of ours tells Prometheus."""
    metering = Metering(cast("Ink", None), cast("Chrono", None))
    gateway = Gauges("1", metering, Live(), Breakers(), lambda: 0).page().decode()
    own = CollectorRegistry()
    NodeFigures(Path(), own)
    loaded = {ingest.EVENTS, ingest.LAG, clerk.DONE, clerk.TOOK, clerk.WAITS}
    assert loaded
    pages = (gateway, Metrics().text(database_up=True).decode())
    found = {name for page in pages for name in names(page)}
    for registry in (REGISTRY, own):
        for metric in registry.collect():
            found |= {metric.name, f"{metric.name}_total"}
    return found | {f"yuejie_house_{name}" for name, _, _ in told(HOUSE, NOW)}


@pytest.mark.parametrize("rule", RULES, ids=[rule.split("\n")[0] for rule in RULES])
def test_an_alert_asks_for_figures_that_are_told_and_says_what_to_do(
    rule: str, figures: set[str]
) -> None:
    asked = set(re.findall(r"\byuejie_\w+", rule.split("labels:", maxsplit=1)[0]))
    assert asked <= figures, asked - figures
    assert asked or 'up{job="yuejie-' in rule
    assert re.search(r"severity: (page|ticket)\b", rule)
    runbook = re.search(r"runbook: (docs/runbooks/[\w-]+\.md)", rule)
    assert runbook is not None
    assert Path(runbook[1]).exists(), runbook[1]


def test_every_chart_of_the_dashboard_asks_for_figures_that_are_told(figures: set[str]) -> None:
    board = json.loads((DEPLOY / "grafana/yuejie.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            asked = set(re.findall(r"\byuejie_\w+", target["expr"]))
            assert asked, panel["title"]
            assert asked <= figures, (panel["title"], asked - figures)


@pytest.mark.parametrize(
    "unit", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda p: p.name
)
def test_a_unit_starts_a_command_that_exists_with_least_privilege(unit: Path) -> None:
    text = unit.read_text()
    command = re.search(r"^ExecStart=\S+/yuejie (\w+)$", text, re.MULTILINE)
    assert command is not None
    assert command[1] in NOUNS
    for line in ("User=yuejie", "NoNewPrivileges=true", "ProtectSystem=strict", "Restart=always"):
        assert line in text


def test_containers_run_commands_that_exist_and_nobody_is_root() -> None:
    compose = (DEPLOY / "container/compose.yaml").read_text()
    for command in re.findall(r"command: \[(\w+)[,\]]", compose):
        assert command in NOUNS
    assert "USER 10001" in (DEPLOY / "container/Containerfile").read_text()
    assert not re.search(r"privileged|cap_add|network_mode: host", compose)
