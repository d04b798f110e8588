"""The settings of the web process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

API_PER_MINUTE = 600
PAGES_PER_MINUTE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """``organisation``: the organisation file. ``releases``: the folder of sealed releases, all it reads.

    ``indexes``: a folder of its own, for what is derived from them; without one that is held in memory.
    ``disclosures``: the folder of the disclosure log, all it writes beside them.
    ``outgoing``: the folder of webhooks' messages on their way.
    ``dashboard_file``: notes, saved views and webhooks, where there are any.
    ``https``: the site is reached over TLS, so the cookie is marked ``Secure``.
    ``api_per_minute``: the questions to the API that are answered under one token in a minute.
    ``pages_per_minute``: the same of the dashboard's pages and files.
    """

    organisation: Path
    releases: Path
    disclosures: Path
    outgoing: Path
    indexes: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8701
    dashboard_file: Path | None = None
    https: bool = False
    api_per_minute: int = API_PER_MINUTE
    pages_per_minute: int = PAGES_PER_MINUTE
