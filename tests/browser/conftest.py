"""Debian's Chromium, and a dashboard on loopback over made-up releases."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from headcount_aggregator.web.app import create_app
from playwright.async_api import Browser, async_playwright

from tests.aggregator.made_up_releases import MadeUpReleases, write_organisation
from tests.aggregator.product_world import NoisyProduct, ProductReleases, World, write_product

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    assert CHROMIUM, "chromium is missing: run `make servers`, or install Debian's package chromium"
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        await found.close()


@pytest.fixture(scope="session")
def made_up() -> MadeUpReleases:
    return MadeUpReleases(count=1500, length=110)


@pytest.fixture(scope="session")
def product() -> ProductReleases:
    """One product's releases, for every test that looks at all pages."""
    return ProductReleases(World(count=900, length=130))


@pytest.fixture
async def product_dashboard(tmp_path: Path, product: ProductReleases) -> AsyncIterator[TestServer]:
    found = TestServer(create_app(write_product(tmp_path), product))
    await found.start_server()
    yield found
    await found.close()


@pytest.fixture(scope="session")
def noisy(product: ProductReleases) -> NoisyProduct:
    """The same product under differential privacy."""
    return NoisyProduct(product.world)


@pytest.fixture
async def noisy_dashboard(tmp_path: Path, noisy: NoisyProduct) -> AsyncIterator[TestServer]:
    found = TestServer(create_app(write_product(tmp_path, rule="dp"), noisy))
    await found.start_server()
    yield found
    await found.close()


@pytest.fixture
async def dashboard(tmp_path: Path, made_up: MadeUpReleases) -> AsyncIterator[TestServer]:
    found = TestServer(create_app(write_organisation(tmp_path), made_up))
    await found.start_server()
    yield found
    await found.close()
