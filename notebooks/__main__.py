"""Make the notebooks: ``python -m notebooks [NAME ...]`` executes the sources and writes the .ipynb files."""

from __future__ import annotations

import sys

from notebooks.build import build, path_of, sources, write


def main(wanted: list[str]) -> int:
    """Make all notebooks, or those whose names begin with one of the given texts."""
    chosen = [s for s in sources() if not wanted or s.stem.startswith(tuple(wanted))]
    if not chosen:
        print(
            f"no notebook begins with {' or '.join(wanted)}; there are {', '.join(s.stem for s in sources())}"
        )
        return 2
    for source in chosen:
        for language, notebook in build(source).items():
            target = path_of(source, language)
            write(notebook, target)
            print(f"{target.name} ({language}): {len(notebook.cells)} cells, {target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
