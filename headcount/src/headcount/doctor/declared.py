"""Checks of what is declared: organisation, files, proxies, TLS."""

from __future__ import annotations

import ipaddress
import stat
from pathlib import Path

from headcount_ingest.fleet import fault_of
from headcount_ingest.tls import CertificateError, sound
from headcount_wire.clock import Clock
from headcount_wire.errors import DeclarationError
from headcount_wire.organisation import load_organisation

from headcount.doctor.checks import Check, Result, Verdict, worst
from headcount.settings import Settings

RENEW_DAYS = 14


def organisation(settings: Settings) -> Result:
    """Whether the organisation file and its catalogs can be used."""
    try:
        found = load_organisation(settings.organisation)
    except DeclarationError as error:
        return Result(Check.ORGANISATION, Verdict.FAIL, str(error).replace("\n", "; "))
    except OSError as error:
        return Result(Check.ORGANISATION, Verdict.FAIL, f"{error.filename}: cannot be read ({error.strerror}).")
    if fault := fault_of(settings.node, found.fleet):
        return Result(Check.ORGANISATION, Verdict.FAIL, fault)
    usable = sum(key.state != "revoked" for key in found.key_by_fingerprint.values())
    text = f"{len(found.customers)} Customers, {len(found.apps)} apps, {usable} keys, {len(found.readers)} readers"
    return Result(Check.ORGANISATION, Verdict.OK if usable else Verdict.WARN, text)


def files(settings: Settings) -> Result:
    """Whether others may change what is declared, or read the key."""
    open_to_all = [file for file in _declared(settings) if _mode(file) & stat.S_IWOTH]
    faults = [(Verdict.FAIL, f"everybody can change {file}") for file in open_to_all]
    if settings.tls_key and _mode(settings.tls_key) & stat.S_IROTH:
        faults.append((Verdict.FAIL, f"everybody can read {settings.tls_key}"))
    return worst(Check.FILES, faults, "their owner's")


def trusted_proxies(settings: Settings) -> Result:
    """Whether the trusted networks can be proxies'."""
    faults: list[tuple[Verdict, str]] = []
    for text in settings.trusted_proxies:
        network = ipaddress.ip_network(text)
        if network.prefixlen == 0:
            faults.append((Verdict.FAIL, f"{text} is everybody: any client could name its address"))
        elif not network.is_private:
            faults.append((Verdict.WARN, f"{text} is a public network: is every address in it a proxy of yours?"))
    if not settings.trusted_proxies and _is_loopback(settings.edge_host):
        faults.append((Verdict.WARN, "none, and the edge listens on the loopback: all clients count as one address"))
    return worst(Check.TRUSTED_PROXIES, faults, ", ".join(settings.trusted_proxies) or "none, and no proxy")


def tls(settings: Settings, clock: Clock) -> Result:
    """Whether TLS ends somewhere, and with a certificate that can be used."""
    if not (settings.tls_certificate and settings.tls_key):
        if _is_loopback(settings.edge_host):
            return Result(Check.TLS, Verdict.OK, "a proxy's: the edge listens on the loopback")
        return Result(Check.TLS, Verdict.WARN, f"none, and the edge listens on {settings.edge_host}")
    try:
        _, expires = sound(settings.tls_certificate, settings.tls_key)
    except CertificateError as error:
        return Result(Check.TLS, Verdict.FAIL, str(error))
    days = int((expires - clock.now()) // 86_400)
    return Result(Check.TLS, Verdict.OK if days >= RENEW_DAYS else Verdict.WARN, f"good for {days} days")


def _declared(settings: Settings) -> list[Path]:
    try:
        apps = load_organisation(settings.organisation).apps.values()
    except (DeclarationError, OSError):
        return [settings.organisation]
    return [settings.organisation, *sorted({Path(catalog.file) for app in apps for catalog in app.catalogs})]


def _mode(file: Path) -> int:
    try:
        return file.stat().st_mode
    except OSError:  # another check says so
        return 0


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
