"""JSON: a result's own fields. `schema` names shape and version; decimals are strings."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any, TextIO

from dpgate.errors import DpgateError
from dpgate.model.values import Frozen


class JsonReporter:
    """One JSON document, indented, with a newline."""

    shows = None

    def result(self, result: Frozen, out: TextIO) -> None:
        """Write what a verb returned."""
        out.write(rendered(result.model_dump(mode="json", by_alias=True)))

    def error(self, error: DpgateError, out: TextIO, verb: str = "") -> None:  # noqa: ARG002 - the same of all
        """Write why a verb could not do its work."""
        body = {
            "schema": "dpgate.error/v1",
            "error": type(error).__name__,
            "message": error.message,
            "fix": error.fix,
            "exit_code": error.exit_code,
            "problems": [asdict(problem) for problem in error.problems],
        }
        out.write(rendered(body))


def rendered(body: Any) -> str:
    """JSON for a file or a log: invisible characters stand escaped, and what begins a runner's commands."""
    text = json.dumps(body, indent=2, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


# `##[` begins a command anywhere within a line of a log; the others end a line for some readers.
_ESCAPED = re.compile("(?<=#)#(?=\\[)|[\x7f-\x9f\u2028\u2029]")
