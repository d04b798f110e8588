"""TLS at the edge: a certificate that was tried before it is served, and taken over while connections stand.

TLS 1.2 and newer. No session ticket is given out: a ticket would tell that two connections come
from one device.
"""

from __future__ import annotations

import contextlib
import ssl
from asyncio import sslproto
from pathlib import Path
from typing import Any

import structlog

from headcount_ingest.settings import EdgeSettings

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.edge")

HANDSHAKE_ROUNDS = 8
RECORD_BYTES = 16 * 1024


class CertificateError(Exception):
    """A certificate and key that cannot be served; the text says why."""


class Certificate:
    """What the public port serves. Raises ``CertificateError`` when it is made of files that cannot be used.

    ``context`` is given to the server once; each handshake uses the newest pair that was found sound.
    ``expires``: when its certificate ends, in seconds since 1970. ``faulty``: whether the files could not
    be used at the last reload.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = certificate, key
        self._current, self.expires = sound(certificate, key)
        self.faulty = False
        self.context = self._current
        self.context.sni_callback = self._choose

    def reload(self) -> None:
        """Take the files over as they are now; those that cannot be used leave the pair before in force."""
        try:
            self._current, self.expires = sound(*self._files)
        except CertificateError as error:
            self.faulty = True
            log.error("certificate_faulty", fault=str(error), advice="correct the files; those before are served")
        else:
            self.faulty = False
            log.info("certificate_taken")

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current


def certificate_of(settings: EdgeSettings) -> Certificate | None:
    """The certificate a worker serves; ``None`` where a proxy ends TLS. Raises ``CertificateError``."""
    if settings.tls_certificate and settings.tls_key:
        # One record of TLS. asyncio's own size, 256 KiB for each connection from its first byte on, is no option of it.
        sslproto.SSLProtocol.max_size = RECORD_BYTES
        return Certificate(settings.tls_certificate, settings.tls_key)
    return None


def sound(certificate: Path, key: Path) -> tuple[ssl.SSLContext, float]:
    """A context for a certificate chain and its key, and when the certificate ends.

    The pair makes a handshake with itself first. Raises ``CertificateError``.
    """
    try:
        server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        server.minimum_version = ssl.TLSVersion.TLSv1_2
        server.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        server.num_tickets = 0
        server.load_cert_chain(certificate, key)
        client.check_hostname = False
        client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate vouches for itself
        client.load_verify_locations(certificate)
        return server, ssl.cert_time_to_seconds(str(_served(server, client)["notAfter"]))
    except ssl.SSLCertVerificationError as error:
        raise CertificateError(f"{certificate}: cannot be served ({error.verify_message}).") from None
    except ssl.SSLError as error:
        raise CertificateError(f"{certificate}: cannot be served with {key} ({error.reason or 'no PEM'}).") from None
    except OSError as error:
        raise CertificateError(f"{certificate}, or {key}: cannot be read ({error.strerror}).") from None


def _served(server: ssl.SSLContext, client: ssl.SSLContext) -> dict[str, Any]:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    serving = server.wrap_bio(to_server, to_client, server_side=True)
    asking = client.wrap_bio(to_client, to_server)
    for _ in range(HANDSHAKE_ROUNDS):
        for side in (asking, serving):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return asking.getpeercert() or {}
