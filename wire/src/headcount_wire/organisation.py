"""The organisation: Partners, Customers, apps, keys and readers, declared in one TOML file.

The edge reads keys and policies from it, the aggregator codes, retention and readers. Keys
stand in it as fingerprints only. ``docs/organisation.md`` explains the file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from headcount_wire import limits
from headcount_wire.catalog import Catalog
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.declared import Declared, read_toml
from headcount_wire.dimensions import DIMENSIONS
from headcount_wire.errors import CatalogError, DeclarationError, Finding, OrganisationError
from headcount_wire.fleet import Fleet, fleet_of
from headcount_wire.policy import MINIMUM_SDK, Policy

KEY_STATES = ("active", "rotating", "revoked")
RULES = ("threshold", "dp")
"""By which rule a Customer's own numbers are released."""

PRESETS: Mapping[str, Fraction] = {"strict": Fraction(1, 4), "standard": Fraction(3, 4), "light": Fraction(2)}
"""What one device may cost in a calendar month where noise is added (rho of zero-concentrated privacy)."""

SCOPES = ("own", "partner", "product")
_NAME = r"[a-z][a-z0-9_-]{0,63}"
_NAME_FORM = "a lower-case word of letters, digits, - and _"
_CODE_MAX = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Partner:
    """Who resells to Customers."""

    name: str
    code: int
    title: str


@dataclass(frozen=True, slots=True)
class Customer:
    """Who buys, and whose Users use the apps. ``rule`` and ``noise`` (a preset) are those of its own numbers."""

    name: str
    code: int
    title: str
    partner: Partner | None
    region: str
    policy: Policy
    retention_months: int
    k: int
    cross_customer: bool
    cells_months: int
    agreement_ends: int | None
    rule: str = "threshold"
    noise: str = "standard"

    @property
    def partner_code(self) -> int:
        """The Partner's code; 0 for a Customer that has none."""
        return self.partner.code if self.partner else 0


@dataclass(frozen=True, slots=True)
class App:
    """One app, with the catalogs that are admitted, newest first."""

    name: str
    code: int
    title: str
    catalogs: tuple[Catalog, ...]

    @property
    def catalog(self) -> Catalog:
        """The newest catalog."""
        return self.catalogs[0]


@dataclass(frozen=True, slots=True)
class AppKey:
    """What an app key stands for."""

    fingerprint: str
    customer: Customer
    app: App
    state: str
    debug: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """Who may read releases, and of whom: ``scope`` is own, partner or product."""

    name: str
    fingerprint: str
    scope: str
    customer: Customer | None
    partner: Partner | None


@dataclass(frozen=True)
class Organisation:
    """Everything one organisation file declares. ``fleet``: its edge nodes; empty for a house of one."""

    title: str
    region: str
    regions: Mapping[str, str]
    partners: Mapping[str, Partner]
    customers: Mapping[str, Customer]
    apps: Mapping[str, App]
    keys: tuple[AppKey, ...]
    readers: tuple[Reader, ...]
    fleet: Fleet = ()

    @cached_property
    def key_by_fingerprint(self) -> Mapping[str, AppKey]:
        """App keys by their fingerprint."""
        return {key.fingerprint: key for key in self.keys}

    @cached_property
    def reader_by_fingerprint(self) -> Mapping[str, Reader]:
        """Readers by the fingerprint of their token."""
        return {reader.fingerprint: reader for reader in self.readers}


def load_organisation(path: Path) -> Organisation:
    """Read an organisation file and the catalogs it names (relative to it).

    Raises ``OrganisationError`` or ``CatalogError``, with every fault and its line.
    """
    return parse_organisation(read_text(path, OrganisationError), path.parent, str(path))


def read_text(path: Path, error: type[DeclarationError]) -> str:
    """A declared file's text; raises ``error`` when it is no UTF-8 or too large, ``OSError`` when it cannot be read.

    What is no file is not waited for: a pipe that nobody writes to has no end.
    """
    with open(path, "rb", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise error(str(path), [Finding(1, "the file", "is no regular file")])
        data = file.read(limits.CATALOG_BYTES + 1)
    if len(data) > limits.CATALOG_BYTES:
        raise error(str(path), [Finding(1, "the file", f"is larger than {limits.CATALOG_BYTES} bytes")])
    try:
        return data.decode()
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise error(str(path), [Finding(line, "the file", "holds a byte that is no UTF-8; save it as UTF-8")]) from None


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def parse_organisation(text: str, folder: Path, file: str = "organisation.toml") -> Organisation:
    """The organisation in a TOML text; catalogs are read relative to ``folder``."""
    root = read_toml(text, file, OrganisationError)
    operator = root.table("operator")
    title, region = operator.text("name"), operator.text("region", "default")
    regions_table = operator.table("regions", optional=True)
    regions = {name: regions_table.text(name) for name in regions_table.names()}
    operator.close()
    partners = {name: _partner(name, table) for name, table in root.tables("partners", optional=True)}
    apps = {name: _app(name, table, folder) for name, table in root.tables("apps")}
    customers = {name: _customer(name, table, partners, region) for name, table in root.tables("customers")}
    keys = tuple(_key(table, customers, apps) for table in root.items("keys"))
    readers = tuple(_reader(table, customers, partners) for table in root.items("readers"))
    fleet = fleet_of(root)
    root.close()
    for kind, named in (("partners", partners), ("customers", customers), ("apps", apps)):
        _unique_codes(root, kind, {name: thing.code for name, thing in named.items()})
    if root.faults.findings:
        raise OrganisationError(file, sorted(root.faults.findings, key=lambda finding: finding.line))
    return Organisation(
        title,
        region,
        regions,
        partners,
        customers,
        apps,
        tuple(key for key in keys if key),
        tuple(reader for reader in readers if reader),
        fleet,
    )


def _partner(name: str, table: Declared) -> Partner:
    partner = Partner(name, table.integer("code", 1, _CODE_MAX), table.text("name", name))
    table.close()
    return partner


def _app(name: str, table: Declared, folder: Path) -> App:
    code, title = table.integer("code", 1, _CODE_MAX), table.text("name", name)
    catalogs: list[Catalog] = []
    for file in table.texts("catalogs"):
        try:
            text = read_text(folder / file, CatalogError)
            catalogs.append(parse_catalog(text, str(folder / file)))
        except (OSError, ValueError):  # ValueError: a path with a null byte
            table.fault(f"the catalog {file!a} cannot be read", "catalogs")
        except CatalogError as error:
            for finding in error.findings:
                table.fault(f"the catalog cannot be used: {folder / file}, {finding}", "catalogs")
    catalogs.sort(key=lambda catalog: -catalog.version)
    table.close()
    if not catalogs:
        table.fault("needs at least one catalog", "catalogs")
    newest = catalogs[0].version if catalogs else 0
    admitted = [catalog for catalog in catalogs if catalog.version >= newest - limits.CATALOGS_BEHIND]
    return App(name, code, title, tuple(admitted))


def _customer(name: str, table: Declared, partners: Mapping[str, Partner], region: str) -> Customer:
    partner_name = table.text("partner", "")
    if partner_name and partner_name not in partners:
        table.fault(f'"{partner_name}" is not declared under [partners]', "partner")
    retention_months = table.integer("retention_months", 1, 120, 25)
    customer = Customer(
        name=name,
        code=table.integer("code", 1, _CODE_MAX),
        title=table.text("name", name),
        partner=partners.get(partner_name),
        region=table.text("region", region),
        policy=_policy(table.table("policy")),
        retention_months=retention_months,
        k=table.integer("k", limits.K_MIN, 10_000, limits.K_MIN),
        cross_customer=table.boolean("cross_customer", True),
        cells_months=table.integer("cells_months", 1, 120, retention_months),
        agreement_ends=table.day("agreement_ends"),
        rule=_one_of(table, "rule", RULES, "threshold"),
        noise=_one_of(table, "noise", tuple(PRESETS), "standard"),
    )
    table.close()
    return customer


def _one_of(table: Declared, key: str, known: tuple[str, ...], default: str) -> str:
    found = table.text(key, default)
    if found not in known:
        table.fault(f"must be one of {', '.join(known)}", key)
        return default
    return found


def _policy(table: Declared) -> Policy:
    version = table.integer("version", 1, limits.VERSION_MAX)
    since = table.integer("consent_since", 1, limits.VERSION_MAX, 1)
    purposes = table.texts("purposes")
    renewed = table.table("renewed", optional=True)
    context = table.texts("context", tuple(DIMENSIONS))
    for name in context:
        if name not in DIMENSIONS:
            table.fault(f"{name} is no context field (there are: {', '.join(DIMENSIONS)})", "context")
    consent_since = {
        purpose: renewed.integer(purpose, 1, limits.VERSION_MAX) if purpose in renewed else since
        for purpose in purposes
    }
    for purpose, at in consent_since.items():
        if at > version:
            table.fault(f"{purpose}: no consent can be newer than the policy itself (version {version})")
    renewed.close()
    policy = Policy(version, consent_since, frozenset(context), table.boolean("paused", False), _minimum_sdk(table))
    table.close()
    return policy


def _minimum_sdk(table: Declared) -> str:
    if "minimum_sdk" not in table:
        return ""
    return table.text("minimum_sdk", pattern=MINIMUM_SDK, form='a version such as "1.4"')


def _key(table: Declared, customers: Mapping[str, Customer], apps: Mapping[str, App]) -> AppKey | None:
    fingerprint = table.text("fingerprint", pattern=r"[0-9a-f]{32}", form="32 hexadecimal digits")
    customer, app = table.text("customer"), table.text("app")
    state = table.text("state", "active")
    debug = table.boolean("debug", False)
    table.close()
    if state not in KEY_STATES:
        table.fault(f"must be one of {', '.join(KEY_STATES)}", "state")
    if customer not in customers:
        table.fault(f'"{customer}" is not declared under [customers]', "customer")
    if app not in apps:
        table.fault(f'"{app}" is not declared under [apps]', "app")
    if customer not in customers or app not in apps:
        return None
    return AppKey(fingerprint, customers[customer], apps[app], state, debug)


def _reader(table: Declared, customers: Mapping[str, Customer], partners: Mapping[str, Partner]) -> Reader | None:
    name = table.text("name", pattern=_NAME, form=_NAME_FORM)
    fingerprint = table.text("fingerprint", pattern=r"[0-9a-f]{32}", form="32 hexadecimal digits")
    scope = table.text("scope")
    customer = partner = None
    if scope not in SCOPES:
        table.fault(f"must be one of {', '.join(SCOPES)}", "scope")
    elif scope == "own":
        customer = customers.get(table.text("customer"))
        if customer is None:
            table.fault("must name a Customer declared under [customers]", "customer")
    elif scope == "partner":
        partner = partners.get(table.text("partner"))
        if partner is None:
            table.fault("must name a Partner declared under [partners]", "partner")
    table.close()
    return Reader(name, fingerprint, scope, customer, partner)


def _unique_codes(root: Declared, kind: str, codes: Mapping[str, int]) -> None:
    seen: dict[int, str] = {}
    for name, code in codes.items():
        if code in seen:
            root.fault(f"{code} is already the code of {seen[code]}", kind, name, "code")
        seen[code] = name
