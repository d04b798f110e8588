"""No key of a report stands twice: the one rule that the typed decoder does not check by itself.

With a repeated key two decoders can read one report differently, so the protocol refuses it.
"""

from __future__ import annotations

from typing import Any

import msgspec

_SHALLOW = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])


def json_keys_are_single(plain: bytes, pairs: int) -> bool:
    """Whether JSON bytes that decoded to a report of so many pairs hold no pair beside them.

    No text of a valid report contains a colon, so each colon is that of a pair.
    """
    return plain.count(b":") == pairs


def msgpack_keys_are_single(plain: bytes, fields: int, maps: dict[str, dict[str, Any]]) -> bool:
    """Whether each map of a report announces as many pairs as it decoded to.

    ``fields``: how many fields of the report itself were present. ``maps``: the maps in it, by field.
    """
    if _announced(plain) != fields:
        return False
    shallow = _SHALLOW.decode(plain)
    return all(_announced(bytes(shallow[name])) == len(found) for name, found in maps.items())


def _announced(packed: bytes) -> int:
    """The number of pairs that a msgpack map's own header states."""
    first = packed[0]
    if first & 0xF0 == 0x80:
        return first & 0x0F
    return int.from_bytes(packed[1:3] if first == 0xDE else packed[1:5], "big")
