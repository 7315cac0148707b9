"""`--output`: several reports of one run, whole or not at all, whatever its end."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete

from dpgate.cli.main import cli
from dpgate.errors import UndecidedError
from tests.team import MANIFEST, RELEASE, Team
from tests.unit.cli.conftest import Run


def body(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_several_reports_beside_the_one_on_standard_output(run: Run, team: Team) -> None:
    folder = team.folder
    words = ("--output", f"json={folder / 'a.json'}", "--output", f"text={folder / 'b.txt'}")
    ended = run("check", *words, at=team.clone)
    assert ended.code == 0
    assert ended.out == (folder / "b.txt").read_text(encoding="utf-8")
    assert body(folder / "a.json") == run("check", "--format", "json").json
    assert not list(folder.glob(".*.part"))


def test_a_denial_is_reported_too(run: Run, team: Team) -> None:
    team.edit(MANIFEST, "purpose: vendor-testing", "purpose: fun")
    out = team.folder / "a.json"
    assert run("check", "--output", f"json={out}", at=team.clone).code == 1
    assert body(out)["allowed"] is False
    assert run("plan", RELEASE, "--output", f"json={out}").code == 1
    assert body(out)["verdict"] == "denied"


@pytest.mark.parametrize("words", [("check",), ("plan", RELEASE), ("plan", "--all")])
def test_an_error_is_reported_too(run: Run, team: Team, words: tuple[str, ...]) -> None:
    team.edit(MANIFEST, "  purpose: vendor-testing", "  purpose: [1]")
    out = team.folder / "a.json"
    ended = run(*words, "--output", f"json={out}", at=team.clone)
    assert ended.code == 2
    assert "error: 1 problem in the documents" in ended.err
    assert body(out)["schema"] == "dpgate.error/v1"
    assert body(out)["problems"][0]["line"] == 7


def test_misuse_is_reported_as_far_as_it_was_understood(run: Run, team: Team) -> None:
    out = team.folder / "a.json"
    ended = run("plan", "--output", f"json={out}", at=team.clone)
    assert ended.code == 2
    assert "Usage:" in ended.err
    assert body(out)["message"] == "give one of: RELEASE…, --all, --changed REF"


@pytest.mark.parametrize("end", [KeyboardInterrupt(), click.Abort(), KeyError("patient 17")])
def test_whatever_ends_a_run_its_reports_are_written(
    run: Run, team: Team, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise end

    monkeypatch.setattr("dpgate.gate.check.check", fail)
    out = team.folder / "a.json"
    ended = run("check", "--output", f"json={out}", at=team.clone)
    assert ended.code == (4 if isinstance(end, KeyError) else 130)
    assert body(out)["exit_code"] == 4
    assert "patient" not in out.read_text(encoding="utf-8")


def test_a_dash_is_standard_output_in_place_of_the_format(run: Run, team: Team) -> None:
    ended = run("check", "--output", "json=-", at=team.clone)
    assert ended.json["schema"] == "dpgate.check/v1"
    team.edit(MANIFEST, "  purpose: vendor-testing", "  purpose: [1]")
    assert run("check", "--output", "json=-").json["schema"] == "dpgate.error/v1"
    for words in (
        ("--output", "json=-", "--output", "text=-"),
        ("--format", "text", "--output", "json=-"),
        ("--output", "json=-", "--format", "text"),
    ):
        ended = run("check", *words)
        assert (ended.code, ended.out) == (2, "")
        assert "two reports for standard output" in ended.err


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("json", "expected FORMAT=PATH, not 'json'"),
        ("=x", "expected FORMAT=PATH"),
        ("json=", "expected FORMAT=PATH"),
        ("yaml=x", "no single report format yaml; formats of check: "),
        ("json=no/such/folder/x.json", "the folder of no/such/folder/x.json does not exist"),
        ("json=policies", "policies is no file that a report could be written to"),
        ("json=/dev/null", "/dev/null is no file that a report could be written to"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_any_work(
    run: Run, team: Team, monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    def work(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("dpgate.gate.check.check", work)
    ended = run("check", "--output", value, at=team.clone)
    assert (ended.code, ended.out) == (2, "")
    assert said in " ".join(ended.err.split())


def test_one_place_takes_one_report(run: Run, team: Team) -> None:
    ended = run("check", "--output", "json=x", "--output", "text=x", at=team.clone)
    assert ended.code == 2
    assert "two reports for" in ended.err
    assert body(team.clone / "x")["error"] == "UsageError"


def test_a_report_that_cannot_be_written_blocks_and_spoils_no_other(
    run: Run, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = team.folder / "good.json", team.folder / "bad.json"
    bad.write_text("before")
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target == bad:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    words = ("--output", f"json={bad}", "--output", f"json={good}")
    ended = run("check", *words, at=team.clone)
    assert ended.code == 4
    assert f"no report could be written to {bad}" in ended.err
    assert body(good)["schema"] == "dpgate.check/v1"
    assert bad.read_text() == "before"
    assert not list(team.folder.glob(".*.part"))

    def fail(*_: object, **__: object) -> None:
        raise UndecidedError("the first")

    monkeypatch.setattr("dpgate.gate.check.check", fail)
    ended = run("check", *words)
    assert ended.code == 4
    assert "the first" in ended.err
    assert "no report could be written" in ended.err
    assert body(good)["message"] == "the first"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_refused(run: Run, team: Team) -> None:
    place = team.folder / "closed"
    place.mkdir(mode=0o500)
    ended = run("check", "--output", f"json={place}/x.json", at=team.clone)
    assert ended.code == 2
    assert "may not be written to" in ended.err


def test_a_report_has_the_permissions_of_any_new_file(run: Run, team: Team) -> None:
    out = team.folder / "a.json"
    before = os.umask(0o027)
    try:
        run("check", "--output", f"json={out}", at=team.clone)
    finally:
        os.umask(before)
    assert out.stat().st_mode & 0o777 == 0o640


def completions(*words: str) -> list[str]:
    shell = ShellComplete(cli, {}, "dpgate", "_DPGATE_COMPLETE")
    *before, last = words
    return [item.value for item in shell.get_completions(list(before), last)]


def test_formats_and_places_are_completed(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(team.clone)
    assert {"json=", "text="} <= set(completions("check", "--output", ""))
    assert completions("check", "--output", "js") == ["json="]
    assert completions("check", "--output", "json=pol") == ["json=policies/"]
    assert completions("check", "--output", "json=policies/org") == [
        "json=policies/organization.yaml"
    ]
    assert completions("plan", "--format", "js") == ["json"]
    assert completions("ledger", "show", "--format", "") == ["text", "json"]
    assert RELEASE in completions("plan", "")
