"""What every report format must do, and results with hostile words in every place that holds words."""

from __future__ import annotations

import io
import re
import unicodedata
from abc import abstractmethod
from typing import Any

import pytest

from dpgate.errors import DocumentError, DpgateError, Problem, UndecidedError, UsageError
from dpgate.gate import results as r
from dpgate.gate.compare_results import CompareResult
from dpgate.gate.waiver_results import WaiverRow
from dpgate.model.finding import Finding
from dpgate.model.values import Frozen
from dpgate.report import interface

HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "[approve](https://evil.example/x) ![seal](https://evil.example/x.png)",
    "[approve]: https://evil.example",
    "@acme/owners please merge, closes #1, GH-2, acme/other#3, CVE-2024-12345",
    "a | b\n|---|---|\n| c | d |",
    "\\| \\` \\[ `` ` ``` \\",
    "</details></code></td></table><!-- dpgate:plan --><h1>approved</h1>",
    "end -->\n# Approved\n- [x] done\n> [!NOTE]\n> all is well",
    "::error file=a,line=1::b",
    "x\n::set-output name=a::b\r::stop-commands::t\n##[stop-commands]t",
    "%0A::error::x%25",
    "see https://evil.example or www.evil.example or a@evil.example",
    "]]></failure></testcase><testcase name='x'/>&lt;&amp;&quot;",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202egnp.exe \u200bzero \ufeff",
    "$\\href{https://evil.example}{x}$ $$x$$ :tada: :+1:",
    "\x00\x01\x7f\x85\u2028\u2029",
    "0123abc0123abc0123abc0123abc0123abc01234 deadbeef 1234567",
    "{0} {1} %SRCROOT% ${{ secrets.X }}",
    "**bold** _it_ ~~no~~ __x__ <https://evil.example>",
    "שלום abc",
    "z\u0300\u0301\u0302\u0303\u0304\u0305\u0306",
    "x" * 5_000,
    "",
)


def finding(words: str, **fields: Any) -> Finding:
    base = {"rule": "some-rule", "level": "deny", "message": words, "fix": words,
            "file": "releases/a/b/release.yaml", "line": 3, "column": 7, "end_line": 3,
            "end_column": 9, "release": "a/b", "help": words}  # fmt: skip
    return Finding.model_validate({**base, **fields})


def waiver(words: str) -> WaiverRow:
    return WaiverRow.model_validate(
        {"name": "w", "release": "a/b", "rule": "soft-rule", "reason": words, "ticket": words,
         "expires": "2027-01-01", "state": "in-force", "why": words,
         "path": "policies/waivers/w.yaml"}
    )  # fmt: skip


def findings(words: str) -> tuple[Finding, ...]:
    """One of each kind."""
    return (
        finding(words),
        finding(words, rule="soft-rule", level="warn", enforcement="soft", outcome="waived",
                waiver="policies/waivers/w.yaml"),
        finding(words, rule="broken-rule", outcome="error", line=0, column=0, end_line=0,
                end_column=0),
        finding(words, rule="advice", level="warn", enforcement="advisory",
                file=f"releases/{words}/dataset.yaml"),
    )  # fmt: skip


def rules(words: str) -> tuple[r.RuleRow, ...]:
    return (
        r.RuleRow(id="some-rule", title=words or "t", help=f"{words} https://a.example/r#x"),
        r.RuleRow(id="kept-rule", title=words or "t"),
        r.RuleRow(id="soft-rule", title="Soft", enforcement="soft"),
        r.RuleRow(id="of-policy", title="Of the policy", about="documents"),
        r.RuleRow(id="of-other", title="Of another dataset", dataset="other"),
    )


def plan(words: str, **fields: Any) -> r.PlanResult:
    scope = {"title": words, "before": "0.5", "this": "0.25", "after": "0.75", "limit": "2",
             "remaining": "1.25", "fits": True}  # fmt: skip
    over = {**scope, "after": "2.5", "this": "2", "remaining": "0", "fits": False}
    noise = [{"order": 1, "half_width": "3"},
             {"query": "q", "what": words, "half_width": "3.5", "unit": words}]  # fmt: skip
    marginal = {"columns": ["a", words or "b"], "named": True, "cells": 4, "records": "1",
                "records_95": "2", "tvd": "0.001", "tvd_95": "0.002"}  # fmt: skip
    base: dict[str, Any] = {
        "release": "a/b", "verdict": "denied", "delta": "0.000001", "orders": [2, 4],
        "scopes": [{"key": "p/all=*/lifetime", **scope}, {"key": "p/x=*/lifetime", **over}],
        "epsilon": "1", "claimed_epsilon": "0.5", "release_delta": "0.000000001",
        "relation": "add-remove", "unit": words, "row": words, "rows_per_person": 3,
        "truncated": False, "person_epsilon": "3", "row_epsilon": "0.8", "noise": noise,
        "marginals": [marginal], "rows_at_most": 1000, "evidence_share": "0.1",
        "approvals": [{"role": "privacy", "needed": 2, "have": 1, "by": ["SHA256:x"]}],
        "rejected": [{"path": "releases/a/b/approvals/x.dsse.json", "reason": words}],
        "findings": findings(words), "waivers": [waiver(words)], "attempts": 1,
        "open": [{"entry": 4, "release": "a/b", "attempt": 2}], "entry": None,
        "series": {"period": words, "rows": [{"release": "a/c", "period": words, "attempts": 1,
                                              "epsilon": "1"}], "epsilon": "2"},
        "policy_note": words, "rules": rules(words), "next": words,
    }  # fmt: skip
    return r.PlanResult.model_validate_json(_json({**base, **fields}))


def samples(words: str) -> dict[str, Frozen]:
    """A result of each kind that a view exists of, with these words wherever words can stand."""
    evidence = ({"metric": words, "order": 2, "disclosure": "dp", "value": "0.1", "low": "0.05",
                 "high": "0.15"}, {"metric": "exact", "disclosure": "restricted"})  # fmt: skip
    step = {"number": 1, "name": "chain", "status": "pass", "detail": words}
    return {
        "check": r.CheckResult(allowed=False, documents=3, releases=("a/b", "a/c"),
                               findings=(*findings(words), finding(words, release="")),
                               rules=rules(words), waivers=(waiver(words),)),
        "plan": plan(words),
        "plans": r.PlansResult(changed_since=words, plans=(plan(words), plan("x", release="a/c")),
                               delta=plan("x").delta, together=plan(words).scopes,
                               rules=rules(words)),
        "release": r.ReleaseResult(release="a/b", outcome="gate-failed", reserve=2, settle=3,
                                   artifacts=({"name": words, "sha256": "sha256:0"},),
                                   evidence=evidence, failures=(words or "x",), notes=(words,),
                                   plan=plan(words), next=words),
        "verify": r.VerifyResult.model_validate(
            {"verified": False, "authenticated": False, "root": "sha256:0", "head": "sha256:1",
             "entries": 2, "releases": ("a/b",), "exit_code": 3, "next": words,
             "steps": tuple(r.Step.model_validate(s) for s in (
                 step,
                 {**step, "number": 2, "status": "fail", "name": "sums", "file": "x.json"},
                 {**step, "number": 3, "status": "skip", "name": "checkpoint"}))}),
        "compare": comparison(words),
    }  # fmt: skip


def comparison(words: str) -> CompareResult:
    """Two reports that cannot be compared, and a row with every mark."""
    report = {"letter": "A", "path": words, "name": words, "kind": "release", "outcome": words,
              "stand_in": words, "synthesizer": words, "rows": 10, "columns": 2, "epsilon": "1",
              "delta": "0.000001", "relation": words, "unit": words, "person_epsilon": "2",
              "person_delta": "0.000001", "rows_per_person": 2, "unprotected_bits": 1, "judged": 2,
              "met": 1, "sealed": 1}  # fmt: skip
    cell = {"disclosure": "dp", "value": "0.1", "low": "0.05", "high": "0.2", "limit": "0.15",
            "passed": False, "rho": "0.001", "best": True, "close": False}  # fmt: skip
    near = {
        **cell,
        "disclosure": "public",
        "rho": None,
        "passed": True,
        "best": False,
        "close": True,
    }
    sealed = {**cell, "disclosure": "restricted", "value": None, "low": None, "high": None,
              "limit": None, "passed": None, "rho": None, "best": False}  # fmt: skip
    row = {"metric": "m", "title": words, "kind": "utility", "better": "low", "cells": [cell, near]}
    lone = {**row, "kind": "attack", "better": "high", "cells": [None, sealed]}
    plain = {**report, "letter": "B", "kind": "rehearsal", "person_epsilon": None,
             "person_delta": None, "unprotected_bits": 0}  # fmt: skip
    return CompareResult.model_validate_json(_json(
        {"reports": [report, plain], "rows": [row, lone, {**row, "better": "neither"}],
         "comparable": False, "apart": [words], "differences": [words]}
    ))  # fmt: skip


def errors(words: str) -> tuple[DpgateError, ...]:
    problem = Problem(file="releases/a/b/release.yaml", line=2, column=5, end_line=2, end_column=9,
                      message=words, fix=words)  # fmt: skip
    return (DocumentError((problem, Problem(message=words))), UndecidedError(words, fix=words))


def _json(value: Any) -> str:
    import json

    def plain(item: Any) -> Any:
        return item.model_dump(mode="json", by_alias=True)

    return json.dumps(value, default=plain)


class ReporterSuite:
    """Subclass it for a format."""

    name: str
    """The format."""
    shows: frozenset[str] = frozenset(("check", "plan", "plans", "release", "verify"))
    """Of the samples' kinds, those that it shows."""

    @abstractmethod
    def read(self, text: str) -> None:
        """Read a report as its readers do; raises if it is none."""

    def written(self, result: Frozen) -> str:
        out = io.StringIO()
        interface.get(self.name).result(result, out)
        return out.getvalue()

    def error(self, error: DpgateError, verb: str = "plan") -> str:
        out = io.StringIO()
        interface.get(self.name).error(error, out, verb)
        return out.getvalue()

    def outputs(self, words: str) -> list[str]:
        """Every report with these words in it."""
        shown = [result for kind, result in samples(words).items() if kind in self.shows]
        return [*map(self.written, shown), *map(self.error, errors(words))]

    def test_it_says_what_it_shows(self) -> None:
        for kind in samples("x"):
            if kind in self.shows:
                interface.get(self.name, kind)
                assert self.name in interface.names(kind)
            else:
                with pytest.raises(UsageError, match=f"format {self.name} cannot show") as refused:
                    interface.get(self.name, kind)
                assert "json" in refused.value.fix
                assert self.name not in refused.value.fix.partition(": ")[2].split(", ")

    @pytest.mark.slow
    @pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
    def test_hostile_words_make_no_other_report(self, words: str) -> None:
        calm = self.outputs("words")
        for text, twin in zip(self.outputs(words), calm, strict=True):
            self.read(text)
            assert text.endswith("\n")
            assert not [c for c in text if unicodedata.category(c) == "Cc" and c != "\n"]
            assert self.commands(text) == self.commands(twin)
        assert self.outputs(words) == self.outputs(words)

    def commands(self, text: str) -> list[str]:
        """Workflow commands that a CI runner would obey, by name."""
        assert "##[" not in text
        return re.findall(r"^\s*::([^ :]*)", text, re.MULTILINE)

    def test_an_error_names_every_problem(self) -> None:
        text = self.error(errors("words")[0])
        self.read(text)
        assert "releases/a/b/release.yaml" in text
        assert "words" in text
