"""Every format in the abstract suite, and what is particular to those for machines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema
import pytest

from dpgate.gate import results as r
from dpgate.report.github import command, data
from dpgate.report.view import view
from tests.suites.reporters import ReporterSuite, errors, finding, plan, samples
from tests.unit.evidence.page.pages import checked

ASSETS = Path(__file__).parents[2] / "assets"
SARIF = jsonschema.Draft4Validator(
    json.loads((ASSETS / "sarif-2.1.0.schema.json").read_text(encoding="utf-8"))
)


EVERY = ReporterSuite.shows | {"compare"}


class TestText(ReporterSuite):
    name = "text"
    shows = EVERY

    def read(self, text: str) -> None:
        assert text.strip()


class TestJson(ReporterSuite):
    name = "json"
    shows = EVERY

    def read(self, text: str) -> None:
        assert json.loads(text)["schema"].startswith("dpgate.")


class TestHtml(ReporterSuite):
    name = "html"
    shows = frozenset(("compare",))

    def read(self, text: str) -> None:
        checked(text.encode())

    def test_it_shows_comparisons_alone(self) -> None:
        with pytest.raises(TypeError, match="PlanResult"):
            self.written(plan("x"))

    def test_every_number_has_its_class_its_cost_and_its_marks(self) -> None:
        text = checked(self.written(samples("words")["compare"]).encode()).text()
        for told in ("0.1 ★ ✗ 0.05 to 0.2", "0.1 ≈", "◐ dp ρ 0.001", "○ public ρ 0", "sealed",
                     "■ restricted covered by no ρ", "values cannot be compared: words",
                     "1 plus 1 unprotected bit", "A passing attack test proves nothing"):  # fmt: skip
            assert told in text


class TestGithub(ReporterSuite):
    name = "github"

    def read(self, text: str) -> None:
        *lines, last = text.splitlines()
        assert last.startswith("dpgate ")
        for line in lines:
            assert re.match(
                r"::(error|warning|notice) [A-Za-z]+=[^:,]*(,[A-Za-z]+=[^:,]*)*::", line
            )

    def test_a_finding_is_on_its_line(self) -> None:
        first = self.written(samples("50% of a: b, c\nd")["plan"]).splitlines()[0]
        assert first == (
            "::error file=releases/a/b/release.yaml,line=3,endLine=3,col=7,endColumn=9,"
            "title=dpgate some-rule::50%25 of a: b, c%0Ad%0Afix: 50%25 of a: b, c%0Ad"
        )

    def test_what_is_said_of_whom(self) -> None:
        said = self.commands(self.written(plan("x")))
        assert said == ["error", "notice", "error", "warning", "error", "notice"]
        assert self.commands(self.error(errors("x")[0])) == ["error", "error", "error"]

    def test_commands_are_escaped_as_a_runner_reads_them(self) -> None:
        def undone(text: str) -> str:
            for mark, code in ((":", "%3A"), (",", "%2C"), ("\n", "%0A"), ("\r", "%0D")):
                text = text.replace(code, mark)
            return text.replace("%25", "%")

        for words in ("a,b=c::d\n::error::x%0A", "100%", "\r\n%3A"):
            line = command("error", words, {"title": words})
            found = re.fullmatch(r"::error title=([^:,\n]*)::([^\n]*)\n", line)
            assert found
            assert undone(found[1]) == undone(found[2]) == words
            assert data(words) == found[2]


class TestJunit(ReporterSuite):
    name = "junit"

    def read(self, text: str) -> None:
        root = ElementTree.fromstring(text)
        assert root.tag == "testsuites"
        for element in (root, *root.iter("testsuite")):
            cases = list(element.iter("testcase"))
            assert int(element.attrib["tests"]) == len(cases)
            for count, child in (
                ("failures", "failure"),
                ("errors", "error"),
                ("skipped", "skipped"),
            ):
                assert int(element.attrib[count]) == len(list(element.iter(child)))
        for case in root.iter("testcase"):
            assert case.attrib["name"]
            assert case.attrib["classname"]
            assert len(case) <= 1

    def cases(self, text: str) -> dict[str, str]:
        """How each case of the first release ended."""
        suite = next(
            suite
            for suite in ElementTree.fromstring(text).iter("testsuite")
            if suite.attrib["name"] in ("a/b", "ledger", "dpgate")
        )
        return {
            case.attrib["name"].partition(":")[0]: case[0].tag if len(case) else "passed"
            for case in suite
        }

    def test_rules_that_hold_are_cases_that_passed(self) -> None:
        assert self.cases(self.written(samples("x")["plan"])) == {
            "some-rule": "failure",
            "kept-rule": "passed",
            "soft-rule": "skipped",
            "approval-privacy": "failure",
            "broken-rule": "error",
            "advice": "system-out",
            "open-reservation": "failure",
        }
        names = re.findall(r'testsuite name="([^"]*)"', self.written(samples("x")["check"]))
        assert names == ["documents", "a/b", "a/c"]
        assert "of-other" not in self.written(samples("x")["check"])

    def test_steps_of_a_verification_are_cases(self) -> None:
        ended = list(self.cases(self.written(samples("x")["verify"])).values())
        assert ended == ["passed", "failure", "skipped"]

    def test_an_error_without_a_place_is_a_case_too(self) -> None:
        assert list(self.cases(self.error(errors("x")[1])).values()) == ["error"]


class TestSarif(ReporterSuite):
    name = "sarif"
    shows = frozenset(("check", "plan", "plans", "release"))

    def read(self, text: str) -> None:
        log = json.loads(text)
        faults = [error.message for error in SARIF.iter_errors(log)]
        assert faults == []
        run = log["runs"][0]
        names = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert len(set(names)) == len(names)
        prints = [found["partialFingerprints"]["dpgateFinding/v1"] for found in run["results"]]
        assert len(set(prints)) == len(prints)
        for found in run["results"]:
            assert names[found["ruleIndex"]] == found["ruleId"]
            assert not re.search(r"(?<!\\)\[[^\]\\]*\]\(", found["message"]["text"])
            for location in found["locations"]:
                address = location["physicalLocation"]["artifactLocation"]["uri"]
                assert re.fullmatch(r"[A-Za-z0-9._~/%-]*", address)

    def run(self, text: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(text)["runs"][0]
        return found

    def test_a_result_has_its_region_and_a_waived_one_its_reason(self) -> None:
        run = self.run(self.written(samples("why")["plan"]))
        first, waived, broken, _, _ = run["results"]
        place = first["locations"][0]["physicalLocation"]
        assert place["region"] == {"startLine": 3, "startColumn": 7, "endLine": 3, "endColumn": 9}
        assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
        (suppression,) = waived["suppressions"]
        assert suppression["justification"] == "why (why, until 2027-01-01)"
        assert (suppression["kind"], waived["level"]) == ("external", "warning")
        assert "region" not in broken["locations"][0]["physicalLocation"]
        assert run["invocations"][0]["exitCode"] == 1
        assert run["automationDetails"]["id"] == "dpgate/plan/"
        rule = run["tool"]["driver"]["rules"][0]
        assert rule["helpUri"] == "https://a.example/r#x"
        assert rule["defaultConfiguration"]["level"] == "error"

    def test_an_error_is_a_run_that_failed_with_its_regions(self) -> None:
        run = self.run(self.error(errors("x")[0]))
        assert run["invocations"][0]["executionSuccessful"] is False
        assert run["results"][0]["locations"][0]["physicalLocation"]["region"]["endColumn"] == 9
        undecided = self.run(self.error(errors("x")[1]))
        assert undecided["results"] == []
        assert undecided["invocations"][0]["exitCode"] == 4
        assert "toolExecutionNotifications" in undecided["invocations"][0]

    def test_fingerprints_stay_when_lines_move_and_figures_change(self) -> None:
        def prints(**fields: Any) -> list[str]:
            result = r.CheckResult(
                allowed=False, documents=1, releases=("a/b",),
                findings=(finding("ε 1.25 of 1", **fields), finding("ε 7 of 1", **fields)),
            )  # fmt: skip
            found = self.run(self.written(result))["results"]
            return [each["partialFingerprints"]["dpgateFinding/v1"] for each in found]

        assert prints() == prints(line=30, column=1, end_line=31)
        assert prints() != prints(rule="other")
        assert prints() != prints(file="releases/a/c/release.yaml")

    def test_a_path_is_one_in_an_address(self) -> None:
        result = r.CheckResult(
            allowed=False, documents=1, releases=(),
            findings=(finding("x", file="releases/ü b/#?%/release.yaml"),),
        )  # fmt: skip
        found = self.run(self.written(result))["results"][0]
        address = found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert unquote(address) == "releases/ü b/#?%/release.yaml"
        assert "#" not in address

    def test_a_fault_found_for_two_manifests_stands_once(self) -> None:
        one = finding("x", file="releases/a/dataset.yaml")
        result = r.CheckResult(
            allowed=False, documents=1, releases=("a/b", "a/c"),
            findings=(one, one.model_copy(update={"release": "a/c"})),
        )  # fmt: skip
        assert len(self.run(self.written(result))["results"]) == 1


def test_a_view_of_anything_else_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="RuleRow"):
        view(r.RuleRow(id="x", title="x"))
