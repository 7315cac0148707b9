"""Servers that cannot be reached or lack what is asked for, and what is said of them."""

from __future__ import annotations

import contextlib
from functools import partial

import pytest

from dpgate.errors import DpgateError, MissingExtraError, SourceError
from dpgate.sources.interface import Sum
from dpgate.sources.open import describe, open_source
from tests.suites import worlds
from tests.unit.sources.conftest import Postgres
from tests.unit.sources.test_sql import CANARY, people


def refused(uri: str, columns: list[str] | None = None) -> DpgateError:
    with pytest.raises(DpgateError) as caught:
        describe(uri, worlds.dataset(), columns or ["age"])
    error = caught.value
    said = f"{error}{error.fix}{error.__context__}{error.__cause__}"
    assert "secret" not in said
    assert CANARY not in said
    return error


def test_a_server_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    for host in ("127.0.0.1:1", "none.invalid"):
        uri = f"postgresql://secret:secret@{host}/secret?table=secret&connect_timeout=2"
        assert "cannot be reached" in refused(uri).message
    assert capfd.readouterr() == ("", "")


def test_what_a_database_lacks(postgres: Postgres) -> None:
    assert "no such table" in refused(postgres.uri("secret")).message
    assert "names no table" in refused(postgres.uri("")).message
    assert "names no table" in refused(postgres.uri('"secret"; DROP TABLE typed')).message
    postgres.run(
        "DROP TABLE IF EXISTS lacking",
        "CREATE TABLE lacking (age text, job jsonb, grade interval, smokes text, name float8)",
        f"INSERT INTO lacking VALUES ('{CANARY}')",
    )
    uri = postgres.uri("lacking")
    assert refused(uri, ["age", "income"]).message.endswith("once each: income")
    assert refused(uri, ["age", "job", "grade", "smokes"]).message.endswith(
        "counted: age, job, grade, smokes"
    )
    with pytest.raises(SourceError, match=r"counted: age, name$"):
        describe(uri, people(1), ["age"])


def test_a_table_that_goes_away(postgres: Postgres, capfd: pytest.CaptureFixture[str]) -> None:
    postgres.store(worlds.table(worlds.rows(5)), "leaving")
    source = open_source(postgres.uri("leaving"), worlds.dataset(), list(worlds.COLUMNS))
    postgres.run("DROP TABLE leaving")
    total = Sum(column=0, by=(), per=1, low=0, high=9)
    for measure in (partial(source.count, [(0,)]), partial(source.sums, [total])):
        with pytest.raises(SourceError, match="unreadable while it was being counted") as caught:
            measure()
        assert "leaving" not in f"{caught.value}{caught.value.fix}{caught.value.__context__}"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["snowflake", "bigquery"])
def test_a_driver_that_is_missing(name: str) -> None:
    with contextlib.suppress(ImportError):
        __import__({"snowflake": "snowflake.connector", "bigquery": "google.cloud.bigquery"}[name])
        pytest.skip(f"the driver of {name} is installed")
    error = refused(f"{name}://secret:secret@account/db/schema?table=visits")
    assert isinstance(error, MissingExtraError)
    assert f"dpgate[{name}]" in f"{error}{error.fix}"
