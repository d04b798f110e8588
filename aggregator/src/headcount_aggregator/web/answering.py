"""How every answer leaves: an ETag over its bytes, compressed, under strict headers."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property

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
VARY = "Authorization, Cookie, Accept-Encoding"


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
    headers = {"Cache-Control": cache, "Vary": VARY}
    if filename:
        headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    if status == 200:
        digest = _digest(body)
        headers["ETag"] = f'W/"{digest}"'
        if _has(request, digest):
            return web.Response(status=304, headers=headers)
    charset = "utf-8" if content_type.startswith("text/") else None
    response = web.Response(body=body, status=status, content_type=content_type, charset=charset, headers=headers)
    if len(body) >= COMPRESS_FROM_BYTES:
        response.enable_compression()
    return response


@dataclass(frozen=True)
class Fixed:
    """A file that says the same to everybody: it is compressed, and its content is named, once."""

    body: bytes
    content_type: str

    @cached_property
    def digest(self) -> str:
        """What its ETag names."""
        return _digest(self.body)

    @cached_property
    def packed(self) -> bytes:
        """Its bytes compressed, or as they are where that is not worth it."""
        return gzip.compress(self.body, 9, mtime=0) if len(self.body) >= COMPRESS_FROM_BYTES else self.body

    def answer(self, request: web.Request, cache: str = FOREVER) -> web.Response:
        """The file, or 304 when the asker has it. A page waits for its style sheet: it is not compressed meanwhile."""
        headers = {"Cache-Control": cache, "Vary": VARY, "ETag": f'W/"{self.digest}"'}
        if _has(request, self.digest):
            return web.Response(status=304, headers=headers)
        body = self.body
        if self.packed is not body and "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = self.packed, "gzip"
        charset = "utf-8" if self.content_type.startswith("text/") else None
        return web.Response(body=body, content_type=self.content_type, charset=charset, headers=headers)


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def _has(request: web.Request, digest: str) -> bool:
    return any(tag.value in (digest, "*") for tag in request.if_none_match or ())
