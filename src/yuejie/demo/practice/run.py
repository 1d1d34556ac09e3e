"""Start a practice house, serve it until told to stop, and remove it."""

import os
import sys
from dataclasses import dataclass, replace
from shutil import rmtree
from typing import Final

from yuejie.app import database, running
from yuejie.beside import Beside, Wish, wish
from yuejie.demo.practice.furnish import admit
from yuejie.demo.practice.history import Past, Say
from yuejie.demo.practice.place import (
    Ports,
    is_filled,
    is_to_go,
    logins,
    note_filled,
    prepare,
    tell,
)
from yuejie.demo.tax import nuonuo
from yuejie.demo.tax.launch import tax_here
from yuejie.kernel.clock import Clock
from yuejie.logs import set_up
from yuejie.node import die_with_supervisor
from yuejie.settings import Settings
from yuejie.supervisor import SUPERVISOR, Program, Supervisor, programs

_TRUTH: Final = "tax.jsonl"
_LOG: Final = "practice.log"


@dataclass(frozen=True, slots=True)
class House:
    """A practice house that is ready to be served."""

    settings: Settings
    ports: Ports


def ready(settings: Settings, clock: Clock, ports: Ports, say: Say) -> House:
    """Make the house if it is not there yet; what was begun and not finished is begun anew.

    Logs go to files of its own: whoever started it reads where it is and how to log in.
    """
    die_with_supervisor()
    own = prepare(settings, ports)
    set_up(own.home / _LOG)

    def told(sentence: str) -> None:
        tell(own.home, sentence)
        say(sentence)

    simulators = wish(own.home, Beside.SIMULATORS, ports=1, by="practice")
    if not is_filled(own.home):
        _fill(own, clock, simulators, told)
    return House(own, ports)


def _fill(own: Settings, clock: Clock, simulators: Wish, say: Say) -> None:
    now = clock.now()
    say("准备数据库")
    with (
        running(own, lambda _: None),
        database(own, name="practice") as db,
        tax_here(own.home / _TRUTH, at=now, sellers=_sellers(own)) as tax,
    ):
        past = Past(db, _issuing_at(own, tax.url), tax, now, say)
        past.make(simulators.url)
        people = admit(db, own, now=now)
    note_filled(own.home, people)


def _issuing_at(own: Settings, url: str) -> Settings:
    """Return the settings with the tax office of the past, whose clock we turn."""
    place = {"fapiao_url": f"{url}{nuonuo.PATH}", "fapiao_token_url": f"{url}{nuonuo.TOKEN_PATH}"}
    return replace(own, fapiao=replace(own.fapiao, **place))


def serve(house: House, say: Say) -> None:
    """Serve the house until told to stop; one that is to go takes its folder along."""
    own, folder = house.settings, house.settings.home
    tell(folder, "正在启动")
    staff = [*programs(own), _tax(own, house.ports)]
    supervisor = Supervisor(own, lambda _: None, staff, log_folder=folder)
    supervisor.start()
    tell(folder, "")
    say(f"练习环境 {own.console_url}")
    for each in logins(folder):
        say(f"  {each.who}：{each.name}  密码 {each.password}")
    say(f"日志在 {folder}；按 Ctrl-C 停止")
    try:
        supervisor.run(lambda: is_to_go(folder))
    finally:
        if is_to_go(folder):
            rmtree(folder)


def _sellers(own: Settings) -> dict[str, str]:
    """Return the house's own name by its number: what the bureau would print on its fapiao."""
    return {own.seller_uscc: own.seller_name}


def _tax(own: Settings, ports: Ports) -> Program:
    """Return the simulated tax office as a process beside the others."""
    command = [sys.executable, "-m", "yuejie.demo.tax", "--port", str(ports.tax)]
    command += ["--truth", str(own.home / _TRUTH), "--callbacks", "never"]
    for number, name in _sellers(own).items():
        command += ["--seller", f"{number}={name}"]
    return Program("tax", command, dict(os.environ) | {SUPERVISOR: str(os.getpid())}, order=1)
