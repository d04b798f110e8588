"""The third step: a bounded body off the socket, for a key that is known.

Every byte that has arrived takes room (``gate.py``); what was only announced takes none, so that
bodies which never come keep no report out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web
from headcount_wire import limits
from headcount_wire.organisation import AppKey
from headcount_wire.problems import Problem

from headcount_ingest.authenticate import Authentic
from headcount_ingest.gate import Room
from headcount_ingest.outcomes import Gone, Refused


@dataclass(frozen=True, slots=True)
class Arrived:
    """A whole body with the app key it came under."""

    report_id: bytes
    app_key: AppKey
    media: str
    coding: str
    body: bytes


async def arrive(
    authentic: Authentic, request: web.BaseRequest, room: Room, seconds: float
) -> Arrived | Refused | Gone:
    """Read an authentic request's body within its bounds and its time, or say why not."""
    content = request.content
    try:
        if content.is_eof():  # a small body comes with its head: no timer is needed for it
            whole = content.read_nowait()
            if len(whole) > limits.BODY_BYTES:
                return Refused(Problem.TOO_LARGE)
            body: bytes | Refused = room.grow(len(whole)) or whole
        else:
            async with asyncio.timeout(seconds):
                body = await _gather(request, room)
    except TimeoutError:
        return Refused(Problem.SLOW_BODY)
    except web.RequestPayloadError:
        return Refused(Problem.BAD_HTTP)
    except ConnectionError:
        return Gone()
    if isinstance(body, Refused):
        return body
    return Arrived(authentic.report_id, authentic.app_key, authentic.media, authentic.coding, body)


async def _gather(request: web.BaseRequest, room: Room) -> bytes | Refused:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > limits.BODY_BYTES:
            return Refused(Problem.TOO_LARGE)
        if refused := room.grow(len(chunk)):
            return refused
        chunks.append(chunk)
    return b"".join(chunks)
