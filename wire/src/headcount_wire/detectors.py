"""Detectors of identifiers: they lint the catalog and guard the one open dimension.

They are a second line. The first is shape: a label or a context value that is not declared
never leaves the decoder. A detector names what it found, never the text it found it in.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable

# As texts: ``re`` compiles each with its first use and keeps it, and an app that starts need not wait for it.
_PATTERNS = (
    ("an e-mail address", r"[^\s@]+(@|%40)[^\s@]+\.[A-Za-z]{2,}"),
    ("a URL", r"(?i)\b[a-z][a-z0-9+.-]{1,10}://"),
    ("a UUID", r"(?i)\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b"),
    ("a MAC address", r"(?i)\b[0-9a-f]{2}([:-][0-9a-f]{2}){5}\b"),
    ("an IP address", r"\b(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]\d)){3}\b"),
    ("an IPv6 address", r"(?i)(?<![\w:])([0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])"),
    ("a token", r"\beyJ[A-Za-z0-9_-]{8,}\.|\b(AKIA|ghp_|AIza|xox[bp]-|sk_live_)[A-Za-z0-9_-]{8,}"),
    ("a hash or a device id", r"(?i)\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{12,}\b"),
    ("coordinates", r"-?\b\d{1,3}\.\d{3,}\s*[,;/ ]\s*-?\d{1,3}\.\d{3,}\b"),
    ("a bank account number", r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b"),
    ("a date of birth", r"\b(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\b"),
    ("a telephone, card or serial number", r"\+?\d(?:[ ()/-]?\d){6,}(?![\d.])"),
)

_RESERVED = (
    r"(?i)(?:\A|[._-])(?:user_?id|device_?id|install_?id|session_?id|client_?id|account_?id|org(?:anisation|anization)?_?id|"
    r"e_?mail|idfa|idfv|gaid|aaid|android_?id|udid|imei|imsi|msisdn|phone_?number|mobile_?number|latitude|longitude|"
    r"password|passwd|secret|token|user_?name|first_?name|last_?name|full_?name|ip_?address|mac_?address)(?:\Z|\.)"
)

_NEEDED = {"a URL": "://"}
"""What a text has to contain before a pattern is worth its price: ``re`` takes 190 kB to compile the one with
both ``k`` and ``s`` among letters of either case, each of which has a third form far up in Unicode."""


def _high_entropy(text: str) -> bool:
    for word in re.findall(r"[A-Za-z0-9_-]{16,}", text):
        kinds = sum(bool(re.search(kind, word)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
        counts = Counter(word)
        bits = -sum(n / len(word) * math.log2(n / len(word)) for n in counts.values())
        if kinds >= 3 and bits > 3.3:
            return True
    return False


def _card_number(text: str) -> bool:
    """Whether four numbers joined by dots, which a version may be, are a card's: its last digit checks the others."""
    for found in re.findall(r"(?<![\d.])\d{4}(?:\.\d{4}){3}(?![\d.])", text):
        digits = [int(digit) for digit in reversed(found.replace(".", ""))]
        doubled = (2 * digit - 9 * (digit > 4) for digit in digits[1::2])
        if (sum(digits[::2]) + sum(doubled)) % 10 == 0:
            return True
    return False


def finds_identifier(text: str) -> str | None:
    """The kind of identifier a text looks like, or ``None``. Never returns the text."""
    for kind, pattern in _PATTERNS:
        if _NEEDED.get(kind, "") in text and re.search(pattern, text):
            return kind
    if _card_number(text):
        return "a card number"
    return "a random token" if _high_entropy(text) else None


def finds_reserved_name(name: str) -> bool:
    """Whether a declared name promises an identifier (``user_id``, ``email``, ``idfa``, ...)."""
    return re.search(_RESERVED, name) is not None


Detector = Callable[[str], str | None]
