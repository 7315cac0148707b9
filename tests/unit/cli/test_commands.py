"""Each command once through, in text and in JSON, with the code that it must end with."""

from __future__ import annotations

import re
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.team import DATASET, MANIFEST, POLICY, RELEASE, Team
from tests.unit.cli.conftest import Ended, Run

DECIMALS = {"epsilon", "before", "this", "after", "limit", "remaining", "delta", "half_width"}
DECIMALS |= {"release_delta", "person_epsilon", "row_epsilon", "evidence_share"}


def sound(ended: Ended, name: str) -> dict[str, Any]:
    """A JSON result of the schema that was expected, whose decimals are text."""
    body = ended.json
    assert body["schema"] == f"dpgate.{name}/v1"
    assert ended.err == "" or ended.err.startswith("…")

    def look(value: Any, key: str = "") -> None:
        assert not isinstance(value, float), key
        if isinstance(value, dict):
            for inner, item in value.items():
                look(item, inner)
        elif isinstance(value, list):
            for item in value:
                look(item)
        elif key in DECIMALS and value is not None:
            assert isinstance(value, str), key
            assert Decimal(value) >= 0

    look(body)
    return body


def release_words(team: Team, out: str = "out") -> tuple[str | Path, ...]:
    source = ("--source", team.data, "--key", team.key_file("runner"))
    return ("release", RELEASE, *source, "--out", team.folder / out)


def test_from_an_empty_folder_to_an_adopted_policy(run: Run, tmp_path: Path) -> None:
    ended = run("init", tmp_path / "new", "--keys", tmp_path / "k")
    assert ended.code == 0
    assert "✓ release repository in" in ended.out
    assert "\nnext: cd " in ended.out
    assert run("check", "--repo", tmp_path / "new").code == 0
    again = run("init", tmp_path / "new", "--format", "json")
    assert again.code == 2
    assert "exists already" in again.json["message"]


def test_keygen(run: Run, tmp_path: Path) -> None:
    ended = run("keygen", tmp_path / "key", "--comment", "ann@example.org")
    assert ended.code == 0
    assert "ssh-ed25519 " in ended.out
    assert "ann@example.org" in ended.out
    assert run("keygen", tmp_path / "key").code == 2
    body = sound(run("keygen", tmp_path / "age", "--age", "--format", "json"), "files")
    assert body["lines"][0].startswith("age1")


def test_check(run: Run, team: Team) -> None:
    ended = run("check", at=team.clone)
    assert ended.code == 0
    assert "✓ allowed by the rules: 1 manifest of 3 documents checked" in ended.out
    assert sound(run("check", "--format", "json"), "check")["allowed"] is True
    team.edit(MANIFEST, "purpose: vendor-testing", "purpose: fun")
    for words in ((), (str(Path(MANIFEST).parent),), (MANIFEST,)):
        ended = run("check", *words)
        assert ended.code == 1
        assert (
            f"✗ {MANIFEST}:7:12  purpose fun is not allowed by the policy   [known-purpose]"
            in ended.out
        )
        assert "\n    fix: allowed: vendor-testing, research, teaching\n" in ended.out
    body = sound(run("check", "--format", "json"), "check")
    assert body["allowed"] is False
    assert body["findings"][0]["rule"] == "known-purpose"
    assert run("check", "/etc").code == 2
    assert run("check", "policies/none.yaml").code == 2


def test_plan_approve_release_and_all_that_follows(run: Run, team: Team) -> None:
    ended = run("plan", RELEASE, at=team.clone)
    assert ended.code == 1
    assert f"{RELEASE}   ✗ not yet: 1 privacy approval missing" in ended.out
    assert re.search(r"clinic-patients, lifetime +0\.00 +\+0\.83 +0\.83 +8 +7\.17", ended.out)
    assert sound(run("plan", RELEASE, "--format", "json"), "plan")["verdict"] == "waiting"

    denied = run(*release_words(team))
    assert denied.code == 1
    assert "denied: nothing was spent, the data was not opened" in denied.out
    assert not (team.folder / "out").exists()

    key = team.key_file("privacy")
    ended = run("approve", RELEASE, "--role", "privacy", "--key", key, "--attempts", "2")
    assert ended.code == 0
    assert f"✓ privacy approves {RELEASE}, until" in ended.out
    assert "for 2 attempts" in ended.out
    team.commit("Approve")
    assert run("plan", RELEASE, "--offline").code == 0

    ended = run(*release_words(team))
    assert ended.code == 0, ended
    assert f"✓ {RELEASE}: released  (entry 2 reserves, entry 3 settles)" in ended.out
    assert "dp, charged" in ended.out
    assert "… reserve the cost (pushed before the data is opened)" in ended.err
    names = {path.name for path in (team.folder / "out").iterdir()}
    assert names == {
        "data.parquet", "data.csv", "data.csv-metadata.json", "card.json", "card.md",
        "evidence.json", "evidence.html",
    }  # fmt: skip

    again = run(*release_words(team), "--format", "json")
    assert again.code == 0
    assert sound(again, "release")["outcome"] == "already-released"
    assert run("plan", RELEASE).code == 0
    assert "released by entry 3" in run("plan", RELEASE).out
    assert len(team.ledger()) == 3


def test_verify(run: Run, released_team: Team) -> None:
    team = released_team
    words = ("verify", "--root", team.root, "--artifacts", team.folder / "released")
    ended = run(*words, at=team.clone)
    assert ended.code == 0
    assert "✓ verified: 1 release, 3 entries, nothing spent is missing" in ended.out
    body = sound(run(*words, "--format", "json"), "verify")
    assert (body["verified"], body["authenticated"]) == (True, True)
    assert [step["name"] for step in body["steps"] if step["status"] != "pass"] == ["checkpoint"]
    bare = team.root.removeprefix("sha256:")
    assert run("verify", "--root", bare).code == 0
    assert run("verify", "--artifacts", team.folder / "none").code == 2
    twice = run("verify", "--artifacts", team.folder / "released", "--artifacts", team.folder)
    assert twice.code == 2
    assert "names one folder" in twice.err
    wrong = run("verify", "--root", "0" * 64)
    assert wrong.code == 3
    assert "✗ NOT verified" in wrong.out
    assert "– not reached" in wrong.out


def test_verify_without_a_root(
    run: Run, released_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DPGATE_STATE", str(released_team.folder / "empty"))
    ended = run("verify", at=released_team.clone)
    assert ended.code == 4
    assert f"self-consistent, not authenticated: the genesis is {released_team.root}" in ended.out


def test_the_ledger_is_shown(run: Run, released_team: Team) -> None:
    ended = run("ledger", "show", at=released_team.clone)
    assert ended.code == 0
    assert f"root {released_team.root}" in ended.out
    assert re.search(r"2 +\S+ \S+ +reserve +clinic-visits/vendor-testing +attempt 1: ε", ended.out)
    body = sound(run("ledger", "show", "--format", "json"), "ledger")
    assert [row["kind"] for row in body["rows"]] == ["genesis", "reserve", "settle"]
    only = run("ledger", "show", "--release", "other/one", "--offline", "--format", "json")
    assert only.json["rows"] == []
    assert run("ledger", "explain", "2").code == 0
    assert run("ledger", "explain", "9").code == 2
    assert run("ledger", "log").code == 0
    assert run("ledger", "what-if", RELEASE).code == 0


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_the_ledger_is_exported(run: Run, released_team: Team, ending: str) -> None:
    out = released_team.folder / f"ledger.{ending}"
    assert run("ledger", "export", out, at=released_team.clone).code == 0
    assert out.stat().st_size > 200
    assert run("ledger", "export", out).code == 2
    assert run("ledger", "export", out.with_suffix(".xls")).code == 2


def test_rows_are_drawn_again(run: Run, team: Team, tmp_path: Path) -> None:
    team.edit(MANIFEST, "{with: mst, ", "{with: mst, keep_model: true, ")
    team.commit("Keep the model")
    team.approve()
    team.release(out=tmp_path / "first")
    key = ("--key", team.key_file("runner"), "--model", tmp_path / "first")
    where = ("--where", "reason=acute|other", "--where", "length_minutes<60")
    words = ("sample", RELEASE, "--rows", "30", *where, *key)
    text = run(*words, "--out", tmp_path / "again", at=team.clone)
    assert text.code == 0, text.err
    assert "30 rows drawn again from its kept model  (entry 4 records" in text.out
    assert "every row satisfies reason=acute|other and length_minutes<60" in text.out
    assert "they do not represent the population" in text.out
    assert "nothing was spent" in text.out
    words = ("sample", "3", "--rows", "30", "--balance", "clinic", "--formats", "csv,jsonl", *key)
    body = sound(run(*words, "--format", "json"), "sample")
    assert (body["entry"], body["settle"], body["balance"]) == (5, 3, "clinic")
    names = {artifact["name"] for artifact in body["artifacts"]}
    assert {"data.csv", "data.jsonl", "card.md", "sample.json"} <= names
    whole = run("sample", RELEASE, "--rows", "30", "--balance", "clinic=north|south", *key)
    assert "balanced over clinic=north|south" in whole.out
    plain = run("sample", RELEASE, "--rows", "3", *key)
    assert "do not represent" not in plain.out
    assert "30 rows balanced over clinic" in run("ledger", "show").out
    log = run("ledger", "log").out
    assert "were drawn again from the model that clinic-visits/vendor-testing kept (entry 3)" in log
    explained = run("ledger", "explain", "4").out
    assert "nothing: no data was opened" in explained
    assert "reason=acute|other and length_minutes<60" in explained


def test_a_release_is_withdrawn_once(run: Run, released_team: Team) -> None:
    words = ("withdraw", RELEASE, "--key", released_team.key_file("runner"), "--reason")
    for wrong in (" ", "x" * 501, "two\nlines", "red \x1b[31m"):
        assert run(*words, wrong, at=released_team.clone).code == 2
    ended = run(*words, "a column was mislabelled")
    assert ended.code == 0
    assert "acme-scheduling" in ended.out
    assert run(*words, "again").code == 2
    assert run("verify").code == 0
    again = run(*release_words(released_team, "more"))
    assert again.code == 2
    assert "was withdrawn by entry 4: a column was mislabelled" in again.err


def test_a_reason_is_shown_as_it_stands(run: Run, released_team: Team) -> None:
    words = ("withdraw", RELEASE, "--key", released_team.key_file("runner"), "--reason")
    reason = "see [/ticket] [red]17[/red] :bug:"
    assert run(*words, reason, at=released_team.clone).code == 0
    for command in (("show",), ("log",), ("explain", "4")):
        ended = run("ledger", *command)
        assert ended.code == 0
        assert reason in ended.out


def test_a_checkpoint_is_kept_and_held_against_the_ledger(run: Run, released_team: Team) -> None:
    team = released_team
    note = team.folder / "note"
    words = ("checkpoint", "--key", team.key_file("stranger"), "--out", note)
    assert run(*words, at=team.clone).code == 0
    public = team.keys / "stranger.pub"
    held = ("verify", "--checkpoint", note, "--checkpoint-key", public)
    assert run(*held).code == 0
    wrong = ("verify", "--checkpoint", note, "--checkpoint-key", team.keys / "legal.pub")
    assert run(*wrong).code == 3
    team.push_ledger({"000003-settle.dsse.json": None})
    ended = run(*held)
    assert ended.code == 3


def test_a_reservation_is_recovered_once(run: Run, released_team: Team) -> None:
    team = released_team
    words = ("ledger", "recover", "--key", team.key_file("runner"), "--entry")
    none = run(*words, "2", at=team.clone)
    assert none.code == 2
    assert "entry 2 is no open reservation" in none.err
    assert "open reservations: none" in none.err


def test_policy_approve_and_adopt(run: Run, fresh_team: Team) -> None:
    team = fresh_team
    adopt = ("policy", "adopt", "--key", team.key_file("runner"))
    assert run("plan", RELEASE, at=team.clone).code == 4
    ended = run(*adopt)
    assert ended.code == 3
    assert "approvals of the policy are missing: privacy, legal" in ended.err
    for role in ("privacy", "legal"):
        ended = run("approve", "policy", "--role", role, "--key", team.key_file(role))
        assert ended.code == 0
        assert f"✓ {role} approves policy\n" in ended.out
    ended = run(*adopt)
    assert ended.code == 0
    assert re.search(r"^  root sha256:[0-9a-f]{64}$", ended.out, re.MULTILINE)
    team.edit(POLICY, "lifetime: {epsilon: 8}", "lifetime: {epsilon: 9}")
    note = run("plan", RELEASE)
    assert "! the policy in the work tree is not the adopted one" in note.out


def test_a_key_with_a_passphrase(run: Run, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = team.keys / "privacy"
    words: list[str | Path] = [
        "ssh-keygen",
        "-q",
        "-p",
        "-P",
        "",
        "-N",
        "open sesame",
        "-f",
        locked,
    ]
    subprocess.run(words, check=True, capture_output=True)
    approve = ("approve", RELEASE, "--role", "privacy", "--key", locked)
    ended = run(*approve, at=team.clone)
    assert ended.code == 2
    assert "DPGATE_KEY_PASSPHRASE" in ended.err
    monkeypatch.setenv("DPGATE_KEY_PASSPHRASE", "wrong")
    assert "passphrase is wrong" in run(*approve).err
    monkeypatch.setenv("DPGATE_KEY_PASSPHRASE", "open sesame")
    assert run(*approve).code == 0
    monkeypatch.delenv("DPGATE_KEY_PASSPHRASE")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: "open sesame")
    assert run(*approve).code == 0


def test_an_unreachable_remote_decides_nothing(run: Run, team: Team) -> None:
    team.remote.rename(team.folder / "away")
    for words in (("plan", RELEASE), ("ledger", "show"), release_words(team)):
        ended = run(*words, at=team.clone)
        assert ended.code == 4
        assert "cannot reach remote origin" in ended.err
    assert run("plan", RELEASE, "--offline").code == 1
    assert run("check").code == 0


def test_a_recommendation(run: Run, team: Team) -> None:
    ended = run("recommend", "clinic-visits", "--target-tvd", "0.01", at=team.clone)
    assert ended.code == 0
    assert "clinic-visits   ✓ mst at ε" in ended.out
    assert "length_minutes × reason (92 cells)" in ended.out
    manifest = ended.out.partition("\nmanifest\n")[2].partition("\n\nnext: paste")[0]
    body = sound(
        run("recommend", "clinic-visits", "--target-tvd", "0.01", "--format", "json"), "recommend"
    )
    assert body["manifest"].rstrip() == manifest
    assert body["order"] == 2
    words = (
        "--columns",
        "age_group, reason",
        "--order",
        "1",
        "--noise-at-most",
        "0.1",
        "--with",
        "mst",
    )
    fewer = run("recommend", "clinic-visits", *words, "--format", "json")
    assert [row["name"] for row in fewer.json["columns"]] == ["age_group", "reason"]
    unreachable = run("recommend", "clinic-visits", "--target-tvd", "0.000000001")
    assert unreachable.code == 1
    assert "no synthesizer meets the goal" in unreachable.out
    assert run("recommend", "clinic-visits", "--target-tvd", "much").code == 2
    text = (team.clone / DATASET).read_text().replace("bins: 23", "bins: 115")
    (team.clone / DATASET).write_text(text)
    coarse = run("recommend", "clinic-visits", "--rows", "3000", "--target-tvd", "0.2")
    assert "with these bins ε" in coarse.out
    (team.clone / DATASET).write_text(
        text.replace("population: clinic-patients ", "population: x ")
    )
    assert "what fits" not in run("recommend", "clinic-visits").out
