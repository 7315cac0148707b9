"""What each rule of dpgate's own asks for: a report names those that are satisfied too.

Rules that a policy or a dataset states itself carry their own title and help.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DOCUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "policy-keys": "Keys of the policy stand under one role each, and can be read",
        "policy-in-force": "The policy has not expired",
        "known-population": "Every population of the dataset has a budget in the policy",
        "one-relation": "Policy and dataset count in the same neighboring relation",
        "retired-population": "No population is one that the policy has retired",
        "derived-columns": "Derived columns are released with what they derive from",
        "known-columns": "Every released column is in the dataset",
        "no-identifiers": "Identifiers are made up anew, or left out",
        "free-text": "Free text is left out",
        "public-domains": "No domain and no table was read off the private data",
        "known-synthesizer": "The synthesizer is one whose accounting is known",
        "known-class": "The sensitivity class of every released column is in the policy",
        "class-epsilon": "ε stays within what the classes of the columns allow one release",
        "class-synthesizer": "The classes of the columns allow the synthesizer",
        "class-proof": "The classes of the columns allow the proof that the mechanisms rest on",
        "class-statistics": "The classes of the columns allow each kind of query",
        "delta-ceiling": "δ stays within the policy's ceiling",
        "delta-rows": "δ is below one over the public bound on rows",
        "known-purpose": "The purpose is one that the policy allows",
        "retention": "Recipients' right to hold the data ends in time, and has not ended yet",
        "required-evidence": "Evidence that the policy requires is measured",
        "rows-out": "No more rows are made than the data can have",
        "query-columns": "Queries read the columns that the release lists, and all of them",
        "query-kind": "Queries ask what their columns can be asked",
        "query-size": "No query has more cells than can be measured",
        "query-range": "Sums of each column fit exact arithmetic",
    }
)
"""Judged from documents alone, by `check` and by all that follows it."""

LEDGER: Mapping[str, str] = MappingProxyType(
    {
        "budget": "Every budget that the release touches has room for it",
        "population-reset": "The same people are not charged to a fresh budget",
        "increment": "A further period continues a release that stands, with the same columns",
        "error-at-most": "No query's noise rules out the error that it may have",
        "threshold-out-of-reach": "No noise rules out a threshold that the release must meet",
    }
)
"""Judged by `plan` and `release` as well, from the ledger and the cost."""

REQUEST: Mapping[str, str] = MappingProxyType(
    {
        "ledger-paths": "The request leaves the ledger's files alone",
        "ledger-branch": "The request leaves the ledger on its branch",
        "request-edits-its-judge": "The request does not edit the workflows that judge it",
    }
)
"""Judged by `check --changed`, of a request as a whole."""
