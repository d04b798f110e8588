"""The organisation file: Partners, Customers, apps, keys, readers."""

from __future__ import annotations

from pathlib import Path

import pytest
from headcount_wire.app_key import fingerprint, is_debug, is_key, new_key
from headcount_wire.errors import OrganisationError
from headcount_wire.organisation import Organisation, load_organisation, parse_organisation
from headcount_wire.policy import decode_policy, encode_policy

from tests.wire.test_catalog import GOOD as CATALOG

KEY, TOKEN = new_key("live"), new_key("read")
GOOD = f"""\
[operator]
name = "Example Video"
region = "eu"

[operator.regions]
us = "https://us.example"

[partners.north]
code = 1

[customers.acme]
code = 11
name = "Acme"
partner = "north"

[customers.acme.policy]
version = 4
consent_since = 2
purposes = ["usage", "context"]
context = ["os"]
renewed = {{ usage = 3 }}

[customers.solo]
code = 12
region = "us"
policy = {{ version = 1, purposes = ["usage"] }}

[apps.meet]
code = 1
catalogs = ["catalog.toml"]

[[keys]]
fingerprint = "{fingerprint(KEY)}"
customer = "acme"
app = "meet"

[[readers]]
name = "acme-pm"
fingerprint = "{fingerprint(TOKEN)}"
scope = "own"
customer = "acme"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "catalog.toml").write_text(CATALOG)
    return tmp_path


def parsed(folder: Path) -> Organisation:
    (folder / "organisation.toml").write_text(GOOD)
    return load_organisation(folder / "organisation.toml")


def test_a_key_leads_to_its_customer_app_and_policy(folder: Path) -> None:
    """An app key's fingerprint leads to the Customer, the Partner, the app and the policy."""
    key = parsed(folder).key_by_fingerprint[fingerprint(KEY)]
    assert (key.customer.name, key.customer.partner_code, key.app.name, key.state) == ("acme", 1, "meet", "active")
    policy = key.customer.policy
    assert dict(policy.consent_since) == {"usage": 3, "context": 2}
    assert policy.consent_counts("usage", 3)
    assert not policy.consent_counts("usage", 2)
    assert not policy.consent_counts("usage", 5)
    assert not policy.consent_counts("problems", 4)


def test_the_file_never_holds_a_key(folder: Path) -> None:
    """Keys and tokens stand in the file as fingerprints only."""
    assert KEY not in GOOD
    assert parsed(folder).reader_by_fingerprint[fingerprint(TOKEN)].scope == "own"


FAULTS = [
    ('partner = "north"', 'partner = "south"', "not declared under [partners]"),
    ("code = 12", "code = 11", "is already the code of acme"),
    ("catalog.toml", "missing.toml", "cannot be read"),
    ('scope = "own"', 'scope = "all"', "must be one of own, partner, product"),
    ('app = "meet"', 'app = "meat"', "not declared under [apps]"),
    ("renewed = { usage = 3 }", "renewed = { usage = 9 }", "newer than the policy"),
    ("consent_since = 2", "consent_sinc = 2", "is not known here"),
    ('customer = "acme"\napp', 'customer = "acne"\napp', "not declared under [customers]"),
    ("version = 4", 'version = 4\nminimum_sdk = "new"', "a version such as"),
    ("code = 11", "code = 11\nk = 5", "must be from 20 to"),
]


@pytest.mark.parametrize(("before", "after", "words"), FAULTS)
def test_a_fault_is_named(folder: Path, before: str, after: str, words: str) -> None:
    """Each fault is named, so that a policy is never half in force."""
    assert before in GOOD
    with pytest.raises(OrganisationError) as caught:
        parse_organisation(GOOD.replace(before, after, 1), folder)
    assert words in str(caught.value)


def test_a_policy_survives_its_bytes(folder: Path) -> None:
    """What GET /v1/policy answers is the policy the edge enforces."""
    policy = parsed(folder).customers["acme"].policy
    assert decode_policy(encode_policy(policy)) == policy
    for body in (b"", b"[]", b'{"v":2}', b"<html>", encode_policy(policy).replace(b"4", b'"4"')):
        assert decode_policy(body) is None


def test_keys_say_what_they_are() -> None:
    """A key's form says whether it is a developer's; its fingerprint does not give it back."""
    debug = new_key("debug")
    assert is_key(KEY)
    assert is_debug(debug)
    assert not is_debug(KEY)
    assert not is_key("hc_live_short")
    assert KEY.removeprefix("hc_live_") not in fingerprint(KEY)
    with pytest.raises(ValueError):
        new_key("admin")
