"""`--key`: files, agents, passphrases; one way for every command that signs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click
import pytest

from dpgate.cli.options import complete_key
from tests.team import RELEASE, Team
from tests.unit.ledger.signers import agents


@pytest.mark.slow
def test_an_agent_approves_adopts_releases_and_checks_in(fresh_team: Team) -> None:
    team = fresh_team
    with agents.running() as path:
        env = {"SSH_AUTH_SOCK": path}
        for role in ("privacy", "legal", "runner"):
            agents.add(path, team.keys / role)
            (team.keys / role).unlink()  # from here on only the agent signs

        def run(*words: str) -> str:
            done = team.dpgate(*words, env=env)
            assert done.returncode == 0, done.stderr + done.stdout
            return done.stdout

        def key(role: str) -> str:
            return f"{team.keys / role}.pub"

        for role in ("privacy", "legal"):
            run("approve", "policy", "--role", role, "--key", key(role))
        team.commit()
        run("policy", "adopt", "--key", key("runner"))
        run("approve", RELEASE, "--role", "privacy", "--key", f"agent:{key('privacy')}")
        team.commit()
        out = str(team.folder / "out")
        run("release", RELEASE, "--source", str(team.data), "--key", key("runner"), "--out", out)
        run("checkpoint", "--key", key("legal"))
        run("withdraw", RELEASE, "--reason", "A test.", "--key", key("runner"))
        run("verify")
        assert "several keys" in team.dpgate("checkpoint", "--key", "agent", env=env).stderr


@pytest.mark.slow
def test_a_pem_key_approves_with_its_passphrase(fresh_team: Team, tmp_path: Path) -> None:
    path = tmp_path / "privacy.pem"
    words: list[str | Path] = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", path]
    subprocess.run([*words, "-aes-256-cbc", "-pass", "pass:sesame"], check=True)
    from dpgate.ledger.keys import load_private

    line = load_private(path, b"sesame").public.line
    old = (fresh_team.keys / "privacy.pub").read_text().strip()
    fresh_team.edit("policies/organization.yaml", old, line)
    words = ["approve", "policy", "--role", "privacy", "--key", path]
    locked = fresh_team.dpgate(*map(str, words))
    assert (locked.returncode, "protected by a passphrase" in locked.stderr) == (2, True)
    opened = fresh_team.dpgate(*map(str, words), env={"DPGATE_KEY_PASSPHRASE": "sesame"})
    assert opened.returncode == 0, opened.stderr
    assert "sesame" not in opened.stdout + opened.stderr


@pytest.mark.parametrize("command", ["approve", "release", "sample", "checkpoint", "withdraw"])
def test_every_command_that_signs_takes_an_agent(fresh_team: Team, command: str) -> None:
    told = " ".join(fresh_team.dpgate(command, "--help").stdout.split())
    assert "agent:SHA256:" in told


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("ag", [("agent", "plain")]), ("", [("", "file")]), ("./k", [("./k", "file")])],
)
def test_keys_are_completed(typed: str, offered: list[tuple[str, str]]) -> None:
    context = click.Context(click.Command("approve"))
    items = complete_key(context, click.Option(["--key"]), typed)
    assert [(item.value, item.type) for item in items] == offered
