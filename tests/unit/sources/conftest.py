"""Servers that sources are tested against, thrown away afterwards."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    """A server on a socket in a folder of its own; it refuses to run as root, so nobody does."""
    if not shutil.which("initdb") or not shutil.which("postgres"):
        pytest.skip("PostgreSQL's server (initdb, postgres) is not installed")
    if not shutil.which("setpriv"):
        pytest.skip("setpriv, which runs PostgreSQL as another user than root, is not installed")
    pytest.importorskip("psycopg")
    # Short and outside pytest's folders: sockets have short paths, and the server is another user.
    folder = Path(tempfile.mkdtemp(prefix="dpgate-pg-"))
    switch = ["setpriv", "--pdeathsig", "INT"]  # it ends with this process, however that ends
    if os.geteuid() == 0:
        someone = pwd.getpwnam("nobody")
        os.chown(folder, someone.pw_uid, someone.pw_gid)
        user, group = f"--reuid={someone.pw_uid}", f"--regid={someone.pw_gid}"
        switch += [user, group, "--clear-groups"]
    data = str(folder / "data")
    made = ["initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    options = ("listen_addresses=", f"unix_socket_directories={folder}", "fsync=off")
    settings = [word for option in options for word in ("-c", option)]
    quiet: dict[str, Any] = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "cwd": folder,
    }
    try:
        subprocess.run([*switch, *made], check=True, timeout=60, **quiet)
        server = subprocess.Popen([*switch, "postgres", "-D", data, *settings], **quiet)
        try:
            found = Postgres(folder, "tester")
            _await(found)
            yield found
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await(server: Postgres) -> None:
    import psycopg

    for _ in range(300):
        with contextlib.suppress(psycopg.OperationalError):
            server.run("SELECT 1")
            return
        time.sleep(0.1)
    raise TimeoutError("PostgreSQL did not start within 30 seconds")
