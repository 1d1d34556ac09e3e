"""Where the programs come from, who runs them, and what happens when he cannot reach them."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.postgres import open_folder
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.errors import EmbeddedUnavailable
from yuejie.db.programs import WHEEL, Identity, open_annex, programs_for, wheel_folder

NOBODY = Identity.choose("nobody", Path("/nonexistent"))


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture
def private(folder: Path) -> Path:
    """A home like root's, which nobody else may enter."""
    private = folder / "root"
    private.mkdir(mode=0o700)
    return private


@pytest.fixture
def private_wheel(private: Path) -> Path:
    """A virtual environment under a private home."""
    packages = private / "venv" / "lib" / "python3.11" / "site-packages"
    installed = wheel_folder()
    only = shutil.ignore_patterns("pginstall18", "include", "*.a", "pgxs")
    shutil.copytree(installed, packages / WHEEL, ignore=only)
    libraries = installed.parent / f"{WHEEL}.libs"
    shutil.copytree(libraries, packages / libraries.name)
    return packages / WHEEL


def test_a_server_starts_from_a_private_home(
    folder: Path, private: Path, private_wheel: Path
) -> None:
    """Root's server runs from the annex as somebody else; a person's own runs where it is."""
    annex = folder / "annex"
    told: list[str] = []
    server = EmbeddedPostgres(
        private / "data", fast=True, wheel=private_wheel, annex=annex, progress=told.append
    )
    expected = annex if os.geteuid() == 0 else private
    for _ in range(2):
        with server, psycopg.connect(server.url("owner"), autocommit=True) as connection:
            program = Path(f"/proc/{server.pid}/exe").readlink()
            socket = Path(str(psycopg.conninfo.conninfo_to_dict(server.url())["host"]))
            connection.execute("CREATE TABLE IF NOT EXISTS kept (n INT)")
            assert expected in program.parents
            assert expected in socket.parents
            assert expected in (private / "data" / "data").resolve().parents
            assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    assert len(told) == (2 if os.geteuid() == 0 else 1), "the data was made once"
    copies = sorted(path.name.split("-")[0] for path in annex.iterdir()) if annex.exists() else []
    assert copies == (["data", "postgres"] if os.geteuid() == 0 else [])


def test_an_annex_that_cannot_be_entered_is_named(private: Path, private_wheel: Path) -> None:
    """Root is told what to change; a person needs no annex."""
    annex = private / "annex"
    if NOBODY.uid is None:
        assert programs_for(NOBODY, private_wheel, annex).root.parent == private_wheel
        return
    with pytest.raises(EmbeddedUnavailable, match=r"既进不了.*也进不了.*普通用户"):
        programs_for(NOBODY, private_wheel, annex)
    server = EmbeddedPostgres(private / "data", annex=annex)
    with pytest.raises(EmbeddedUnavailable, match=r"既进不了.*也进不了.*普通用户"):
        server.start()


def test_an_annex_of_somebody_else_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    with pytest.raises(EmbeddedUnavailable, match="属于别的用户"):
        open_annex(folder)


def test_an_annex_that_cannot_be_made_is_named(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(EmbeddedUnavailable, match=r"无法在.*存放"):
        open_annex(folder / "file" / "annex")


def test_root_is_never_the_server(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    chosen = Identity.choose("nobody", folder / "none")
    assert chosen.name == "nobody"
    assert chosen.uid
    with pytest.raises(EmbeddedUnavailable, match="没有用户“no-such-user”"):
        Identity.choose("no-such-user", folder / "none")


def test_data_of_a_person_is_served_by_that_person(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """`sudo yuejie serve` on data that yuejie made without sudo."""
    if os.geteuid() == 0:
        os.chown(folder, 1, 1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert Identity.choose("nobody", folder).uid == folder.stat().st_uid != 0


def test_a_person_is_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert Identity.choose("nobody", Path("/")) == Identity()


def test_a_number_without_a_name_makes_no_database() -> None:
    with pytest.raises(EmbeddedUnavailable, match=r"用户编号 4000000 .*/etc/passwd"):
        Identity(4_000_000, 4_000_000).require_name()


def test_a_missing_wheel_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EmbeddedUnavailable, match="make setup"):
        wheel_folder()
    with pytest.raises(EmbeddedUnavailable, match="没有 PostgreSQL 16 的程序"):
        programs_for(Identity(), folder, folder)


def test_programs_for_another_machine_are_refused(folder: Path) -> None:
    programs = folder / "pginstall" / "bin"
    programs.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (programs / name).write_bytes(b"\x7fELF of another processor")
        (programs / name).chmod(0o755)
    with pytest.raises(EmbeddedUnavailable, match="无法在本机运行"):
        programs_for(Identity(), folder, folder)
