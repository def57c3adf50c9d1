"""The report as data."""

from dataclasses import asdict, dataclass, field
from typing import Any

from tinygrad_course.audit.reporting.mistakes import DIAGNOSES

RIGHT, WRONG, UNCHECKED = "right", "wrong", "unchecked"
OUTSIDE = "(outside functions)"
"""Stands in a function's place for what Python cannot read between the functions."""


@dataclass
class Finding:
    """One mistake: where, what, and how it shows."""

    quantity: str
    """The first wrong quantity."""
    diagnosis: str
    """A key of DIAGNOSES."""
    message: str
    line: int | None = None
    cell: int | None = None
    file: str = ""
    """The module beside the submission that it stands in; empty for the submission itself."""
    source: str = ""
    suggestion: str = ""
    """The line as it is right; empty where no change of one line was found that makes it right."""
    verified: bool = False
    """Whether every case passes with the suggestion (and with those of the other findings)."""
    yours: Any = None
    right: Any = None
    ratio: float | None = None
    example: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The diagnosis in words."""
        return DIAGNOSES[self.diagnosis]

    @property
    def details(self) -> str:
        """The message without the title, which stands above it."""
        return self.message.removeprefix(self.title).removeprefix("; ")


@dataclass(repr=False)
class FunctionReport:
    """What the audit says of one function."""

    name: str
    line: int
    kind: str = ""
    cell: int | None = None
    file: str = ""
    """The module beside the submission that holds it; empty for the submission itself."""
    status: str = RIGHT
    findings: list[Finding] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    against: str = ""
    """What it was held against: the graph of the file's own forward pass, or the course's formula."""
    cases: int = 0
    raises_always: bool = False
    """Whether every case that is not right raises."""

    def __repr__(self) -> str:
        """Return ``<FunctionReport of backward_propagation: wrong, line 18>``."""
        line = next((f.line for f in self.findings if f.line is not None), self.line)
        return f"<FunctionReport of {self.name}: {self.status}, line {line}>"

    @property
    def points(self) -> int:
        """One for a right function."""
        return int(self.status == RIGHT)

    @property
    def of(self) -> int:
        """One for a function of the submission that was judged."""
        return int(self.status != UNCHECKED and self.name != OUTSIDE and not self.file)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, ready for JSON."""
        return {**asdict(self), "points": self.points, "of": self.of}


@dataclass(repr=False)
class Report:
    """What the audit says of one file."""

    file: str
    seed: int = 0
    functions: list[FunctionReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    """Why the file could not be checked, where it could not."""
    seconds: float = 0.0
    asked: int = 0
    """How many functions the assignment asks for; 0 where that is not said."""

    def __repr__(self) -> str:
        """Return ``<Report on homework.py: wrong, 3 of 4 functions right>``."""
        told = self.error or f"{self.points} of {self.of} functions right"
        return f"<Report on {self.file}: {self.status}, {told}>"

    @property
    def mistakes(self) -> list[tuple[FunctionReport, Finding]]:
        """Every mistake, with the function that it was made in."""
        return [(function, finding) for function in self.functions for finding in function.findings]

    @property
    def points(self) -> int:
        """How many functions are right."""
        return sum(function.points for function in self.functions)

    @property
    def of(self) -> int:
        """How many functions were checked, or are asked for."""
        return self.asked or sum(function.of for function in self.functions)

    @property
    def status(self) -> str:
        """right, wrong, or failed where nothing could be checked."""
        if self.error or not (self.of or any(one.file for one in self.functions)):
            return "failed"
        if self.asked and self.points < self.asked and not self.functions:
            return WRONG
        return RIGHT if all(function.status != WRONG for function in self.functions) else WRONG

    @property
    def problem(self) -> str:
        """Why nothing of the file was judged, "" where something was."""
        if self.error or self.of:
            return self.error
        return (
            "nothing in it could be judged" if self.functions else "no function of the course was found in it"
        )

    @property
    def exit_status(self) -> int:
        """0 all right, 1 something wrong, 2 could not be checked."""
        return {RIGHT: 0, WRONG: 1}.get(self.status, 2)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, ready for JSON."""
        names = ("file", "status", "points", "of", "seed", "error", "seconds")
        plain = {name: getattr(self, name) for name in names}
        return {**plain, "functions": [one.as_dict() for one in self.functions], "notes": self.notes}


def from_dict(plain: dict[str, Any]) -> FunctionReport:
    """Return the report of a function from its data."""
    names = {name: value for name, value in plain.items() if name in FunctionReport.__dataclass_fields__}
    names["findings"] = [Finding(**finding) for finding in plain.get("findings", [])]
    return FunctionReport(**names)
