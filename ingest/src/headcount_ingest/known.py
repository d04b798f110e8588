"""What an allowance knows of a tally that it has met: compiled, a day's tallies are gone through with few look-ups."""

from __future__ import annotations


class Known:
    """A tally that may be counted if it stands once and its day's caps hold: all that there is to know of it.

    ``said``: a number for what it speaks of, the same for whatever may not stand beside it; in a day's canonical order
    they rise. ``share``: that of its rule, or 0 where ``n`` alone decides. ``part``: what it takes of its share's cap;
    0 where ``n`` alone decides.
    """

    __slots__ = ("cap", "n", "part", "said", "share")

    def __init__(self, said: int, share: int, n: int, cap: int, part: float) -> None:
        self.said = said
        self.share = share
        self.n = n
        self.cap = cap
        self.part = part
