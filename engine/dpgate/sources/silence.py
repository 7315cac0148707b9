"""What drivers and engines say may quote rows, paths or an address; nothing of it is kept."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Whatever is raised or warned of inside ends here; the caller says what failed."""
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        yield
