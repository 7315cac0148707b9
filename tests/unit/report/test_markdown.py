"""Markdown: read as its readers' hosts do, with hostile words in every place, within its size."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dpgate.gate import results as r
from dpgate.model.visible import flat
from dpgate.report.markdown import MarkdownReporter
from dpgate.report.markdown_plan import bar
from dpgate.report.markdown_text import Links, code, prose
from dpgate.report.page import Page
from tests.suites.reporters import (
    HOSTILE,
    ReporterSuite,
    errors,
    finding,
    findings,
    plan,
    samples,
    waiver,
)

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = re.compile(
    r"<(code|/code|sub|/sub|br|span|/span|details|/details|summary|/summary)>|<!-- dpgate:[a-z]+ -->"
)
REFERENCE = re.compile(
    r"@\w|#\w|\bgh-\d|www\.|://|[0-9a-f]{7}|:[\w+-]+:|(?<!\$)\$(?!\$)", re.IGNORECASE
)


def inline(tokens: list[Token]) -> list[Token]:
    return [t for token in tokens for t in (token, *(token.children or ()))]


def shape(text: str) -> list[str]:
    """What a page is made of, without its words."""
    kinds = [t.type + t.tag for t in inline(MARKDOWN.parse(text)) if t.type != "text"]
    return [kind for kind in kinds if kind not in ("softbreakbr", "text")]


def words(text: str) -> str:
    """Text of a page outside code, as a host sees it when it looks for what to link."""
    inside = 0
    found = []
    for token in inline(MARKDOWN.parse(text)):
        if token.type == "html_inline":
            inside += {"<code>": 1, "</code>": -1, "<span>": 1, "</span>": -1}.get(token.content, 0)
        is_text = token.type in ("text", "text_special") and not inside
        found.append(token.content if is_text else "\n")
    return "".join(found)


class TestMarkdown(ReporterSuite):
    name = "markdown"
    shows = ReporterSuite.shows | {"compare"}

    def read(self, text: str) -> None:
        first, second = text.splitlines()[:2]
        assert re.fullmatch(r"<!-- dpgate:(check|plan|release|verify|compare|error) -->", first)
        assert second.startswith("### ")
        assert len(text) <= 60_000
        tokens = inline(MARKDOWN.parse(text))
        for token in tokens:
            if token.type in ("html_inline", "html_block"):
                assert not re.sub(r"\s", "", OURS.sub("", re.sub(r">[^<]*<", "><", token.content)))
            assert token.type != "image"
            if token.type == "link_open":
                assert re.fullmatch(r"[A-Za-z0-9/._~%-]+(#L\d+)?", str(token.attrs["href"]))
        assert not REFERENCE.search(words(text))
        widths: set[int] = set()
        for row in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in row.splitlines()}
            assert len(widths) == 1

    def commands(self, text: str) -> list[str]:
        assert "##[" not in text
        return super().commands(text)

    @pytest.mark.parametrize("hostile", HOSTILE[:-1], ids=range(len(HOSTILE) - 1))
    def test_words_never_change_what_a_page_is_made_of(self, hostile: str) -> None:
        """The same elements in the same order, whoever wrote the words."""
        for text, twin in zip(self.outputs(hostile), self.outputs("words"), strict=True):
            plain = [k for k in shape(text) if k != "html_inline"]
            assert plain == [k for k in shape(twin) if k != "html_inline"]

    def test_a_plan_says_all_that_an_approver_asks(self) -> None:
        text = self.written(plan("why", verdict="waiting", findings=findings("why")[1:2], open=[]))
        assert text.startswith("<!-- dpgate:plan -->\n### ⏳ <code>a/b</code>: not yet, 1 privacy")
        assert "| **why** | 0.50 | **+0.25** | 0.75 | 2 | 1.25 | `████▓▓░░░░░░░░░░` |" in text
        assert "❌ over the limit" in text
        assert "**Approvals:** privacy ⏳ 1 of 2" in text
        assert "waived by [<code>policies/waivers/w.yaml</code>](policies/waivers/w.yaml)" in text
        assert "| 🔓 in force | <code>soft-rule</code> | why | why | 2027-01-01 |" in text
        for head in ("What it costs, exactly", "How much noise", "4 of 5 rules hold"):
            assert f"<details><summary>{head}</summary>" in text

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"verdict": "ready"}, "✅ <code>a/b</code>: ready to release"),
            ({"verdict": "released", "entry": 7}, "☑️ <code>a/b</code>: released by entry 7"),
            ({"verdict": "withdrawn", "entry": 7}, "released by entry 7, and called back since"),
            ({"verdict": "denied"}, "❌ <code>a/b</code>: denied by 2 findings"),
            ({"verdict": "denied", "findings": []}, "denied while an attempt is open"),
        ],
    )
    def test_each_verdict_is_said(self, fields: dict[str, Any], said: str) -> None:
        assert said in self.written(plan("x", **fields)).splitlines()[1]

    def test_several_plans_begin_with_all_of_them(self) -> None:
        text = self.written(samples("x")["plans"])
        assert "### ❌ dpgate plan: 2 releases: 2 denied" in text
        assert "**All that are not denied, together**" in text
        assert "each fits alone, and not all together" in text
        assert text.count("#### ❌") == 2
        none = r.PlansResult(changed_since="main", plans=(), delta=Decimal("0.1"))
        assert "no manifest changed since <code>main</code>" in self.written(none)

    def test_a_check_says_what_comes_next(self) -> None:
        good = r.CheckResult(allowed=True, documents=2, releases=("a/b",), findings=())
        assert "✅ dpgate check: 1 manifest allowed by the rules" in self.written(good)
        assert "judged by `dpgate plan`" in self.written(good)

    def test_a_release_and_a_verification(self) -> None:
        text = self.written(samples("x")["release"])
        assert "On the ledger, entry 2 reserves it and entry 3 settles it." in text
        assert "| x, order 2 | dp, charged | 0.1 | 0.05 … 0.15 |" in text
        assert "| exact | restricted | sealed |  |" in text
        denied = r.ReleaseResult(release="a/b", outcome="denied", plan=plan("x"))
        assert "**Approvals:**" in self.written(denied)
        verify = samples("x")["verify"]
        assert "❌ dpgate verify: NOT verified" in self.written(verify)
        for fields, said in (({"verified": True}, "✅"), ({"exit_code": 4}, "⚠️")):
            assert f"### {said}" in self.written(verify.model_copy(update=fields))

    def test_an_error_says_of_which_command(self) -> None:
        assert "<!-- dpgate:plan -->\n### ❌ dpgate plan: invalid input" in self.error(
            errors("x")[0]
        )
        assert "<!-- dpgate:error -->\n### ❌ dpgate: could not" in self.error(errors("x")[1], "")


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ({"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b",
          "GITHUB_SHA": "0" * 40}, f"https://github.com/a/b/blob/{'0' * 40}/"),
        ({"CI_PROJECT_URL": "https://gitlab.example:8443/g/s/p", "CI_COMMIT_SHA": "f" * 40},
         f"https://gitlab.example:8443/g/s/p/-/blob/{'f' * 40}/"),
        ({"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b",
          "GITHUB_SHA": "main"}, ""),
        ({"GITHUB_SERVER_URL": "javascript:x//", "GITHUB_REPOSITORY": "a/b",
          "GITHUB_SHA": "0" * 40}, ""),
        ({"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a) [b](c",
          "GITHUB_SHA": "0" * 40}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_links_lead_to_the_commit_that_was_judged(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], base: str
) -> None:
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA", "CI_PROJECT_URL",
                 "CI_COMMIT_SHA"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    links = Links.here()
    assert links.base == base
    assert (
        links.to("x y/é.yaml", 3, 7) == f"[<code>x y/é.yaml:3:7</code>]({base}x%20y/%C3%A9.yaml#L3)"
    )


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        alphabet=st.one_of(st.characters(), st.sampled_from("`|\\<>[]()!@#*_~&$:/-\n")), max_size=60
    )
)
def test_any_text_is_itself_and_nothing_else(text: str) -> None:
    for made, where in (
        (prose(text), "a {} b"),
        (code(text), "| x | {} |\n|---|---|\n| y | {} |\n"),
    ):
        page = where.replace("{}", made)
        tokens = inline(MARKDOWN.parse(page))
        kinds = {t.type for t in tokens if not t.type.startswith(("t", "paragraph", "inline"))}
        assert kinds <= {"html_inline"}
        seen = "".join(t.content for t in tokens if t.type in ("text", "text_special"))
        assert flat(text).strip() in seen.replace("\u200b", "")
    assert not REFERENCE.search(words(f"a {prose(text)} b"))


def test_a_line_is_short_and_keeps_to_its_direction() -> None:
    assert flat("a\n b\tc") == "a b c"
    assert len(flat("x" * 10_000)) == 600
    assert flat("abc שלום") == "\u2068abc שלום\u2069"
    assert flat("a\u202eb\x1bc") == "a\ufffdb\ufffdc"


@pytest.mark.parametrize(
    ("before", "this", "limit", "drawn"),
    [
        ("0", "0", "8", "░░░░░░░░"),
        ("0", "0.001", "8", "▓░░░░░░░"),
        ("7.999", "0.001", "8", "███████▓"),
        ("3", "2", "8", "███▓▓░░░"),
        ("9", "2", "8", "███████▓"),
        ("0", "1", "0", "▓▓▓▓▓▓▓▓"),
    ],
)
def test_a_bar_shows_what_a_release_adds_however_little(
    before: str, this: str, limit: str, drawn: str
) -> None:
    row = r.ScopeRow(
        key="k", title="t", before=Decimal(before), this=Decimal(this),
        after=Decimal(before) + Decimal(this), limit=Decimal(limit), remaining=Decimal(0), fits=True,
    )  # fmt: skip
    assert bar(row, 8) == drawn


def many(count: int) -> r.PlansResult:
    each = [plan(f"w{i} 🙂", release=f"a/r{i}") for i in range(count)]
    return r.PlansResult(plans=tuple(each), delta=each[0].delta)


@pytest.mark.parametrize("most", [4_000, 20_000, 60_000, 65_536, 10**9])
def test_a_page_keeps_to_its_size_and_counts_what_it_left_out(most: int) -> None:
    out = io.StringIO()
    MarkdownReporter(most).result(many(60), out)
    text = out.getvalue()
    assert len(text.encode("utf-16-le")) // 2 <= min(most, 65_536)
    last = text.rstrip().splitlines()[-1]
    assert last.startswith("**Left out to fit:** ")
    told = (part.split(" ", 1) for part in last[21:].partition(".")[0].split(", "))
    left = {what: int(number) for number, what in told}
    assert left["sections"] + text.count("<details>") == 60 * 2
    assert text.count("<details>") == text.count("</details>")
    assert text.startswith("<!-- dpgate:plan -->\n### ❌ dpgate plan: 60 releases")
    rows = text.count("\n| ❌ |")
    assert rows + left.get("releases", 0) == 60


def test_what_denies_is_left_out_last() -> None:
    found = [finding(f"warn {i}", level="warn") for i in range(500)]
    found.append(finding("the one that denies"))
    result = r.CheckResult(
        allowed=False, documents=1, releases=("a/b",), findings=tuple(found), waivers=(waiver("x"),)
    )
    out = io.StringIO()
    MarkdownReporter(3_000).result(result, out)
    assert "the one that denies" in out.getvalue()
    assert "1 section." not in out.getvalue().partition("Left out")[0]


def test_a_part_without_its_head_is_left_out() -> None:
    page = Page(500)
    page.add("head\n", 0, "headline")
    page.table("x" * 500 + "\n", ["| row |\n"] * 3, 1, "row")
    page.add("short\n", 2, "sentence")
    assert page.text() == (
        "head\nshort\n\n**Left out to fit:** 1 table, 3 rows. The report in text or JSON has all.\n"
    )
