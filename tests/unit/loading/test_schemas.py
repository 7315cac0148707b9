"""The schemas in the tree are those of the models, valid, and never stricter than the models."""

from __future__ import annotations

import base64
import functools
import json
import re
import runpy
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dpgate.errors import DocumentError
from dpgate.loading import schemas as made
from dpgate.loading.documents import KINDS, load
from dpgate.loading.schemas import FILES, RECORDS, write
from dpgate.loading.wording import PATTERNS
from dpgate.loading.yaml import Value, parse

ROOT = Path(__file__).parents[3]
ASSETS = ROOT / "tests" / "assets"
GOOD = sorted((ASSETS / "documents").glob("*.yaml"))
BAD = sorted((ASSETS / "malformed").glob("*.yaml"))
LIVE = sorted([*(ROOT / "policies").glob("**/*.yaml"), *(ROOT / "releases").glob("*/**/*.yaml")])


schemas = functools.cache(made.schemas)  # a second each time
rendered = functools.cache(made.rendered)


def as_json(value: Value) -> Any:
    """A document as a JSON Schema validator sees it."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [as_json(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def schema_accepts(value: Value) -> bool:
    assert isinstance(value, dict)
    schema = schemas()[FILES[str(value["kind"])]]
    return bool(jsonschema.Draft202012Validator(schema).is_valid(as_json(value)))


@pytest.mark.parametrize("name", FILES.values())
def test_the_files_equal_the_models(name: str) -> None:
    assert (ROOT / "schemas" / name).read_text(encoding="utf-8") == rendered()[name]


@pytest.mark.parametrize("name", FILES.values())
def test_the_schemas_are_valid(name: str) -> None:
    schema = schemas()[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"https://dpgate.dev/schemas/{name}"
    assert schema["description"]


def test_every_kind_has_a_schema() -> None:
    assert set(FILES) == set(KINDS)


def test_keys_are_spelled_as_in_documents() -> None:
    text = rendered()["release.schema.json"]
    assert '"with"' in text
    assert "with_" not in text


def test_every_pattern_has_words() -> None:
    files = rendered()
    text = "".join(files[name] for name in FILES.values()).replace("\\\\", "\\")
    found = set(re.findall(r'"pattern": "(.*)"', text))
    assert found <= set(PATTERNS)


@pytest.mark.parametrize("path", [*GOOD, *LIVE], ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_good_documents_satisfy_both(path: Path) -> None:
    loaded = load(path.name, path.read_bytes())
    assert schema_accepts(loaded.parsed.value)


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_what_a_schema_refuses_the_model_refuses(path: Path) -> None:
    try:
        value = parse(path.name, path.read_bytes()).value
    except DocumentError:
        return  # never reaches a schema
    if value.get("kind") in KINDS and not schema_accepts(value):
        with pytest.raises(DocumentError):
            load(path.name, path.read_bytes())


@pytest.mark.parametrize(
    "name", ["unknown-key", "missing-key", "text-for-number", "bad-column-name", "unlisted-choice"]
)
def test_the_schema_finds_ordinary_mistakes(name: str) -> None:
    data = (ASSETS / "malformed" / f"{name}.yaml").read_bytes()
    assert not schema_accepts(parse(name, data).value)


def test_they_are_written_where_one_says(tmp_path: Path) -> None:
    write(tmp_path / "new")
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {*FILES.values(), *RECORDS}


def test_every_record_of_the_example_ledger_satisfies_its_schema() -> None:
    for path in sorted((ROOT / "releases" / "ledger").iterdir()):
        statement = json.loads(base64.b64decode(json.loads(path.read_bytes())["payload"]))
        kind = statement["predicateType"].split("/")[-2]
        schema = schemas()[f"record-{kind}.schema.json"]
        jsonschema.Draft202012Validator(schema).validate(statement["predicate"])


def test_the_module_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["schemas", str(tmp_path)])
    monkeypatch.delitem(sys.modules, "dpgate.loading.schemas")
    runpy.run_module("dpgate.loading.schemas", run_name="__main__")
    assert (tmp_path / "release.schema.json").read_text("utf-8") == rendered()[
        "release.schema.json"
    ]
