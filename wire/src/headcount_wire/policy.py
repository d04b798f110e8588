"""A Customer's policy: what may be collected from its Users. It can only narrow the catalog.

``GET /v1/policy`` answers with ``to_plain`` as JSON; the device asks for it only once some
purpose is granted, and the edge holds every report to the same policy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

POLICY_V = 1
MINIMUM_SDK = r"[0-9]{1,4}(\.[0-9]{1,4}){0,3}"
"""What ``minimum_sdk`` looks like, if it is not empty."""
_NUMBERS = 4


class Policy(NamedTuple):
    """What one Customer allows.

    ``version`` rises with each change. ``consent_since`` maps each allowed purpose to the
    oldest version under which a consent still counts: a material change raises it, which puts
    the purpose back to *not decided* on devices. ``context`` names the allowed fields.
    """

    version: int
    consent_since: Mapping[str, int]
    context: frozenset[str]
    paused: bool = False
    minimum_sdk: str = ""
    """The oldest version of an SDK, in whatever language, that is taken; empty for any."""

    def allows(self, purpose: str) -> bool:
        """Whether anything may be collected for a purpose."""
        return purpose in self.consent_since

    def takes(self, sdk: str) -> bool:
        """Whether an SDK that names itself so (``python/1.4.0``) is new enough; one without a version is not."""
        if not self.minimum_sdk:
            return True
        _, named, version = sdk.rpartition("/")
        found, least = _numbers(version.partition("-")[0] if named else ""), _numbers(self.minimum_sdk)
        return found is not None and least is not None and found >= least

    def consent_counts(self, purpose: str, granted_under: int) -> bool:
        """Whether a consent given under a policy version is still one."""
        return purpose in self.consent_since and self.consent_since[purpose] <= granted_under <= self.version


def _numbers(version: str) -> tuple[int, ...] | None:
    """A version as four numbers; ``None`` when it is none (see ``MINIMUM_SDK``)."""
    parts = version.split(".")
    sound = (part.isascii() and part.isdecimal() and len(part) <= _NUMBERS for part in parts)
    if len(parts) > _NUMBERS or not all(sound):
        return None
    return (*map(int, parts), *[0] * (_NUMBERS - len(parts)))


def encode_policy(policy: Policy) -> bytes:
    """The canonical JSON bytes of a policy answer."""
    plain: dict[str, Any] = {
        "consent_since": dict(sorted(policy.consent_since.items())),
        "context": sorted(policy.context),
        "minimum_sdk": policy.minimum_sdk,
        "paused": policy.paused,
        "policy": policy.version,
        "v": POLICY_V,
    }
    return json.dumps(plain, separators=(",", ":")).encode("ascii")


def decode_policy(body: bytes) -> Policy | None:
    """The policy in an answer's bytes, or ``None`` when they are not one."""
    try:
        plain = json.loads(body)
        if plain["v"] != POLICY_V:
            return None
        since, context = plain["consent_since"], plain["context"]
        version, paused, minimum = plain["policy"], plain["paused"], plain["minimum_sdk"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    sound = (
        isinstance(since, dict)
        and all(isinstance(name, str) and type(at) is int for name, at in since.items())
        and isinstance(context, list)
        and all(isinstance(name, str) for name in context)
        and type(version) is int
        and version >= 1
        and type(paused) is bool
        and isinstance(minimum, str)
        and (not minimum or _numbers(minimum) is not None)
    )
    return Policy(version, since, frozenset(context), paused, minimum) if sound else None
