"""Attacks on the auditor's own machine, by a repository that brings its Git configuration along.

A plain `git clone` copies no configuration; an archive of a folder does. Each trap names a plain Git
command that runs the program, and the corpus holds that it would.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dpgate
from tests.corpus.scene import Found, Scene, Trap


def _trapped(scene: Scene, setting: str, value: str, *springs: str) -> Found:
    """Configure a program, then do everything that an auditor does without the network."""
    _set(scene, setting, value, *springs)
    return _audited(scene)


def _set(scene: Scene, setting: str, value: str, *springs: str) -> None:
    marker = scene.team.folder / f"marker-{len(scene.traps)}"
    scene.team.git("config", setting, value.replace("MARK", str(_program(scene, marker))))
    scene.traps.append(Trap(marker, springs))


def _program(scene: Scene, marker: Path) -> str:
    path = scene.team.folder / f"program-{len(scene.traps)}"
    path.write_text(f"#!/bin/sh\ntouch {marker}\nexit 1\n")
    path.chmod(0o755)
    return str(path)


def _audited(scene: Scene) -> Found:
    clone = scene.team.clone
    found = scene.verify(memory=True, checkpoint=scene.note)
    dpgate.check(clone)
    dpgate.plan("clinic-visits/third", clone, offline=True)
    dpgate.show(clone, offline=True)
    dpgate.log(clone, offline=True)
    return found


def _attribute(scene: Scene, attribute: str) -> None:
    (scene.team.clone / ".git" / "info" / "attributes").write_text(f"* {attribute}\n")


def runs_a_file_system_monitor(scene: Scene) -> Found:
    return _trapped(scene, "core.fsmonitor", "MARK", "git", "status")


def runs_a_hook(scene: Scene) -> Found:
    hooks = scene.team.folder / "hooks"
    hooks.mkdir()
    marker = scene.team.folder / "marker-0"
    for name in ("post-index-change", "reference-transaction", "post-checkout", "post-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (hooks / name).chmod(0o755)
    scene.team.git("config", "core.hooksPath", str(hooks))
    scene.traps.append(Trap(marker, ("git", "commit", "--allow-empty", "-m", "x")))
    return _audited(scene)


def runs_a_hook_of_its_own_folder(scene: Scene) -> Found:
    marker = scene.team.folder / "marker-0"
    hook = scene.team.clone / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
    hook.chmod(0o755)
    scene.traps.append(Trap(marker, ("git", "reset", "--hard", "HEAD~1")))
    return _audited(scene)


def runs_a_filter(scene: Scene) -> Found:
    _attribute(scene, "filter=evil")
    scene.team.git("config", "filter.evil.required", "true")
    again = ("sh", "-c", "rm policies/organization.yaml && git checkout policies")
    _set(scene, "filter.evil.clean", "MARK", "git", "add", "--renormalize", "-A")
    return _trapped(scene, "filter.evil.smudge", "MARK", *again)


def runs_a_text_converter(scene: Scene) -> Found:
    _attribute(scene, "diff=evil")
    return _trapped(scene, "diff.evil.textconv", "MARK", "git", "log", "-p", "--all")


def runs_an_external_diff(scene: Scene) -> Found:
    springs = ("git", "diff", "HEAD~1", "HEAD")
    return _trapped(scene, "diff.external", "MARK", *springs)


def runs_a_signature_checker(scene: Scene) -> Found:
    scene.team.git("config", "gpg.format", "ssh")
    scene.team.git("config", "log.showSignature", "true")
    scene.team.git("config", "gpg.ssh.allowedSignersFile", "/dev/null")
    springs = ("git", "log", "origin/dpgate-ledger")
    return _trapped(scene, "gpg.ssh.program", "MARK", *springs)


def runs_an_ssh_command(scene: Scene) -> Found:
    scene.team.git("remote", "set-url", "origin", "ssh://nowhere.invalid/x")
    return _trapped(scene, "core.sshCommand", "MARK", "git", "fetch")


def runs_an_alias(scene: Scene) -> Found:
    words = ("git", "audit")
    for name in ("rev-parse", "ls-tree", "cat-file", "for-each-ref"):
        scene.team.git("config", f"alias.{name}", f"!touch {scene.team.folder}/marker-0")
    return _trapped(scene, "alias.audit", "!MARK", *words)


def runs_a_credential_helper(scene: Scene) -> Found:
    scene.team.git("remote", "set-url", "origin", "https://nowhere.invalid/x")
    question = "printf 'protocol=https\\nhost=nowhere.invalid\\n\\n' | git credential fill"
    return _trapped(scene, "credential.helper", "!MARK", "sh", "-c", question)


def runs_an_external_transport(scene: Scene) -> Found:
    scene.team.git("config", "protocol.ext.allow", "always")
    key = "url.ext::" + _program(scene, scene.team.folder / "marker-0") + " .insteadOf"
    scene.team.git("config", key, f"file://{scene.team.remote}")
    scene.traps.append(Trap(scene.team.folder / "marker-0", ("git", "fetch")))
    return _audited(scene)


def runs_the_remotes_program_for_a_missing_object(scene: Scene) -> Found:
    """A partial clone fetches what it lacks, by the program its configuration names."""
    team = scene.team
    team.git("config", "uploadpack.allowFilter", "true", cwd=team.remote)
    clone = team.folder / "partial"
    url = f"file://{team.remote}"
    team.git("clone", "-q", "--filter=blob:none", url, str(clone), cwd=team.folder)
    marker = team.folder / "marker-0"
    team.git("config", "remote.origin.uploadpack", _program(scene, marker), cwd=clone)
    place = "origin/dpgate-ledger:releases/ledger/000009-settle.dsse.json"
    scene.traps.append(Trap(marker, ("git", "-C", str(clone), "cat-file", "-p", place)))
    return scene.verify(clone)


def runs_code_beside_the_documents(scene: Scene) -> Found:
    """Modules that Python would prefer if the program were started from the repository's folder."""
    marker = scene.team.folder / "marker-0"
    for name in ("yaml", "sitecustomize", "usercustomize", "click", "dpgate"):
        (scene.team.clone / f"{name}.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    program = Path(sys.executable).with_name("dpgate")
    environment = {**scene.team.environment, "DPGATE_STATE": str(scene.team.folder / "auditor")}
    words = (str(program), "verify", "--root", scene.root)
    done = subprocess.run(
        words, cwd=scene.team.clone, env=environment, capture_output=True, text=True, check=False
    )
    scene.traps.append(Trap(marker, (sys.executable, "-m", "yaml")))
    return Found(done.returncode, "", done.stderr)
