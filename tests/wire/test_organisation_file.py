"""The organisation in force, whatever stands in its folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from headcount_wire import limits
from headcount_wire.clock import ManualClock
from headcount_wire.declared import FAULTS_MOST
from headcount_wire.errors import Finding, OrganisationError
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


def test_a_change_is_taken_when_it_has_settled(file: Path) -> None:
    """A file that goes on changing is not read before it has been the same for a while; told to, it is read at once."""
    clock = ManualClock()
    kept = OrganisationFile(file, settle_seconds=0.5, monotonic=clock.monotonic)
    for length in range(len(GOOD) // 2, len(GOOD) // 2 + 5):
        file.write_text(GOOD[:length])
        clock.advance(0.4)
        assert kept.reload_if_changed() is None
    file.write_text(GOOD.replace('name = "Acme"', 'name = "Acme Ltd"'))
    assert kept.reload_if_changed() is None
    clock.advance(0.5)
    assert kept.reload_if_changed() == ()
    assert kept.organisation.customers["acme"].title == "Acme Ltd"
    file.write_text(GOOD.replace('name = "Acme"', 'name = "Acme plc"'))
    assert kept.reload_if_changed(force=True) == ()
    assert kept.reload_if_changed() is None


def test_a_file_cut_before_its_keys_is_a_fault(file: Path) -> None:
    """What is sound and declares no key any more does not follow what did; a start without keys is sound."""
    kept = OrganisationFile(file)
    before = kept.organisation
    file.write_text(GOOD[: GOOD.index("[[keys]]")])
    (fault,) = kept.reload_if_changed() or ()
    assert "no app key any more" in fault
    assert kept.organisation is before
    assert OrganisationFile(file).organisation.keys == ()


MEANS_ANOTHER = {
    "gone": (CATALOG[CATALOG.index('[measures."meeting.joined"]') :], ""),
    "values": ('values = ["link", "calendar"]', 'values = ["calendar", "link"]'),
    "fewer": ('values = ["link", "calendar"]', 'values = ["link"]'),
    "code": ("code = 2\n", "code = 99\n"),
}


@pytest.mark.parametrize("name", MEANS_ANOTHER)
def test_a_version_keeps_its_meaning(file: Path, name: str) -> None:
    """A catalog whose codes would mean something else in the same version is refused by a reload, in a sentence."""
    catalog = file.parent / "catalog.toml"
    old, new = MEANS_ANOTHER[name]
    assert old in CATALOG
    kept = OrganisationFile(file)
    catalog.write_text(CATALOG.replace(old, new))
    faults = kept.reload_if_changed()
    assert faults
    assert all("a new file with a higher version" in fault and str(catalog) in fault for fault in faults)
    catalog.write_text(CATALOG.replace(old, new).replace("version = 3", "version = 4"))
    assert kept.reload_if_changed() == ()


def test_more_of_the_same_version_is_taken(file: Path) -> None:
    """Measures and values that are added, and what no device sends, change no meaning."""
    catalog = file.parent / "catalog.toml"
    kept = OrganisationFile(file)
    more = CATALOG.replace('"calendar"]', '"calendar", "phone"]').replace("cap = 20", "cap = 60")
    catalog.write_text(more)
    assert kept.reload_if_changed() == ()


def test_a_policy_that_goes_back_is_doubted(file: Path) -> None:
    """A policy's version that falls, or stays while what is asked changes, is taken and told; a pause is not."""
    kept = OrganisationFile(file)
    version = kept.organisation.customers["acme"].policy.version
    same = f"version = {version}\n"
    assert GOOD.count(same) == 1
    for text, words in (
        (GOOD.replace(same, f"{same}paused = true\n"), ()),
        (GOOD.replace("usage = 3", "usage = 4"), ("has the version it had",)),
        (GOOD.replace(same, f"version = {version + 3}\n"), ()),
        (GOOD, (f"went back from version {version + 3} to {version}",)),
    ):
        file.write_text(text)
        assert kept.reload_if_changed() == ()
        assert len(kept.doubts) == len(words)
        assert all(word in doubt for word, doubt in zip(words, kept.doubts, strict=True))


def test_a_pipe_is_no_file(file: Path) -> None:
    """Where a pipe stands that nobody writes to, a reload says so at once."""
    kept = OrganisationFile(file)
    file.unlink()
    os.mkfifo(file)
    assert kept.reload_if_changed() == (f"{file}, line 1: the file: is no regular file",)


@pytest.mark.parametrize(
    "faulty", ["[customers.c{0}]\n", "k{0} = 1\n", " " * 200 + "\n"], ids=["tables", "keys", "space"]
)
def test_a_file_full_of_faults_takes_no_minutes(file: Path, faulty: str) -> None:
    """As large as a file may be and wrong in every line, it is told in some faults, with lines, in seconds."""
    lines = [faulty.format(number) for number in range(limits.CATALOG_BYTES // len(faulty.format(99_999)))]
    file.write_text("[operator]\nnme = 1\n" + "".join(lines))
    began = time.process_time()
    with pytest.raises(OrganisationError) as told:
        load_organisation(file)
    assert time.process_time() - began < 20
    assert len(told.value.findings) <= FAULTS_MOST + 1
    assert Finding(2, "operator.nme", "is not known here (known: name, region, regions)") in told.value.findings
