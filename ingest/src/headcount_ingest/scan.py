"""A day's tallies read byte by byte: compiled, numbers of a few digits are read faster than they could be looked up.

As plain Python it says the same, and takes long: ``tallies.py`` asks the typed decoder there.
"""

from __future__ import annotations

from headcount_wire import limits
from librt.strings import BytesWriter, write_i16_le, write_i64_le
from mypy_extensions import i16, i64

_NOTHING = b""


def scanned(told: bytes) -> bytes:
    """The tallies in their canonical JSON, each as a record holds it (``pack_tally``).

    Empty where they are not written so, or where one is beyond its bounds: what that is, the typed decoder says.
    """
    end: i64 = len(told) - 1
    if end < 1 or told[0] != 0x5B or told[end] != 0x5D:  # [ and ]
        return _NOTHING
    code_max: i64 = limits.CODE_MAX
    label_max: i64 = limits.LABELS_PER_MEASURE + 1
    slot_max: i64 = limits.BUCKET_MAX
    n_max: i64 = limits.CAP_MAX
    left: i64 = limits.TALLIES_PER_REPORT
    out = BytesWriter()
    at: i64 = 1
    while at < end:
        if told[at] != 0x5B:
            return _NOTHING
        packed: i64 = 0
        number: i64 = 0
        field: i64 = 0
        byte: i64 = 0
        while True:
            at += 1
            byte = told[at]
            number = byte - 0x30
            if number < 0 or number > 9 or at == end:
                return _NOTHING
            at += 1
            byte = told[at]
            if number:  # behind a leading zero no digit may stand
                while 0x30 <= byte <= 0x39 and number <= n_max and at < end:
                    number = number * 10 + byte - 0x30
                    at += 1
                    byte = told[at]
            if byte != 0x2C or field == 4:  # a comma parts the numbers
                break
            if field == 0:
                if number < 1 or number > code_max:
                    return _NOTHING
                packed = number
            elif field == 1:
                if number > label_max:
                    return _NOTHING
                packed |= number << 16
            elif field == 2:
                if number < 1 or number > 255:
                    return _NOTHING
                packed |= number << 24
            else:
                if number > slot_max:
                    return _NOTHING
                packed |= number << 32
            field += 1
        if byte != 0x5D or field != 4 or number < 1 or number > n_max or at == end or left == 0:
            return _NOTHING
        write_i64_le(out, packed | (number & 0xFFFF) << 48)
        write_i16_le(out, i16(number >> 16))
        left -= 1
        at += 1
        if at == end:
            return out.getvalue()
        if told[at] != 0x2C:
            return _NOTHING
        at += 1
    return _NOTHING
