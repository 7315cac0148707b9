"""All reports of one run, as a job of a pull request would have them, for every end a run can have."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from dpgate.report import interface
from tests.team import MANIFEST, POLICY, RELEASE, Team
from tests.unit.cli.conftest import Run

FORMATS = ("markdown", "sarif", "junit", "github", "json", "text")
SARIF = jsonschema.Draft4Validator(
    json.loads(
        (Path(__file__).parents[2] / "assets" / "sarif-2.1.0.schema.json").read_text("utf-8")
    )
)
HOSTILE = (
    r'"</details><script>x</script> @acme/owners [ok](https://evil.example) #1 | x | `y`'
    r'\n::error::z\n##[stop-commands]t"'
)


def places(folder: Path) -> dict[str, Path]:
    return {name: folder / f"report.{name}" for name in FORMATS}


def words(folder: Path) -> list[str]:
    return [w for name, path in places(folder).items() for w in ("--output", f"{name}={path}")]


def reports(folder: Path) -> dict[str, str]:
    """All reports, each read as its readers do."""
    found = {name: path.read_text(encoding="utf-8") for name, path in places(folder).items()}
    assert [e.message for e in SARIF.iter_errors(json.loads(found["sarif"]))] == []
    ElementTree.fromstring(found["junit"])
    assert found["markdown"].startswith("<!-- dpgate:")
    for text in found.values():
        assert "##[" not in text
    return found


RULE = """
  rules:
    - id: no-title
      title: No title
      assert: release.title == ''
      message: "the title is {release.title}"
      at: purpose
"""


def test_a_check_of_a_hostile_manifest_has_all_its_reports(run: Run, team: Team) -> None:
    team.edit(POLICY, "\nspec:\n", f"\nspec:{RULE}")
    team.edit(MANIFEST, "metadata: {", f"metadata: {{title: {HOSTILE}, ")
    ended = run("check", *words(team.folder), at=team.clone)
    assert ended.code == 1, ended.err
    found = reports(team.folder)
    (result,) = json.loads(found["sarif"])["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    lines = (team.clone / MANIFEST).read_text(encoding="utf-8").splitlines()
    line = lines[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "vendor-testing"
    for text in found.values():
        assert "the title is" in text
    assert "<script>" not in found["markdown"]
    assert "[ok](" not in found["markdown"]
    told = [line for line in found["github"].splitlines() if line.lstrip().startswith("::")]
    assert len(told) == 1
    assert told[0].startswith(f"::error file={MANIFEST},line={region['startLine']},")
    assert not [line for line in ended.out.splitlines() if line.lstrip().startswith("::")]
    suites = ElementTree.fromstring(found["junit"])
    assert [
        case.attrib["name"] for case in suites.iter("testcase") if case.find("failure") is not None
    ] == ["no-title: No title"]


@pytest.mark.parametrize("command", [("check",), ("plan", RELEASE), ("plan", "--changed", "HEAD")])
def test_malformed_documents_are_in_every_report(
    run: Run, team: Team, command: tuple[str, ...]
) -> None:
    team.edit(MANIFEST, "  purpose: vendor-testing", f"  purpose: vendor-testing\n  {HOSTILE}: 1")
    ended = run(*command, *words(team.folder), at=team.clone)
    assert ended.code == 2
    found = reports(team.folder)
    assert found["markdown"].startswith(f"<!-- dpgate:{command[0]} -->")
    assert "<script>" not in found["markdown"]
    run_ = json.loads(found["sarif"])["runs"][0]
    assert run_["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 8
    assert run_["invocations"][0]["exitCode"] == 2
    assert 'line="8"' in found["junit"]
    commands = [line for line in found["github"].splitlines() if line.startswith("::")]
    assert all(line.startswith("::error ") for line in commands)
    assert ",line=8,endLine=8,col=3," in found["github"]


def test_an_undecided_run_has_its_reports_too(run: Run, team: Team) -> None:
    team.remote.rename(team.folder / "away")
    assert run("plan", "--all", *words(team.folder), at=team.clone).code == 4
    assert "could not decide" in reports(team.folder)["markdown"]


@pytest.mark.parametrize("style", FORMATS)
def test_every_format_stands_on_standard_output(run: Run, team: Team, style: str) -> None:
    ended = run("plan", "--all", "--format", style, at=team.clone)
    assert (ended.code, ended.err) == (1, "")
    assert (RELEASE if style != "sarif" else "dpgate/plan/") in ended.out


def test_a_format_that_cannot_show_a_result_is_refused(run: Run, team: Team) -> None:
    ended = run("verify", "--output", f"sarif={team.folder / 'x'}", at=team.clone)
    assert ended.code == 2
    told = " ".join(ended.err.split())
    assert "format sarif cannot show verify" in told
    assert "formats of verify: github, json, junit, markdown, text" in told


@pytest.mark.parametrize(
    "command", ["check", "plan", "release", "verify", "policy test", "policy diff"]
)
def test_help_names_the_formats_that_can_show_the_result(
    run: Run, team: Team, command: str
) -> None:
    told = " ".join(run(*command.split(), "--help", at=team.clone).out.split())
    shown = told.partition("--format FORMAT ")[2].partition("[default")[0]
    for name in interface.names(command.replace(" ", "-")):
        assert (name if name not in ("json", "text") else name.upper()[:1]) in shown
    rest = set(interface.names()) - set(interface.names(command.replace(" ", "-")))
    assert not [name for name in rest if name in shown]
