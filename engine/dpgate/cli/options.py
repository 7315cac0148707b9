"""Options that several commands share, and how they end."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from click.shell_completion import CompletionItem

from dpgate.cli.outputs import Outputs, format_option, output_option
from dpgate.errors import LockedKeyError

if TYPE_CHECKING:
    from dpgate.ledger.signers.interface import Signer
    from dpgate.model.values import Frozen

F = TypeVar("F", bound=Callable[..., object])


_repo_option = click.option(
    "--repo",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="Release repository, or a folder in it.  [default: here]",
)


def common(function: F) -> F:
    """``--repo`` and ``--format``."""
    return _repo_option(format_option()(function))


def reported(*verbs: str) -> Callable[[F], F]:
    """``--repo``, ``--format`` and ``--output``, for a command with results of these kinds."""

    def decorate(function: F) -> F:
        return _repo_option(format_option(*verbs)(output_option(*verbs)(function)))

    return decorate


def key_option(role: str) -> Callable[[F], F]:
    """``--key``."""
    return click.option(
        "--key",
        "key_file",
        required=True,
        metavar="KEY",
        shell_complete=complete_key,
        help=f"Ed25519 key of {role}: a file (OpenSSH or PEM), `agent` or `agent:SHA256:…` (the SSH agent), "
        "or a .pub file whose private half the agent holds. A passphrase comes from "
        "DPGATE_KEY_PASSPHRASE, or is asked for.",
    )


def complete_key(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Shell completion of a key: signers by name, else files."""
    from importlib.metadata import entry_points

    from dpgate.ledger.signers.interface import GROUP

    names = sorted({point.name for point in entry_points(group=GROUP)} - {"file"})
    named = [CompletionItem(name) for name in names if incomplete and name.startswith(incomplete)]
    return named or [CompletionItem(incomplete, type="file")]


root_option = click.option(
    "--root",
    metavar="DIGEST",
    callback=lambda _ctx, _param, value: _digest(value),
    help="Genesis digest, kept outside the repository (sha256:…).",
)

offline_option = click.option(
    "--offline",
    is_flag=True,
    help="Judge by the ledger as this clone last fetched it; contact no remote.",
)

changed_option = click.option(
    "--changed",
    metavar="REF",
    help="Only what changed since this branch or commit: the base of a pull request.",
)


def _digest(value: str | None) -> str | None:
    if value is None:
        return None
    text = value if value.startswith("sha256:") else f"sha256:{value}"
    digits = text.removeprefix("sha256:")
    if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
        raise click.BadParameter("expected sha256: and 64 hexadecimal digits")
    return text


def complete_release(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Shell completion of ``dataset/release``."""
    folder = ctx.params.get("repo") or Path()
    names = sorted(
        path.parent.relative_to(folder / "releases").as_posix()
        for path in (folder / "releases").glob("*/*/release.yaml")
    )
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_dataset(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Shell completion of a dataset's name."""
    folder = ctx.params.get("repo") or Path()
    names = sorted(path.parent.name for path in (folder / "releases").glob("*/dataset.yaml"))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_waiver(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Shell completion of a waiver's name."""
    folder = ctx.params.get("repo") or Path()
    names = sorted(path.stem for path in (folder / "policies" / "waivers").glob("*.yaml"))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_role(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Shell completion of a role of the work tree's policy."""
    from dpgate.errors import DpgateError
    from dpgate.gate.workspace import find_root, policy_of, workspace
    from dpgate.loading.repository import POLICY

    try:
        root = find_root(ctx.params.get("repo") or Path())
        space = workspace(root, (root / POLICY,))
        roles = policy_of(space.policy_file).spec.roles
    except DpgateError:
        return []
    return [CompletionItem(name) for name in roles if name.startswith(incomplete)]


def complete_rule(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Shell completion of a rule's id, with what it demands."""
    from dpgate.errors import DpgateError
    from dpgate.gate.policyexplain import rules

    try:
        known = rules(ctx.params.get("repo") or Path()).rules
    except DpgateError:
        return []
    return [CompletionItem(r.id, help=r.title) for r in known if r.id.startswith(incomplete)]


release_argument = click.argument("release", metavar="RELEASE", shell_complete=complete_release)


def decimal(text: str | None) -> Decimal | None:
    """An option's exact decimal, above 0."""
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,9})?", text) or not Decimal(text):
        raise click.BadParameter(f"expected a decimal above 0, not {text!r}")
    return Decimal(text)


def load_key(key: str) -> Signer:
    """The signer that ``--key`` names; asks for a passphrase in a terminal."""
    from dpgate.ledger.signers.interface import open_signer

    given = os.environ.get("DPGATE_KEY_PASSPHRASE")
    try:
        return open_signer(key, given.encode() if given else None)
    except LockedKeyError:
        if given or not sys.stdin.isatty():
            raise
    asked: str = click.prompt(f"Passphrase of {key}", hide_input=True, err=True)
    return open_signer(key, asked.encode())


def finish(result: Frozen, style: str, code: int = 0) -> None:
    """Write the result, in this format and to every file that was asked for; end with this exit code."""
    outputs = click.get_current_context().ensure_object(Outputs)
    outputs.style = style
    outputs.result(result)
    raise click.exceptions.Exit(code)
