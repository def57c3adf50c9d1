"""The process of its own in which one submission is checked.

Limits first, then the check, the results line by line to a file.

Run by `runner`, as ``python -m tinygrad_course.audit.command.worker CONFIG RESULTS``. The results are
JSON, one object a line: what begins, each function's report, each note. What a submission prints goes
nowhere, so nothing it prints can pass for a result.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE_BYTES = 16 * 2**20


def _limit(name: str, value: int) -> None:
    """Lower one of the process's limits, where the platform lets a process limit itself."""
    with contextlib.suppress(ImportError, OSError, ValueError, AttributeError):
        import resource  # Windows has none

        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        resource.setrlimit(number, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def limit_memory(megabytes: int) -> None:
    """Allow so many megabytes beyond what the process has, small files, and no dumps of its memory."""
    size = 4 * 2**30
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        size = pages * os.sysconf("SC_PAGE_SIZE")
    _limit("RLIMIT_AS", size + megabytes * 2**20)
    _limit("RLIMIT_FSIZE", FILE_BYTES)
    _limit("RLIMIT_CORE", 0)


KILLED, TOO_LONG = 200, 201
"""Exit statuses that say that the check's process was killed, or has used up its time."""


def supervised(body: Callable[[], int]) -> int:
    """Run the check in a child, and end whatever it leaves behind, in sessions of its own too (Linux)."""
    if not sys.platform.startswith("linux"):
        return body()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans become this one's children
    child = os.fork()
    if child == 0:
        os._exit(body())

    def stop(*_: object) -> None:
        end_children()
        os._exit(KILLED)

    signal.signal(signal.SIGTERM, stop)
    _, status = os.waitpid(child, 0)
    end_children()
    if os.WIFSIGNALED(status):
        ended = {int(signal.SIGKILL): KILLED, int(signal.SIGXCPU): TOO_LONG}
        return ended.get(os.WTERMSIG(status), 1)
    return os.WEXITSTATUS(status)


def end_children() -> None:
    """Kill the processes that are left; their children are handed over to this one, and killed in turn."""
    for _ in range(1000):
        mine = _children()
        if not mine:
            return
        for pid in mine:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            while os.waitpid(-1, 0)[0] not in {0, mine[-1]}:
                pass


def _children() -> list[int]:
    found: list[int] = []
    for told in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = told.read_text(encoding="ascii", errors="replace")
            if int(words.rsplit(")", 1)[1].split()[1]) == os.getpid():
                found.append(int(told.parent.name))
    return found


def main(config_path: str, results_path: str) -> int:
    """Check one submission."""
    config = json.loads(Path(config_path).read_text(encoding="utf-8"))
    # A line counts as a result only with this word before it, which no file holds and no homework is told.
    word = sys.stdin.readline().strip()

    from tinygrad_course import grad  # noqa: F401 - loaded before the memory is limited
    from tinygrad_course.audit.command import one_file  # noqa: F401 - as above
    from tinygrad_course.audit.execution import namespace

    namespace.INTERRUPTIBLE = False
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    return supervised(lambda: _check(config, results_path, word))


def _check(config: dict[str, Any], results_path: str, word: str) -> int:
    from tinygrad_course.audit.command.one_file import audit_submission
    from tinygrad_course.audit.source.submission import SubmissionError, load

    descriptor = os.open(results_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def tell(item: dict[str, Any]) -> None:
        line = json.dumps({**item, "cpu": time.process_time()})
        os.write(descriptor, f"\n{word} {line}\n".encode())
        # Where the platform cannot, the waiting process counts.
        _limit("RLIMIT_CPU", int(time.process_time() + float(config["idle"])) + 1)

    limit_memory(int(config["memory"]))
    try:
        submission = load(config["path"], Path(config["root"]) if config["root"] else None)
        submission.path = config["shown"]
        begin = lambda name, spot: tell({"begin": name, "spot": spot})  # noqa: E731
        for item in audit_submission(submission, int(config["seed"]), frozenset(config["skip"]), begin):
            tell({"note": item} if isinstance(item, str) else {"function": item.as_dict()})
        tell({"done": True})
    except SubmissionError as error:
        tell({"error": str(error)})
    except MemoryError:
        return 137
    except BaseException as error:  # noqa: BLE001 - whatever happens, the parent is told
        tell({"internal": "".join(traceback.format_exception(error))[-4000:]})
        return 3
    return 0


if __name__ == "__main__":
    # No clean-up at the end: what a submission has registered with atexit is not run.
    os._exit(main(sys.argv[1], sys.argv[2]))
