"""Identifiers that must not stay anywhere, the forms they could stay in, and where a search looks for them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import ipaddress
import re
import uuid
import zlib
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import zstandard
from headcount_wire.app_key import fingerprint

PEER = "127.83.7.91"
"""The address that a client's connection really comes from."""

IDENTIFIERS: dict[str, str] = {
    # what a client sends in a request's head
    "peer": PEER,
    "user_agent": "MeetApp/9.1 (Pixel-7a; serial R58M12ABCDE)",
    "forwarded": "203.0.113.177",
    "forwarded_6": "2001:db8:85a3:8d3:1319:8a2e:370:7348",
    "real_ip": "198.51.100.234",
    "cookie": "session=Fe26canary2b9f4c7d1e",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "vendor=t61rcWkgMzE",
    "baggage": "userId=alice.canary,serverNode=DF-28",
    "referer": "https://intranet.acme.example/people/alice-canary",
    "origin": "https://alice-canary.acme.example",
    "from_header": "alice.from@acme.example",
    "device_header": "b3b2a6e1-9c54-4f5e-8b0a-6d2f1c7e9a10",
    "request_id": "req-7d793037a0760186574b0282f2f435e7",
    "advertising_id": "cdda802e-fb9c-47ad-9866-0794d394c912",
    "accept_language": "de-AT;q=0.731",
    "unknown_key": "hc_live_canarykeyofnobodyxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "basic_password": "alice:correct-horse-canary",
    "query": "user=alice.query%40acme.example",
    "fragment": "alice-fragment-canary",
    "path": "alice-path-canary",
    "host": "alice-canary.edge.example",
    "boundary": "alice-boundary-canary",
    "chunk_extension": "alice-extension-canary",
    "trailer": "alice-trailer-canary",
    "not_http": "alice-raw-canary-bytes",
    "server_name": "alice-canary.tls.example",
    # what a report says beside what is declared, or in a declared place
    "undeclared_field": "alice.body@acme.example",
    "undeclared_context": "alice-laptop-canary",
    "undeclared_purpose": "alice_purpose_canary",
    "email": "alice.version%40acme.example",
    "phone": "491701234567890",
    "device_uuid": "6f1c2d3e4b5a69788a9b0c1d2e3f4a5b",
    "ip_version": "192.168.177.223",
    "coordinates": "52.520008/13.404954",
    "card": "4111.1111.1111.1111",
    "iban": "DE89370400440532013000",
    "token": "ghp-16C7e42F292c6912E7710c838347Ae178B4a",
    "sdk_name": "alice-sdk-canary/1.0",
    "language": "Alicecanarian",
    "time_zone": "Europe/Alicecanary",
    "os": "AliceOS-canary-build",
    "device_class": "alices-phone-canary",
    "origin_value": "alice-was-here-canary",
    "twice": "alice-second-key-canary",
    "broken_json": "alice-broken-canary",
    "gzip_name": "alice-canary-report.json",
    "skippable_frame": "alice-frame-canary",
    "extension_type": "alice-ext-canary",
}
"""What is planted, by where it is planted. All of it is made up."""

MAGIC = {b"\x1f\x8b": 31, b"\x78\x01": 15, b"\x78\x5e": 15, b"\x78\x9c": 15, b"\x78\xda": 15}
ZSTD = b"\x28\xb5\x2f\xfd"
MOST_UNPACKED = 2**20


def forms(value: str) -> dict[str, bytes]:
    """Every form in which an identifier could stand in bytes, by its name."""
    raw = value.encode()
    found = {
        "plain": raw,
        "lower": value.lower().encode(),
        "upper": value.upper().encode(),
        "reversed": raw[::-1],
        "utf-16-le": value.encode("utf-16-le"),
        "utf-16-be": value.encode("utf-16-be"),
        "utf-32": value.encode("utf-32-le"),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "escaped": "".join(f"\\u{ord(character):04x}" for character in value).encode(),
        "quoted": quote(value, safe="").encode(),
        "all quoted": "".join(f"%{byte:02X}" for byte in raw).encode(),
        "all quoted, lower": "".join(f"%{byte:02x}" for byte in raw).encode(),
        "fingerprint": fingerprint(value).encode(),
    }
    for shift in range(3):
        # In base64 the bytes before and behind change the first and the last signs.
        text = base64.b64encode(bytes(shift) + raw + bytes(3))
        inner = text[4 if shift else 0 : -8]
        found[f"base64 +{shift}"] = inner
        found[f"base64url +{shift}"] = inner.translate(bytes.maketrans(b"+/", b"-_"))
    for name in ("md5", "sha1", "sha256", "blake2b"):
        digest = hashlib.new(name, raw, usedforsecurity=False).digest()
        found |= {name: digest[:16], f"{name} hex": digest.hex()[:32].encode()}
    return found | _packed(value)


def _packed(value: str) -> dict[str, bytes]:
    """The bytes an address or a UUID is, where the value is one."""
    try:
        packed = ipaddress.ip_address(value).packed
        return {"address": packed, "address, turned": packed[::-1]}
    except ValueError:
        pass
    try:
        number = uuid.UUID(value)
        return {"uuid": number.bytes, "uuid-le": number.bytes_le}
    except ValueError:
        return {}


def findings(places: Mapping[str, bytes]) -> list[str]:
    """Which identifier stands in which form in which place; also behind compression, and in the places' names."""
    found: list[str] = []
    names = "\n".join(places).encode()
    everything = {
        "the names": names,
        **{name: part for name, data in places.items() for name, part in _inside(name, data)},
    }
    for planted, value in IDENTIFIERS.items():
        for form, needle in forms(value).items():
            assert len(needle) >= 4, f"{planted} as {form} is too short to be looked for"
            found += [f"{planted} ({form}) in {name}" for name, data in everything.items() if needle in data]
    return found


def _inside(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The bytes of a place, and of every compressed stream that begins in them."""
    yield name, data
    for magic, bits in MAGIC.items():
        for start in (match.start() for match in re.finditer(re.escape(magic), data)):
            stream = zlib.decompressobj(bits)
            try:
                yield f"{name}, unpacked at {start}", stream.decompress(data[start:], MOST_UNPACKED)
            except zlib.error:
                continue
    for start in (match.start() for match in re.finditer(re.escape(ZSTD), data)):
        try:
            with zstandard.ZstdDecompressor().stream_reader(data[start:]) as reader:
                yield f"{name}, unpacked at {start}", reader.read(MOST_UNPACKED)
        except zstandard.ZstdError:
            continue


def packed_with_name(body: bytes, name: str) -> bytes:
    """A gzip body whose own header carries a file's name."""
    plain = gzip.compress(body, mtime=0)
    return plain[:3] + bytes((plain[3] | 8,)) + plain[4:10] + name.encode() + b"\0" + plain[10:]
