"""Rebuilds this repository's own ledger: `make example-ledger`.

Real releases of the RAND Health Insurance Experiment are made through the gate, with keys that are
thrown away afterwards; the chain, its approvals and the policy with the public keys land in this checkout,
and the new genesis digest in README.md. Until 1.0 the chain may be rebuilt; nothing else touches it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from demo import CHECKOUT, Story, prepare

RELEASES = {
    "rand-health/2026q4-vendor-testing": ("privacy", "security"),
    "rand-health/2026q4-plan-design": ("privacy", "security", "legal"),
    "rand-health/2026q4-teaching": ("privacy", "security"),
    "rand-health/2026q4-utilization-statistics": ("privacy", "security"),
}
ROOT = re.compile(r"(?<=dpgate verify --root )sha256:[0-9a-f]{64}")


def build(story: Story) -> None:
    """Adopt the policy, approve and make each release."""
    prepare(story)
    for role in ("privacy", "legal"):
        story.run("dpgate", "approve", "policy", "--role", role, "--key", str(story.keys / role))
    story.commit("Approve the policy")
    out = story.run("dpgate", "policy", "adopt", "--key", str(story.keys / "runner"))
    found = re.search(r"root (sha256:[0-9a-f]{64})", out)
    story.root = found[1] if found else ""
    for name, roles in RELEASES.items():
        for role in roles:
            story.run("dpgate", "approve", name, "--role", role, "--key", str(story.keys / role))
        story.commit(f"Approve {name}")
        key = str(story.keys / "runner")
        story.run("dpgate", "release", name, "--source", str(story.data), "--key", key)
    story.run("dpgate", "verify", "--root", story.root)


def land(story: Story) -> None:
    """Put chain, approvals, policy and root into this checkout."""
    story.run("git", "checkout", "-q", "origin/dpgate-ledger", "--", "releases/ledger", quiet=True)
    for place in ("releases/ledger", "policies/approvals"):
        shutil.rmtree(CHECKOUT / place, ignore_errors=True)
        shutil.copytree(story.team / place, CHECKOUT / place)
    for name in RELEASES:
        place = f"releases/{name}/approvals"
        shutil.rmtree(CHECKOUT / place, ignore_errors=True)
        shutil.copytree(story.team / place, CHECKOUT / place)
    policy = "policies/organization.yaml"
    shutil.copy(story.team / policy, CHECKOUT / policy)
    readme = CHECKOUT / "README.md"
    text, count = ROOT.subn(story.root, readme.read_text(encoding="utf-8"))
    if not count:
        raise SystemExit("README.md has no `dpgate verify --root sha256:…` to hold the new root")
    readme.write_text(text, encoding="utf-8")


def main() -> None:
    """Build in a folder that is deleted, keys included, then land what is public."""
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder) / "example")
        story.folder.mkdir()
        build(story)
        land(story)
    print(
        f"\nthe example ledger has a new root: {story.root}\ncommit it: git add -A policies releases README.md"
    )


if __name__ == "__main__":
    main()
