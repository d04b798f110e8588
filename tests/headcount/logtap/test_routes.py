"""Route classes: which pattern takes a path, and which patterns may not be declared."""

from __future__ import annotations

from pathlib import Path

import pytest
from headcount.logtap.routes import REST, RouteClass, Routes
from headcount_wire.errors import DeclarationError
from hypothesis import given
from hypothesis import strategies as st

from tests.headcount.logtap.world import DECLARED, declaration


def takes(pattern: str, path: str) -> bool:
    """The rule in plain words: segment by segment; ``*`` is one, or a part of one; ``/**`` at the end is the rest."""
    wanted, segments = pattern.split("/")[1:], path.split("/")[1:]
    if wanted[-1] == "**":
        wanted, segments = wanted[:-1], segments[: len(wanted) - 1]
        if pattern == "/**":
            return path.startswith("/")
    elif segments[-1:] == [""] and len(segments) > 1:
        segments = segments[:-1]  # a / at the end says nothing
    return path.startswith("/") and len(wanted) == len(segments) and all(map(fits, wanted, segments))


def fits(wanted: str, segment: str) -> bool:
    start, star, end = wanted.partition("*")
    if not star:
        return segment == wanted
    room = len(segment) - len(start) - len(end)
    return segment.startswith(start) and segment.endswith(end) and room >= (wanted == "*")


words = st.sampled_from(["a", "b", "ab", "*", "a*", "*b", "a*b"])
patterns = st.builds(
    lambda segments, rest: "".join(f"/{one}" for one in segments) + rest,
    st.lists(words, max_size=3),
    st.sampled_from(["", "/**"]),
).map(lambda text: text or "/")
paths = st.lists(st.sampled_from(["a", "b", "ab", "acb", "c", ""]), max_size=4).map(lambda found: "/" + "/".join(found))


@given(st.lists(patterns, min_size=1, max_size=6), paths)
def test_the_first_pattern_that_matches_gives_the_class(found: list[str], path: str) -> None:
    """Of any patterns the first that takes a path by the rule gives its class; where none does it is other."""
    routes = Routes([RouteClass(f"c{at}", (pattern,)) for at, pattern in enumerate(found)])
    expected = next((at for at, pattern in enumerate(found, 1) if takes(pattern, path)), 0)
    assert routes.class_of(path.encode()) == expected, (found, path)
    assert routes.spelled_out.get(path.encode(), expected) == expected
    assert routes.names[0] == REST


@pytest.mark.parametrize("path", [b"", b"x", b"*", b"http://x.example/", b"/\xff", b"/a\n", b"/" + b"a" * 100_000])
def test_what_is_no_path_is_other(path: bytes) -> None:
    """What no pattern can be about counts under other, also where a pattern takes all paths of one segment."""
    routes = Routes([RouteClass("home", ("/",)), RouteClass("one", ("/b*",))])
    assert routes.names[routes.class_of(path)] == REST
    assert Routes([]).class_of(path) == 0


@pytest.mark.parametrize(
    ("class_name", "pattern", "fault"),
    [
        ("other", "/x", "is always there"),
        ("api", "/x", "is declared twice"),
        ("user_id", "/x", "promises an identifier"),
        ("Avatar", "/x", "lower-case word"),
        ("a" * 41, "/x", "at most 40 characters"),
        ("x", "/users/3f2504e0-4f89-41d3-9a0c-0305e82c3301", "looks like a UUID"),
        ("x", "/u/jo@x.example", "looks like an e-mail address"),
        ("x", "/from/203.0.113.9", "looks like an IP address"),
        ("x", "/call/+49301234567", "looks like a telephone"),
        ("x", "/files/aB3dE5fG7hJ9kL1mN", "looks like a random token"),
        ("x", "x", "must be a path"),
        ("x", "/x?token=*", "must be a path"),
        ("x", "/**/x", "must be a path"),
        ("x", "/a*b*c", "must be a path"),
        ("x", "", "must be a path"),
        ("x", "/api/rooms/*", "is never reached: api"),
        ("x", "/api", "is never reached: api"),
    ],
)
def test_a_class_or_pattern_that_may_not_be_is_named_with_its_line(class_name: str, pattern: str, fault: str) -> None:
    """Identifiers, reserved words, queries and patterns that nothing reaches are faults, each with its line."""
    text = f'{DECLARED}[[routes]]\nclass = "{class_name}"\npatterns = ["{pattern}"]\n'
    with pytest.raises(DeclarationError) as caught:
        declaration(Path("/x"), text=text)
    (finding,) = caught.value.findings
    assert fault in finding.fault
    assert text.splitlines()[finding.line - 1].startswith(("class", "patterns"))
    assert pattern not in finding.fault or len(pattern) < 14, "a finding names the kind, never the text"
