"""App keys: what one looks like, and how a server knows it without storing it.

An app key is public by nature (it ships in every copy of the app): it names the app and the
Customer, and authenticates nobody. ``hc_live_...`` counts; ``hc_debug_...`` is for developers:
its data is kept apart and forgotten after a day. Readers' tokens have the form ``hc_read_...``.
"""

from __future__ import annotations

import re

_KEY = re.compile(r"\Ahc_(live|debug|read)_[A-Za-z0-9_-]{22,64}\Z")


def new_key(kind: str) -> str:
    """A fresh random key of kind ``live``, ``debug`` or ``read`` (256 bits)."""
    if kind not in ("live", "debug", "read"):
        raise ValueError("a key is of kind live, debug or read")
    import secrets  # only servers and the command line make keys: a phone need not load this

    return f"hc_{kind}_{secrets.token_urlsafe(32)}"


def is_key(text: str) -> bool:
    """Whether a text has the form of a key."""
    return _KEY.match(text) is not None


def is_debug(key: str) -> bool:
    """Whether an app key is a developer's."""
    return key.startswith("hc_debug_")


def fingerprint(key: str) -> str:
    """What an organisation file stores of a key: 32 hexadecimal digits of its BLAKE2b hash."""
    import hashlib  # likewise: only servers look a key up

    return hashlib.blake2b(key.encode(), digest_size=16, person=b"headcount-key").hexdigest()
