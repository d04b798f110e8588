"""One attempt to deliver a message: signed, to the declared address and nowhere else."""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

import aiohttp

from headcount_aggregator.web.desk import Webhook
from headcount_aggregator.web.hooks.outbox import Message

TIMEOUT_SECONDS = 20.0
ANSWER_BYTES = 4096
GONE = frozenset({404, 410})


class Verdict(StrEnum):
    """What an attempt came to."""

    DELIVERED = "delivered"
    LATER = "later"
    GONE = "gone"


def signature(secret: str, moment: int, body: bytes) -> str:
    """What ``Headcount-Signature`` says: the moment, and the HMAC-SHA256 of the moment, a dot and the body."""
    code = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={code}"


async def attempt(session: aiohttp.ClientSession, webhook: Webhook, message: Message, now: float) -> Verdict:
    """Send it once. A redirect is no delivery: it would carry the message elsewhere."""
    body = bytes(message.body)
    headers = {"Content-Type": "application/json", "User-Agent": "headcount", "Headcount-Message": message.name}
    if webhook.secret:
        headers["Headcount-Signature"] = signature(webhook.secret, int(now), body)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        async with session.post(
            webhook.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            await answer.content.read(ANSWER_BYTES)
            status = answer.status
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
        return Verdict.LATER
    if 200 <= status < 300:
        return Verdict.DELIVERED
    return Verdict.GONE if status in GONE else Verdict.LATER
