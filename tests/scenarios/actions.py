"""What a scenario can do to a repository besides editing a document."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Callable

import time_machine

import dpgate
from tests.team import BRANCH, DATASET, MANIFEST, POLICY, RELEASE, Team

APPROVALS = f"releases/{RELEASE}/approvals"
Action = Callable[[Team], None]


def commit(team: Team) -> None:
    team.commit()


def adopt(team: Team) -> None:
    team.commit("Policy")
    team.approve("policy")
    team.adopt()


def approve_thrice(team: Team) -> None:
    team.approve(attempts=3)


def approve_long_ago(team: Team) -> None:
    with time_machine.travel(dt.datetime.now(dt.UTC) - dt.timedelta(days=40)):
        team.approve(days=7)


def approve_by_a_stranger(team: Team) -> None:
    """A key of its own, under the name of the role."""
    team.approve()
    policy = (team.clone / POLICY).read_text()
    known, strange = (
        (team.keys / f"{who}.pub").read_text().strip() for who in ("privacy", "stranger")
    )
    other = team.second_clone("stranger", same_machine=True)
    (other.clone / POLICY).write_text(policy.replace(known, strange))
    for path in (team.clone / APPROVALS).glob("*.json"):
        text = path.read_text()
        fake = dpgate.load_private(team.keys / "stranger").public.fingerprint
        path.write_text(
            text.replace(dpgate.load_private(team.keys / "privacy").public.fingerprint, fake)
        )
    team.commit("Approved, it says")


def copy_approvals(team: Team) -> None:
    """Approvals of one release, put beside another."""
    name = team.copy_manifest("other")
    team.approve(name)
    shutil.copytree(team.clone / f"releases/{name}/approvals", team.clone / APPROVALS)
    team.commit("Borrowed approvals")


def empty_policy(team: Team) -> None:
    team.write(
        POLICY, "apiVersion: dpgate/v1\nkind: PrivacyPolicy\nmetadata: {name: none}\nspec: {}\n"
    )
    team.commit("No rules")


def two_runners_together(team: Team) -> None:
    first, second = (
        (team.keys / f"{who}.pub").read_text().strip() for who in ("runner", "stranger")
    )
    team.edit(
        POLICY,
        f"runner: {{keys: [{first}]}}",
        f"runner: {{threshold: 2, keys: [{first}, {second}]}}",
    )
    team.commit("Two runners")


def unknown_dataset(team: Team) -> None:
    manifest = (team.clone / MANIFEST).read_text()
    team.write(
        "releases/nowhere/vendor-testing/release.yaml", manifest.replace("clinic-visits", "nowhere")
    )
    team.commit("For a dataset that is not described")


def alias_bomb(team: Team) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    team.write(MANIFEST, "\n".join(lines) + "\n")


def ten_megabytes(team: Team) -> None:
    team.write(MANIFEST, "# x\n" * 2_500_000)


def deep_nesting(team: Team) -> None:
    team.write(MANIFEST, "a: " + "[" * 50_000)


def not_utf8(team: Team) -> None:
    (team.clone / MANIFEST).write_bytes(b"apiVersion: \xff\xfe\n")


def manifest_leads_out(team: Team) -> None:
    secret = team.folder / "secret.yaml"
    secret.write_text("password: zanzibar\n")
    (team.clone / MANIFEST).unlink()
    (team.clone / MANIFEST).symlink_to(secret)


def manifest_folder_leads_away(team: Team) -> None:
    """Committed under another path, so that reviewers see a link alone."""
    folder = (team.clone / MANIFEST).parent
    shutil.copytree(folder, team.clone / "drafts")
    shutil.rmtree(folder)
    folder.symlink_to("../../drafts")
    team.commit("A link")


def manifest_is_a_pipe(team: Team) -> None:
    (team.clone / MANIFEST).unlink()
    os.mkfifo(team.clone / MANIFEST)


def manifest_ignored(team: Team) -> None:
    team.git("rm", "-q", "--cached", MANIFEST)
    team.git("commit", "-q", "-m", "Nothing to review")
    team.write(".git/info/exclude", "release.yaml\n")


def manifest_assumed_unchanged(team: Team) -> None:
    team.git("update-index", "--assume-unchanged", MANIFEST)
    team.edit(MANIFEST, "rows: 1000", "rows: 1001")
    team.approve(commit=False)
    team.git("add", APPROVALS)
    team.git("commit", "-q", "-m", "Approve")


def odd_approval_names(team: Team) -> None:
    (approval,) = (team.clone / APPROVALS).glob("*.json")
    for name in ("a b", "\x1b[2J\n::error::forged", ".hidden", "-rf", "ü"):
        shutil.copy(approval, team.clone / APPROVALS / f"{name}.dsse.json")
    os.mkfifo(team.clone / APPROVALS / "pipe.dsse.json")
    (team.clone / APPROVALS / "huge.dsse.json").write_bytes(b"{" * 20_000_000)
    (team.clone / APPROVALS / "binary.dsse.json").write_bytes(bytes(range(256)))
    (team.clone / APPROVALS / "link.dsse.json").symlink_to("/etc/passwd")
    with (team.clone / ".git/info/exclude").open("a") as file:
        file.write("approvals\n")


def many_copies_of_an_approval(team: Team) -> None:
    (approval,) = (team.clone / APPROVALS).glob("*.json")
    for number in range(150):
        shutil.copy(approval, team.clone / APPROVALS / f"copy-{number}.dsse.json")
    team.commit("Many")


def approvals_elsewhere(team: Team) -> None:
    place = team.clone / APPROVALS
    shutil.copytree(place, team.folder / "elsewhere")
    shutil.rmtree(place)
    place.symlink_to(team.folder / "elsewhere")
    team.commit("Linked approvals")


def forged_folder_name(team: Team) -> None:
    team.write("releases/x\n::error::forged\x1b[2J/dataset.yaml", "kind: Dataset\n")


def dataset_named_ledger(team: Team) -> None:
    dataset = (team.clone / DATASET).read_text()
    manifest = (team.clone / MANIFEST).read_text()
    team.write("releases/ledger/dataset.yaml", dataset.replace("clinic-visits", "ledger"))
    team.write(
        "releases/ledger/vendor-testing/release.yaml", manifest.replace("clinic-visits", "ledger")
    )
    team.commit("A dataset named ledger")


def garbled_key(team: Team) -> None:
    (team.keys / "runner").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nzanzibar\n")


def key_of_another_kind(team: Team) -> None:
    (team.keys / "runner").unlink()
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", team.keys / "runner"], check=True
    )


def key_with_a_passphrase(team: Team) -> None:
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", team.keys / "runner"],
                   check=True)  # fmt: skip


def remote_gone(team: Team) -> None:
    team.remote.rename(team.folder / "away.git")


def remote_refuses(team: Team) -> None:
    hook = team.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'protected branch' >&2\nexit 1\n")
    hook.chmod(0o755)


def no_remote(team: Team) -> None:
    team.git("remote", "remove", "origin")


def rolled_back(team: Team) -> None:
    """The remote drops its last entry, and this clone follows."""
    subprocess.run(
        ["git", "update-ref", f"refs/heads/{BRANCH}", f"{BRANCH}~1"], cwd=team.remote, check=True
    )
    team.git("fetch", "-q", "origin", f"+refs/heads/{BRANCH}:refs/remotes/origin/{BRANCH}")


def one_byte_changed(team: Team) -> None:
    name = "000002-reserve.dsse.json"
    data = bytearray(team.ledger()[name])
    data[len(data) // 2] ^= 1
    team.push_ledger({name: bytes(data)})


def foreign_file_in_ledger(team: Team) -> None:
    team.push_ledger({"000009-\x1b[2J\nforged.dsse.json": b"{}\n"})


def new_machine(team: Team) -> None:
    shutil.rmtree(team.state)


def state_is_a_file(team: Team) -> None:
    shutil.rmtree(team.state)
    team.state.write_text("")


def detached(team: Team) -> None:
    team.git("switch", "-q", "--detach")


def shallow(team: Team) -> None:
    """This clone is made anew: one branch, one commit."""
    shutil.rmtree(team.clone)
    team.git("clone", "-q", "--depth=1", f"file://{team.remote}", str(team.clone), cwd=team.folder)


def fetch_ledger(team: Team) -> None:
    """What the advice says."""
    team.git("fetch", "-q", "origin", f"+refs/heads/{BRANCH}:refs/remotes/origin/{BRANCH}")


def no_repository(team: Team) -> None:
    shutil.rmtree(team.clone / ".git")


def corrupt_object(team: Team) -> None:
    """An object of the ledger is missing from this clone."""
    blob = team.git("rev-parse", f"origin/{BRANCH}:releases/ledger/000002-reserve.dsse.json")
    (team.clone / ".git/objects" / blob[:2] / blob[2:]).unlink()


def trapped_clone(team: Team) -> None:
    """A clone handed to an auditor, whose configuration would run a program in every way we know."""
    trap = team.folder / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {team.folder}/SPRUNG\nexit 1\n")
    trap.chmod(0o755)
    corrupt_object(team)
    hooks = team.folder / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "reference-transaction", "post-checkout", "pre-push"):
        (hooks / name).symlink_to(trap)
    settings = {
        "core.repositoryFormatVersion": "1", "extensions.partialClone": "origin",
        "remote.origin.promisor": "true", "remote.origin.url": "ssh://nowhere/x",
        "remote.origin.uploadpack": str(trap), "core.sshCommand": str(trap),
        "core.fsmonitor": str(trap), "core.hooksPath": str(hooks), "core.gitProxy": str(trap),
        "core.editor": str(trap), "core.pager": str(trap), "core.askPass": str(trap),
        "filter.x.clean": str(trap), "filter.x.smudge": str(trap), "filter.x.process": str(trap),
        "diff.external": str(trap), "gpg.ssh.program": str(trap), "gpg.program": str(trap),
        "credential.helper": str(trap), "protocol.ext.allow": "always", "protocol.allow": "always",
        f"url.ext::{trap} %s.insteadOf": "ssh://", "alias.rev-parse": f"!{trap}",
        "alias.ls-tree": f"!{trap}", "log.showSignature": "true",
    }  # fmt: skip
    for name, value in settings.items():
        team.git("config", name, value)
    team.write(".git/info/attributes", "* filter=x diff=x\n")


def trap_not_sprung(team: Team) -> None:
    assert not (team.folder / "SPRUNG").exists()


def out_not_empty(team: Team) -> None:
    (team.folder / "out").mkdir()
    (team.folder / "out" / "mine.txt").write_text("keep me")


def out_still_mine(team: Team) -> None:
    found = sorted(path.name for path in (team.folder / "out").iterdir())
    assert found == ["mine.txt"]


def out_is_a_file(team: Team) -> None:
    (team.folder / "out").write_text("keep me")


ACTIONS: dict[str, Action] = {
    name.replace("_", "-"): action
    for name, action in list(globals().items())
    if callable(action) and getattr(action, "__module__", "") == __name__
}
