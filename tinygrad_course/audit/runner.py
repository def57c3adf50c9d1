"""A submission in a process of its own, in an empty folder, with limits on time, memory and output.

A submission that loops, exits, floods its output, eats memory or breaks what it imported spoils neither
the run nor another's marks. This is no sandbox against malice: the process runs as the user, may read the
user's files and use the network. For strangers' files run the command in a container (see the documentation).
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinygrad_course.audit.command.worker import KILLED, TOO_LONG
from tinygrad_course.audit.reporting.results import WRONG, Finding, FunctionReport, Report, from_dict

ATTEMPTS = 4
SLACK = 10
"""How many seconds of the clock go with one of the processor on a busy machine."""
TOP = "(the top of the file)"


@dataclass(frozen=True)
class Limits:
    """What one submission may use."""

    seconds: float = 60.0
    """Processor time for the whole file; ten times as much on the clock."""
    idle: float = 20.0
    """Processor time without a result; ten times as much on the clock.

    A function that swallows the exception that should end it is ended with its process.
    """
    memory: int = 1024
    """Megabytes beyond what Python and NumPy take themselves (Linux and macOS)."""


@dataclass
class _Run:
    """How one process ended, beside the report that it left behind."""

    done: bool = False
    began: str = ""
    spot: dict[str, Any] = field(default_factory=dict)
    """Where it stands."""
    cpu: float = 0.0
    """Seconds of the processor."""
    stopped: str = ""
    """never_ends, memory or crashes, where the process did not come to its end."""


def check_file(
    path: str | Path,
    seed: int = 0,
    limits: Limits | None = None,
    stop: threading.Event | None = None,
    root: str | Path | None = None,
) -> Report:
    """Check one .py or .ipynb file in a process of its own.

    Parameters
    ----------
    path
        The learner's file.
    seed
        Repeats the same cases.
    limits
        What the process may use.
    stop
        Set from another thread, it ends the check.
    root
        A folder with the file in it: what the file imports is loaded from there. By default its own folder.

    Returns
    -------
    Report
        Its ``exit_status`` is 0 where all is right, 1 where something is wrong, 2 where nothing could be
        checked.
    """
    limits = limits or Limits()
    started = time.monotonic()
    report = Report(str(path), seed)
    skip: dict[str, FunctionReport | None] = {}
    used, late = 0.0, ""
    for _ in range(ATTEMPTS):
        left = limits.seconds - used
        if left <= 0.5:
            report.error = f"the file takes longer than {limits.seconds:g} seconds"
            break
        config = {"path": str(Path(path).absolute()), "shown": str(path), "seed": seed, "skip": sorted(skip)}
        config["root"] = str(Path(root).absolute()) if root else ""
        run = _run(report, config, limits, left, stop)
        used += run.cpu
        if run.done or report.error or run.stopped == "stopped":
            break
        if run.began.startswith("(whole"):
            late = "whole networks and training loops are not checked: they take too long"
            if run.began.endswith("training)"):
                break
            skip[run.began] = None
            continue
        if run.began == TOP:
            report.error = _stopped_words(run.stopped, "the file", limits)
            break
        diagnosis = run.stopped if run.stopped in {"never_ends", "memory"} else "crashes"
        found = Finding("", diagnosis, _stopped_words(run.stopped, run.began, limits), **run.spot)
        skip[run.began] = FunctionReport(run.began, found.line or 1, "", found.cell, "", WRONG, [found])
    report.functions += filter(None, skip.values())
    report.notes += [late] * bool(late)
    report.seconds = round(time.monotonic() - started, 2)
    return report


def check_files(
    paths: Mapping[str, str | None] | Sequence[str | Path],
    seed: int = 0,
    limits: Limits | None = None,
    jobs: int = 1,
) -> Iterator[Report]:
    """Check many files, `jobs` at a time, in their order; a mapping gives the folder that each lies in."""
    roots: Mapping[Any, Any] = paths if isinstance(paths, Mapping) else dict.fromkeys(paths)
    stop = threading.Event()
    pool = ThreadPoolExecutor(max(1, jobs))
    try:
        yield from pool.map(lambda path: check_file(path, seed, limits, stop, roots[path]), roots)
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _stopped_words(kind: str, name: str, limits: Limits) -> str:
    return {
        "never_ends": f"{name} does not come back",
        "memory": f"{name} asks for more than {limits.memory} MB of memory",
        "killed": f"{name} is killed: by itself, or by the system for want of memory",
    }.get(kind, f"{name} ends the Python interpreter")


def _run(
    report: Report, config: dict[str, Any], limits: Limits, seconds: float, stop: threading.Event | None
) -> _Run:
    with tempfile.TemporaryDirectory(prefix="tinygrad-course-", ignore_cleanup_errors=True) as private:
        folder, results = Path(private) / "empty", Path(private) / "results"
        folder.mkdir()
        results.touch()
        told = Path(private) / "config.json"
        plain = {**config, "idle": limits.idle, "memory": limits.memory}
        told.write_text(json.dumps(plain), encoding="utf-8")
        worker = "tinygrad_course.audit.command.worker"
        command = [sys.executable, "-P", "-m", worker, str(told), str(results)]
        word = secrets.token_hex(16)
        with (Path(private) / "trouble").open("wb") as trouble:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, the learner's text is no part of it
                command,
                cwd=folder,
                env=_environment(folder),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=trouble,
                start_new_session=True,
            )
        with contextlib.suppress(OSError), process.stdin or contextlib.nullcontext() as pipe:
            if pipe is not None:
                pipe.write(f"{word}\n".encode())
        stopped = _wait(process, results, limits, seconds, stop)
        run = _read(results, word, report)
        if not run.done and not report.error:
            ended = {137: "memory", KILLED: "killed", TOO_LONG: "never_ends"}
            run.stopped = stopped or ended.get(process.returncode, "crashes")
            if not run.began:
                # Nothing of the file has been run: whatever went wrong is no fault of its.
                said = (Path(private) / "trouble").read_text(encoding="utf-8", errors="replace")
                last = said.strip().splitlines()[-1:] or [f"exit status {process.returncode}"]
                report.error = f"the check itself failed to start: {last[0]}"
        return run


def _wait(
    process: "subprocess.Popen[bytes]",
    results: Path,
    limits: Limits,
    seconds: float,
    stop: threading.Event | None,
) -> str:
    """Wait for a process as long as it tells something; end it, and what it started, when it does not."""
    ends, size, told = time.monotonic() + SLACK * seconds, -1, time.monotonic()
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
                return ""
            now = time.monotonic()
            present = results.stat().st_size
            if present != size:
                size, told = present, now
            if stop is not None and stop.is_set():
                return "stopped"
            if now > ends or now - told > SLACK * limits.idle:
                return "never_ends"
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()  # it ends what the homework has started, in whatever session
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Return what the process is told of its surroundings: as little as Python needs."""
    kept = ("PATH", "SYSTEMROOT", "LANG", "LD_LIBRARY_PATH")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        **dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR"), str(folder)),
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONHASHSEED": "0",
    }


def _read(results: Path, word: str, report: Report) -> _Run:
    run, report.functions, report.notes = _Run(), [], []
    for line in results.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.startswith(word + " "):
            continue  # whatever a homework has written here
        try:
            item: dict[str, Any] = json.loads(line[len(word) + 1 :])
        except ValueError:
            continue
        run.cpu = float(item.get("cpu", 0.0))
        if "begin" in item:
            run.began, run.spot = str(item["begin"]), dict(item["spot"])
        elif "function" in item:
            report.functions.append(from_dict(item["function"]))
        elif "note" in item:
            report.notes.append(str(item["note"]))
        elif "error" in item:
            report.error = str(item["error"])
        elif "internal" in item:
            report.error = "the check itself failed: " + str(item["internal"])
        elif "done" in item:
            run.done = True
    return run
