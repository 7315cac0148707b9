"""JSON: a result's own fields. `schema` names shape and version; decimals are strings."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TextIO

from dpgate.errors import DpgateError
from dpgate.model.values import Frozen


class JsonReporter:
    """One JSON document, indented, with a newline."""

    shows = None

    def result(self, result: Frozen, out: TextIO) -> None:
        """Write what a verb returned."""
        out.write(
            json.dumps(result.model_dump(mode="json", by_alias=True), indent=2, ensure_ascii=False)
            + "\n"
        )

    def error(self, error: DpgateError, out: TextIO) -> None:
        """Write why a verb could not do its work."""
        body = {
            "schema": "dpgate.error/v1",
            "error": type(error).__name__,
            "message": error.message,
            "fix": error.fix,
            "exit_code": error.exit_code,
            "problems": [asdict(problem) for problem in error.problems],
        }
        out.write(json.dumps(body, indent=2, ensure_ascii=False) + "\n")
