"""What a report's way ends with: read, never changed, and in no cycle, so that no collector looks at it."""

from __future__ import annotations

import msgspec


class Step(msgspec.Struct, frozen=True, gc=False):
    """The base of what becomes of a request (``outcomes.py``).

    A class of a compiled module passes no options on to its metaclass, so they are stated here and inherited.
    """
