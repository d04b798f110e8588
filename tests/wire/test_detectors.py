"""Detectors name what they find, find what they name, and leave versions and names alone."""

from __future__ import annotations

import pytest
from headcount_wire.detectors import finds_identifier, finds_reserved_name
from headcount_wire.dimensions import Dimension, canonical, values_of

IDENTIFIERS = [
    "jane.doe@example.org",
    "jane%40example.org",
    "https://example.org/u/1",
    "6f1c2d3e-4b5a-6978-8a9b-0c1d2e3f4a5b",
    "6F1C2D3E4B5A69788A9B0C1D2E3F4A5B",
    "00:1a:2b:3c:4d:5e",
    "192.168.17.23",
    "2001:db8:0:1::5",
    "eyJhbGciOiJIUzI1NiJ9.e30",
    "ghp_16C7e42F292c6912E7",
    "9774d56d682e549c",
    "52.5200,13.4050",
    "DE89370400440532013000",
    "+49 170 1234567",
    "4111 1111 1111 1111",
    "4111.1111.1111.1111",
    "1987-04-23",
    "Zk3pQ9xL0vT7bN2aWm5R",
]
HARMLESS = [
    "3.1.4",
    "10.2.0",
    "2026.11.3",
    "2026.1103.1200.0001",
    "meeting.joined",
    "screen_share",
    "android",
    "link",
    "dial_in",
    "4.0-beta.2",
]


@pytest.mark.parametrize("text", IDENTIFIERS)
def test_an_identifier_is_found(text: str) -> None:
    """Each kind of identifier is found, and the finding does not repeat it."""
    found = finds_identifier(text)
    assert found
    assert text not in found


@pytest.mark.parametrize("text", HARMLESS)
def test_a_name_or_version_is_left_alone(text: str) -> None:
    """Names and versions a product really uses are no identifiers."""
    assert finds_identifier(text) is None


@pytest.mark.parametrize("name", ["user_id", "meeting.email", "device_id", "idfa", "phone_number", "last_name"])
def test_a_name_that_promises_an_identifier_is_found(name: str) -> None:
    """A measure cannot be called after an identifier."""
    assert finds_reserved_name(name)


@pytest.mark.parametrize("name", ["meeting.joined", "email_client_opened", "phone", "token_ring"])
def test_a_name_about_a_feature_is_not(name: str) -> None:
    """A feature that deals with mail or phones can still be counted."""
    assert not finds_reserved_name(name)


@pytest.mark.parametrize("text", [*IDENTIFIERS, "release of jane", "", "v1"])
def test_the_open_dimension_counts_it_as_other(text: str) -> None:
    """Nothing but a version passes the one open dimension."""
    assert canonical(Dimension.APP_VERSION, text) == "other"


@pytest.mark.parametrize("text", ["3", "3.1", "3.1.4", "2026.11.3", "4.0-beta.2", "4.0-rc1"])
def test_a_version_passes(text: str) -> None:
    """The versions that stores accept pass unchanged."""
    assert canonical(Dimension.APP_VERSION, text) == text


def test_closed_dimensions_are_closed() -> None:
    """A value outside a field's list becomes other; one inside stays."""
    assert canonical(Dimension.OS, "ios") == "ios"
    assert canonical(Dimension.OS, "beos") == "other"
    assert canonical(Dimension.LANGUAGE, "de") == "de"
    assert canonical(Dimension.LANGUAGE, "de-AT") == "other"
    assert canonical(Dimension.TIME_ZONE, "Europe/Berlin") == "Europe/Berlin"
    assert canonical(Dimension.OS_VERSION, "17") == "17"
    assert canonical(Dimension.OS_VERSION, "17.1.2") == "other"
    assert len(values_of(Dimension.TIME_ZONE) or ()) > 400
