"""The check workflow on pull requests: comment, summary, findings, verdict; from friends and strangers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dpgate.gate.github.comment import AUTHOR, MARKER
from tests.actions.conftest import CHECK, INSTALLED, Hosted
from tests.events import HOSTILE
from tests.team import DATASET, MANIFEST, POLICY, RELEASE

JUDGE, COMMENT = "Run dpgate", "Comment on the pull request"


def new_manifest(hosted: Hosted, name: str = "quarter", **changes: str) -> str:
    return hosted.team.copy_manifest(name, **changes)


def test_a_request_is_told_what_it_lacks_then_that_it_is_ready(hosted: Hosted) -> None:
    release = new_manifest(hosted)
    head = hosted.request()
    ended = hosted.check(head)
    assert ended.codes == {"Install dpgate": 0, JUDGE: 1, COMMENT: 0}
    assert not ended.good
    (comment,) = hosted.comments
    assert comment.startswith(f"{MARKER}\n### ⏳ dpgate: not yet, approvals are missing")
    assert head[:12] in comment
    assert "before" in comment
    assert f"dpgate approve {release} --role privacy".replace("/", "&#47;") in comment or (
        "dpgate approve" in comment
    )
    assert ended.summary.strip() in comment
    assert ended.outputs["run"]["verdict"] == "waiting"
    (upload,) = [given for name, given in ended.used if name.endswith("upload-sarif")]
    assert upload["category"] == "dpgate"
    assert json.loads(Path(upload["sarif_file"]).read_text())["version"] == "2.1.0"
    assert ("notice", "0 of 1 approval by privacy") in [
        (level, text.split("%0A")[0]) for level, text in ended.annotations
    ]

    team = hosted.team
    team.git("switch", "-q", "request")
    team.approve(release, commit=False)
    ended = hosted.check(hosted.request(), action="synchronize")
    assert ended.good
    assert ended.outputs["run"] == {
        **ended.outputs["run"], "verdict": "allowed", "exit-code": "0"
    }  # fmt: skip
    (comment,) = hosted.comments
    assert comment.startswith(f"{MARKER}\n### ✅ dpgate: allowed")


def test_the_action_installs_dpgate_by_itself(
    hosted: Hosted, index: dict[str, str], tmp_path: Path
) -> None:
    """With the workflow's own inputs, and modules in the checkout that would be taken for pip's."""
    new_manifest(hosted)
    for name in ("pip", "venv", "ensurepip", "dpgate", "click", "yaml", "sitecustomize"):
        hosted.team.write(f"{name}.py", f"open({str(tmp_path / 'pwned')!r}, 'w')\n")
    log = tmp_path / "pip.log"
    environment = {**index, "PIP_LOG": str(log)}
    ended = hosted.check(hosted.request(), changed={}, environment=environment)
    assert ended.codes == {"Install dpgate": 0, JUDGE: 1, COMMENT: 0}, ended.output
    assert not (tmp_path / "pwned").exists()
    assert ended.used[0] == ("actions/setup-python", {"python-version": "3.12"})
    assert "dpgate-environment" in ended.outputs["install"]["dpgate"]
    assert "Requirement already satisfied" not in log.read_text()
    assert "dpgate==0.1.0" in log.read_text()
    assert "dpgate[synth]" not in log.read_text()


def test_a_request_from_a_fork_gets_its_report_in_the_summary(hosted: Hosted) -> None:
    new_manifest(hosted)
    ended = hosted.check(hosted.request(fork=True), fork=True)
    assert ended.codes == {"Install dpgate": 0, JUDGE: 1, COMMENT: 0}
    assert hosted.comments == []
    assert "### ⏳ dpgate: not yet" in ended.summary
    notices = [text for level, text in ended.annotations if level == "notice"]
    assert any("may only read, as GitHub has it for forks" in text for text in notices)


def test_a_request_without_manifests_is_allowed(hosted: Hosted) -> None:
    hosted.team.write("README.md", "Hello")
    ended = hosted.check(hosted.request())
    assert ended.good
    assert hosted.comments[0].startswith(f"{MARKER}\n### ✅ dpgate: allowed")


def test_a_denial_points_at_its_line(hosted: Hosted) -> None:
    release = new_manifest(hosted, **{"purpose: vendor-testing": "purpose: marketing"})
    ended = hosted.check(hosted.request())
    assert ended.outputs["run"]["verdict"] == "denied"
    errors = [keys for name, keys, _ in ended.commands if name == "error"]
    path = f"releases/{release}/release.yaml"
    assert any(f"file={path},line=" in keys for keys in errors)
    sarif = json.loads(Path(ended.outputs["run"]["sarif"]).read_text())
    (run,) = sarif["runs"]
    places = [r["locations"][0]["physicalLocation"] for r in run["results"] if r.get("locations")]
    assert path in {place["artifactLocation"]["uri"] for place in places}
    assert any("region" in place for place in places)


def test_a_malformed_document_is_an_error_and_told_all_the_same(hosted: Hosted) -> None:
    hosted.team.edit(MANIFEST, "epsilon: 1.0", "epsilon: [oops]")
    ended = hosted.check(hosted.request())
    assert ended.outputs["run"]["exit-code"] == "2"
    assert ended.codes[JUDGE] == 2
    assert "invalid input" in hosted.comments[0]
    assert "invalid input" in ended.summary
    assert any(level == "error" for level, _ in ended.annotations)


def test_a_changed_policy_is_told_and_does_not_judge(hosted: Hosted) -> None:
    """The policy is edited together with the manifest that it would let pass."""
    team = hosted.team
    release = new_manifest(hosted, **{"epsilon: 1.0": "epsilon: 3.0"})
    team.edit(POLICY, "every: quarter, epsilon: 2}", "every: quarter, epsilon: 4}")
    team.edit(
        POLICY,
        "phi: {title: Health of a person, epsilon_per_release_at_most: 1",
        "phi: {title: Health of a person, epsilon_per_release_at_most: 3",
    )
    team.edit(
        POLICY,
        "demographic: {title: Who a person is, epsilon_per_release_at_most: 1",
        "demographic: {title: Who a person is, epsilon_per_release_at_most: 3",
    )
    ended = hosted.check(hosted.request())
    assert ended.outputs["run"]["verdict"] == "denied"
    (comment,) = hosted.comments
    assert "This request changes the policy" in comment
    assert "quota" in comment or "limit" in comment
    report = json.loads(Path(ended.outputs["run"]["json"]).read_text())
    denying = {f["rule"] for f in report["check"]["findings"] if f["level"] == "deny"}
    assert denying, report
    assert release in {plan["release"] for plan in report["plans"]["plans"]}


def test_what_a_stricter_policy_would_deny_is_told(hosted: Hosted) -> None:
    team = hosted.team
    team.edit(POLICY, "purposes: [vendor-testing, research", "purposes: [research")
    team.edit(POLICY, "{purpose: vendor-testing,", "{purpose: research,")
    ended = hosted.check(hosted.request())
    report = json.loads(Path(ended.outputs["run"]["json"]).read_text())
    assert f"{RELEASE} would be denied, and is allowed now" in report["policy"]
    assert "would be denied, and is allowed now" in hosted.comments[0]


def test_a_policy_that_could_never_be_adopted(hosted: Hosted) -> None:
    hosted.team.edit(POLICY, "orders: [4, 8, 16, 32]", "orders: [4, 8, 16, 64]")
    ended = hosted.check(hosted.request())
    assert ended.outputs["run"]["verdict"] == "denied"
    report = json.loads(Path(ended.outputs["run"]["json"]).read_text())
    assert "policy-change" in {f["rule"] for f in report["check"]["findings"]}


@pytest.mark.parametrize("place", ["releases/ledger/000002-reserve.dsse.json", "branch"])
def test_a_request_that_touches_the_ledger(hosted: Hosted, place: str) -> None:
    team = hosted.team
    if place == "branch":
        text = (team.clone / POLICY).read_text()
        team.write(POLICY, f"{text}\n  ledger: {{branch: mine}}\n")
        new_manifest(hosted)
    else:
        team.write(place, "{}")
    ended = hosted.check(hosted.request())
    assert ended.outputs["run"]["verdict"] == "denied"
    assert "ledger" in hosted.comments[0]


def test_a_ledger_of_another_root(hosted: Hosted) -> None:
    hosted.variables["DPGATE_ROOT"] = "sha256:" + "5e1c" * 16
    new_manifest(hosted)
    ended = hosted.check(hosted.request())
    assert ended.codes[JUDGE] == 3
    assert "integrity failure" in hosted.comments[0]


def test_without_a_root_the_report_says_so(hosted: Hosted) -> None:
    hosted.variables.clear()
    new_manifest(hosted)
    hosted.check(hosted.request())
    assert "root was not given" in hosted.comments[0]


@pytest.mark.parametrize("how", ["edited", "removed"])
def test_a_manifest_that_was_released_stays(hosted: Hosted, how: str) -> None:
    team = hosted.team
    team.approve()
    team.release()
    if how == "edited":
        team.edit(MANIFEST, "rows: 1000", "rows: 2000")
    else:
        (team.clone / MANIFEST).unlink()
    ended = hosted.check(hosted.request())
    report = json.loads(Path(ended.outputs["run"]["json"]).read_text())
    assert "released-manifest" in {f["rule"] for f in report["check"]["findings"]}
    assert ended.outputs["run"]["verdict"] == "denied"


def test_copied_approvals_do_not_count(hosted: Hosted) -> None:
    team = hosted.team
    team.approve()
    release = new_manifest(hosted)
    for path in (team.clone / f"releases/{RELEASE}/approvals").glob("*.json"):
        team.write(f"releases/{release}/approvals/{path.name}", path.read_text())
    ended = hosted.check(hosted.request())
    assert ended.outputs["run"]["verdict"] == "waiting"
    assert "does not count" in hosted.comments[0]


def test_others_comments_are_left_alone(hosted: Hosted) -> None:
    theirs = hosted.github.comment(hosted.number, f"{MARKER}\n### ✅ dpgate: allowed", "mallory")
    new_manifest(hosted)
    hosted.check(hosted.request())
    assert theirs["body"].endswith("allowed")
    ours = [c for c in hosted.github.comments[hosted.number] if c["user"]["login"] == AUTHOR]
    assert len(ours) == 1


def test_github_out_of_order_for_a_while_and_for_long(hosted: Hosted) -> None:
    new_manifest(hosted)
    head = hosted.request()
    hosted.github.flaky = [502, 503, 500]
    assert hosted.check(head).codes[COMMENT] == 0
    assert len(hosted.comments) == 1
    hosted.github.flaky = [502] * 8
    ended = hosted.check(head)
    assert ended.codes == {"Install dpgate": 0, JUDGE: 1, COMMENT: 0}
    warnings = [text for level, text in ended.annotations if level == "warning"]
    assert any("no comment was written: GitHub answered 502" in text for text in warnings)
    assert ended.outputs["run"]["verdict"] == "waiting"
    assert len(hosted.comments) == 1


def test_hostile_texts_do_nothing(hosted: Hosted) -> None:
    """Titles, branch names and every text of a document that is echoed."""
    team = hosted.team
    text = json.dumps(HOSTILE, ensure_ascii=False)
    short = json.dumps("$(touch pwned) `touch pwned` ::error::forged ##[error]forged %0A::debug::x")
    new_manifest(hosted, **{"purpose: vendor-testing": f"purpose: {short}"})
    new_manifest(
        hosted,
        "second",
        **{"[acme-scheduling]": f"[{short}]", "regions: [US]": f"regions: [{text}]"},
    )
    team.edit(DATASET, '"Visits to our clinics, one row a visit"', text)
    team.write("releases/ledger/$(touch pwned)\n::error::forged", "x")
    team.write("releases/clinic-visits/::add-mask::x/release.yaml", f"kind: {short}\n")
    before = {path.name for path in hosted.disk.rglob("*")} if hosted.disk.exists() else set()
    ended = hosted.check(hosted.request(fork=False))
    assert "pwned" not in {path.name for path in hosted.disk.rglob("*")} - before
    known = {"error", "warning", "notice"}
    assert {name for name, _, _ in ended.commands} <= known
    assert not any(value.startswith("forged") for _, _, value in ended.commands)
    assert ended.outputs["run"]["verdict"] in ("denied", "error")
    for page in (hosted.comments[0], ended.summary):
        assert "`touch pwned`" not in page
        assert "$(touch" not in page
        assert "<script" not in page


def test_hostile_texts_in_sound_documents_do_nothing(hosted: Hosted) -> None:
    team = hosted.team
    title = json.dumps(
        "$(touch pwned) `touch pwned` ::error::forged ##[error]forged %0A::debug::x @acme/all #1"
    )
    team.edit(DATASET, '"Visits to our clinics, one row a visit"', title)
    team.edit(DATASET, '"appointment rules: at most one a month"', title)
    ended = hosted.check(hosted.request())
    assert {name for name, _, _ in ended.commands} <= {"error", "warning", "notice"}
    assert not any("forged" in value[:7] for _, _, value in ended.commands)
    assert not list(hosted.disk.rglob("pwned"))
    assert "@acme/all" not in hosted.comments[0]


@pytest.mark.parametrize("event", ["pull_request_target", "workflow_run"])
def test_it_judges_nothing_where_there_are_secrets(hosted: Hosted, event: str) -> None:
    """Somebody who changes the workflow's trigger gets no judgement."""
    new_manifest(hosted)
    ended = hosted.check(hosted.request(), event=event)
    assert ended.codes[JUDGE] == 2
    assert hosted.comments == []
    assert "must judge no request" in ended.output


def test_a_workflow_that_a_request_edits_is_named(hosted: Hosted) -> None:
    workflow = hosted.team.clone / CHECK
    workflow.write_text(workflow.read_text().replace("command: plan", "command: check"))
    new_manifest(hosted)
    ended = hosted.check(hosted.request())
    assert ended.outputs["run"]["verdict"] == "allowed"  # its own check says what it made it say …
    assert "decides how requests are judged" in hosted.comments[0]  # … but not unseen
    hosted.variables |= {
        "DPGATE_SOURCE": str(hosted.team.data), "DPGATE_KEY": hosted.team.key_file("runner")
    }  # fmt: skip
    assert hosted.release().outputs["run"]["released"] == ""  # and it releases nothing


def test_approvals_may_follow_if_the_workflow_says_so(hosted: Hosted) -> None:
    new_manifest(hosted)
    ended = hosted.check(hosted.request(), changed={**INSTALLED, "allow-waiting": "true"})
    assert ended.good
    assert ended.outputs["run"]["verdict"] == "waiting"


def test_a_command_that_is_none(hosted: Hosted) -> None:
    ended = hosted.check(hosted.request(), changed={**INSTALLED, "command": "verify; touch pwned"})
    assert ended.codes == {"Install dpgate": 0, JUDGE: 2}
    assert not list(hosted.disk.rglob("pwned"))


@pytest.mark.parametrize("version", ["0.1.0; touch pwned", "--help", "latest"])
def test_a_version_that_is_none(hosted: Hosted, version: str) -> None:
    ended = hosted.check(hosted.request(), changed={"version": version})
    assert ended.codes == {"Install dpgate": 2}
    assert not list(hosted.disk.rglob("pwned"))
