"""SARIF 2.1.0: findings on lines and columns, as code scanning and editors read them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, TextIO
from urllib.parse import quote

from dpgate import __version__
from dpgate.errors import DpgateError
from dpgate.gate.results import RuleRow
from dpgate.gate.waiver_results import WaiverRow
from dpgate.model.finding import Finding
from dpgate.model.values import Frozen
from dpgate.report.json import rendered
from dpgate.report.view import SHOWN, View, view, view_of_error

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT = "%SRCROOT%"
_LINK = re.compile(r"https?://[^\s<>\"']+")
_SHOWN = SHOWN - {"verify"}
"""What a ledger holds is on no line of a file in the work tree."""
_EXIT = ("allowed", "denied", "invalid input or usage", "integrity failure", "could not decide")


class SarifReporter:
    """One log with one run."""

    shows = _SHOWN

    def result(self, result: Frozen, out: TextIO) -> None:
        """Write what a verb returned."""
        _write(view(result), out)

    def error(self, error: DpgateError, out: TextIO, verb: str = "") -> None:
        """Write why a verb could not do its work."""
        _write(view_of_error(error, verb), out)


def _write(shown: View, out: TextIO) -> None:
    rules = shown.rules()
    numbers = {rule.id: number for number, rule in enumerate(rules)}
    seen: Counter[str] = Counter()
    results = [_result(f, numbers[f.rule], seen, shown.waivers) for f in shown.findings() if f.file]
    driver = {
        "name": "dpgate",
        "semanticVersion": __version__,
        "shortDescription": {"text": "Policy as code for differentially private data"},
        "rules": [_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"dpgate/{shown.verb}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The release repository."}}},
        "invocations": [_invocation(shown)],
        "results": results,
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    out.write(rendered(log))


def _invocation(shown: View) -> dict[str, Any]:
    told: dict[str, Any] = {
        "executionSuccessful": not shown.failure,
        "exitCode": shown.exit_code,
        "exitCodeDescription": _EXIT[shown.exit_code],
    }
    # A result is on a line of some file, or readers refuse it.
    said = [shown.failure, *(_words(finding) for finding in shown.findings() if not finding.file)]
    notes = [{"level": "error", "message": {"text": _unlinked(words)}} for words in said if words]
    if notes:
        told["toolExecutionNotifications"] = notes
    return told


def _rule(rule: RuleRow) -> dict[str, Any]:
    level = "warning" if rule.enforcement == "advisory" else "error"
    told: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "help": {"text": rule.help or rule.title},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["privacy"], "enforcement": rule.enforcement},
    }
    if link := _LINK.search(rule.help):
        told["helpUri"] = quote(link[0], safe=":/?#[]@!$&'()*+,;=%~")
    return told


def _result(
    finding: Finding, number: int, seen: Counter[str], waivers: Mapping[str, WaiverRow]
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": "error" if finding.level == "deny" else "warning",
        "message": {"text": _unlinked(_words(finding))},
        "partialFingerprints": {"dpgateFinding/v1": _fingerprint(finding, seen)},
        "locations": [{"physicalLocation": _place(finding)}],
        "properties": {"enforcement": finding.enforcement, "outcome": finding.outcome},
    }
    if finding.outcome == "waived":
        told["suppressions"] = [_suppression(finding.waiver, waivers)]
    return told


def _words(finding: Finding) -> str:
    return finding.message + (f"\nfix: {finding.fix}" if finding.fix else "")


def _place(finding: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(finding.file)}
    if finding.line:
        region = {
            "startLine": finding.line,
            "startColumn": finding.column,
            "endLine": finding.end_line,
            "endColumn": finding.end_column,
        }
        place["region"] = {key: value for key, value in region.items() if value}
    return place


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(path, errors="backslashreplace"), "uriBaseId": _ROOT}


def _suppression(waiver: str, waivers: Mapping[str, WaiverRow]) -> dict[str, Any]:
    row = waivers.get(waiver)
    why = f"{row.reason} ({row.ticket}, until {row.expires})" if row else f"waived by {waiver}"
    return {
        "kind": "external",
        "status": "accepted",
        "justification": why,
        "location": {"physicalLocation": {"artifactLocation": _artifact(waiver)}},
    }


def _fingerprint(finding: Finding, seen: Counter[str]) -> str:
    """The same as long as rule, file and words are: lines may move and numbers change."""
    words = re.sub(r"\d[\d.,]*", "#", finding.message)
    key = "\0".join((finding.rule, finding.file, words))
    seen[key] += 1
    return hashlib.sha256(f"{key}\0{seen[key]}".encode("utf-8", "backslashreplace")).hexdigest()[
        :32
    ]


def _unlinked(text: str) -> str:
    """Text in which no words of a document become a link, as `[words](address)` would."""
    if "](" not in text:
        return text
    return text.replace("[", "\\[").replace("]", "\\]")
