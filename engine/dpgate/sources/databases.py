"""Databases by connection string: `postgresql://user@host/database?table=schema.table`.

Credentials come from the address or from the environment, and stand in no message.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode

from dpgate.errors import MissingExtraError

if TYPE_CHECKING:
    from dpgate.sources.sql import SqlTable

SCHEMES = {
    "postgresql": "postgres",
    "postgres": "postgres",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
}
"""Schemes of addresses, and the extra that brings the driver, named like its Ibis backend."""

_DRIVERS = {
    "postgres": "psycopg",
    "snowflake": "snowflake.connector",
    "bigquery": "google.cloud.bigquery",
}
_READ_ONLY = "-c default_transaction_read_only=on"


def connect_to(address: SplitResult, table: Sequence[str]) -> SqlTable:
    """The table that an address names; nothing is opened yet.

    Args:
        address: of one of `SCHEMES`.
        table: parts of the table's name, from its `?table=`.

    Raises:
        MissingExtraError: the driver is not installed.
    """
    name = SCHEMES[address.scheme]
    try:
        import ibis

        importlib.import_module(_DRIVERS[name])
    except ImportError:
        raise MissingExtraError(extra=name, what=f"reading a {name} database") from None
    from dpgate.sources.sql import SqlTable

    *database, last = table

    @contextlib.contextmanager
    def connected() -> Iterator[Any]:
        if name == "postgres":
            engine = ibis.postgres.connect(**_postgres(address))
        else:
            options: dict[str, Any] = {}
            if name == "snowflake":
                options["create_object_udfs"] = False
            password = os.environ.get("SNOWFLAKE_PASSWORD")
            if name == "snowflake" and password and not address.password:
                options["password"] = password
            engine = ibis.connect(_without_table(address), **options)
        try:
            yield engine.table(last, database=_schema(database))
        finally:
            engine.disconnect()

    return SqlTable(connected)


def _schema(parts: Sequence[str]) -> str | tuple[str, ...] | None:
    return tuple(parts) if len(parts) > 1 else next(iter(parts), None)


def _postgres(address: SplitResult) -> dict[str, Any]:
    """Arguments of a connection; libpq takes what is missing from the environment (PGPASSWORD)."""
    given: dict[str, Any] = {k: v for k, v in parse_qsl(address.query) if k != "table"}
    for key, value in (
        ("host", address.hostname),
        ("user", address.username),
        ("password", address.password),
        ("database", address.path.removeprefix("/")),
    ):
        if value:
            given[key] = unquote(value)
    port = given.pop("port", None) or address.port or os.environ.get("PGPORT") or 5432
    return {**given, "port": int(port), "options": _READ_ONLY}


def _without_table(address: SplitResult) -> str:
    query = [(key, value) for key, value in parse_qsl(address.query) if key != "table"]
    return address._replace(query=urlencode(query)).geturl()
