"""Damaged exports: bytes and cells of known layouts changed at random, and what loading may do.

Run by hand for as long as you like, with or without a guide to unexplored code (`atheris`)::

    python -m tests.hostile.fuzz --seconds 600 --seed 1
    python -m tests.hostile.fuzz --seconds 600 --atheris
"""

from __future__ import annotations

import argparse
import io
import os
import random
import sys
import tempfile
import time
import traceback
import zipfile
from functools import cache
from pathlib import Path

import ibis

from ecomops.base.errors import EcomopsError
from ecomops.data.formats import formats, load, write
from tests.formats.test_round_trip import arrow, planted

LAYOUTS = (
    "taobao_orders_2018", "taobao_order_lines_2018", "qianniu_orders_2025", "doudian_orders_2026",
    "pdd_orders_2026", "jd_orders_2017", "shopify_orders", "kuaishou_orders_2026",
    "uci_online_retail", "superstore",
)  # fmt: skip
PIECES = (
    b"", b",", b'"', b"\n", b"\r\n", b"\0", b"\t", b"=", b'="', b"'", b"\xff\xfe", b"\xef\xbb\xbf",
    b"\x81", b"\xe5\xae\x9d", b"1e309", b"-", b"9" * 40, b"NaN", b"inf", b"2024-02-30",
    b"0000-00-00", b"12.3%", b"(1)", b"1,234.5", b"{", b"}", b"%", b"\\", b"$1", b";", b"|",
    "合计".encode("gb18030"), "合计".encode(), "\uffe5\uff11\uff12".encode(), b"99999-12-31",
    b"infinity", "总计".encode("gb18030"),
    b"1/2/2024", b"13/1/2024", b"<1", b"1~2", b"epoch", b"4.31E+17", b"\x1a", b"PK\x03\x04",
)  # fmt: skip
TELLING = 20  # characters that a message has at least


@cache
def seeds() -> tuple[tuple[str, bytes], ...]:
    """Return small sound files: some written here, the shared samples where they are."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        con = ibis.duckdb.connect()
        made = planted(random.Random(1), 5)  # noqa: S311
        tables = {n: con.create_table(f"own_{n}", arrow(f, n)) for n, f in made.items()}
        for fid in LAYOUTS:
            suffix = "csv" if "csv" in formats()[fid].container else "xlsx"
            (file,) = write(tables, format=fid, path=Path(folder) / f"{fid}20240601.{suffix}")
            found.append((file.name, file.read_bytes()))
    root = Path(__file__).parents[2].parent / "shared"
    samples = Path(os.environ.get("ECOMOPS_SHARED", root)) / "samples"
    if samples.is_dir():
        found += [(p.name, p.read_bytes()) for p in sorted(samples.glob("SYNTHETIC*"))]
    return tuple(found)


def damaged(data: bytes, numbers: random.Random) -> bytes:
    """Return bytes with a few changes; archives are mostly opened first and changed inside."""
    if data[:2] == b"PK" and numbers.random() < 0.9:
        return _inside(data, numbers)
    for _ in range(numbers.choice((1, 1, 2, 4, 16))):
        data = _changed(data, numbers)
    return data


def _changed(data: bytes, numbers: random.Random) -> bytes:
    a, b = sorted(numbers.randrange(len(data) + 1) for _ in range(2))
    b = min(b, a + numbers.choice((0, 1, 4, 64, 1024)))
    kind = numbers.choice((0, 0, 0, 1, 2, 3, 4, 4, 4, 5))
    if kind == 0:
        return data[:a] + numbers.choice(PIECES) + data[b:]
    if kind == 1:
        return data[:a] + data[b:]
    if kind == 2:
        return data[:b] + data[a:b] * numbers.randrange(1, 4) + data[b:]
    if kind == 3:
        return data[:a] + bytes(numbers.randrange(32, 127) for _ in range(b - a)) + data[b:]
    lines = data.split(b"\n")
    at = numbers.randrange(len(lines))
    if kind == 4:
        fields = lines[at].split(b",")
        fields[numbers.randrange(len(fields))] = numbers.choice(PIECES)
        lines[at] = b",".join(fields)
    else:
        lines.insert(numbers.randrange(len(lines) + 1), lines[at])
    return b"\n".join(lines)


def _inside(data: bytes, numbers: random.Random) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            files = {i.filename: book.read(i) for i in book.infolist()}
    except Exception:  # noqa: BLE001  (broken archives fail in many ways)
        return _changed(data, numbers)
    name = numbers.choice(sorted(files))
    files[name] = damaged(files[name], numbers)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for other, content in files.items():
            book.writestr(other, content)
    return out.getvalue()


def told_or_read(name: str, data: bytes, folder: Path) -> str:
    """Load a file: return its layout or the code of a refusal; anything else is an error.

    Every table can be counted, and a message in either language leaves no place open.
    """
    path = folder / name
    path.write_bytes(data)
    con = ibis.duckdb.connect()
    try:
        loaded = load(path, con=con)
    except EcomopsError as error:
        said = [error.message(lang) for lang in ("zh", "en")]
        refusal = error.code if min(map(len, said)) > TELLING else f"{error.code} says too little"
    else:
        refusal = ""
        for rows in (*loaded.tables.values(), *loaded.extras.values()):
            assert rows.count().to_pandas() >= 0
            rows.limit(3).to_pandas()
    finally:
        con.disconnect()
        path.unlink()
        assert not list(folder.iterdir()), "something was left behind"
    assert not refusal.endswith("too little"), refusal
    return refusal or loaded.format


def say(text: str) -> None:
    """Show progress at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def hunt(seconds: float, seed: int, save: Path) -> int:
    """Damage files for a while; keep those that crash the loader. Return how many did."""
    numbers, crashes, tries = random.Random(seed), 0, 0  # noqa: S311
    end = time.monotonic() + seconds
    outcomes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            name, data = numbers.choice(seeds())
            data = damaged(data, numbers)
            tries += 1
            try:
                outcome = told_or_read(name, data, Path(folder))
            except KeyboardInterrupt:
                break
            except BaseException:  # noqa: BLE001  (a panic of a reader in Rust is no Exception)
                crashes += 1
                save.mkdir(parents=True, exist_ok=True)
                (save / f"{seed}-{tries}-{name}").write_bytes(data)
                say(f"--- {seed}-{tries}-{name}\n{traceback.format_exc()[-1500:]}")
                for left in Path(folder).iterdir():
                    left.unlink()
                outcome = "crash"
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
    say(f"{tries} files, {crashes} crashes: {outcomes}")
    return crashes


def guided(seconds: int) -> None:
    """Let atheris choose the damage by the code it reaches; its first byte picks the file."""
    import atheris

    modules = [m for name, m in sys.modules.items() if name.startswith("ecomops.data.formats")]
    for module in modules:
        for value in vars(module).values():
            if getattr(value, "__module__", None) == module.__name__ and hasattr(value, "__code__"):
                atheris.instrument_func(value)
    folder = Path(tempfile.mkdtemp())

    def one(data: bytes) -> None:
        if len(data) > 8:
            name, sound = seeds()[data[0] % len(seeds())]
            numbers = random.Random(data[1:8])  # noqa: S311
            at = int.from_bytes(data[1:5], "big") % (len(sound) + 1)
            told_or_read(name, damaged(sound[:at] + data[8:] + sound[at:], numbers), folder)

    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=256"], one)
    atheris.Fuzz()


def main() -> int:
    """Run as a program; the exit status says whether anything crashed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", type=Path, default=Path(tempfile.gettempdir()) / "crashes")
    parser.add_argument("--atheris", action="store_true")
    asked = parser.parse_args()
    if asked.atheris:
        guided(asked.seconds)
        return 0
    return int(hunt(asked.seconds, asked.seed, asked.save) > 0)


if __name__ == "__main__":
    sys.exit(main())
