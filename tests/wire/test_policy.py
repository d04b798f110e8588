"""A policy: what it allows, and which SDKs it takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from headcount_wire.policy import Policy, decode_policy, encode_policy


def policy(minimum: str) -> Policy:
    return Policy(1, {"usage": 1}, frozenset(), minimum_sdk=minimum)


@pytest.mark.parametrize(
    ("minimum", "sdk", "taken"),
    [
        ("", "anything", True),
        ("1.4", "python/1.4.0", True),
        ("1.4", "python/1.10", True),
        ("1.4", "swift/2-beta", True),
        ("1.4", "org/kotlin/1.4.0.0", True),
        ("1.4.1", "python/1.4", False),
        ("1.4", "python/1.3.9999", False),
        ("1.4", "python/1.4.0.0.1", False),
        ("1.4", "python/x", False),
        ("1.4", "python/", False),
        ("1.4", "1.4", False),
        ("0", "python", False),
    ],
)
def test_an_sdk_is_taken_from_the_minimum_on(minimum: str, sdk: str, taken: bool) -> None:
    """Versions are compared number by number; one that cannot be read is too old for any minimum."""
    assert policy(minimum).takes(sdk) is taken


@pytest.mark.parametrize("minimum", ["1.", "a", "1.2.3.4.5", "10000", "1.4-beta", " 1"])
def test_an_answer_with_a_minimum_that_is_none_is_no_policy(minimum: str) -> None:
    """A device does not believe a policy it could only half understand."""
    plain = json.loads(encode_policy(policy("1.4")))
    assert decode_policy(json.dumps(plain).encode()) == policy("1.4")
    assert decode_policy(json.dumps({**plain, "minimum_sdk": minimum}).encode()) is None


def test_policies_that_differ_are_answered_differently() -> None:
    """Each field is in the bytes: an edge holds reports of two Customers to one policy where these are the same."""
    one = Policy(1, {"usage": 1}, frozenset({"os"}))
    others: dict[str, Any] = {
        "version": 2,
        "consent_since": {"usage": 2},
        "context": frozenset({"language"}),
        "paused": True,
        "minimum_sdk": "1.4",
    }
    assert set(others) == set(Policy._fields), "a field that is new has to be told too"
    found = {encode_policy(one._replace(**{name: value})) for name, value in others.items()}
    assert len(found | {encode_policy(one)}) == 1 + len(others)
