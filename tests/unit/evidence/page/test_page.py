"""The page of evidence: everything on it, nothing from elsewhere, and words of documents as words."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.errors import MissingExtraError
from dpgate.evidence.page import environment, write
from dpgate.evidence.page.render import render
from dpgate.evidence.report import Bars, EvidenceReport, Heat
from tests.suites.reporters import HOSTILE
from tests.unit.evidence.page import reports
from tests.unit.evidence.page.pages import Page, checked


@pytest.fixture(scope="module")
def page() -> bytes:
    return render(reports.rehearsal())


def test_it_asks_for_nothing_and_lets_only_its_own_style_in(page: bytes) -> None:
    found = checked(page)
    assert b"://" not in page
    assert b"url(" not in page
    assert b"@import" not in page
    style = re.findall(rb"<style>(.*?)</style>", page, re.DOTALL)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0]).digest()).decode()
    (policy,) = [v for tag, name, v in found.attributes if tag == "meta" and "default-src" in v]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


def test_everything_of_the_report_is_on_it(page: bytes) -> None:
    text = Page(page).text()
    report = reports.rehearsal()
    for result in report.results:
        assert result.title in text
    for bars in report.bars:
        assert bars.title in text
    assert "10 of 11 met" in text
    assert "0.0391" in text
    assert "0.0331 to 0.0451" in text
    assert "at most 0.05" in text
    assert "baseline 0" in text
    assert "sealed" in text
    assert "412 rows are alone with theirs" in text
    assert "physlm = imputed" in text
    assert "Values beyond a bound are counted at the bound." in text
    assert "passing attack test proves nothing" in text
    assert "A failing one denies" in text
    for name in ("mst", "aim", "independent"):
        assert name in text


def test_every_result_has_its_class_and_its_cost(page: bytes) -> None:
    rows = re.findall(r'<td role="cell" class="classes">(.*?)</td>', page.decode(), re.DOTALL)
    assert len(rows) == len(reports.results())
    told = Counter(tuple(Page(row.encode()).text().split()[1:]) for row in rows)
    assert told == {("dp", "ρ", "0.00125"): 12, ("public", "ρ", "0"): 4,
                    ("restricted", "covered", "by", "no", "ρ"): 1}  # fmt: skip
    figures = page.count(b"<figure>")
    assert figures == 10 + 3 + 5
    assert page.count("public, ρ 0".encode()) == figures


@pytest.mark.parametrize(("bits", "told"), [(1, "1 unprotected bit"), (3, "3 unprotected bits")])
def test_no_epsilon_stands_without_its_unprotected_bits(bits: int, told: str) -> None:
    text = Page(render(reports.release(unprotected_bits=bits))).text()
    assert text.count(f"1 plus {told}") == 3
    assert text.count(f"4.74 plus {told}") == 2
    assert text.count("ε 1") == text.count(f"ε 1 plus {told}") == 2


def test_a_restricted_result_that_gates_costs_a_bit() -> None:
    gate = reports.shown("detectability", None, disclosure="restricted", limit=0.65, passed=True)
    report = reports.release(unprotected_bits=1).model_copy(update={"results": (gate,)})
    text = Page(render(report)).text()
    assert "✓ met at most 0.65 ■ restricted 1 unprotected bit" in text


def test_costs_are_rounded_up_and_shown_in_plain_digits() -> None:
    text = Page(render(reports.release(epsilon=Decimal("0.123401"), delta=Decimal("1e-9")))).text()
    assert "0.1235" in text
    assert "1e-9" in text


def test_it_has_styles_for_dark_screens_for_phones_and_for_paper(page: bytes) -> None:
    for query in (b"prefers-color-scheme: dark", b"max-width: 46rem", b"@media print", b"@page"):
        assert query in page


def test_drawings_are_told_to_those_who_cannot_see_them(page: bytes) -> None:
    found = Page(page)
    drawings = re.findall(r'<svg[^>]*role="img"[^>]*>(.{7})', page.decode())
    assert set(drawings) == {"<title>", "<title "}
    assert len(drawings) == found.tags["desc"] + page.count(b'class="interval"')
    assert found.tags["table"] == found.tags["caption"]
    heads = re.findall(r"<(h[1-6])", page.decode())
    assert heads[0] == "h1"
    assert all(int(after[1]) <= int(before[1]) + 1 for before, after in pairwise(heads))


def test_the_same_report_gives_the_same_bytes(page: bytes) -> None:
    program = (
        "import sys; from tests.unit.evidence.page import reports\n"
        "from dpgate.evidence.page.render import render\n"
        "sys.stdout.buffer.write(render(reports.rehearsal()))"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        )
        assert done.stdout == page


def test_a_large_report_stays_small_and_is_made_at_once() -> None:
    report = reports.large()
    assert (len(report.bars), len(report.bars[0].labels), len(report.results)) == (100, 40, 60)
    start = time.process_time()
    page = render(report)
    assert time.process_time() - start < 10
    assert len(page) < 2_000_000
    checked(page)


def test_a_huge_one_leaves_numbers_to_the_json() -> None:
    page = render(reports.large(columns=101, cells=80))
    assert b"the numbers are in evidence.json" in page
    assert len(page) < 1_000_000
    checked(page)


def test_a_report_without_anything_is_a_page_too() -> None:
    bare = EvidenceReport(made=reports.made(person_epsilon=None, adversary="", title=""), results=(),
                          bars=())  # fmt: skip
    text = checked(render(bare)).text()
    assert "None was set" in text
    one = Bars(column="a", title="", type="integer", labels=("x",), released=(Decimal(0),))
    none = Bars(column="b", title="", type="category", labels=(), released=())
    heat = Heat(columns=("a",), released=((Decimal(1),),))
    checked(render(bare.model_copy(update={"bars": (one, none), "heat": heat})))


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_stay_words(words: str) -> None:
    calm = checked(render(reports.filled("words")))
    found = checked(render(reports.filled(words)))
    for tag in ("section", "figure", "svg", "table", "rect", "path", "a", "style"):
        assert abs(found.tags[tag] - calm.tags[tag]) <= 6, tag
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066\u2067]", found.text()
    )


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=80) | st.sampled_from("<>&\"'`{}%").map(lambda mark: mark * 7))
def test_any_words_stay_words(words: str) -> None:
    words = words.encode("utf-8", "ignore").decode()
    checked(render(reports.filled(words)))
    assert write.as_json(reports.filled(words)).decode()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.decimals(0, Decimal(10) ** 39, places=30), min_size=3, max_size=3),
    st.sampled_from(["low", "high", "neither"]),
)
def test_any_numbers_are_drawn(numbers: list[Decimal], better: str) -> None:
    low, value, high = sorted(numbers)
    result = reports.shown("x", 0, better=better, limit=0.5, passed=False)
    held = result.model_copy(update={
        "value": reports.interval(0).model_copy(update={"value": value, "low": low, "high": high}),
    })  # fmt: skip
    report = reports.rehearsal().model_copy(update={"results": (held,)})
    page = checked(render(report))
    for _, name, text in page.attributes:
        if name in ("x", "width", "cx"):
            assert 0 <= float(text) <= 1000


def test_both_files_are_written_and_read_back() -> None:
    report = reports.rehearsal()
    files = write.files(report)
    assert set(files) == {"evidence.json", "evidence.html"}
    assert files["evidence.json"] == write.as_json(report)
    assert EvidenceReport.model_validate_json(files["evidence.json"]) == report
    body = json.loads(files["evidence.json"])
    assert body["schema"] == "dpgate.evidence/v1"
    assert list(body) == sorted(body)
    assert files["evidence.html"] == render(report)


def test_without_jinja_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    environment._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match="a page needs packages"):
        render(reports.release())
    environment._environment.cache_clear()


def test_a_path_is_made_of_numbers_and_commands() -> None:
    assert environment._path("M0 1h2v-3.5z") == "M0 1h2v-3.5z"
    with pytest.raises(ValueError, match="no data"):
        environment._path('M0"/><script>')


@pytest.mark.parametrize(
    "body",
    [
        {"labels": ["a", "b"], "released": ["1"]},
        {"labels": ["a"], "released": ["1"], "reference": ["0.5", "0.5"]},
    ],
)
def test_shares_without_a_label_are_refused(body: dict[str, list[str]]) -> None:
    whole = {"column": "a", "title": "", "type": "integer", **body}
    with pytest.raises(ValueError, match="a share is needed for each label"):
        Bars.model_validate_json(json.dumps(whole))


def test_a_heat_map_is_square() -> None:
    with pytest.raises(ValueError, match="for each column"):
        Heat(columns=("a", "b"), released=((Decimal(1),), (Decimal(1),)))
