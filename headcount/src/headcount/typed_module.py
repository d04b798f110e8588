"""``headcount catalog build``: a Python module with a method for each measure, and with the catalog itself."""

from __future__ import annotations

import ast
import hashlib
import keyword
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from headcount_sdk import typed
from headcount_wire import days
from headcount_wire.catalog import Catalog, Label, Measure
from headcount_wire.facts import Kind

from headcount.python_source import INDENT, WIDTH, bracketed, docstring, literal, prose, text

ROOT = "Counts"


@dataclass(frozen=True)
class Verb:
    """What can be called on a measure: its name, the client's method, a value it takes, and what it gives back."""

    name: str
    calls: str
    value: str = ""
    returns: str = "None"


VERBS: dict[Kind, tuple[Verb, ...]] = {
    Kind.COUNTER: (Verb("add", "track"),),
    Kind.FLAG: (Verb("set", "track"),),
    Kind.TIMING: (Verb("time", "timer", returns="Timer"), Verb("record", "measure", "milliseconds: float")),
    Kind.DISTRIBUTION: (Verb("record", "measure", "value: float"),),
    Kind.PROBLEM: (Verb("report", "report_problem", returns="Preview"),),
    Kind.QUANTITY: (Verb("state", "quantity", "value: int"),),
}
"""The verbs of each kind. Screens are called by themselves; the other kinds follow from use."""

SCREEN = "screen"
"""Where the call stands that shows a screen, whatever the measure is named."""

_LEFT_ALONE = (
    "# Made by a command, and compared with its catalog by the same one: formatters and linters leave it alone.",
    "# fmt: off",
    "# ruff: noqa",
)


@dataclass
class Name:
    """One part of the measures' names: the measure that ends here, if one does, and what goes on."""

    path: tuple[str, ...] = ()
    measure: Measure | None = None
    below: dict[str, Name] = field(default_factory=dict)
    screens: Measure | None = None


def fingerprint(source: str) -> str:
    """What stands for a catalog's file, whatever a checkout made of its line ends."""
    return "sha256:" + hashlib.sha256(source.replace("\r\n", "\n").encode()).hexdigest()


def module_of(catalog: Catalog, source: str) -> str:
    """The module for a catalog that was read from a text; the same for the same text, byte for byte."""
    root = _names(catalog)
    classes: dict[tuple[str, ...], str] = {(): ROOT}
    _name_classes(root, classes)
    body = "\n\n\n".join(_class(name, classes, catalog) for name in _bottom_up(root))
    title = f'What the app "{catalog.name}" may count: version {catalog.version} of its catalog.'
    parts = [
        f'"""{title}\n\nMade by ``headcount catalog build``; what is changed here is lost with the next build.\n"""',
        "\n".join(_LEFT_ALONE),
        _imports(f"{literal(catalog)}\n{body}"),
        f"SOURCE = {text(fingerprint(source))}",
        f"CATALOG = {literal(catalog)}",
    ]
    return "\n\n".join(parts) + f"\n\n\n{body}\n"


def stale(module: str, catalog: Catalog, source: str) -> str:
    """Why a module is not the one that would be made now; empty where it is."""
    if module.replace("\r\n", "\n") == module_of(catalog, source):
        return ""
    made_of = re.search(r'^SOURCE = "(sha256:[0-9a-f]{64})"$', module.replace("\r\n", "\n"), re.MULTILINE)
    if made_of is None:
        return "is no module that headcount catalog build made"
    if made_of.group(1) != fingerprint(source):
        return "was made from another state of the catalog"
    return "was changed by hand, or made by another version of headcount"


# -- names ----------------------------------------------------------------------------------------


def _names(catalog: Catalog) -> Name:
    root = Name()
    for measure in catalog.measures.values():
        if measure.kind in VERBS:
            _place(root, measure.name.split(".")).measure = measure
    screens = catalog.only(Kind.SCREEN)
    if screens is not None:
        _place(root, [SCREEN]).screens = screens
    return root


def _place(root: Name, parts: list[str]) -> Name:
    for part in parts:
        root = root.below.setdefault(part, Name((*root.path, part)))
    return root


def _name_classes(name: Name, classes: dict[tuple[str, ...], str]) -> None:
    """A class name for each name below: ``a_b.c`` and ``a.b_c`` would have the same one."""
    for below in name.below.values():
        wanted = "_" + "".join(word.capitalize() for part in below.path for word in part.split("_"))
        classes[below.path] = _numbered(wanted, set(classes.values()))
        _name_classes(below, classes)


def _numbered(wanted: str, taken: Collection[str]) -> str:
    return next(name for name in chain([wanted], (f"{wanted}{n}" for n in count(2))) if name not in taken)


def _free(wanted: str, taken: Collection[str]) -> str:
    """A name that is not taken and no word of the language, with underscores after it where that is needed."""
    while wanted in taken or keyword.iskeyword(wanted):
        wanted += "_"
    return wanted


def _attributes(name: Name) -> Iterator[tuple[str, Name]]:
    """The names below, spelled so that they hide neither a verb nor each other."""
    taken = {verb.name for verb in VERBS[name.measure.kind]} if name.measure else set[str]()
    for part, below in sorted(name.below.items()):
        attribute = _free(part, taken)
        taken.add(attribute)
        yield attribute, below


def _bottom_up(name: Name) -> Iterator[Name]:
    for below in name.below.values():
        yield from _bottom_up(below)
    yield name


# -- source ---------------------------------------------------------------------------------------


def _imports(source: str) -> str:
    used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    listed = bracketed("import ", sorted(used & set(typed.__all__)), "", 0)
    if "\n" in listed or len(listed) > WIDTH:
        listed = bracketed("import (", sorted(used & set(typed.__all__)), ")", 0, WIDTH)
    choices = "from typing import Literal\n\n" if "Literal" in used else ""
    return f"from __future__ import annotations\n\n{choices}from headcount_sdk.typed {listed}"


def _class(name: Name, classes: dict[tuple[str, ...], str], catalog: Catalog) -> str:
    members: list[str] = []
    attributes = list(_attributes(name))
    if attributes:
        lines = ["def __init__(self, headcount: Headcount) -> None:", f"{INDENT * 2}super().__init__(headcount)"]
        lines += [f"{INDENT * 2}self.{attribute} = {classes[below.path]}(headcount)" for attribute, below in attributes]
        members.append("\n".join(lines))
    if name.screens is not None:
        members.append(_show(name.screens))
    if name.measure is not None:
        members += [_method(name.measure, verb, catalog) for verb in VERBS[name.measure.kind]]
    said = "".join(f"\n\n{INDENT}{member}" for member in members)
    return f'class {classes[name.path]}(Node):\n{INDENT}"""{_title(name)}"""{said}'


def _title(name: Name) -> str:
    spelled = ".".join(name.path)
    if not name.path:
        return "Everything that the catalog declares."
    if name.measure is not None:
        return f"``{spelled}``, a measure of kind {name.measure.kind}."
    return "The screens." if not name.below else f"What is named ``{spelled}`` and on."


def _method(measure: Measure, verb: Verb, catalog: Catalog) -> str:
    if measure.kind is Kind.PROBLEM:
        return _report(measure, catalog)
    value = verb.value.partition(":")[0]
    parameters, given = ([verb.value, "/"], [value]) if value else ([], [])
    if measure.label is not None:
        key = measure.label.key
        parameter = _free(key, {"self", value})
        parameters += ["*", _choice(parameter, measure.label)]
        given.append(f"**{{{text(key)}: {parameter}}}" if keyword.iskeyword(key) else f"{key}={parameter}")
    return _written(verb.name, parameters, verb.returns, measure, verb.calls, [text(measure.name), *given])


def _report(measure: Measure, catalog: Catalog) -> str:
    screens = catalog.only(Kind.SCREEN)
    assert measure.label is not None  # the catalog's reader sees to it
    parameters = [_choice("category", measure.label), "/", "*", "severity: Severity | None = None"]
    given = ["category", "severity"]
    if screens is not None and screens.label is not None:
        parameters.append(f"{_choice('screen', screens.label)} | None = None")
        given.append('screen or ""')
    return _written("report", parameters, "Preview", measure, "report_problem", given)


def _show(measure: Measure) -> str:
    assert measure.label is not None  # the catalog's reader sees to it
    return _written("__call__", [_choice("name", measure.label), "/"], "None", measure, "screen", ["name"])


def _choice(parameter: str, label: Label) -> str:
    return bracketed(f"{parameter}: Literal[", [text(value) for value in label.values], "]", 2, 1)


def _written(
    name: str, parameters: Sequence[str], returns: str, measure: Measure, calls: str, given: Sequence[str]
) -> str:
    head = bracketed(f"def {name}(", ["self", *parameters], f") -> {returns}:", 1)
    back = "" if returns == "None" else "return "
    call = bracketed(f"{back}self._headcount.{calls}(", given, ")", 2)
    return f"{head}\n{docstring(_sentences(measure), 2)}\n{INDENT * 2}{call}"


def _sentences(measure: Measure) -> list[str]:
    description = prose(measure.description)
    said = [f'Counted for the purpose "{measure.purpose}"']
    if measure.unit:
        said.append(f"in {measure.unit}")
    if measure.kind not in (Kind.FLAG, Kind.QUANTITY):
        said.append(f"at most {measure.cap:,} a device and day")
    if measure.expires is not None:
        said.append(f"until {days.text(measure.expires)}")
    ends = ", ".join(said) + "."
    if not description:
        return [ends]
    # A docstring cannot begin with a quote of its own kind.
    return [f" {description}" if description.startswith('"') else description, ends]
