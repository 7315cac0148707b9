"""Reading pages as a browser would: tags in their places, nothing that runs, nothing from elsewhere."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """The tags of a page, and whether each is closed in its place."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def checked(page: bytes) -> Page:
    """A page that is whole, asks for nothing and runs nothing."""
    found = Page(page)
    assert found.open == []
    assert not {"script", "iframe", "img", "object", "embed", "form", "base"} & set(found.tags)
    names = Counter(value for _, name, value in found.attributes if name == "id")
    assert set(names.values()) <= {1}
    for tag, name, value in found.attributes:
        assert not name.startswith("on")
        assert name != "style"
        if name in ("href", "src", "xlink:href"):
            assert (tag, value) == ("link", "data:,") or value.removeprefix("#") in names
        if name in ("aria-labelledby", "aria-describedby"):
            assert set(value.split()) <= set(names)
    return found
