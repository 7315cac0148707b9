"""Two tables that fit together, those that do not, and the cells of both."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dpgate.loading.documents import load
from dpgate.model.dataset import Dataset
from dpgate.model.joined import JoinedRows
from dpgate.model.tables import tables_of
from tests.suites import members


def changed(old: str, new: str) -> str:
    """The first problem of a changed document."""
    assert old in members.DOCUMENT
    text = members.DOCUMENT.replace(old, new)
    with pytest.raises(Exception, match=r".") as caught:
        load("dataset.yaml", text.encode())
    error: Any = caught.value
    return str(error.problems[0].message)


JOINED = "columns: [claim, service, cost, paid, billed_on, settled_on, share_left, waited]"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("column: member, ", "", "it needs unit.column, the key"),
        ("max_rows_per_person: 1,", "max_rows_per_person: 2,", "has one row a person"),
        ("[claim, service", "[claim, servise", "servise is no column of this dataset"),
        ("[claim, service", "[member, claim, service", "member is the key, which both tables have"),
        ("table: claims", "table: cost", "cost is a column as well as a table"),
        ("table: claims", "table: persons", "persons is the first table"),
        ("table: claims", "table: Claims", "a table's name"),
        (JOINED, "columns: [claim, claim]", "columns must be listed once each"),
        (JOINED, "columns: [claim]", "claims has no column with a domain"),
        (JOINED, f"columns: [age, plan, region, joined_on, {JOINED[10:]}",
         "persons has no column with a domain"),
        ("- cost >= paid", "- joined_on <= billed_on",
         "the constraint joined_on <= billed_on is about both"),
        ("share_left, waited]", "share_left]",
         "waited is derived from billed_on, which a person has many of"),
        ("max_rows_per_person: 6", "max_rows_per_person: 1001", "up to 1,000"),
    ],
)  # fmt: skip
def test_tables_that_do_not_fit(old: str, new: str, said: str) -> None:
    assert said in changed(old, new)


def test_context_names_columns_once() -> None:
    assert JoinedRows().share * 2 == 1
    with pytest.raises(ValidationError, match="once each"):
        JoinedRows(context=("age", "age"))
    with pytest.raises(ValidationError):
        JoinedRows.model_validate({"share": 0})


def test_columns_and_cells_of_both_tables() -> None:
    dataset = members.dataset()
    tables = tables_of(dataset, members.COLUMNS, ("plan", "claims"))
    assert tables is not None
    assert tables.names == ("persons", "claims")
    assert tables.persons == ("member", "age", "plan", "region", "joined_on")
    assert tables.rows == ("member", *members.COLUMNS[5:])
    assert tables.persons_domain.names == ("age", "plan", "region", "joined_on", "claims")
    assert tables.rows_domain.names[:4] == ("plan", "claims", "service", "cost")
    assert tables.persons_domain.sizes[-1] == members.AT_MOST + 1
    plain = dataset.model_dump(mode="python", by_alias=True)
    plain["spec"]["joined"] = None
    assert tables_of(Dataset.model_validate(plain), members.COLUMNS) is None
