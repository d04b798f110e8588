"""What an app hands over when it makes its client, read without ever raising."""

from __future__ import annotations

import os
import time

from headcount_wire import limits
from headcount_wire.app_key import is_key
from headcount_wire.catalog import Catalog

from headcount_sdk.health import Surprise, warn

NO_CATALOG = Catalog("none", 1, "daily", {}, {}, {})
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def read_catalog(catalog: Catalog | str | os.PathLike[str]) -> Catalog:
    """The catalog in a file, a text or an object; one that declares nothing where it cannot be read.

    What is wrong with it is logged, as ``headcount catalog check`` says it.
    """
    if isinstance(catalog, Catalog):
        return catalog
    # Only by those who did not build it into a module.
    from headcount_wire.catalog_file import parse_catalog
    from headcount_wire.errors import CatalogError

    try:
        text = os.fspath(catalog)
        if "\n" in text:
            return parse_catalog(text)
        with open(text, encoding="utf-8") as file:
            return parse_catalog(file.read(), text)
    except (OSError, ValueError, TypeError, CatalogError) as error:
        warn(str(error))
        return NO_CATALOG


def media(msgpack: bool) -> str:
    """The format of reports: MessagePack if it is asked for and its library is there, else JSON."""
    from importlib.util import find_spec

    from headcount_wire import codec  # with the first report, not with the app

    return codec.MSGPACK if msgpack and find_spec("msgpack") is not None else codec.JSON


def fault(
    app_key: object, directory: object, policy: object, catalog: Catalog, addresses: tuple[str, ...]
) -> Surprise | None:
    """What keeps a client from working at all, if something does."""
    if not catalog.measures:
        return Surprise.BAD_CATALOG
    if not addresses:
        return Surprise.BAD_ADDRESS
    if not isinstance(policy, int) or not 1 <= policy <= limits.VERSION_MAX:
        return Surprise.BAD_ARGUMENT
    if not isinstance(directory, str | os.PathLike) or "\0" in os.fsdecode(directory):
        return Surprise.BAD_ARGUMENT
    return None if isinstance(app_key, str) and is_key(app_key) else Surprise.BAD_ARGUMENT


def below(address: str, pattern: str) -> bool:
    """Whether an address is ``https://`` and one name below the domain of a pattern such as ``https://*.edge.example``."""
    head, _, domain = pattern.partition("*.")
    name = address.removeprefix(head).removesuffix(f".{domain}")
    return address == f"{head}{name}.{domain}" and name.replace("-", "").isalnum() and name.isascii()


def addresses(*hosts: str) -> tuple[str, ...]:
    """The edges' addresses: https, or http to this machine; empty where one of them is something else."""
    try:
        found = tuple(host.rstrip("/") for host in hosts)
        return found if all(map(_is_safe, found)) else ()
    except (AttributeError, ValueError, TypeError):
        return ()


def fleet(*nodes: str) -> tuple[str, ...] | None:
    """The nodes' addresses, by the same rule, or patterns of them; ``None`` where one of them is something else."""
    try:
        found = addresses(*(node.replace("https://*.", "https://", 1) for node in nodes))
    except (AttributeError, TypeError):
        return None
    return tuple(node.rstrip("/") for node in nodes) if len(found) == len(nodes) else None


def _is_safe(address: str) -> bool:
    from urllib.parse import urlsplit  # when a client is made, not when it is imported

    parts = urlsplit(address)
    name = parts.hostname or ""
    here = name in LOOPBACK or (name.startswith("127.") and name.replace(".", "").isdigit())
    safe = parts.scheme == "https" or (parts.scheme == "http" and here)
    return safe and bool(name) and "*" not in name and not (parts.query or parts.fragment or parts.port == 0)


def always() -> bool:
    """Any moment is a good one to upload."""
    return True


def system_offset(now: float) -> float:
    """Seconds east of UTC at a moment, by the system."""
    return float(time.localtime(now).tm_gmtoff)
