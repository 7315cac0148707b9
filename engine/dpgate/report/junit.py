"""JUnit XML: a suite for each manifest, a case for each rule, so that those satisfied show as passed."""

from __future__ import annotations

from typing import TextIO
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from dpgate.errors import DpgateError
from dpgate.model.finding import Finding
from dpgate.model.values import Frozen
from dpgate.report.view import TESTED, Status, Subject, View, view, view_of_error
from dpgate.report.words import inert

_ELEMENTS: dict[Status, str] = {"failed": "failure", "error": "error"}


class JunitReporter:
    """One XML document; CI servers show it among their tests."""

    shows = TESTED

    def result(self, result: Frozen, out: TextIO) -> None:
        """Write what a verb returned."""
        _write(view(result), out)

    def error(self, error: DpgateError, out: TextIO, verb: str = "") -> None:
        """Write why a verb could not do its work."""
        _write(view_of_error(error, verb), out)


def _write(shown: View, out: TextIO) -> None:
    root = Element("testsuites", name=f"dpgate {shown.verb}")
    for subject in shown.subjects:
        _suite(root, subject, shown.verb)
    if shown.failure:
        suite = SubElement(root, "testsuite", name="dpgate")
        case = SubElement(
            suite, "testcase", classname="dpgate", name="The command can be carried out"
        )
        SubElement(case, "error", message=_text(shown.failure), type="error")
        _count(suite)
    _count(root)
    indent(root)
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    ElementTree(root).write(out, encoding="unicode")
    out.write("\n")


def _suite(root: Element, subject: Subject, verb: str) -> None:
    suite = SubElement(root, "testsuite", name=_text(subject.name))
    for rule, status, findings in subject.cases():
        title = f"{rule.id}: {rule.title}" if rule.title != rule.id else rule.id
        place = {"file": subject.file} if subject.file else {}
        if findings and findings[0].file:
            place = {"file": findings[0].file} | (
                {"line": str(findings[0].line)} if findings[0].line else {}
            )
        case = SubElement(
            suite,
            "testcase",
            {"classname": _text(f"dpgate.{verb}.{subject.name}"), "name": _text(title)}
            | {key: _text(value) for key, value in place.items()},
        )
        _ending(case, status, findings)
    _count(suite)


def _ending(case: Element, status: Status, findings: tuple[Finding, ...]) -> None:
    told = "\n".join(_told(finding) for finding in findings)
    if status in _ELEMENTS:
        first = next(finding for finding in findings if finding.level == "deny")
        kind = {"message": _text(first.message), "type": first.rule}
        SubElement(case, _ELEMENTS[status], kind).text = _text(told)
    elif status == "waived":
        SubElement(case, "skipped", message=_text(told))
    elif status == "skipped":
        SubElement(case, "skipped", message="not judged")
    elif told:
        SubElement(case, "system-out").text = _text(told)


def _told(finding: Finding) -> str:
    place = f"{finding.place}: " if finding.place else ""
    by = f" (waiver: {finding.waiver})" if finding.waiver else ""
    fix = f"\n  fix: {finding.fix}" if finding.fix else ""
    return f"{place}{finding.message}{by}{fix}"


def _count(element: Element) -> None:
    """State how many cases there are of each kind, as readers of this format expect."""
    element.set("tests", str(len(list(element.iter("testcase")))))
    for name, child in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(len(list(element.iter(child)))))
    element.set("time", "0")


def _text(text: str) -> str:
    return inert(text)  # XML may not hold invisible characters, not even escaped
