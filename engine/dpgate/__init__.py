"""Declarative policy-as-code release engine for differentially private data.

The verbs of the command line are functions here, loaded when they are first used:

    from dpgate import check, plan, approve, adopt, release, verify, show, recover, load_private

Each takes the repository's folder as ``repo`` and returns a frozen, typed result
(`dpgate.gate.results`); errors are those of `dpgate.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_VERBS = {
    "adopt": "dpgate.gate.adopt",
    "approve": "dpgate.gate.approve",
    "author": "dpgate.gate.author",
    "check": "dpgate.gate.check",
    "checkpoint": "dpgate.gate.checkpoint",
    "compare": "dpgate.gate.compare",
    "explain": "dpgate.gate.explain",
    "explain_rule": "dpgate.gate.policyexplain",
    "export": "dpgate.gate.export",
    "init": "dpgate.gate.init",
    "keygen": "dpgate.gate.keygen",
    "load_private": "dpgate.ledger.keys",
    "log": "dpgate.gate.ledger",
    "mock": "dpgate.gate.mock",
    "plan": "dpgate.gate.plan",
    "plans": "dpgate.gate.plans",
    "policy_diff": "dpgate.gate.policydiff",
    "recommend": "dpgate.gate.recommend",
    "recommend_training": "dpgate.gate.recommend_training",
    "recover": "dpgate.gate.recover",
    "refuse": "dpgate.gate.refuse",
    "rehearse": "dpgate.gate.rehearse",
    "release": "dpgate.gate.release",
    "run_tests": "dpgate.gate.policytest.run",
    "sample": "dpgate.gate.sample",
    "show": "dpgate.gate.ledger",
    "verify": "dpgate.gate.verify",
    "waive": "dpgate.gate.waive",
    "what_if": "dpgate.gate.whatif",
    "withdraw": "dpgate.gate.withdraw",
}

__all__ = [
    "adopt",
    "approve",
    "author",
    "check",
    "checkpoint",
    "compare",
    "explain",
    "explain_rule",
    "export",
    "init",
    "keygen",
    "load_private",
    "log",
    "mock",
    "plan",
    "plans",
    "policy_diff",
    "recommend",
    "recommend_training",
    "recover",
    "refuse",
    "rehearse",
    "release",
    "run_tests",
    "sample",
    "show",
    "verify",
    "waive",
    "what_if",
    "withdraw",
]

if TYPE_CHECKING:
    from dpgate.gate.adopt import adopt
    from dpgate.gate.approve import approve
    from dpgate.gate.author import author
    from dpgate.gate.check import check
    from dpgate.gate.checkpoint import checkpoint
    from dpgate.gate.compare import compare
    from dpgate.gate.explain import explain
    from dpgate.gate.export import export
    from dpgate.gate.init import init
    from dpgate.gate.keygen import keygen
    from dpgate.gate.ledger import log, show
    from dpgate.gate.mock import mock
    from dpgate.gate.plan import plan
    from dpgate.gate.plans import plans
    from dpgate.gate.policydiff import policy_diff
    from dpgate.gate.policyexplain import explain_rule
    from dpgate.gate.policytest.run import run_tests
    from dpgate.gate.recommend import recommend
    from dpgate.gate.recommend_training import recommend_training
    from dpgate.gate.recover import recover
    from dpgate.gate.refuse import refuse
    from dpgate.gate.rehearse import rehearse
    from dpgate.gate.release import release
    from dpgate.gate.sample import sample
    from dpgate.gate.verify import verify
    from dpgate.gate.waive import waive
    from dpgate.gate.whatif import what_if
    from dpgate.gate.withdraw import withdraw
    from dpgate.ledger.keys import load_private


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module 'dpgate' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_VERBS[name]), name)
