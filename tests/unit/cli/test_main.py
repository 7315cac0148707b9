"""The command as a whole: help, exit codes, errors in both forms, no traceback ever."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from dpgate import __version__
from dpgate.cli import main as cli
from dpgate.cli.options import complete_role
from dpgate.errors import UndecidedError
from tests.team import RELEASE, Team
from tests.unit.cli.conftest import Run


def commands(group: click.Command = cli.cli, *path: str) -> list[tuple[str, ...]]:
    """Every command and group by its words."""
    found = [path]
    if isinstance(group, click.Group):
        for name in group.list_commands(click.Context(group)):
            inner = group.get_command(click.Context(group), name)
            assert inner is not None
            found += commands(inner, *path, name)
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(run: Run, words: tuple[str, ...]) -> None:
    ended = run(*words, "--help")
    assert ended.code == 0
    assert f"Usage: dpgate {' '.join(words)}".strip() in ended.out
    group = not words or words in (("policy",), ("ledger",), ("evidence",))
    if not group:
        assert "Example" in ended.out
        assert f"\n  dpgate {' '.join(words)}" in ended.out.replace("\n    ", "\n  ")
    assert "\b" not in ended.out
    assert r"\b" not in ended.out
    assert run(*words, "-h") == ended


def test_the_command_alone_lists_commands_in_order_of_work_and_exit_codes(run: Run) -> None:
    ended = run("--help")
    order = re.findall(r"^  ([a-z]+)  ", ended.out, re.MULTILINE)
    assert order[:5] == ["init", "keygen", "recommend", "mock", "rehearse"]
    assert order[5:7] == ["check", "plan"]
    assert "2 invalid input or usage   3 integrity failure   4 could not decide" in ended.out


def test_version(run: Run) -> None:
    assert run("--version").out == f"dpgate, version {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("plan",),
        ("plan", "a/b", "--format", "yaml"),
        ("verify", "--root", "sha256:12"),
        ("verify", "--root", "x" * 64),
        ("approve", "a/b", "--role", "privacy"),
        ("ledger", "recover", "--entry", "one", "--key", "k"),
        ("release", "a/b"),
        ("completion", "tcsh"),
    ],
)
def test_misuse_ends_with_2_and_says_how_to_use_it(run: Run, words: tuple[str, ...]) -> None:
    ended = run(*words)
    assert ended.code == 2
    assert ended.out == ""
    assert "Usage:" in ended.err


def test_an_error_is_text_on_standard_error_or_json_on_standard_output(
    run: Run, tmp_path: Path
) -> None:
    ended = run("check", at=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: no policies/organization.yaml in")
    assert "\n  fix: " in ended.err
    for form in (("--format", "json"), ("--format=json",)):
        told = run("check", *form, at=tmp_path)
        assert told.code == told.json["exit_code"] == 2
        assert told.err == ""
        assert told.json["schema"] == "dpgate.error/v1"
        assert told.json["error"] == "UsageError"
        assert told.json["message"] in ended.err
        assert told.json["problems"] == []


def test_malformed_documents_are_listed_with_their_places(run: Run, fresh_team: Team) -> None:
    path = "releases/clinic-visits/vendor-testing/release.yaml"
    fresh_team.edit(path, "  purpose: vendor-testing", "  purpose: [1]\n  porpoise: 2")
    ended = run("check", at=fresh_team.clone)
    assert ended.code == 2
    assert f"  {path}:7:12: " in ended.err
    told = run("check", "--format", "json")
    assert {problem["line"] for problem in told.json["problems"]} == {7, 8}


def test_a_missing_key_file_is_a_usage_error(run: Run, team: Team) -> None:
    ended = run("approve", RELEASE, "--role", "privacy", "--key", "none", at=team.clone)
    assert ended.code == 2
    assert "cannot read key none: No such file" in ended.err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UndecidedError("cannot tell", fix="ask"), 4, "error: cannot tell\n  fix: ask\n"),
        (KeyboardInterrupt(), 130, "\ninterrupted\n"),
        (click.Abort(), 130, "interrupted\n"),
        (BrokenPipeError(), 141, ""),
        (PermissionError(13, "Permission denied", "/x"), 4, "error: Permission denied: /x\n"),
    ],
)
def test_whatever_ends_a_command_has_a_code(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("dpgate.gate.check.check", fail)
    ended = run("check")
    assert (ended.code, ended.out, ended.err) == (code, "", said)


def test_what_nobody_foresaw_is_reported_without_its_message(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("patient 17 of the north clinic")

    monkeypatch.setattr("dpgate.gate.check.check", fail)
    ended = run("check")
    assert ended.code == 4
    assert "KeyError at test_main.py:" in ended.err
    assert "patient" not in ended.err + ended.out
    assert "Traceback" not in ended.err


@pytest.mark.slow
def test_the_process_itself_ends_with_the_code(team: Team) -> None:
    assert team.dpgate("check").returncode == 0
    assert team.dpgate("plan", RELEASE).returncode == 1
    assert team.dpgate("plan", "no/such").returncode == 2
    root = "sha256:" + "0" * 64
    assert team.dpgate("verify", "--root", root).returncode == 3
    assert team.dpgate("verify", env={"DPGATE_STATE": str(team.folder / "none")}).returncode == 4


@pytest.mark.slow
def test_output_that_a_terminal_cannot_show_is_no_failure(team: Team) -> None:
    done = team.dpgate("plan", RELEASE, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 1, done.stderr
    assert "\\u" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Run, shell: str) -> None:
    ended = run("completion", shell)
    assert ended.code == 0
    assert "_DPGATE_COMPLETE" in ended.out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("dpgate plan cl", f"plain,{RELEASE}"),
        ("dpgate recommend cl", "plain,clinic-visits"),
        ("dpgate recommend clinic-visits --quality ba", "plain,balanced"),
        ("dpgate mock cl", "plain,clinic-visits"),
        ("dpgate rehearse cl", f"plain,{RELEASE}"),
        (f"dpgate approve {RELEASE} --role p", "plain,privacy"),
        (f"dpgate release {RELEASE} --source d", "file,d"),
        ("dpgate waive te", "plain,terms"),
        ("dpgate compare ev", "file,ev"),
    ],
)
def test_completion_knows_the_repository(team: Team, words: str, found: str) -> None:
    team.write("policies/waivers/terms.yaml", "kind: Waiver\n")
    typed = {
        "_DPGATE_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    program = "import sys; sys.argv[0] = 'dpgate'; from dpgate.cli.main import cli; cli(prog_name='dpgate')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=team.clone,
        env={**team.environment, **typed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == found, done.stderr


def test_completion_of_roles_outside_a_repository_is_empty(tmp_path: Path) -> None:
    context = click.Context(click.Command("x"), info_name="x")
    context.params["repo"] = tmp_path
    assert complete_role(context, click.Option(["--role"]), "") == []
