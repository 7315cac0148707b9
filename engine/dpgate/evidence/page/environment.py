"""Templates of pages: found in the package, escaped whatever they hold, and no script or address in them.

Every text that is put out passes `flat`, so that nothing invisible or reversed is left in it, and then
Jinja's escaping. Drawings come from macros, whose result is markup already.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dpgate.errors import MissingExtraError
from dpgate.model.visible import flat

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = "templates"
_PATH = re.compile(r"[MLHVahlmvz0-9. -]*")


def rendered(name: str, **shown: Any) -> bytes:
    """A page in UTF-8; the same values give the same bytes.

    Args:
        name: of its template.
        shown: what it shows.

    Raises:
        MissingExtraError: Jinja is not installed.
    """
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _environment().get_template(name).render(style=_safe(style), digest=digest, **shown)
    # In a log, CI runners obey `##[name]` wherever it stands; a browser reads the reference back.
    return page.replace("##[", "#&#35;[").encode("utf-8", "replace")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError:
        raise MissingExtraError(extra="synth", what="a page") from None
    made = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["pathdata"] = _path
    return made


def _source(name: str) -> str:
    return (files(__package__) / _TEMPLATES / name).read_text(encoding="utf-8")


def _visible(value: Any) -> Any:
    """Text of documents without what nobody sees; markup of ours as it is."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return flat(value)
    return value


def _path(data: str) -> Any:
    """The data of a path, of any length; it is made of numbers and commands alone."""
    if _PATH.fullmatch(data) is None:
        raise ValueError("no data of a path")
    return _safe(data)


def _safe(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - a file of ours


@lru_cache(maxsize=1)
def _style() -> str:
    """All style sheets as one; its digest is the only style that the page lets in."""
    return "\n" + "".join(_source(f"{part}.css") for part in ("base", "charts", "print"))
