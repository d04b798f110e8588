"""The store's settings out of those of ``headcount up``: for its process, and for commands that open what it owns."""

from __future__ import annotations

import os

from headcount_aggregator.settings import StoreSettings

from headcount.settings import Settings
from headcount.stack import WAREHOUSE


def store_settings(settings: Settings) -> StoreSettings:
    """The same, for the store."""
    return StoreSettings(
        organisation=settings.organisation,
        data=settings.data,
        node=settings.node,
        releases_here=settings.releases,
        home=os.environ.get(WAREHOUSE, settings.warehouse),
        unit_seconds=settings.unit_seconds,
    )
