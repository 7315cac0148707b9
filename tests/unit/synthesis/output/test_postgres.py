"""The SQL script in a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dpgate.synthesis.output.files import write
from tests.unit.synthesis.output.test_formats import FACTS, NAMES, plain, rows

if TYPE_CHECKING:
    from tests.unit.sources.conftest import Postgres


def test_postgresql_reads_every_value_as_it_was(tmp_path: Path, postgres: Postgres) -> None:
    import psycopg

    # PostgreSQL prints no year beyond 9999 and every text but NUL.
    table = rows(2500)
    write(table, tmp_path, ["sql"], FACTS)
    script = (tmp_path / "data.sql").read_bytes()
    postgres.run("DROP TABLE IF EXISTS data")
    place = f"host={postgres.folder} user={postgres.user} dbname=postgres"
    with psycopg.connect(place, autocommit=True) as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute(script)
        cursor = engine.execute('SELECT * FROM "data"')
        assert [column.name for column in cursor.description or ()] == NAMES
        found = [dict(zip(NAMES, row, strict=True)) for row in cursor]
        types = engine.execute(
            "SELECT data_type, is_nullable FROM information_schema.columns "
            "WHERE table_name = 'data' ORDER BY ordinal_position"
        ).fetchall()
    assert found == plain(table)
    assert types == [
        ("character varying", "NO"),
        ("bigint", "YES"),
        ("double precision", "YES"),
        ("boolean", "YES"),
        ("date", "YES"),
        ("timestamp with time zone", "YES"),
        ("timestamp without time zone", "YES"),
        ("timestamp without time zone", "YES"),
        ("numeric", "YES"),
        ("character varying", "YES"),
    ]


def test_a_script_that_cannot_run_leaves_no_table(tmp_path: Path, postgres: Postgres) -> None:
    import psycopg
    import pytest

    write(rows(), tmp_path, ["sql"], FACTS)
    script = (tmp_path / "data.sql").read_bytes()
    postgres.run("DROP TABLE IF EXISTS data")
    place = f"host={postgres.folder} user={postgres.user} dbname=postgres"
    with psycopg.connect(place, autocommit=True) as engine:
        with pytest.raises(psycopg.Error):
            engine.execute(script.replace(b"COMMIT;", b"SELECT 1/0;\nCOMMIT;"))
        engine.execute("ROLLBACK")
        found = engine.execute("SELECT to_regclass('data')").fetchone()
    assert found == (None,)
