"""What drivers and engines say may quote rows, paths or an address; nothing of it is kept."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Whatever is raised, warned of or logged inside ends here; the caller says what failed."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
