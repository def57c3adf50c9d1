"""The modules beside a submission: which of its files an import means."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tinygrad_course.audit.source.syntax import nodes

MAX_FILES = 60
"""How many modules one submission may load."""


@dataclass
class Neighbours:
    """The files that a submission may import: those of one folder, and of the folders in it."""

    file: Path
    root: Path
    """The folder that was given with it; else the package that it belongs to, or its own folder."""
    named: list[Path] = field(default_factory=list)
    """The folders that it adds to sys.path itself."""

    @classmethod
    def of(cls, file: Path, root: Path | None, script: Iterable[ast.stmt]) -> "Neighbours":
        """Return the neighbours of a file: within `root`, where it lies in there."""
        file = file.resolve()
        top = file.parent
        while (top / "__init__.py").is_file() and (top.parent / "__init__.py").is_file():
            top = top.parent
        if root is not None and file.is_relative_to(root.resolve()):
            top = root.resolve()
        calls = [call for part in script for call in nodes(part, ast.Call)]
        paths = [call for call in calls if ast.unparse(call.func) in {"sys.path.append", "sys.path.insert"}]
        texts = [part.value for call in paths for part in nodes(call, ast.Constant)]
        return cls(file, top, [file.parent / text for text in texts if isinstance(text, str)])

    def find(self, module: str, level: int = 0, importer: Path | None = None) -> Path | None:
        """Return the file or folder of a module with so many dots before it, None where it is not there."""
        home = (importer or self.file).parent
        folders = [home, *self.named, *self.file.parents]
        if level:
            folders = [[home, *home.parents][min(level - 1, len(home.parents))]]
        for folder in folders:
            stem = folder.joinpath(*module.split(".")) if module else folder
            for path in (folder / f"{module.replace('.', '/')}.py", stem / "__init__.py", stem):
                if path.is_relative_to(self.root) and self._within(path):
                    return path
            if folder == self.root.parent:
                break
        return None

    def _within(self, path: Path) -> bool:
        """Tell whether a path is a module in the folder, and no way out of it."""
        there = path.is_file() if path.suffix == ".py" else path.is_dir()
        return there and path.resolve().is_relative_to(self.root) and path.resolve() != self.file

    def outside(self, module: str) -> bool:
        """Tell whether a module lies a folder or two above those from which it may be loaded."""
        name = f"{module.replace('.', '/')}.py"
        return any((folder / name).is_file() for folder in [*self.root.parents][:2])

    def shown(self, path: Path) -> str:
        """Name a file as the report does: from the folder on."""
        return path.relative_to(self.root).as_posix()
