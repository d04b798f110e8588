"""What a step of a report's way returns: read, never changed, and in no cycle, so that no collector looks at it."""

from __future__ import annotations

import msgspec


class Step(msgspec.Struct, frozen=True, gc=False):
    """The base of what one step makes and the next one takes, and of what becomes of a request.

    A class of a compiled module passes no options on to its metaclass, so they are stated here and inherited.
    """
