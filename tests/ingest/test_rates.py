"""Rate limits: who is counted as one, for how long, and what is remembered."""

from __future__ import annotations

import ipaddress

import pytest
from headcount_ingest.rates import TALLIES_OF_ONE, WIDE, Rates, network_of
from headcount_wire import limits
from headcount_wire.clock import ManualClock


def rates(clock: ManualClock, *trusted: str, address: int = 1, key: int = 2) -> Rates:
    return Rates(key, address, trusted, clock.monotonic)


def passes(limit: Rates, peer: str, *forwarded: str) -> bool:
    """Whether a request is within its rate; its ``X-Forwarded-For`` lines come joined, as a connection joins them."""
    return limit.address(limit.peer(peer)(",".join(forwarded).encode("latin-1", "replace"))) == 0


def taken(limit: Rates, fingerprint: str, tallies: int = 1) -> bool:
    """Whether a sound report under a key is within its rate; it counts if it is."""
    if limit.key(fingerprint):
        return False
    limit.report("", fingerprint, tallies)
    return True


def test_a_minute_later_all_is_forgotten() -> None:
    """Beyond the bound a key waits; when the minute of the clock is over, it starts anew."""
    clock = ManualClock()
    limit = rates(clock)
    assert [taken(limit, "a") for _ in range(3)] == [True, True, False]
    assert limit.key("b") == 0
    clock.advance(59.9)
    assert limit.key("a") > 0
    clock.advance(0.2)
    assert limit.key("a") == 0


def test_a_report_counts_by_its_tallies() -> None:
    """A usual report counts once for its key, the largest 33 times; for its address it counts as much."""
    limit = rates(ManualClock(), address=40, key=35)
    group = limit.peer("203.0.113.1")(b"")
    assert limit.address(group) == 0
    limit.report(group, "a", TALLIES_OF_ONE - 1)
    assert limit.address(group) == 0
    limit.report(group, "a", limits.TALLIES_PER_REPORT)
    assert limit.key("a") == 0
    limit.report(group, "a", 1)
    assert limit.key("a") > 0
    assert [limit.address(group) == 0 for _ in range(7)] == [*[True] * 6, False]


def test_a_site_of_many_networks_has_a_bound() -> None:
    """The /64s of one /48 have a bound together, some times wider than each has; another /48 is not held to it."""
    limit = rates(ManualClock(), address=2)
    within = sum(passes(limit, f"2001:db8:1:{number:x}::1") for number in range(1000))
    assert within == WIDE * 2
    assert passes(limit, "2001:db8:2:1::1")


def test_without_a_trusted_proxy_the_header_says_nothing() -> None:
    """A client cannot choose the address it is counted under."""
    limit = rates(ManualClock())
    assert passes(limit, "203.0.113.1", "198.51.100.1")
    assert not passes(limit, "203.0.113.1", "198.51.100.2")


@pytest.mark.parametrize(
    "forwarded",
    [
        ("198.51.100.7",),
        ("6.6.6.6, 198.51.100.7",),
        ("6.6.6.6", "198.51.100.7"),
        ("198.51.100.7, 10.0.0.2",),
        ("no address, 198.51.100.7",),
    ],
    ids=["alone", "appended", "added_line", "two_proxies", "nonsense_before"],
)
def test_behind_a_proxy_the_nearest_untrusted_address_counts(forwarded: tuple[str, ...]) -> None:
    """What the proxy saw counts, however it adds it; what the client claimed before it does not."""
    limit = rates(ManualClock(), "10.0.0.0/8")
    assert passes(limit, "10.0.0.1", "198.51.100.7")
    assert not passes(limit, "10.0.0.1", *forwarded)
    assert passes(limit, "10.0.0.1", "198.51.100.8")


def test_bytes_that_are_no_text_are_counted_like_any_other() -> None:
    """A header that is no ASCII, or empty, harms nothing."""
    limit = rates(ManualClock(), "10.0.0.0/8")
    assert passes(limit, "10.0.0.1", "\xff")
    assert not passes(limit, "10.0.0.1", "\xff")
    assert passes(limit, "10.0.0.1", "")
    assert not passes(limit, "10.0.0.1", " , 10.0.0.2,")


def test_an_ipv6_subscriber_is_one_client() -> None:
    """The addresses of a /64 count as one, and an IPv4 address is the same in either notation."""
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9%eth0")
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:203.0.113.9") == network_of("203.0.113.9")
    assert network_of("a:b") == "a:b"


def test_memory_stays_bounded_whatever_number_of_addresses() -> None:
    """A hundred thousand addresses leave at most 65,536 counts, none of which holds an address."""
    limit = rates(ManualClock(), address=10**6)
    for number in range(100_000):
        passes(limit, str(ipaddress.IPv4Address(number)))
    counts = limit._counts  # what is remembered, seen from inside
    assert len(counts) <= 65_536
    assert not any("." in key for key in counts)


def test_two_processes_do_not_share_a_hash() -> None:
    """The hash key is drawn per process: the same address is another number elsewhere."""
    assert rates(ManualClock())._secret != rates(ManualClock())._secret
