"""`policy test`: every case of the tests against the work tree's policy. No data, ledger or network."""

from __future__ import annotations

from pathlib import Path

from dpgate.errors import DocumentError, Problem, UsageError
from dpgate.gate.policytest.cases import Maker
from dpgate.gate.policytest.coverage import coverage
from dpgate.gate.policytest.judge import Judge, Judged
from dpgate.gate.policytest.result import PolicyTestResult, TestedFile
from dpgate.gate.workspace import find_root, now, policy_of, relative, workspace
from dpgate.loading.documents import Loaded
from dpgate.loading.repository import POLICY, TESTS, load_tests
from dpgate.model.policytest import PolicyTest
from dpgate.policy.facts import clock


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
    root = find_root(Path(repo))
    space = workspace(root, (root / POLICY,))
    chosen = relative(tuple(Path(path) for path in paths), space.root) if paths else None
    tests = load_tests(space.root, chosen)
    if not tests:
        raise UsageError(
            f"no tests in {TESTS}",
            fix=f"write one: {TESTS}/NAME.yaml with kind: PolicyTest (docs/policy-tests.md)",
        )
    judge = Judge(space.policy_file, clock(policy_of(space.policy_file), now()).day)
    judged = {test.file: cases for test, cases in _judged(tests, space.root, judge)}
    rules = coverage(each for cases in judged.values() for each in cases)
    files = tuple(_file(test, judged[test.file]) for test in tests)
    untested = require_tests and any(r.origin != "built-in" and not r.tested for r in rules)
    return PolicyTestResult(
        passed=not untested and all(case.passed for file in files for case in file.cases),
        files=files,
        rules=rules,
        required=require_tests,
    )


def _judged(
    tests: tuple[Loaded, ...], root: Path, judge: Judge
) -> list[tuple[Loaded, tuple[Judged, ...]]]:
    """Every case, or every problem that the tests have."""
    problems: list[Problem] = []
    done = []
    for test in tests:
        maker = Maker(root, test)
        cases = []
        for number in range(len(_document(test).spec.cases)):
            try:
                cases.append(judge.case(test, maker, number))
            except DocumentError as error:
                problems.extend(error.problems)
        done.append((test, tuple(cases)))
    if problems:
        raise DocumentError(tuple(dict.fromkeys(problems)))
    return done


def _document(test: Loaded) -> PolicyTest:
    document = test.document
    assert isinstance(document, PolicyTest)  # noqa: S101 - the loader looked
    return document


def _file(test: Loaded, judged: tuple[Judged, ...]) -> TestedFile:
    metadata = _document(test).metadata
    return TestedFile(
        file=test.file,
        name=metadata.name,
        title=metadata.title or "",
        cases=tuple(each.result for each in judged),
    )
