"""The operator's side of one worker, on its own port: alive, ready or why not, metrics."""

from __future__ import annotations

import asyncio

from aiohttp import web

from headcount_ingest.readiness import Reason
from headcount_ingest.watch import Watch


def create_admin_app(watch: Watch) -> web.Application:
    """What the operator's port answers."""

    async def livez(_: web.Request) -> web.Response:
        return web.Response(body=b'{"alive": true}', content_type="application/json")

    async def readyz(_: web.Request) -> web.Response:
        holding = watch.reasons()
        refusing = [reason for reason in holding if reason.refuses]
        plain = {
            "ready": not refusing,
            "reasons": [_told(reason) for reason in refusing],
            "warnings": [_told(reason) for reason in holding if not reason.refuses],
        }
        return web.json_response(plain, status=503 if refusing else 200)

    async def metrics(_: web.Request) -> web.Response:
        # In a thread: thousands of lines must not hold up answers.
        return web.Response(
            body=await asyncio.to_thread(watch.text), headers={"Content-Type": "text/plain; version=0.0.4"}
        )

    async def unnamed(_: web.Request, response: web.StreamResponse) -> None:
        response.headers.pop("Server", None)  # which versions run here is nobody's business

    app = web.Application()
    app.on_response_prepare.append(unnamed)
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app


def _told(reason: Reason) -> dict[str, str]:
    return {"reason": reason.slug, "sentence": reason.sentence}
