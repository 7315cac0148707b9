"""Reports: figures rounded against the reader's hopes, markup never obeyed, formats found by name."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import pytest
from rich.text import Text

from dpgate.errors import DocumentError, Problem, UsageError
from dpgate.gate import ledger_results, recommendation, results
from dpgate.model.finding import Finding
from dpgate.model.values import Frozen
from dpgate.report import interface, text
from dpgate.report.words import bar, findings, left, next_line, rounded_up, shown, tick


def written(result: Frozen, style: str = "text") -> str:
    out = io.StringIO()
    interface.get(style).result(result, out)
    return out.getvalue()


def test_costs_round_up_and_remainders_down() -> None:
    assert shown(Decimal("0.8200001")) == "0.83"
    assert shown(Decimal(0)) == "0.00"
    assert left(Decimal("7.1799999")) == "7.17"
    assert rounded_up("0.012341", 4) == "0.0124"
    assert tick(ok=True)[0] != tick(ok=False)[0]


@pytest.mark.parametrize(
    ("after", "limit", "filled"),
    [
        ("0", "8", 0),
        ("0.000001", "8", 1),
        ("4", "8", 11),
        ("8", "8", 22),
        ("9", "8", 22),
        ("0", "0", 22),
    ],
)
def test_a_bar_never_looks_emptier_than_the_budget_is(after: str, limit: str, filled: int) -> None:
    drawn = bar(Decimal(after), Decimal(limit))
    assert len(drawn) == 22
    assert drawn.count("█") == filled


def test_a_next_line_stands_only_where_there_is_a_next_step() -> None:
    assert list(next_line("")) == []
    assert [line.plain for line in next_line("go on")] == ["next: go on"]


@pytest.mark.parametrize(("level", "mark"), [("deny", "✗"), ("warn", "!")])
def test_a_finding_has_a_mark_a_place_a_rule_and_a_fix(level: str, mark: str) -> None:
    finding = Finding.model_validate(
        {"rule": "r-1", "level": level, "message": "m [bold]x[/bold]", "fix": "f", "file": "a.yaml",
         "line": 3, "column": 7}
    )  # fmt: skip
    first, second = (line.plain for line in findings([finding]))
    assert first == f"{mark} a.yaml:3:7  m [bold]x[/bold]   [r-1]"
    assert second == "    fix: f"


def test_every_result_of_a_verb_has_a_text() -> None:
    kinds = {
        kind
        for module in (results, ledger_results, recommendation)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Frozen) and "schema_" in kind.model_fields
    }
    assert len(kinds) >= 9
    assert kinds <= set(text._RENDER)
    names = [kind.model_fields["schema_"].default for kind in text._RENDER]
    assert len(set(names)) == len(names) >= len(kinds)
    assert all(name.startswith("dpgate.") and name.endswith("/v1") for name in names)


def test_formats_are_found_by_name() -> None:
    with pytest.raises(UsageError, match="no single report format sarif9") as missing:
        interface.get("sarif9")
    assert "json" in missing.value.fix
    assert "text" in missing.value.fix


def problem_report(style: str) -> str:
    out = io.StringIO()
    problems = (
        Problem(file="a.yaml", line=1, column=2, message="bad [red]x[/red]", fix="mend it"),
        Problem(message="nowhere in particular"),
    )
    interface.get(style).error(DocumentError(problems), out)
    return out.getvalue()


def test_an_error_lists_every_problem_with_its_place_and_fix() -> None:
    assert problem_report("text").splitlines() == [
        "error: 2 problems in the documents",
        "  a.yaml:1:2: bad [red]x[/red]",
        "      fix: mend it",
        "  nowhere in particular",
    ]
    body = json.loads(problem_report("json"))
    assert (body["error"], body["exit_code"]) == ("DocumentError", 2)
    assert body["problems"][0] == {
        "file": "a.yaml",
        "line": 1,
        "column": 2,
        "end_line": 0,
        "end_column": 0,
        "message": "bad [red]x[/red]",
        "fix": "mend it",
    }


def release(**fields: object) -> results.ReleaseResult:
    return results.ReleaseResult.model_validate({"release": "a/b", **fields})


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("released", "✓ a/b: released"),
        ("already-released", "✓ a/b: released already; nothing was spent"),
        ("gate-failed", "✗ a/b: the gate failed: nothing is released, and the attempt is spent"),
        ("denied", "✗ a/b: denied: nothing was spent, the data was not opened"),
    ],
)
def test_each_outcome_of_a_release_is_said_in_full(outcome: str, said: str) -> None:
    assert said in written(release(outcome=outcome))


def test_digests_of_files_stand_in_one_column() -> None:
    names = ("card.md", "data.jsonl-metadata.json")
    files = tuple({"name": name, "sha256": "sha256:5e1c"} for name in names)
    said = written(release(outcome="released", folder="/vendor", artifacts=files)).splitlines()
    first, second = (line for line in said if "sha256:5e1c" in line)
    assert first.index("sha256:") == second.index("sha256:")


def test_evidence_says_what_it_discloses() -> None:
    shown = written(
        release(
            outcome="gate-failed",
            reserve=2,
            settle=3,
            failures=("marginal_tvd 0.2 is above 0.1",),
            evidence=(
                {"metric": "schema_conformity", "disclosure": "public", "value": "1"},
                {"metric": "marginal_tvd", "order": 2, "disclosure": "dp", "value": "0.12341",
                 "low": "0.1", "high": "0.15001"},
                {"metric": "exact_tvd", "disclosure": "restricted"},
            ),
        )
    )  # fmt: skip
    assert "(entry 2 reserves, entry 3 settles)" in shown
    assert "✗ marginal_tvd 0.2 is above 0.1" in shown
    rows = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    assert "dp, charged" in rows["marginal"]
    assert "0.1235" in rows["marginal"]
    assert "0.1501" in rows["marginal"]
    assert "sealed" in rows["exact"]
    assert "public" in rows["schema"]


def test_a_ledger_with_an_open_reservation_says_so() -> None:
    result = ledger_results.LedgerResult.model_validate(
        {
            "root": "sha256:" + "0" * 64,
            "delta": Decimal("0.000001"),
            "scopes": (),
            "rows": (),
            "open": ({"entry": 4, "release": "a/b", "attempt": 2},),
        }
    )
    assert "! entry 4 (a/b, attempt 2) is open: running, or died and spent" in written(result)


def test_a_terminal_gets_colour_and_a_pipe_gets_none() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    result = results.CheckResult(allowed=True, documents=1, releases=(), findings=())
    out = Terminal()
    interface.get("text").result(result, out)
    assert "\x1b[" in out.getvalue()
    assert "\x1b" not in written(result)
    assert Text.from_ansi(out.getvalue()).plain.startswith("✓ allowed by the rules")


def test_json_is_one_document_with_decimals_as_text() -> None:
    row = {"key": "k", "title": "t", "before": Decimal("0.10"), "this": Decimal(1),
           "after": Decimal("1.10"), "limit": Decimal(8), "remaining": Decimal("6.9"),
           "fits": True}  # fmt: skip
    scope = results.ScopeRow.model_validate(row)
    body = json.loads(written(scope, "json"))
    assert (body["before"], body["limit"], body["remaining"]) == ("0.1", "8", "6.9")
