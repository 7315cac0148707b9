"""JSON Schemas (draft 2020-12) of the documents, generated from the models.

Editors use them to complete and check documents while they are written. dpgate itself validates
with the models, which say more (that orders increase, that roles have keys), so whatever a schema
refuses the models refuse too. ``python -m dpgate.loading.schemas`` writes them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from dpgate.loading.documents import KINDS

BASE = "https://dpgate.dev/schemas/"
FILES = {
    "Dataset": "dataset.schema.json",
    "PrivacyPolicy": "privacy-policy.schema.json",
    "Release": "release.schema.json",
}


def schemas() -> dict[str, dict[str, Any]]:
    """The schema of each kind of document, by file name."""
    return {
        FILES[kind]: {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": BASE + FILES[kind],
            **_closed(model.model_json_schema(by_alias=True)),
        }
        for kind, model in KINDS.items()
    }


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
