"""The process of its own in which one submission is checked.

Limits first, then the check, the results line by line to a file.

Run by `process`, as ``python -m tinygrad_course.audit.command.worker CONFIG RESULTS``. The results are
JSON, one object a line: what begins, each function's report, each note. What a submission prints goes
nowhere, so nothing it prints can pass for a result.
"""

import contextlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

FILE_BYTES = 16 * 2**20


def limit_memory(megabytes: int) -> None:
    """Allow so many megabytes beyond what the process has, where the platform lets a process limit itself."""
    try:
        import resource
    except ImportError:  # Windows
        return
    pages = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    size = pages * os.sysconf("SC_PAGE_SIZE") if pages else 4 * 2**30
    for name, value in (
        ("RLIMIT_AS", size + megabytes * 2**20),
        ("RLIMIT_FSIZE", FILE_BYTES),
        ("RLIMIT_CORE", 0),
    ):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (wanted, hard))


def main(config_path: str, results_path: str) -> int:
    """Check one submission."""
    config = json.loads(Path(config_path).read_text(encoding="utf-8"))
    # Opened before anything of the homework runs.
    descriptor = os.open(results_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def tell(item: dict[str, Any]) -> None:
        os.write(descriptor, (json.dumps(item) + "\n").encode())

    from tinygrad_course import grad  # noqa: F401 - as above
    from tinygrad_course.audit.command.one_file import audit_submission
    from tinygrad_course.audit.source.submission import SubmissionError, load

    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    limit_memory(int(config["memory"]))
    try:
        submission = load(config["path"])
        submission.path = config["shown"]
        begin = lambda name: tell({"begin": name})  # noqa: E731
        for item in audit_submission(submission, int(config["seed"]), frozenset(config["skip"]), begin):
            tell({"note": item} if isinstance(item, str) else {"function": item.as_dict()})
        tell({"done": True})
    except SubmissionError as error:
        tell({"error": str(error)})
    except MemoryError:
        os._exit(137)
    except BaseException as error:  # noqa: BLE001 - whatever happens, the parent is told
        tell({"internal": "".join(traceback.format_exception(error))[-4000:]})
        return 3
    return 0


if __name__ == "__main__":
    # No clean-up at the end: what a submission has registered with atexit is not run.
    os._exit(main(sys.argv[1], sys.argv[2]))
