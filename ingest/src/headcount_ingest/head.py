"""What of a request's head is kept at all: method, target, declared fields; every other line is dropped unread."""

from __future__ import annotations

from typing import Final

FORWARDED = b"x-forwarded-for"

FRAMING = (b"content-length", b"transfer-encoding")
FIELDS = frozenset(
    {b"authorization", b"content-type", b"content-encoding", b"expect", b"if-none-match", FORWARDED, *FRAMING}
)
"""The header lines the edge reads, in lower case."""


class Head:
    """A request's head, as far as it was declared. ``path``: see ``path_of``. ``fields`` by lower-case name, as sent.

    Of a field that stands more than once the first counts; lines of ``X-Forwarded-For`` are joined.
    ``client``: the group of the client's address (``rates.py``), not the address.
    """

    __slots__ = ("client", "fields", "method", "path")

    def __init__(self, method: bytes, path: bytes, fields: dict[bytes, bytes], client: str) -> None:
        self.method: Final = method
        self.path: Final = path
        self.fields: Final = fields
        self.client: Final = client

    def text(self, name: bytes) -> str:
        """A field as text without spaces around it; empty when it is not there."""
        return self.fields.get(name, b"").decode("ascii", "replace").strip()


def path_of(target: bytes) -> bytes:
    """The path in a request's target: no query, no fragment, no scheme and no host."""
    # First of all: behind a question mark no path begins, whatever stands there.
    path = target.partition(b"?")[0].partition(b"#")[0]
    if not path.startswith(b"/"):
        scheme, found, rest = path.partition(b"://")
        path = b"/" + rest.partition(b"/")[2] if found and scheme.isalpha() else path
    return path
