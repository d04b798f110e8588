"""Fuzz the decoders from the frozen vectors for some seconds: ``python -m tests.fuzz --seconds 600``.

Where atheris is installed it steers by what the decoders' code reaches; elsewhere the mutations run by chance alone.
What breaks a promise is written beside the corpus, and named at the end.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import atheris
except ImportError:  # it has wheels for Linux on x86-64 alone
    atheris = None

CODINGS = ("", "gzip", "deflate", "zstd")
MOST_BYTES = 20_000


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, help="a folder that keeps what was found for the next run")
    parser.add_argument("--by-chance", action="store_true", help="without atheris, also where it is installed")
    return parser.parse_args()


def by_coverage(folder: Path, seconds: int, seed: int) -> int:
    """Run libFuzzer on the promises; it ends the process itself, with 0 where none was broken."""
    with atheris.instrument_imports(include=["headcount_ingest", "headcount_wire"]):
        from tests.fuzz import mutations, promises
    from headcount_wire import codec

    medias = (codec.JSON, codec.MSGPACK)

    def body_of(data: bytes) -> mutations.Body:
        kind = data[0] if data else 0
        return mutations.Body(medias[kind & 1], data[1:], CODINGS[kind >> 1 & 3])

    def data_of(body: mutations.Body) -> bytes:
        return bytes((medias.index(body.media) | CODINGS.index(body.coding) << 1,)) + body.data

    def one(data: bytes) -> None:
        promises.keep(body_of(data))

    def mutate(data: bytes, most: int, chance: int) -> bytes:
        draw = random.Random(chance)
        if draw.random() < 0.5:
            return bytes(atheris.Mutate(data, most))
        body = body_of(data)
        kinds = mutations.IN_THE_BODY if not body.coding and draw.random() < 0.8 else mutations.AROUND_IT
        return data_of(kinds[draw.choice(tuple(kinds))](draw, body))[:most]

    for number, seed_body in enumerate(mutations.SEEDS):
        (folder / f"vector-{number:03}").write_bytes(data_of(seed_body))
    flags = [
        *[f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={MOST_BYTES + 1}"],
        *[f"-artifact_prefix={folder}/broken-", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"],
    ]
    atheris.Setup([sys.argv[0], *flags, str(folder)], one, custom_mutator=mutate)
    atheris.Fuzz()
    return 0


def by_chance(folder: Path, seconds: int, seed: int) -> int:
    """Mutate and look, until the time is over; 1 where a promise was broken."""
    from tests.fuzz import mutations, promises

    draw, done, ends = random.Random(seed), 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        body = mutations.mutated(draw)
        try:
            promises.keep(body)
        except Exception as error:  # whatever gets out of a decoder is what is looked for
            (folder / "broken-by-chance").write_bytes(body.data)
            sys.stderr.write(f"{error!r}: {body!r}\n")
            return 1
        done += 1
    sys.stderr.write(f"stat::number_of_executed_units: {done}\n")
    return 0


def main() -> int:
    asked = parsed()
    if asked.corpus is None:  # libFuzzer ends its process without a word to Python: another one cleans up
        folder = tempfile.mkdtemp(prefix="headcount-fuzz-")
        ended = subprocess.call([sys.executable, "-m", "tests.fuzz", "--corpus", folder, *sys.argv[1:]])
        if ended == 0:
            shutil.rmtree(folder)
        return ended
    asked.corpus.mkdir(parents=True, exist_ok=True)
    if atheris is None or asked.by_chance:
        return by_chance(asked.corpus, asked.seconds, asked.seed)
    return by_coverage(asked.corpus, asked.seconds, asked.seed)


if __name__ == "__main__":
    sys.exit(main())
