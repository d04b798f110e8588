"""``python -m headcount.typed_client`` writes the types of the API's answers: ``client/shapes.py``."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import Any

HEAD = '''"""The shapes of the API's answers. Made from the OpenAPI document by ``python -m headcount.typed_client``."""

from __future__ import annotations

from typing import Literal, TypedDict
'''
FILE = Path(__file__).parent / "client/shapes.py"
WIDTH = 116
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def module(document: dict[str, Any]) -> str:
    """The text of the module: closed lists first, then a class for each shape, in the order of their names."""
    schemas: dict[str, dict[str, Any]] = document["components"]["schemas"]
    lists = [f"{name} = {_literal(schema)}" for name, schema in sorted(schemas.items()) if "enum" in schema]
    classes = [_class(name, schema) for name, schema in sorted(schemas.items()) if "properties" in schema]
    return "\n".join([HEAD, "\n".join(lists), *(f"\n\n{text}" for text in classes)]) + "\n"


def _literal(schema: dict[str, Any]) -> str:
    values = "".join(f'    "{value}",\n' for value in schema["enum"])
    return f"Literal[\n{values}]"


def _class(name: str, schema: dict[str, Any]) -> str:
    words = inspect.cleandoc(schema["description"])
    lines = [f"class {name}(TypedDict):"]
    lines += textwrap.indent(f'"""{words}"""' if "\n" not in words else f'"""{words}\n"""', "    ").split("\n")
    lines.append("")
    lines += [f"    {field}: {_type(kind)}" for field, kind in schema["properties"].items()]
    return "\n".join(line.rstrip() for line in lines)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(kind) for kind in schema["anyOf"])
    match schema["type"]:
        case "array":
            return f"list[{_type(schema['items'])}]"
        case "object":
            return f"dict[str, {_type(schema['additionalProperties'])}]"
        case plain:
            return _PLAIN[plain]


def main() -> None:
    """Write the module anew."""
    from headcount_aggregator.web.api.openapi import document

    FILE.write_text(module(document()), "utf-8")


if __name__ == "__main__":
    main()
