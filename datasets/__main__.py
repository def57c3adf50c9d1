"""``python -m datasets`` lists the sets, with their shapes and where they were found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from datasets import blobs, cats, circles, digits, flower, football, moons, no_structure, quantiles
from datasets.command import parser, report
from datasets.container import Dataset
from datasets.download import download
from datasets.files import FILES, Folder


def main(arguments: Sequence[str] | None = None) -> int:
    """List the data sets; fetch the missing files first if asked to.

    Returns
    -------
    int
        The exit status: 0, or 1 if a file could not be fetched. A set that is absent is listed as absent.
    """
    described = parser("datasets", "List the course's data sets, or fetch those that lie in files.")
    options = described.parse_args(arguments)

    def action() -> None:
        if options.download:
            for path in download(FILES, options.folder, options.mirror):
                print(f"{path}  checksum right")
        for name, load in _loaders(options.folder).items():
            print(_line(name, load))

    return report(action)


def _loaders(folder: Folder) -> dict[str, Callable[[], Dataset]]:
    drawn = {module.__name__.rpartition(".")[2]: module.load for module in (flower, circles, moons, blobs)}
    drawn |= {"quantiles": quantiles.load, "no_structure": no_structure.load, "digits": digits.load}
    return {"cats": lambda: cats.load(folder), "football": lambda: football.load(folder), **drawn}


def _line(name: str, load: Callable[[], Dataset]) -> str:
    try:
        data = load()
    except (OSError, ValueError, ModuleNotFoundError) as error:
        return f"{name:<13} absent: {error}"
    test = f"{data.X_test.shape[1]} test" if data.has_test else "no test"
    return f"{name:<13} X_train {data.X_train.shape!s:<13} {test:<9} {data.source}"


if __name__ == "__main__":
    raise SystemExit(main())
