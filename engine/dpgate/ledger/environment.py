"""The environment in which Git runs: the caller's, without what would lead it elsewhere."""

from __future__ import annotations

import os

LEADING_ELSEWHERE = frozenset(
    ("GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR",
     "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX",
     "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_REPLACE_REF_BASE", "GIT_INTERNAL_SUPER_PREFIX",
     "GIT_CONFIG", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS",
     "GIT_ICASE_PATHSPECS", "GIT_EXTERNAL_DIFF"))  # fmt: skip
"""Variables by which a caller (a Git hook, say) would make Git look at another repository."""

_CONFIGURATION = (
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_VALUE_",
    "GIT_CONFIG_PARAMETERS",
)
_PROTOCOLS = "file:git:http:https:ssh"


def environment(*, network: bool) -> dict[str, str]:
    """Variables for one Git command.

    Args:
        network: whether it may talk to a remote; then the user's own configuration counts too.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in LEADING_ELSEWHERE
        and not name.startswith("GIT_TRACE")
        and (network or not name.startswith(_CONFIGURATION))
    }
    return {
        **kept,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "0" if network else "1",
        # Overrides every protocol.*.allow of every configuration.
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS if network else "none",
        "LC_ALL": "C",
    }
