"""Servers that sources are tested against, thrown away afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

_SQL = {
    "int64": "bigint",
    "int32": "integer",
    "double": "double precision",
    "string": "text",
    "bool": "boolean",
    "date32[day]": "date",
    "timestamp[us]": "timestamp",
    "timestamp[us, tz=UTC]": "timestamptz",
}


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL server.

    Attributes:
        folder: holds its socket.
        user: its superuser.
    """

    folder: Path
    user: str

    def uri(self, table: str) -> str:
        """The address of a table."""
        return f"postgresql://{self.user}@/postgres?host={self.folder}&table={table}"

    def run(self, *statements: str) -> None:
        """Executes SQL."""
        import psycopg

        place = f"host={self.folder} user={self.user} dbname=postgres"
        with psycopg.connect(place, autocommit=True) as engine:
            for statement in statements:
                engine.execute(statement)

    def store(self, rows: pa.Table, table: str) -> None:
        """Makes a table anew; decimals become numbers of any size."""
        import psycopg

        columns = ", ".join(
            f'"{field.name}" {_SQL.get(str(field.type), "numeric")}' for field in rows.schema
        )
        self.run(f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} ({columns})")
        place = f"host={self.folder} user={self.user} dbname=postgres"
        with psycopg.connect(place) as engine:
            marks = ", ".join(["%s"] * len(rows.schema))
            made = [tuple(row.values()) for row in rows.to_pylist()]
            engine.cursor().executemany(f"INSERT INTO {table} VALUES ({marks})", made)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server on a socket in a folder of its own; it refuses to run as root, so somebody else does."""
    if not shutil.which("initdb") or not shutil.which("pg_ctl"):
        pytest.skip("PostgreSQL's server (initdb, pg_ctl) is not installed")
    pytest.importorskip("psycopg")
    root = os.geteuid() == 0
    if root and not shutil.which("setpriv"):
        pytest.skip("PostgreSQL does not run as root, and setpriv is not installed")
    # Short and outside pytest's folders: sockets have short paths, and the server is another user.
    folder = Path(tempfile.mkdtemp(prefix="dpgate-pg-"))
    someone = pwd.getpwnam("nobody")
    switch = ["setpriv", f"--reuid={someone.pw_uid}", f"--regid={someone.pw_gid}", "--clear-groups"]
    switch = switch if root else []
    if root:
        os.chown(folder, someone.pw_uid, someone.pw_gid)
    data = str(folder / "data")

    def run(*words: str) -> None:
        subprocess.run(
            [*switch, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=60
        )

    try:
        run("initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield Postgres(folder, "tester")
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
