"""The settings of ``headcount up``: one file, environment overrides, unknown keys are errors."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from pathlib import Path

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

PREFIX = "HEADCOUNT_"


class Settings(BaseSettings):
    """How one machine runs the house. Environment: ``HEADCOUNT_`` and the name, in upper case."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    organisation: Path = Field(default=Path("organisation.toml"), description="The organisation file.")
    data: Path = Field(default=Path("headcount-data"), description="Where spool, units, warehouse and releases live.")
    node: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9-]{0,31})?$",
        description="This node's name in the organisation file's [[fleet]]; empty for a house of one.",
    )
    releases: bool | None = Field(
        default=None,
        description="This node rolls up and releases: true on one node of a fleet; a house of one does without it.",
    )
    warehouse: str = Field(
        default="embedded",
        repr=False,
        description="Where sums are kept: `embedded`, or the address of a ClickHouse server or cluster; a secret.",
    )
    workers: int = Field(
        default_factory=lambda: max(1, (os.cpu_count() or 2) // 2),
        ge=1,
        le=64,
        description="Edge worker processes; if not given, half as many as the machine has processors.",
    )
    edge_host: str = Field(default="127.0.0.1", description="The address the edge listens on.")
    edge_port: int = Field(default=8700, ge=1, le=65535, description="The port the edge listens on.")
    admin_host: str = Field(default="127.0.0.1", description="The address of health and metrics; never a public one.")
    admin_port: int = Field(default=8710, ge=1, le=65535, description="Its first port; the next worker takes the next.")
    dashboard_host: str = Field(default="127.0.0.1", description="The address of the dashboard and the API.")
    dashboard_port: int = Field(default=8701, ge=1, le=65535, description="The port of the dashboard and the API.")
    dashboard_https: bool = Field(
        default=False, description="Readers reach the dashboard over TLS: its cookie goes over nothing else."
    )
    dashboard_file: Path | None = Field(
        default=None, description="Notes, saved views and webhooks of the dashboard; none without it."
    )
    api_per_minute: int = Field(
        default=600, ge=1, description="Questions to the API that are answered under one reader's token in a minute."
    )
    pages_per_minute: int = Field(
        default=300, ge=1, description="Pages and files of the dashboard that are made for one reader in a minute."
    )
    seal_seconds: float = Field(default=2.0, gt=0, le=60, description="A spool segment is sealed after this long.")
    unit_seconds: float = Field(
        default=60.0, gt=0, le=900, description="How long the loader gathers segments for a unit."
    )
    trusted_proxies: tuple[str, ...] = Field(default=(), description="Networks whose X-Forwarded-For names the client.")
    tls_certificate: Path | None = Field(
        default=None, description="The edge's certificate chain (PEM), where no proxy ends TLS; SIGHUP reads it again."
    )
    tls_key: Path | None = Field(default=None, description="The key of that certificate (PEM).")
    spool_bytes: int = Field(
        default=4 * 1024**3,
        ge=1024**2,
        description="What may wait in one worker's spool for the loader; beyond it reports are answered 507.",
    )
    disk_floor_bytes: int = Field(
        default=256 * 1024**2, ge=0, description="Free disk below which reports are answered 507."
    )
    key_per_minute: int = Field(
        default=600_000,
        ge=1,
        description="Reports under one app key that one worker takes in a minute; a large one is several.",
    )
    address_per_minute: int = Field(
        default=60_000,
        ge=1,
        description="Requests from one address that one worker takes in a minute; a large report is several.",
    )
    connections: int = Field(
        default=4_096, ge=1, description="Connections that one worker holds open; one more is told 503."
    )
    drain_seconds: float = Field(
        default=15.0, gt=0, le=25, description="How long a worker that is told to stop waits for requests under way."
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ipaddress.ip_network(network)
        return networks

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Settings:
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("tls_certificate and tls_key go together")
        return self

    @field_validator("warehouse")
    @classmethod
    def _is_an_address(cls, text: str) -> str:
        from headcount_aggregator.warehouse.address import parse_address

        parse_address(text)
        return text

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then what ``load_settings`` read from the file."""
        return env_settings, init_settings


def load_settings(config: Path | None) -> Settings:
    """The settings in a TOML file (all defaults when there is none), with environment overrides.

    Relative paths are relative to the file. Raises pydantic's ``ValidationError`` for a key or
    value that cannot be, ``OSError`` for a file that cannot be read, ``ValueError`` for one that is no TOML.
    """
    try:
        return _load(config)
    except SettingsError as error:  # a list in the environment that is no list
        field = re.search(r'field "(\w+)"', str(error))
        name = f"{PREFIX}{field[1].upper()}" if field else "environment"
        raise ValueError(f'{name}: is no JSON, such as ["127.0.0.1/32"]') from None


def data_folder(config: Path | None) -> Path:
    """The data folder the settings name. Raises what ``load_settings`` does, and ``ValueError`` where there is none."""
    data = load_settings(config).data
    if not data.is_dir():
        raise ValueError(f"{data}: there is no such folder. Name the settings file with --config.")
    return data


def faults_of(error: ValidationError, config: Path | None) -> list[str]:
    """What is wrong with the settings, each in a sentence that begins with where it stands.

    A value of the environment stands before that of the file, so where there is one it is the one at fault.
    """
    found: list[str] = []
    for fault in error.errors():
        said = "unknown setting" if fault["type"] == "extra_forbidden" else fault["msg"].removeprefix("Value error, ")
        names = [str(part) for part in fault["loc"]]
        variable = f"{PREFIX}{names[0].upper()}" if names else ""
        place = [variable, *names[1:]] if variable in os.environ else [str(config or "settings"), *names]
        found.append(": ".join([*place, said]))
    return found


def _load(config: Path | None) -> Settings:
    if config is None:
        return Settings()
    try:
        declared = tomllib.loads(config.read_bytes().decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{config}: is not valid TOML: {error}") from None
    for name in ("organisation", "data", "tls_certificate", "tls_key", "dashboard_file"):
        if isinstance(declared.get(name), str):
            declared[name] = config.parent / declared[name]
    return Settings(**declared)
