"""What only a simulator answers: readiness, faults, truth, the provider's usage report."""

import os
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from yuejie.demo.simulators.answer import Request
from yuejie.demo.simulators.directives import fault_of
from yuejie.demo.simulators.faults import Rule
from yuejie.demo.simulators.report import FORMATS, render, summary
from yuejie.demo.simulators.truth import read
from yuejie.demo.simulators.world import World, json

_JSON: Final = "application/json"
Reply = tuple[int, str, bytes]


def answer(request: Request, world: World) -> Reply:
    """Answer a request below `/_sim/`."""
    match request.method, request.path.removeprefix("/_sim/"):
        case "GET", "ready":
            return 200, _JSON, json({"ready": True, "pid": os.getpid()})
        case "GET", "truth":
            refused = {str(status): calls for status, calls in sorted(world.refused.items())}
            return 200, _JSON, json({**summary(read(world.truth.path)), "refused": refused})
        case "GET", "usage_report":
            return _report(request, world)
        case "POST", "faults":
            return _set_faults(request, world)
        case "POST", "reset":
            world.faults.reset()
            world.cache.seen.clear()
            world.refused.clear()
            return 200, _JSON, b'{"reset":true}'
    return 404, _JSON, json({"error": f"模拟器没有 {request.method} {request.path} 这个入口。"})


def _report(request: Request, world: World) -> Reply:
    form = request.asked("format") or "jsonl"
    if form not in FORMATS:
        return 400, _JSON, json({"error": f"format 应为 {'、'.join(FORMATS)} 之一，收到 {form}。"})
    kind = "application/x-ndjson" if form == "jsonl" else _JSON
    return 200, kind, render(read(world.truth.path), form)


def _set_faults(request: Request, world: World) -> Reply:
    """Replace the rules: `{"faults": [{"model": "gpt-*", "percent": 30, "fault": "429"}]}`."""
    try:
        body = msgspec.json.decode(request.body, type=dict[str, list[dict[str, Any]]])
        rules = [_rule(entry) for entry in body.get("faults", [])]
    except (msgspec.DecodeError, ValueError) as problem:
        return 400, _JSON, json({"error": f"故障规则无法读取：{problem}"})
    world.faults.set(rules)
    return 200, _JSON, json({"faults": len(rules)})


def _rule(entry: Mapping[str, Any]) -> Rule:
    fault = fault_of({k: v for k, v in entry.items() if k not in {"model", "percent"}})
    return Rule(str(entry.get("model", "*")), int(entry.get("percent", 100)), fault)
