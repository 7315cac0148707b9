"""The two files that evidence is kept in, as bytes."""

from __future__ import annotations

import json

from dpgate.evidence.page.render import render
from dpgate.evidence.report import EvidenceReport

JSON = "evidence.json"
HTML = "evidence.html"


def as_json(report: EvidenceReport) -> bytes:
    """`evidence.json`: UTF-8, sorted keys, decimals as text; the same report gives the same bytes.

    `EvidenceReport.model_validate_json` reads it.
    """
    body = report.model_dump(mode="json", by_alias=True)
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
    return text.encode("utf-8", "replace")


def files(report: EvidenceReport) -> dict[str, bytes]:
    """Both files, by name.

    Raises:
        MissingExtraError: Jinja is not installed.
    """
    return {JSON: as_json(report), HTML: render(report)}
