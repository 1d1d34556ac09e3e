"""LiteLLM's proxy, one worker, a master key, no database: it keeps no record of what was used."""

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.figures import Skipped
from bench.rivals.rival import Rival, process
from yuejie.demo.simulators.launch import free_port

VERSION: Final = "1.109.1"
KEY: Final = "sk-bench"
UNPINNED: Final = frozenset({"certifi", "litellm-proxy-extras", "litellm-enterprise"})
"""Pinned to their last day's release, which not every mirror has; none is on a request's path."""
INSTALL_SECONDS: Final = 900
_REQUIRES: Final = "import importlib.metadata as m, json; print(json.dumps(m.requires('litellm')))"


@contextmanager
def running(upstream: int, folder: Path) -> Iterator[Rival]:
    """Have LiteLLM before an upstream for the length of a block."""
    programs = _installed()
    port = free_port()
    config = folder / "litellm.json"
    model = {
        "model_name": "gpt-4o",
        "litellm_params": {
            "model": "openai/gpt-4o",
            "api_base": f"http://127.0.0.1:{upstream}/v1",
            "api_key": "sk-upstream",
        },
    }
    # JSON is YAML.
    config.write_text(json.dumps({"model_list": [model], "general_settings": {"master_key": KEY}}))
    command = [str(programs / "litellm"), "--config", str(config), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--num_workers", "1", "--telemetry", "False"]
    environ = os.environ | {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
    }
    ready = f"http://127.0.0.1:{port}/health/liveliness"
    with process(command, environ, folder / "litellm.log", ready) as pid:
        yield Rival("LiteLLM", port, KEY, pid)


def _installed() -> Path:
    """Return LiteLLM's programs, installed into a cache folder of their own the first time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    # The same interpreter for both: an optimised build alone is half as fast again.
    home = cache / "yuejie-bench" / f"litellm-{VERSION}-python{platform.python_version()}"
    programs, complete = home / "bin", home / "complete"
    if complete.exists():
        return programs
    print(f"正在把 LiteLLM {VERSION} 安装到 {home} …", flush=True)
    try:
        _run([sys.executable, "-m", "venv", "--clear", str(home)])
        pip = [
            str(programs / "python"),
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "-q",
        ]
        _run([*pip, "--no-deps", f"litellm=={VERSION}"])
        _run([*pip, *_needs(programs / "python")])
    except subprocess.SubprocessError as error:
        why = getattr(error, "stderr", None) or str(error)
        raise Skipped(f"LiteLLM {VERSION} 未能安装，未与之比较：{why.strip()[-300:]}") from error
    complete.touch()
    return programs


def _needs(python: Path) -> list[str]:
    """Return what LiteLLM's proxy requires, without the pins that mirrors may lack."""
    needs = []
    for requirement in json.loads(_run([str(python), "-c", _REQUIRES])):
        need, _, marker = requirement.partition(";")
        if "extra" in marker and "'proxy'" not in marker:
            continue
        name = re.split(r"[\[<>=!~ ]", need)[0]
        marker = re.sub(r"\s*(and )?extra == 'proxy'", "", marker).strip()
        bare = name if name in UNPINNED else need.strip()
        needs.append(f"{bare} ; {marker}" if marker else bare)
    return needs


def _run(command: list[str]) -> str:
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS
    ).stdout
