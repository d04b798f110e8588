"""Identifiers that are planted in what Headcount is given, and a search for them in all it leaves behind."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import urllib.parse
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

PLANTED = {
    "IPv4 address": "203.110.113.77",
    "IPv6 address": "2001:db8:85a3::8a2e:370:7334",
    "user": "zenobia.quist",
    "user with a space": "Zenobia Quist-Marlowe",
    "e-mail in a query": "zenobia.quist@canary.example",
    "e-mail in a path": "z.marlowe@canary.example",
    "token in a path": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl",
    "token in a query": "tok_9f8e7d6c5b4a39281706",
    "UUID in a path": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "referrer": "https://intranet.canary.example/patients/4711",
    "user agent": "CanaryPhone/77.3 (serial C0FFEE42XYZ)",
    "telephone number": "+4930901820777",
    "virtual host": "clinic-marlowe.canary.example",
    "forwarded address": "198.51.200.213",
    "name in broken bytes": "Qvist-Kanarienvogel",
}
"""What is planted, by what it is; each stands nowhere else."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}")
_ALPHABET = bytes.maketrans(b"-_", b"+/")
_ESCAPE = re.compile(rb"\\(?:x|u00|U000000)([0-9a-fA-F]{2})")
_SHORTEST = 6


def needles(text: str) -> Iterator[bytes]:
    """All forms in which a text could be left behind: plain, encoded, escaped, and hashed."""
    plain = text.encode()
    forms = {plain, plain.lower(), plain.upper(), plain[::-1], text.encode("utf-16-le"), text.encode("utf-16-be")}
    forms |= {plain.hex().encode(), plain.hex().upper().encode(), urllib.parse.quote(text, safe="").encode()}
    forms |= {part for part in re.split(rb"[\s@:/]+", plain) if len(part) >= _SHORTEST and part.lower() not in _COMMON}
    for shift in range(3):  # base64 looks different at each of three places
        encoded = base64.b64encode(b"\0" * shift + plain)
        inner = encoded[4 if shift else 0 : -4]
        forms |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s"):
        digest = hashlib.new(name, plain).digest()
        forms |= {digest[:8], digest.hex().encode()[:16], base64.b64encode(digest)[:16]}
        forms |= {b"%d" % int.from_bytes(digest[:8], order) for order in ("big", "little")}
    forms.add(b"%d" % zlib.crc32(plain))
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        pass
    else:
        forms |= {address.exploded.encode(), str(int(address)).encode()}
        forms |= {address.packed} if address.version == 6 else set[bytes]()
    return (form for form in forms if len(form) >= _SHORTEST)


_COMMON = {b"https", b"canary.example"}


def readings(data: bytes, depth: int = 3) -> Iterator[bytes]:
    """Some bytes as they are, and all that they hold in base64, gzip or escapes."""
    yield data
    if depth == 0:
        return
    if b"\\" in data:
        yield _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), data)
    for found in _BASE64.finditer(data):
        text = found[0].translate(_ALPHABET)
        for shift in range(4):
            piece = text[shift:]
            yield from readings(base64.b64decode(piece[: len(piece) // 4 * 4]), depth - 1)
    for at in (found.start() for found in re.finditer(b"\x1f\x8b\x08", data)):
        try:
            yield from readings(zlib.decompressobj(31).decompress(data[at:]), depth - 1)
        except zlib.error:
            continue


def left_behind(blobs: Mapping[str, bytes], planted: Mapping[str, str] = PLANTED) -> set[tuple[str, str]]:
    """Where something planted stands in some form: the name of the blob, and what it is."""
    found: set[tuple[str, str]] = set()
    forms = {kind: tuple(needles(text)) for kind, text in planted.items()}
    for name, data in blobs.items():
        for reading in readings(data):
            found |= {(name, kind) for kind, some in forms.items() if any(form in reading for form in some)}
    return found


def files_in(folder: Path, *given: str) -> dict[str, bytes]:
    """Every file below a folder but those that were given to it; their names count as well."""
    return {
        str(path.relative_to(folder)): str(path.relative_to(folder)).encode() + b"\n" + path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in given
    }
