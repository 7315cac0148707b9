"""`policy test`: every case of the tests against the work tree's policy. No data, ledger or network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dpgate.errors import DocumentError, Problem, UsageError
from dpgate.gate.policytest.cases import Maker
from dpgate.gate.policytest.coverage import coverage
from dpgate.gate.policytest.judge import Judge, Prepared, document_of, judge
from dpgate.gate.policytest.result import CaseResult, PolicyTestResult, TestedFile
from dpgate.gate.trial import Judged
from dpgate.gate.workspace import Workspace, find_root, now, policy_of, relative, workspace
from dpgate.loading.documents import Loaded
from dpgate.loading.repository import TESTS, find, load_tests
from dpgate.policy.facts import clock
from dpgate.policy.rulebook import Bound, rules_for, rules_of


@dataclass(frozen=True, kw_only=True)
class Run:
    """What came of the cases, for a report and for `policy explain`."""

    space: Workspace
    tests: tuple[Loaded, ...]
    prepared: tuple[Prepared, ...]
    judged: tuple[Judged, ...]
    results: tuple[CaseResult, ...]


def run_tests(
    repo: Path | str = ".", paths: tuple[Path | str, ...] = (), *, require_tests: bool = False
) -> PolicyTestResult:
    """Run the tests of a policy.

    Args:
        repo: a release repository, or a folder in it.
        paths: tests to run, or folders of them; all when empty.
        require_tests: fail if a rule that people wrote or switched on lacks a case in which it
            holds, or one in which it does not.

    Returns:
        A result whose `passed` is False if a case came out otherwise than it says.

    Raises:
        DocumentError: a test, or a document that one is about, is malformed.
        UsageError: there is no test.
    """
    space = without_manifests(Path(repo))
    chosen = relative(tuple(Path(path) for path in paths), space.root) if paths else None
    done = run(space, load_tests(space.root, chosen))
    if not done.tests:
        raise UsageError(
            f"no tests in {TESTS}",
            fix=f"write one: {TESTS}/NAME.yaml with kind: PolicyTest (docs/policy-tests.md)",
        )
    rules = coverage(done.judged, written(space))
    files = tuple(_file(test, done.results) for test in done.tests)
    untested = require_tests and any(r.origin != "built-in" and not r.tested for r in rules)
    return PolicyTestResult(
        passed=not untested and all(case.passed for case in done.results),
        files=files,
        rules=rules,
        required=require_tests,
    )


def without_manifests(repo: Path) -> Workspace:
    """The policy and the datasets of a repository: manifests are read as cases name them."""
    root = find_root(repo)
    named = [root / path for path in find(root) if not path.endswith("/release.yaml")]
    return workspace(root, tuple(named))


def run(space: Workspace, tests: tuple[Loaded, ...]) -> Run:
    """Judge every case of some tests.

    Raises:
        DocumentError: with every problem that the tests and the rules have.
    """
    today = clock(policy_of(space.policy_file), now()).day
    prepared = _prepared(tests, space, Judge(today))
    done = judge(prepared)
    return Run(
        space=space,
        tests=tests,
        prepared=prepared,
        judged=tuple(judged for judged, _ in done),
        results=tuple(result for _, result in done),
    )


def written(space: Workspace) -> tuple[Bound, ...]:
    """The rules that people wrote or switched on: those of the policy, and of each dataset."""
    own = rules_of(space.policy_file)
    files = space.documents.datasets.values()
    theirs = (b for file in files for b in rules_for(space.policy_file, file))
    return (*own, *(bound for bound in theirs if bound.origin == "dataset"))


def _prepared(tests: Iterable[Loaded], space: Workspace, judge: Judge) -> tuple[Prepared, ...]:
    """Every case, or every problem that the tests have."""
    problems: list[Problem] = []
    done = []
    for test in tests:
        maker = Maker(space.root, test, space.policy_file)
        for number in range(len(document_of(test).spec.cases)):
            try:
                done.append(judge.prepare(test, maker, number))
            except DocumentError as error:
                problems.extend(error.problems)
    if problems:
        raise DocumentError(tuple(dict.fromkeys(problems)))
    return tuple(done)


def _file(test: Loaded, results: Sequence[CaseResult]) -> TestedFile:
    metadata = document_of(test).metadata
    return TestedFile(
        file=test.file,
        name=metadata.name,
        title=metadata.title or "",
        cases=tuple(result for result in results if result.file == test.file),
    )
