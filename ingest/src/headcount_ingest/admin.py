"""The operator's side of one worker, on its own port: alive, ready or why not, metrics."""

from __future__ import annotations

from aiohttp import web

from headcount_ingest.edge import Edge


def create_admin_app(edge: Edge) -> web.Application:
    """What the operator's port answers."""

    async def livez(_: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(_: web.Request) -> web.Response:
        reasons = [
            reason
            for reason, holds in (
                ("draining: this worker is stopping", edge.gate.draining),
                ("disk: less free space than the floor", edge.gate.disk_is_low),
                ("spool: a write or sync failed", edge.spool.broken.is_set()),
            )
            if holds
        ]
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def metrics(_: web.Request) -> web.Response:
        edge.metrics.in_flight.set(edge.gate.in_flight)
        return web.Response(body=edge.metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app
