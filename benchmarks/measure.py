"""What every benchmark uses: runs in fresh processes, environments for peers, rows of a table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parent.parent
CACHE = Path(os.environ.get("ECOMOPS_CACHE", Path.home() / ".cache" / "ecomops")) / "benchmarks"


@dataclass(frozen=True)
class Row:
    """One line of the table: a value, its unit, and the bound it must not pass (None: no bound)."""

    name: str
    value: float
    unit: str = "ratio"
    bound: float | None = None

    @property
    def verdict(self) -> str:
        """Return "ok", "OVER" or nothing when there is no bound."""
        if self.bound is None:
            return ""
        return "ok" if self.value <= self.bound else "OVER"


@dataclass(frozen=True)
class Run:
    """One fresh process: its whole wall and CPU seconds, and what it printed.

    `work_wall` and `work_cpu` leave out the interpreter's start and the imports, where the program
    printed them itself; `peak_mb` is the most memory that it held (0 where it did not say).
    """

    wall: float
    cpu: float
    printed: Mapping[str, Any]

    @property
    def work_wall(self) -> float:
        """Return the wall seconds that the program measured itself, else those of the process."""
        return float(self.printed.get("wall", self.wall))

    @property
    def work_cpu(self) -> float:
        """Return the CPU seconds that the program measured itself, else those of the process."""
        return float(self.printed.get("cpu", self.cpu))

    @property
    def peak_mb(self) -> float:
        """Return the peak of the program's resident memory in megabytes."""
        return float(self.printed.get("peak_mb", 0.0))


# a program ends with its own times, so that imports count for nobody, and with its own peak:
# what the kernel reports to a parent is at least the parent's memory at the fork
TIMED = """
import json, pathlib, time
_wall, _cpu = time.perf_counter(), time.process_time()
{work}
_wall, _cpu = time.perf_counter() - _wall, time.process_time() - _cpu
_status = pathlib.Path("/proc/self/status")
_text = _status.read_text() if _status.exists() else "VmHWM: 0"
_peak = int(_text.partition("VmHWM:")[2].split()[0]) / 1024
print(json.dumps({{"wall": _wall, "cpu": _cpu, "peak_mb": _peak{extra}}}))
"""


def program(imports: str, work: str, **extra: str) -> str:
    """Return a program that times `work` alone; `extra` expressions are printed beside it."""
    fields = "".join(f', "{name}": {expression}' for name, expression in extra.items())
    return imports + TIMED.format(work=work, extra=fields)


def fresh(code: str, *arguments: str, python: str | Path = sys.executable) -> Run:
    """Run `code` in a new interpreter and measure it from outside."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        child = subprocess.Popen(
            [str(python), "-c", code, *arguments], stdout=out, stderr=err, env=env, cwd=ROOT
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode:
            raise RuntimeError(err.read()[-3000:])
        last = (out.read().strip().splitlines() or [""])[-1]
    printed = json.loads(last) if last.startswith("{") else {}
    return Run(wall, usage.ru_utime + usage.ru_stime, printed)


def interleaved(programs: Mapping[str, Sequence[str]], *, times: int = 3) -> dict[str, list[Run]]:
    """Run every program in turn, `times` times round, so that noise meets all of them alike.

    A program is ``(code, python, *arguments)``.
    """
    runs: dict[str, list[Run]] = {name: [] for name in programs}
    for turn in range(times):
        for name, (code, python, *arguments) in programs.items():
            say(f"{name} {turn + 1}/{times}")
            runs[name].append(fresh(code, *arguments, python=python))
    return runs


def middle(runs: Sequence[Run], measure: str) -> float:
    """Return the median of one measure over the runs of a program."""
    return median(getattr(run, measure) for run in runs)


def environment(name: str, *requirements: str) -> Path:
    """Return the interpreter of a peer's own environment, made under the cache on first use."""
    folder = CACHE / "environments" / name
    python, done = folder / "bin" / "python", folder / "requirements.txt"
    if not done.is_file() or done.read_text() != "\n".join(requirements):
        say(f"installing {', '.join(requirements)} for comparison")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "-qq", *requirements]
        subprocess.run(install, check=True)
        done.write_text("\n".join(requirements))
    return python


def say(text: str) -> None:
    """Show progress on the error stream."""
    print(f"  {text}", file=sys.stderr, flush=True)


def show(title: str, rows: Sequence[Row]) -> None:
    """Print the rows as a table."""
    print(f"\n{title}")
    width = max(len(row.name) for row in rows)
    for row in rows:
        bound = "" if row.bound is None else f"<= {row.bound:g}"
        print(f"  {row.name:<{width}}  {row.value:10.3f} {row.unit:<6} {bound:<10} {row.verdict}")
