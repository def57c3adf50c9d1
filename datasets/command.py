"""The command line of the data sets that lie in files: describe them, or fetch them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from datasets.container import Dataset
from datasets.download import MIRROR, download
from datasets.files import ENVIRONMENT, Folder

__all__ = ["main", "parser", "report"]


def parser(prog: str, description: str) -> argparse.ArgumentParser:
    """Build the options that ``python -m datasets`` and its modules share."""
    built = argparse.ArgumentParser(prog=f"python -m {prog}", description=description)
    built.add_argument("--download", action="store_true", help="fetch the files, checked by sha256")
    built.add_argument(
        "--folder",
        metavar="FOLDER",
        help=f"where the files are or go (otherwise ${ENVIRONMENT}, then datasets/)",
    )
    built.add_argument(
        "--mirror",
        metavar="URL",
        help=f"fetch from this address instead of the public home (otherwise ${MIRROR})",
    )
    return built


def report(action: Callable[[], None]) -> int:
    """Run an action; print an expected failure in one line on stderr.

    Returns
    -------
    int
        0 done, 1 failed, 130 stopped with Ctrl-C.
    """
    try:
        action()
    except (OSError, ValueError, ModuleNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; no file was left half written", file=sys.stderr)
        return 130
    return 0


def main(
    prog: str, load: Callable[[Folder], Dataset], names: Sequence[str], arguments: Sequence[str] | None = None
) -> int:
    """Run one module's command line: describe its set, after fetching it if asked to.

    Returns
    -------
    int
        The exit status.
    """
    options = parser(prog, f"Describe, or fetch, {' and '.join(names)}.").parse_args(arguments)

    def action() -> None:
        if options.download:
            for path in download(names, options.folder, options.mirror):
                print(f"{path}  checksum right")
        print(load(options.folder).summary())

    return report(action)
