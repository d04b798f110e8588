"""How every answer leaves: an ETag over its bytes, compressed, under strict headers."""

from __future__ import annotations

import hashlib

from aiohttp import web

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": under it a browser does not say of our own forms that they are ours.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "headcount",
}
"""What every answer carries, errors included."""

COMPRESS_FROM_BYTES = 1024
FOREVER = "public, max-age=31536000, immutable"


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """A signal handler: put the strict headers on an answer."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")


def answer(
    request: web.Request,
    body: bytes,
    content_type: str,
    *,
    status: int = 200,
    filename: str = "",
    cache: str = "private, no-cache",
) -> web.Response:
    """An answer with its ETag, or 304 when the asker has these very bytes.

    The tag is weak: it names the content, whatever its compression. ``filename`` offers a download.
    """
    headers = {"Cache-Control": cache, "Vary": "Authorization, Cookie, Accept-Encoding"}
    if filename:
        headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    if status == 200:
        digest = hashlib.blake2b(body, digest_size=12).hexdigest()
        headers["ETag"] = f'W/"{digest}"'
        if any(tag.value in (digest, "*") for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
    charset = "utf-8" if content_type.startswith("text/") else None
    response = web.Response(body=body, status=status, content_type=content_type, charset=charset, headers=headers)
    if len(body) >= COMPRESS_FROM_BYTES:
        response.enable_compression()
    return response
