"""An edge against its own OpenAPI document: whatever a client makes of it, only what it says is answered.

``HEADCOUNT_SCHEMATHESIS_EXAMPLES`` (100 if not given) is how many requests are drawn for each operation, beside
those that every bound of the document asks for.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, cast

import msgpack
import pytest
import requests
import schemathesis
import zstandard
from headcount_ingest.openapi import document
from headcount_wire import days
from headcount_wire.problems import BY_URI, Problem
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.ingest import world
from tests.ingest.conftest import TODAY
from tests.ingest.process import WorkerProcess, worker_process

EXAMPLES = int(os.environ.get("HEADCOUNT_SCHEMATHESIS_EXAMPLES", "100"))
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
]
CONFIG = schemathesis.Config.from_dict(
    {
        "seed": 1,
        "generation": {"with-security-parameters": False},  # keys are chosen below
        "checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}},
    }
)
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
}
KEYS = (
    *[world.ACTIVE] * 6,
    *[world.ROTATING, world.DEBUG, world.FAR, world.HALTED, world.STRICT],
    *[world.REVOKED, world.MISDECLARED, world.UNKNOWN, ""],
)
ADMISSIBLE = {"catalog": 5, "policy": 4, "created": days.text(TODAY), "purposes": {"usage": 3, "context": 2}}

schema = schemathesis.openapi.from_dict(document(), config=CONFIG)
answered: Counter[int | Problem] = Counter()
operations: set[str] = set()
REACHED = {
    *[200, 202, 304],
    *[Problem.MALFORMED, Problem.MALFORMED_ID, Problem.MEDIA_TYPE, Problem.METHOD, Problem.NOTHING_ADMISSIBLE],
    *[Problem.KEY_MISSING, Problem.KEY_UNKNOWN, Problem.KEY_REVOKED, Problem.KEY_KIND, Problem.REGION],
    *[Problem.PAUSED, Problem.POLICY_OLD],
}
"""What the requests below meet: acceptance, the known policy, and each refusal that needs no load and no clock."""


@schemathesis.serializer("application/msgpack")
def _as_msgpack(_: schemathesis.SerializationContext, value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return cast("bytes", msgpack.packb(value, use_bin_type=True))
    except (OverflowError, ValueError):  # what msgpack cannot say, a bad client says in something else
        return json.dumps(value).encode()


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    with worker_process(tmp_path_factory.mktemp("worker")) as found:
        yield found
    if len(operations) == len(list(schema.get_all_operations())):  # all of them ran in this process
        assert set(answered) >= REACHED, "the requests did not go as deep as they did"


def aimed(body: Any) -> Any:
    """A report that this edge may admit: what has the right type in it says what is admissible, the rest stays."""
    if not isinstance(body, dict):
        return body
    better = {name: good for name, good in ADMISSIBLE.items() if type(body.get(name)) is type(good)}
    found = body.get("days")
    if isinstance(found, list) and all(isinstance(day, list) and len(day) == 2 for day in found):
        better["days"] = [[days.text(TODAY - len(found) + at), lines] for at, (_, lines) in enumerate(found, 1)]
    return {**body, **better}


def prepared(case: schemathesis.Case[Any], url: str) -> requests.PreparedRequest:
    """The request of a case: an example as it is, under an active key; what is drawn under any, most often aimed."""
    if case.meta is not None and case.meta.phase.name.value == "examples":
        return sent_under(case, url, world.ACTIVE)
    choice = zlib.crc32(repr((case.path_parameters, case.headers, case.body)).encode("utf-8", "replace"))
    if choice // len(KEYS) % 4:
        case.body = aimed(case.body)
    return sent_under(case, url, KEYS[choice % len(KEYS)])


def sent_under(case: schemathesis.Case[Any], url: str, key: str) -> requests.PreparedRequest:
    """The request of a case with a key or none, its body packed as its header says."""
    request = requests.Request(**case.as_transport_kwargs(base_url=url)).prepare()
    if key:
        request.headers["Authorization"] = f"Bearer {key}"
    pack = CODINGS.get(str(request.headers.get("Content-Encoding")))
    if pack and isinstance(request.body, bytes):
        request.body = pack(request.body)
        request.headers["Content-Length"] = str(len(request.body))
    return request


@schema.parametrize()
@settings(max_examples=EXAMPLES, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_only_what_the_document_says_is_answered(case: schemathesis.Case[Any], worker: WorkerProcess) -> None:
    """Good and bad requests of every operation get a documented status, type, header and body; none is a failure."""
    with requests.Session() as session:
        response = session.send(prepared(case, worker.url), timeout=30)
    is_problem = response.headers["Content-Type"] == "application/problem+json" and response.content
    operations.add(case.operation.label)
    answered[BY_URI[response.json()["type"]] if is_problem else response.status_code] += 1
    case.validate_response(response, checks=CHECKS)
