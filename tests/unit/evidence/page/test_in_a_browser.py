"""The page in a real browser: it opens at once, asks for nothing, fits every screen, can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dpgate import compare
from dpgate.evidence.page.render import render
from dpgate.evidence.page.write import as_json
from dpgate.evidence.report import EvidenceReport
from dpgate.report.html import HtmlReporter
from tests.browser import CHROMIUM, Browser, browser
from tests.suites.reporters import HOSTILE
from tests.unit.evidence.page import reports

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH"),
]

HOSTILE_WORDS = '"><script>alert(1)</script><img src=x onerror=alert(1)>' + "W" * 300
REPORTS = {
    "rehearsal": reports.rehearsal(),
    "release": reports.release(unprotected_bits=2),
    "large": reports.large(),
    "hostile": reports.filled(HOSTILE_WORDS),
}
REPORTS["shades"] = reports.rehearsal().model_copy(update={"heat": reports.shades()})
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FAINT = """
(() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length && (colour.length < 4 || colour[3] === 1)) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || node.closest('style, title, desc')) continue;
    const style = getComputedStyle(node);
    const cell = node.closest('.cell');
    const back = cell ? parse(getComputedStyle(cell.querySelector('rect')).fill) : behind(node);
    const ink = parse(node instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(ink), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push([ratio.toFixed(2), node.className.baseVal ?? node.className,
      walker.currentNode.data.trim().slice(0, 30)].join(' '));
  }
  return [...new Set(faint)];
})()
"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.open(_written(tmp_path_factory.mktemp("warm") / "x.html", reports.release()))
        yield opened


def _written(path: Path, report: EvidenceReport) -> Path:
    path.write_bytes(render(report))
    return path


@pytest.mark.parametrize("name", ["rehearsal", "release", "large", "hostile"])
def test_it_opens_at_once_and_asks_for_nothing(tab: Browser, tmp_path: Path, name: str) -> None:
    path = _written(tmp_path / "evidence.html", REPORTS[name])
    tab.size(1280, 900)
    seconds = min(tab.open(path) for _ in range(3))
    assert seconds < 1
    asked = [address for address in tab.requests if address != "data:,"]
    assert set(asked) == {path.as_uri()}
    assert tab.complaints == []
    assert tab.ask("document.scripts.length") == 0
    assert tab.ask("getComputedStyle(document.body).maxWidth") == "1248px"


@pytest.mark.parametrize("width", [320, 390, 820, 1280, 2560])
@pytest.mark.parametrize("name", ["rehearsal", "hostile"])
def test_nothing_sticks_out(tab: Browser, tmp_path: Path, name: str, width: int) -> None:
    tab.size(width, 900)
    tab.open(_written(tmp_path / "evidence.html", REPORTS[name]))
    assert tab.ask(WIDER) == 0
    tab.ask("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert tab.ask(WIDER) == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["shades", "release"])
def test_every_text_can_be_read(tab: Browser, tmp_path: Path, name: str, dark: bool) -> None:
    tab.size(1280, 900)
    tab.dark(on=dark)
    tab.open(_written(tmp_path / "evidence.html", REPORTS[name]))
    tab.ask("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert tab.ask(FAINT) == []


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_comparison_fits_and_can_be_read(
    tab: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    paths = [tmp_path / f"{place}.json" for place in range(4)]
    for place, path in enumerate(paths):
        path.write_bytes(as_json(reports.beside(place)))
    page = tmp_path / "comparison.html"
    with page.open("w", encoding="utf-8") as out:
        HtmlReporter().result(compare(paths), out)
    tab.size(width, 900)
    tab.dark(on=dark)
    assert tab.open(page) < 2
    assert tab.ask(WIDER) == 0
    assert tab.ask(FAINT) == []
    assert tab.complaints == []


def test_hostile_words_run_nothing(tab: Browser, tmp_path: Path) -> None:
    for words in HOSTILE:
        tab.open(_written(tmp_path / "evidence.html", reports.filled(words)))
        assert tab.complaints == []
        assert tab.ask("document.querySelectorAll('script, img, iframe, form').length") == 0
        assert tab.ask("document.body.children.length") == 3
