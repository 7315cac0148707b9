"""`dpgate policy`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dpgate.cli.options import (
    common,
    complete_release,
    complete_rule,
    finish,
    key_option,
    load_key,
    reported,
    root_option,
)


@click.group("policy", short_help="Test, explain, compare and adopt a policy.")
def command() -> None:
    """What the organization allows, and how that changes."""


@command.command("pending", short_help="What adopting the work tree's policy would change.")
@common
def pending(repo: Path, style: str) -> None:
    """Say in words what adopting the work tree's policy would change; nothing is written.

    \b
    Examples
      dpgate policy pending
    """
    from dpgate.gate.adopt import pending as run

    finish(run(repo), style)


@command.command("adopt", short_help="Put the work tree's policy in force.")
@key_option("a runner")
@root_option
@click.option("--yes", is_flag=True, help="Do not ask, in a terminal, after showing the changes.")
@common
def adopt(
    key_file: str,
    root: str | None,
    yes: bool,  # noqa: FBT001 - click's flag
    repo: Path,
    style: str,
) -> None:
    """Put the work tree's policy in force, after saying in words what that changes.

    It needs the approvals that `policy_change` of the policy before it names (the first one: its
    own). The first adoption is the ledger's genesis; keep the root it prints outside the
    repository, where runners and auditors find it.

    \b
    Examples
      dpgate approve policy --role privacy --key privacy.key
      dpgate approve policy --role legal --key legal.key
      dpgate policy adopt --key runner.key
    """
    from dpgate.gate.adopt import adopt as run
    from dpgate.gate.adopt import pending as preview
    from dpgate.report.interface import get

    key = load_key(key_file)
    if style == "text":
        get("text").result(preview(repo), sys.stdout)
        if sys.stdin.isatty() and not yes:
            click.confirm("Adopt it?", abort=True, err=True)
    finish(run(key=key, repo=repo, root=root), style)


@command.command("test", short_help="Run the tests in policies/tests/.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH…]")
@click.option(
    "--require-tests",
    is_flag=True,
    help="Fail, too, if a rule of the policy, its catalogue or a dataset lacks a case that keeps it "
    "or one that breaks it.",
)
@reported("policy-test")
def test(
    paths: tuple[Path, ...],
    require_tests: bool,  # noqa: FBT001 - click's flag
    repo: Path,
    style: str,
) -> None:
    """Run the tests of the work tree's policy: policies/tests/*.yaml.

    A case names a release, what is otherwise in it and what was released before it, and says what
    the policy must find: `allow`, or the denials. It is judged by the code that judges a real one.
    No data, ledger or network is touched. Ends with 1 if a case comes out otherwise.

    \b
    Examples
      dpgate policy test
      dpgate policy test policies/tests/vendor-testing.yaml
      dpgate policy test --require-tests
    """
    from dpgate.gate.policytest.run import run_tests

    result = run_tests(repo, paths, require_tests=require_tests)
    finish(result, style, 0 if result.passed else 1)


@command.command("explain", short_help="What a rule is, who may waive it, what tests it.")
@click.argument("rule", required=False, shell_complete=complete_rule)
@click.option(
    "--release",
    metavar="RELEASE",
    shell_complete=complete_release,
    help="Hold it against this manifest, and show the facts that it reads.",
)
@common
def explain(rule: str | None, release: str | None, repo: Path, style: str) -> None:
    """Say what a rule is, who may waive it, and which tests show it; without RULE, list all rules.

    It works for rules of the policy, its catalogue and datasets, and for those built into dpgate.

    \b
    Examples
      dpgate policy explain
      dpgate policy explain class-epsilon
      dpgate policy explain cross-border --release rand-health/2026q4-vendor-testing
    """
    from dpgate.gate.policyexplain import explain_rule
    from dpgate.gate.policyexplain import rules as listed

    if rule is None:
        if release is not None:
            raise click.UsageError("--release goes with a RULE")
        finish(listed(repo), style)
    else:
        finish(explain_rule(rule, repo, release=release), style)


@command.command("rules", short_help="List every rule.")
@common
def rules(repo: Path, style: str) -> None:
    """List every rule that releases are held against.

    \b
    Examples
      dpgate policy rules
      dpgate policy rules --format json
    """
    from dpgate.gate.policyexplain import rules as listed

    finish(listed(repo), style)


@command.command("diff", short_help="What B changes against A, and for which releases.")
@click.argument("before", metavar="[A]", default="adopted")
@click.argument("after", metavar="[B]", default="worktree")
@click.option(
    "--exit-code", is_flag=True, help="End with 1 if a release would be judged otherwise."
)
@reported("policy-diff")
def diff(
    before: str,
    after: str,
    exit_code: bool,  # noqa: FBT001 - click's flag
    repo: Path,
    style: str,
) -> None:
    """Say what policy B changes against policy A, and which releases it would judge otherwise.

    A and B are branches, tags or commits, files, `adopted` (the last one in the ledger, as this
    clone last fetched it) or `worktree`. A release that was made is judged as of its reservation.

    \b
    Examples
      dpgate policy diff
      dpgate policy diff main
      dpgate policy diff HEAD~3 worktree --exit-code
      dpgate policy diff adopted proposal.yaml
    """
    from dpgate.gate.policydiff import policy_diff

    result = policy_diff(before, after, repo)
    finish(result, style, 1 if exit_code and result.releases else 0)
