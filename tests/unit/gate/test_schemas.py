"""Schemas of results: as the models, and what the command line prints satisfies them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dpgate.evidence.page.write import as_json
from dpgate.gate import schemas
from dpgate.model.values import Frozen
from dpgate.report.json import rendered
from tests.suites.reporters import samples
from tests.team import MANIFEST, RELEASE, Team
from tests.unit.evidence.page import reports

FOLDER = Path(__file__).parents[3] / "schemas"


def holds(body: dict[str, Any]) -> None:
    """Raise unless a result satisfies the schema of its name, read from the tree."""
    name = str(body["schema"]).removeprefix("dpgate.").removesuffix("/v1")
    schema = json.loads((FOLDER / f"result-{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(body)


def test_the_files_equal_the_models(tmp_path: Path) -> None:
    schemas.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(schemas.RESULTS)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (FOLDER / path.name).read_bytes(), (
            "python -m dpgate.gate.schemas"
        )
        jsonschema.Draft202012Validator.check_schema(json.loads(path.read_bytes()))


@pytest.mark.parametrize(("kind", "result"), samples("words").items(), ids=samples("words"))
def test_every_kind_of_value_is_in_its_schema(kind: str, result: Frozen) -> None:
    body = json.loads(rendered(result.model_dump(mode="json", by_alias=True)))
    holds(body)
    assert schemas.RESULTS[f"result-{kind}.schema.json"] is type(result)
    with pytest.raises(jsonschema.ValidationError):
        holds({**body, "more": 1})
    for key in body:
        if key != "schema":
            with pytest.raises(jsonschema.ValidationError):
                holds({name: value for name, value in body.items() if name != key})


@pytest.mark.slow
def test_what_the_command_line_prints_satisfies_them(released_team: Team) -> None:
    team = released_team
    team.copy_manifest("second")
    team.copy_manifest("third")
    team.edit(
        MANIFEST.replace("vendor-testing", "third"), "purpose: vendor-testing", "purpose: fun"
    )
    (team.folder / "evidence.json").write_bytes(as_json(reports.release()))
    seen = set()
    for words in (
        ("check",),
        ("plan", RELEASE),
        ("plan", "clinic-visits/second"),
        ("plan", "clinic-visits/third"),
        ("plan", "--all"),
        ("policy", "test"),
        ("verify",),
        ("compare", str(team.folder), str(team.folder)),
        ("rehearse", RELEASE, "--epsilon", "1", "--with", "mst", "--runs", "1", "--rows", "500"),
        ("release", RELEASE, "--source", str(team.data), "--key", team.key_file("runner")),
    ):
        done = team.dpgate(*words, "--format", "json")
        body = json.loads(done.stdout)
        seen.add(body["schema"])
        holds(body)
    results = [name for name in schemas.RESULTS if name.startswith("result-")]
    assert len(seen) == len(results)


def test_evidence_that_is_written_satisfies_its_schema() -> None:
    schema = json.loads((FOLDER / "evidence.schema.json").read_text(encoding="utf-8"))
    for report in (reports.rehearsal(), reports.release(person_epsilon=None, title="")):
        jsonschema.Draft202012Validator(schema).validate(json.loads(as_json(report)))
