"""The release workflow after a merge: what is ready is released near the data, once, on the record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.actions.conftest import RELEASE as WORKFLOW
from tests.actions.conftest import Hosted
from tests.team import MANIFEST, RELEASE

RUN = "Run dpgate"


@pytest.fixture
def near_the_data(hosted: Hosted) -> Hosted:
    """A repository with the variables of its environment."""
    team = hosted.team
    hosted.variables |= {
        "DPGATE_SOURCE": str(team.data),
        "DPGATE_KEY": team.key_file("runner"),
        "DPGATE_OUT": str(team.folder / "released"),
    }
    return hosted


def test_a_merge_releases_what_is_ready_once(near_the_data: Hosted) -> None:
    team = near_the_data.team
    team.approve()
    ended = near_the_data.release()
    assert ended.codes == {"Install dpgate": 0, RUN: 0}, ended.output
    assert ended.outputs["run"]["released"] == RELEASE
    assert (team.folder / "released" / RELEASE / "card.json").is_file()
    assert [name.split("-")[1] for name in team.ledger()][1:] == [
        "reserve.dsse.json",
        "settle.dsse.json",
    ]
    assert "### ✅ dpgate release: 1 release made" in ended.summary
    (record,) = [given["path"] for name, given in ended.used if name.endswith("upload-artifact")]
    names = {p.relative_to(record).as_posix() for p in Path(record).rglob("*") if p.is_file()}
    assert names == {"report.md", "report.json", f"{RELEASE}/card.json", f"{RELEASE}/card.md"}
    body = json.loads((Path(record) / "report.json").read_text())
    assert body["schema"] == "dpgate.ready/v1"
    verified = team.dpgate(
        "verify", "--root", team.root, "--artifacts", str(team.folder / "released")
    )
    assert verified.returncode == 0, verified.stdout
    again = near_the_data.release()
    assert again.good
    assert again.outputs["run"]["released"] == ""
    assert len(team.ledger()) == 3


def test_what_is_not_ready_waits_and_spends_nothing(near_the_data: Hosted) -> None:
    near_the_data.team.copy_manifest("denied", **{"purpose: vendor-testing": "purpose: marketing"})
    near_the_data.team.commit()
    ended = near_the_data.release()
    assert ended.good
    assert "waiting" in ended.summary
    assert "denied" in ended.summary
    assert len(near_the_data.team.ledger()) == 1


def test_released_files_are_uploaded_only_if_asked_for(near_the_data: Hosted) -> None:
    team = near_the_data.team
    workflow = team.clone / WORKFLOW
    text = workflow.read_text()
    assert "upload-files" not in text
    workflow.write_text(text.rstrip() + '\n          upload-files: "true"\n')
    team.approve()
    ended = near_the_data.release()
    uploads = [given for name, given in ended.used if name.endswith("upload-artifact")]
    assert [given["path"] for given in uploads][1:] == [str(team.folder / "released")]


def test_another_branch_releases_nothing(near_the_data: Hosted) -> None:
    near_the_data.team.approve()
    near_the_data.team.git("push", "-q", "origin", "HEAD:refs/heads/other")
    ended = near_the_data.release(ref="refs/heads/other")
    assert ended.codes == {}
    assert len(near_the_data.team.ledger()) == 1


def test_a_wrong_root_stops_before_anything(near_the_data: Hosted) -> None:
    near_the_data.variables["DPGATE_ROOT"] = "sha256:" + "5e1c" * 16
    near_the_data.team.approve()
    ended = near_the_data.release()
    assert ended.codes[RUN] == 3
    assert len(near_the_data.team.ledger()) == 1


def test_a_missed_threshold_is_red_and_on_record(near_the_data: Hosted) -> None:
    team = near_the_data.team
    team.edit(MANIFEST, "at_most: 0.9}", "at_most: 0.000001}")
    team.commit()
    team.approve()
    ended = near_the_data.release()
    assert ended.codes[RUN] == 1
    assert "gate-failed" in ended.summary
    assert ended.outputs["run"]["exit-code"] == "1"
    assert len(team.ledger()) == 3
    assert not (team.folder / "released" / RELEASE).exists()


def test_two_sources_by_name_one_a_line(near_the_data: Hosted) -> None:
    data = near_the_data.team.data
    near_the_data.variables["DPGATE_SOURCE"] = f"clinic-visits={data}\n\nother=/nowhere\n"
    near_the_data.team.approve()
    ended = near_the_data.release()
    assert ended.codes[RUN] == 2
    assert "no such dataset" in ended.output
    near_the_data.variables["DPGATE_SOURCE"] = f"clinic-visits={data}\n"
    assert near_the_data.release().outputs["run"]["released"] == RELEASE


def test_the_pip_requirement_of_a_release_brings_what_it_needs(
    near_the_data: Hosted, index: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "pip.log"
    ended = near_the_data.check(
        near_the_data.request(),
        changed={"command": "release", "python-version": "", "key": "nowhere"},
        environment={**index, "PIP_LOG": str(log)},
    )
    assert ended.codes["Install dpgate"] == 0
    assert "dpgate[synth]==0.1.0" in log.read_text()
