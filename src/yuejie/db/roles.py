"""The roles of the embedded server and their passwords.

`yuejie_owner` owns the database and runs migrations, `yuejie_app` does everything else with what
migrations granted it, `postgres` made those two and is used for nothing but that.
The passwords are random, in one file of mode 0600, and pass to the server only as SCRAM verifiers.
"""

import json
import os
import secrets
from pathlib import Path
from typing import Any, Final, Literal

from psycopg import Connection, sql

from yuejie.db.errors import EmbeddedUnavailable

Role = Literal["owner", "app", "superuser"]
NAMES: Final[dict[Role, str]] = {
    "owner": "yuejie_owner",
    "app": "yuejie_app",
    "superuser": "postgres",
}
DATABASE: Final = "yuejie"
_PASSWORD_BYTES: Final = 24

Passwords = dict[Role, str]


def make_passwords(path: Path) -> None:
    """Draw the passwords, unless the file is there; it appears whole or not at all."""
    if path.exists():
        return
    fresh = path.with_suffix(".incoming")
    fresh.unlink(missing_ok=True)
    drawn = {role: secrets.token_urlsafe(_PASSWORD_BYTES) for role in NAMES}
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(drawn, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_passwords(path: Path) -> Passwords:
    """Return the passwords of the three roles."""
    try:
        found: Passwords = json.loads(path.read_text())
    except FileNotFoundError:
        raise EmbeddedUnavailable(
            f"缺少数据库口令文件 {path}；请从备份恢复它，或指定正确的数据目录"
        ) from None
    except PermissionError:
        raise EmbeddedUnavailable(
            f"无权读取数据库口令文件 {path}；请以启动数据库的用户运行"
        ) from None
    return found


def make_roles(connection: Connection[Any], passwords: Passwords) -> None:
    """Make the two roles and the database where they are missing."""
    for role in ("owner", "app"):
        _make_role(connection, NAMES[role], passwords[role])
    known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
    if not known.rowcount:
        make = sql.SQL("CREATE DATABASE {} OWNER {}")
        connection.execute(make.format(sql.Identifier(DATABASE), sql.Identifier(NAMES["owner"])))


def _make_role(connection: Connection[Any], name: str, password: str) -> None:
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [name])
    if known.rowcount:
        return
    # Hashed here, so that the password itself appears in no statement and no log.
    verifier = connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    )
    make = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
    connection.execute(make.format(sql.Identifier(name), sql.Literal(verifier.decode())))
