"""The whole job on real data, told step by step: `make demo`.

A health department releases synthetic rows of the RAND Health Insurance Experiment. Everything
happens in a folder of its own under `.demo/`, with throw-away keys and a Git remote made on the
spot; only the commands that a user would type are run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
DPGATE = Path(sys.executable).with_name("dpgate")
RELEASE = "rand-health/2026q4-vendor-testing"
SECOND = "rand-health/2026q4-vendor-retest"
ROLES = ("privacy", "legal", "security", "runner")


class Story:
    """One telling, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = folder / "keys"
        self.team = folder / "team"
        self.auditor = folder / "auditor"
        self.data = folder / "private" / "rand-health.parquet"
        self.root = ""
        self._step = 0

    def tell(self, title: str, *lines: str) -> None:
        """Begin a step."""
        self._step += 1
        print(
            f"\n\033[1m{self._step}. {title}\033[0m"
            if sys.stdout.isatty()
            else f"\n{self._step}. {title}"
        )
        for line in lines:
            print(f"   {line}")
        sys.stdout.flush()

    def run(self, *words: str, at: Path | None = None, expect: int = 0, quiet: bool = False) -> str:
        """Run one command, show it as a user would type it, and check how it ended."""
        if not quiet:
            shown = [str(w).replace(str(self.folder), "…") for w in words]
            print(f"\n   $ {' '.join(shown)}")
            sys.stdout.flush()
        command = [str(DPGATE), *words[1:]] if words[0] == "dpgate" else list(words)
        done = subprocess.run(  # noqa: S603 - fixed words and paths of this folder
            command,
            cwd=at or self.team,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        text = done.stdout + (done.stderr if done.returncode != expect or not done.stdout else "")
        if not quiet:
            for line in text.splitlines():
                print(f"   {line}".rstrip())
            if expect:
                print(f"   exit {done.returncode}")
            sys.stdout.flush()
        if done.returncode != expect:
            raise SystemExit(
                f"the demo expected exit {expect} and got {done.returncode}:\n{done.stderr}"
            )
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Nothing of the user's configuration is read or written."""
        who = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in
               (("NAME", "Demo Team"), ("EMAIL", "team@example.org"))}  # fmt: skip
        return {
            **os.environ,
            **who,
            "DPGATE_STATE": str(self.folder / "state"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "COLUMNS": "110",
        }

    def commit(self, message: str) -> None:
        """Commit and push the team's documents."""
        self.run("git", "add", "-A", quiet=True)
        self.run("git", "commit", "-q", "-m", message, quiet=True)
        self.run("git", "push", "-q", "origin", "main", quiet=True)


def prepare(story: Story) -> None:
    """Data outside Git, keys, a remote, and the documents with the demo's own keys in them."""
    story.tell(
        "A department, its data and its keys",
        "20,190 person-years of the RAND Health Insurance Experiment, written outside Git;",
        "throw-away keys for four roles; a bare Git remote; this repository's own policy and manifests.",
    )
    story.keys.mkdir(parents=True)
    story.data.parent.mkdir()
    load = CHECKOUT / "releases" / "rand-health" / "load.py"
    story.run(sys.executable, str(load), str(story.data), at=story.folder)
    for role in ROLES:
        story.run(
            "dpgate",
            "keygen",
            str(story.keys / role),
            "--comment",
            f"{role}@example.org",
            at=story.folder,
            quiet=True,
        )
    story.run(
        "dpgate", "keygen", str(story.keys / "steward.age"), "--age", at=story.folder, quiet=True
    )
    story.run(
        "git",
        "init",
        "-q",
        "--bare",
        "-b",
        "main",
        str(story.folder / "remote.git"),
        at=story.folder,
    )
    story.run(
        "git", "clone", "-q", str(story.folder / "remote.git"), str(story.team), at=story.folder
    )
    story.run("git", "switch", "-q", "-c", "main", quiet=True)
    for part in ("policies", "releases"):
        shutil.copytree(
            CHECKOUT / part,
            story.team / part,
            ignore=shutil.ignore_patterns("ledger", "approvals", "__pycache__"),
        )
    policy = story.team / "policies" / "organization.yaml"
    policy.write_text(with_keys(policy.read_text(), story.keys))
    story.commit("Policy, dataset and manifests")


def with_keys(text: str, keys: Path) -> str:
    """The policy with the demo's keys in place of the example ones."""
    for role in ROLES:
        line = (keys / f"{role}.pub").read_text().strip()
        block = re.compile(rf"(\n    {role}:[\s\S]*?\n      keys:\n)((?:        - .*\n)+)")
        text, count = block.subn(rf"\g<1>        - {line}\n", text, count=1)
        if count != 1:
            raise SystemExit(f"the policy has no keys of role {role} to replace")
    secret = (keys / "steward.age").read_text()
    recipient = re.search(r"age1[a-z0-9]+", secret)
    return re.sub(r"age1[a-z0-9]+", recipient[0] if recipient else "", text)


def adopt(story: Story) -> None:
    """The first policy starts the ledger."""
    story.tell(
        "The policy is approved and adopted",
        "Its own policy_change asks for privacy and legal. The first adoption is the ledger's genesis.",
    )
    for role in ("privacy", "legal"):
        story.run("dpgate", "approve", "policy", "--role", role, "--key", str(story.keys / role))
    story.commit("Approve the policy")
    out = story.run("dpgate", "policy", "adopt", "--key", str(story.keys / "runner"))
    found = re.search(r"root (sha256:[0-9a-f]{64})", out)
    story.root = found[1] if found else ""
    (story.folder / "root.txt").write_text(story.root + "\n")


def plan(story: Story) -> None:
    """Rules, then budgets, then an attempt that nobody approved."""
    story.tell("check: every rule, no data, no network")
    story.run("dpgate", "check")
    story.tell("plan: the budgets before and after, and who must still approve")
    story.run("dpgate", "plan", RELEASE, expect=1)
    story.tell("A release without approvals is denied; the data is not opened")
    story.run(*release_words(story, RELEASE), expect=1)


def release_words(story: Story, name: str) -> tuple[str, ...]:
    """The command that releases."""
    return (
        "dpgate",
        "release",
        name,
        "--source",
        str(story.data),
        "--key",
        str(story.keys / "runner"),
    )


def release(story: Story) -> None:
    """Two approvals, one release."""
    story.tell(
        "Two roles approve: bound to the exact bytes of manifest, dataset, policy, and to the cost"
    )
    for role in ("privacy", "security"):
        story.run("dpgate", "approve", RELEASE, "--role", role, "--key", str(story.keys / role))
    story.commit("Approve the vendor's test data")
    story.tell("release: charge the ledger, then open the data, measure, judge, settle, promote")
    story.run(*release_words(story, RELEASE), "--out", str(story.folder / "released"))
    story.run("cat", str(story.folder / "released" / "card.md"))
    story.tell("The ledger: signed, hash-chained entries on a branch of their own")
    story.run("git", "log", "--reverse", "--format=%h %s%n%n%b", "origin/dpgate-ledger")
    story.run("dpgate", "ledger", "show")


def audit(story: Story) -> None:
    """An auditor has a clone and the root."""
    story.tell("An auditor with a clone and the genesis digest verifies everything, offline")
    story.run(
        "git", "clone", "-q", str(story.folder / "remote.git"), str(story.auditor), at=story.folder
    )
    words = ("dpgate", "verify", "--root", story.root)
    story.run(*words, "--artifacts", str(story.folder / "released"), at=story.auditor)
    story.tell("One byte of one entry is changed, and the history rewritten to hide it")
    edit_one_byte(story)
    story.run(*words, at=story.auditor, expect=3)
    story.run(
        "git", "fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*", at=story.auditor
    )


def edit_one_byte(story: Story) -> None:
    """What somebody with write access to the branch could do."""
    name = "releases/ledger/000002-reserve.dsse.json"
    ref = "refs/remotes/origin/dpgate-ledger"
    hidden = story.folder / "tampered"
    story.run(
        "git", "worktree", "add", "-q", "--detach", str(hidden), ref, at=story.auditor, quiet=True
    )
    data = bytearray((hidden / name).read_bytes())
    data[len(data) // 2] ^= 1
    (hidden / name).write_bytes(bytes(data))
    story.run("git", "commit", "-q", "-a", "-m", "Nothing to see here", at=hidden, quiet=True)
    changed = story.run("git", "rev-parse", "HEAD", at=hidden, quiet=True).strip()
    story.run("git", "update-ref", ref, changed, at=story.auditor, quiet=True)
    story.run("git", "worktree", "remove", "--force", str(hidden), at=story.auditor, quiet=True)


def deny(story: Story) -> None:
    """The budget says no."""
    story.tell(
        "A second release for the same purpose would exceed its quota: denied, with the arithmetic"
    )
    source = story.team / "releases" / RELEASE / "release.yaml"
    target = story.team / "releases" / SECOND / "release.yaml"
    target.parent.mkdir()
    target.write_text(source.read_text().replace(RELEASE.split("/")[1], SECOND.split("/")[1]))
    story.commit("Ask for the same again")
    story.run("dpgate", "plan", SECOND, expect=1)
    story.run(*release_words(story, SECOND), expect=1)


def main() -> None:
    """Tell the story."""
    base = CHECKOUT / ".demo"
    numbers = [int(p.name) for p in base.glob("*") if p.name.isdigit()] if base.exists() else []
    folder = base / str(max(numbers, default=0) + 1)
    folder.mkdir(parents=True)
    story = Story(folder)
    for part in (prepare, adopt, plan, release, audit, deny):
        part(story)
    print(f"""
Everything is in {folder}
   team/       the release repository: policies/, releases/; try  dpgate ledger show
   released/   what the vendor gets: data.parquet, data.csv, card.md, evidence.html
   auditor/    a clone; root.txt holds the digest that it is verified with
   keys/       throw-away keys, state/ what the runner remembers
To go on:  cd {story.team} && export DPGATE_STATE={folder / "state"} PATH={DPGATE.parent}:$PATH""")


if __name__ == "__main__":
    main()
