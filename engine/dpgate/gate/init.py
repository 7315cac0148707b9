"""`init`: a release repository to start from: policy, dataset, manifest, signers, workflows, keys."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files
from pathlib import Path
from string import Template

from dpgate.errors import UsageError
from dpgate.gate.results import FilesResult
from dpgate.gate.workspace import POLICY_PATH, now, policy_of, workspace
from dpgate.ledger.keys import PublicKey, generate, parse_public
from dpgate.ledger.roles import allowed_signers, keyring

ROLES = ("privacy", "legal", "runner")
SIGNERS = "policies/allowed_signers"
_DOCUMENTS = {
    "organization.yaml": POLICY_PATH,
    "dataset.yaml": "releases/clinic-visits/dataset.yaml",
    "manifest.yaml": "releases/clinic-visits/vendor-testing/release.yaml",
    "policy-test.yaml": "policies/tests/vendor-testing.yaml",
}
"""Filled in with keys and days."""
_WORKFLOWS = {
    "check.yml": ".github/workflows/dpgate-check.yml",
    "release.yml": ".github/workflows/dpgate-release.yml",
    **{
        f"action/{name}": f".github/actions/dpgate/{name}"
        for name in ("action.yml", "install.sh", "run.sh")
    },
}
"""Copied as they are."""
_PLACES = _DOCUMENTS | _WORKFLOWS
_KEPT_DAYS = 365


def init(folder: Path | str, *, keys: Path | str | None = None) -> FilesResult:
    """Start a release repository.

    Args:
        folder: where; it may exist, but none of the files may.
        keys: folder with ``privacy.pub``, ``legal.pub`` and ``runner.pub``; key pairs that are
            missing there are made. Beside the repository if None (``FOLDER-keys``).

    Returns:
        What was written, and the steps to the first release.

    Raises:
        UsageError: a file is there already; nothing is written then.
        KeyFileError: a key cannot be read or written.
    """
    root = Path(folder).resolve()
    there = [place for place in (*_PLACES.values(), SIGNERS) if (root / place).exists()]
    if there:
        raise UsageError(
            f"{root / there[0]} exists already", fix="give a folder without a release repository"
        )
    key_folder = Path(keys).resolve() if keys else root.with_name(root.name + "-keys")
    if key_folder.is_relative_to(root):
        raise UsageError(
            f"{key_folder} lies within the repository", fix="keep private keys outside: --keys DIR"
        )
    public = {role: _key(key_folder / role) for role in ROLES}
    _write(root, public)
    signers = allowed_signers(keyring(policy_of(workspace(root).policy_file)))
    (root / SIGNERS).write_text(signers)
    return FilesResult(
        title=f"release repository in {root}",
        lines=(
            *_PLACES.values(),
            SIGNERS,
            f"keys in {key_folder}: give each private key to its holder, and remove it here",
        ),
        next=(
            f"cd {root} && git init -b main && git add -A && git commit -m Start\n"
            "      git remote add origin URL && git push -u origin main\n"
            "then: dpgate check, dpgate approve policy (privacy and legal), dpgate policy adopt"
        ),
    )


def _key(path: Path) -> PublicKey:
    public = path.with_name(path.name + ".pub")
    return parse_public(public.read_text()) if public.exists() else generate(path, path.name)


def _write(root: Path, public: dict[str, PublicKey]) -> None:
    values = {role: f"{key.line} {key.comment}".strip() for role, key in public.items()}
    values["today"] = str(now().date())
    values["expires"] = str(now().date() + dt.timedelta(days=_KEPT_DAYS))
    scaffold = files("dpgate.gate") / "scaffold"
    for name, place in _PLACES.items():
        text = scaffold.joinpath(*name.split("/")).read_text()
        target = root / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(text).substitute(values) if name in _DOCUMENTS else text)
