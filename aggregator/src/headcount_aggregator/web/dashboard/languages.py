"""The dashboard's languages: which there are, which one a reader gets, and where its sentences stand.

Sentences are written in English where they are said. Each other language is one file of messages,
``messages/<language>.po``; a test keeps every file whole.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from headcount_aggregator.web.dashboard.wording import Wording

LANGUAGES = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français"}
"""Each language by its own name, in the order of the switch."""

LOCALES = {"en": "en_GB", "de": "de_DE", "es": "es_ES", "fr": "fr_FR"}
"""Whose numbers and dates a language writes."""

HEADER_MOST = 200
"""Characters of an Accept-Language header that are read."""


def language_of(query: Mapping[str, str], header: str) -> str:
    """The language the address names, else the one the browser likes best, else English."""
    if query.get("lang") in LANGUAGES:
        return query["lang"]
    liked: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:HEADER_MOST].split(",")):
        name, _, weight = part.partition(";")
        language = name.strip().lower().partition("-")[0]
        if language in LANGUAGES and (quality := _quality(weight)) > 0:
            liked.append((-quality, place, language))
    return min(liked)[2] if liked else "en"


@cache
def wording_of(language: str) -> Wording:
    """How a language says things; the file of its messages is read once."""
    return Wording(LOCALES[language], None if language == "en" else _translations(language))


def _quality(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0


def _translations(language: str) -> gettext.GNUTranslations:
    text = (files("headcount_aggregator.web.dashboard") / f"messages/{language}.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(text), locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
