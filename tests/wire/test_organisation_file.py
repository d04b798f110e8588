"""The organisation in force, whatever stands in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from headcount_wire.errors import OrganisationError
from headcount_wire.organisation import load_organisation
from headcount_wire.organisation_file import OrganisationFile

from tests.wire.test_catalog import GOOD as CATALOG
from tests.wire.test_organisation import GOOD

UNREADABLE = {
    "no_utf8": (GOOD.encode() + b"\n# caf\xe9\n", f"line {GOOD.count(chr(10)) + 2}: the file: holds a byte"),
    "deep": (GOOD.encode() + b"x = " + b"[" * 50_000, "is nested too deeply"),
    "no_toml": (b"[operator\n", "line 1: the file: is not valid TOML"),
    "huge_number": (GOOD.encode() + b"x = " + b"1" * 5_000, "is not valid TOML"),
    "null_byte": (GOOD.replace('"catalog.toml"', '"a\\u0000b"').encode(), "cannot be read"),
    "two_faults": (
        GOOD.replace("code = 12", "code = 11").replace('partner = "north"', 'partner = "south"').encode(),
        "is already the code of acme",
    ),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "catalog.toml").write_text(CATALOG)
    (tmp_path / "organisation.toml").write_text(GOOD)
    return tmp_path / "organisation.toml"


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_used_leaves_the_one_before(file: Path, name: str) -> None:
    """Each fault is told in a sentence with file and line; what was in force stays; a good file is taken again."""
    kept = OrganisationFile(file)
    before = kept.organisation
    data, words = UNREADABLE[name]
    file.write_bytes(data)
    faults = kept.reload_if_changed()
    assert faults
    assert any(words in fault for fault in faults)
    assert all(fault.startswith(f"{file}, line ") and "\n" not in fault for fault in faults)
    assert kept.organisation is before
    assert kept.reload_if_changed() is None
    with pytest.raises(OrganisationError):
        load_organisation(file)
    file.write_text(GOOD.replace('name = "Acme"', 'name = "Acme Ltd"'))
    assert kept.reload_if_changed() == ()
    assert kept.organisation.customers["acme"].title == "Acme Ltd"


def test_a_catalog_s_faults_come_with_its_file_and_line(file: Path) -> None:
    """A catalog that is no UTF-8, or declares what cannot be, is named with its own lines."""
    kept = OrganisationFile(file)
    catalog = file.parent / "catalog.toml"
    catalog.write_bytes(CATALOG.encode() + b"\n# \xe9\n")
    (fault, *_) = kept.reload_if_changed() or ()
    assert f"{catalog}, line {CATALOG.count(chr(10)) + 2}: the file: holds a byte" in fault
    catalog.write_text(CATALOG.replace("version = ", "version = 0 # ", 1))
    assert any(f"{catalog}, line" in fault for fault in kept.reload_if_changed() or ())
    catalog.write_text(CATALOG)
    assert kept.reload_if_changed() == ()


def test_an_editor_s_lock_is_no_file(file: Path) -> None:
    """A link that leads nowhere, as an editor puts beside an open file, disturbs nothing."""
    lock = file.parent / ".#organisation.toml"
    lock.symlink_to("me@host.1:1")
    kept = OrganisationFile(file)
    lock.unlink()
    assert kept.reload_if_changed() is None
    lock.symlink_to("me@host.1:1")
    assert kept.reload_if_changed() is None


def test_a_file_that_is_gone_is_a_fault(file: Path) -> None:
    """A file that is moved away leaves the organisation in force, and is taken when it comes back."""
    kept = OrganisationFile(file)
    file.rename(file.with_name("away"))
    assert kept.reload_if_changed() == (f"{file} cannot be read (No such file or directory)",)
    file.with_name("away").rename(file)
    assert kept.reload_if_changed() == ()
