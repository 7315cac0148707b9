"""JSON Schemas (draft 2020-12) of documents and records, generated from the models.

Editors use them to complete and check documents while they are written. dpgate itself validates
with the models, which say more (that orders increase, that roles have keys), so whatever a schema
refuses the models refuse too. ``python -m dpgate.loading.schemas`` writes them.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from dpgate.loading.catalogue.schema import schema as catalogue
from dpgate.loading.documents import KINDS
from dpgate.model.record import (
    Authorship,
    Genesis,
    PolicyAdopted,
    PolicyApproval,
    PolicyRefusal,
    ReleaseApproval,
    ReleaseRefusal,
    Reserve,
    Sample,
    Settle,
    WaiverApproval,
    Withdraw,
)
from dpgate.model.values import Frozen

BASE = "https://dpgate.dev/schemas/"
FILES = {
    "Dataset": "dataset.schema.json",
    "PolicyTest": "policy-test.schema.json",
    "PrivacyPolicy": "privacy-policy.schema.json",
    "Release": "release.schema.json",
    "Waiver": "waiver.schema.json",
}


RECORDS: dict[str, type[BaseModel]] = {
    "record-genesis.schema.json": Genesis,
    "record-policy-adopted.schema.json": PolicyAdopted,
    "record-reserve.schema.json": Reserve,
    "record-settle.schema.json": Settle,
    "record-withdraw.schema.json": Withdraw,
    "record-sample.schema.json": Sample,
    "record-release-approval.schema.json": ReleaseApproval,
    "record-policy-approval.schema.json": PolicyApproval,
    "record-waiver-approval.schema.json": WaiverApproval,
    "record-release-refusal.schema.json": ReleaseRefusal,
    "record-policy-refusal.schema.json": PolicyRefusal,
    "record-authorship.schema.json": Authorship,
}
"""Predicates of the ledger's statements, and of approvals."""


def schemas() -> dict[str, dict[str, Any]]:
    """The schema of each kind of document and record, by file name."""
    documents = {FILES[kind]: model for kind, model in KINDS.items()}
    return {name: schema_of(name, model) for name, model in {**documents, **RECORDS}.items()}


def schema_of(name: str, model: type[BaseModel], *, written: bool = False) -> dict[str, Any]:
    """The schema of one model.

    Args:
        name: of its file.
        model: the model, of documents that people write or of what dpgate writes.
        written: by dpgate, which leaves out no key.
    """
    schema = _closed(
        model.model_json_schema(by_alias=True, mode="serialization" if written else "validation")
    )
    if written:
        _whole(schema)
    models = {inner.__name__: inner for inner in (*_subclasses(Frozen), *_within(model))}
    _describe(schema, model)
    for key, definition in schema.get("$defs", {}).items():
        _describe(definition, models[key])
    if "PolicySpec" in schema.get("$defs", {}):
        chosen = schema["$defs"]["PolicySpec"]["properties"]["catalogue"]
        schema["$defs"].pop("Chosen")
        schema["$defs"]["PolicySpec"]["properties"]["catalogue"] = {
            **catalogue(),
            "description": chosen["description"],
        }
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": BASE + name}
    return {**head, **schema}


def _whole(schema: dict[str, Any]) -> None:
    """Demand every key of every model: none is left out, whatever its default."""
    for each in (schema, *schema.get("$defs", {}).values()):
        if "properties" in each:
            each["required"] = list(each["properties"])


def _closed(schema: Any) -> Any:
    """Refuse keys that match no pattern, and drop `discriminator`, which is OpenAPI's."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(item) for key, item in schema.items() if key != "discriminator"}
    if "patternProperties" in made:
        made["additionalProperties"] = False
    return made


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Take the text under each attribute of a model as the description of its key.

    The models themselves leave it alone: reading their own source would slow every command.
    """
    texts = {name: text for base in reversed(model.__mro__) for name, text in _texts(base)}
    for name, field in model.model_fields.items():
        if name in texts:
            schema["properties"][field.alias or name]["description"] = texts[name]


def _texts(model: type) -> Iterator[tuple[str, str]]:
    """Attributes of a class of ours, each with the string that stands right below it."""
    if not model.__module__.startswith("dpgate."):
        return
    definition = ast.parse(inspect.getsource(model)).body[0]
    for above, below in itertools.pairwise(getattr(definition, "body", ())):
        match above, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)


def _subclasses(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for inner in model.__subclasses__():
        yield inner
        yield from _subclasses(inner)


def _within(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The models of a model's fields, however deep: another of the same name may exist elsewhere."""
    found: set[type[BaseModel]] = set()
    open_: list[Any] = [model]
    while open_:
        kind = open_.pop()
        open_ += get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in found:
            found.add(kind)
            open_ += [field.annotation for field in kind.model_fields.values()]
    return found


def rendered() -> dict[str, str]:
    """The text of each schema file."""
    return {
        name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas().items()
    }


def write(folder: Path) -> None:
    """Write every schema file into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in rendered().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas"))
