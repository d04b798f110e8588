"""What a report says around its tallies: its catalog, its consents, its context. Reports that are alike share it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


class Said:
    """All of a report's body but its days: the creation day as a number, absent context as an empty map.

    Reports that are alike have this very object, while it is remembered (``decode.py``).
    """

    __slots__ = ("catalog", "context", "created", "origin", "policy", "purposes", "sdk")

    def __init__(
        self,
        catalog: int,
        policy: int,
        purposes: Mapping[str, int],
        created: int,
        context: Mapping[str, str],
        origin: Mapping[str, str] | None,
        sdk: str,
    ) -> None:
        self.catalog: Final = catalog
        self.policy: Final = policy
        self.purposes: Final = purposes
        self.created: Final = created
        self.context: Final = context
        self.origin: Final = origin
        self.sdk: Final = sdk

    def is_like(self, other: Said) -> bool:
        """Whether another says the same. As a key, each stands for itself."""
        return (
            self.catalog == other.catalog
            and self.policy == other.policy
            and self.purposes == other.purposes
            and self.created == other.created
            and self.context == other.context
            and self.origin == other.origin
            and self.sdk == other.sdk
        )
