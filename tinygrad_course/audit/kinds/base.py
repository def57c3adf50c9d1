"""What the audit knows of a function of the course: arguments, cases, how to read what it returns."""

import ast
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.line_trace import entry_label
from tinygrad_course.audit.execution.namespace import Outcome
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.source.conventions import canonical
from tinygrad_course.audit.source.syntax import names_of

Assumption = dict[str, Any]


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text: the names of a table."""
    return tuple(text.split())


def roles(*orders: str) -> tuple[tuple[str, ...], ...]:
    """Return the roles of a function's arguments, in each of their orders."""
    return tuple(map(words, orders))


class Kind:
    """One of the course's functions."""

    names: tuple[str, ...] = ()
    signatures: tuple[tuple[str, ...], ...] = ()
    """The roles of the arguments, in each order that the course and its releases use."""
    outputs: tuple[str, ...] = ()
    """Labels of what is returned, by place; a place that holds a dictionary gives its entries."""
    may_change: frozenset[str] = frozenset()
    """Roles whose arrays the course's own code changes too (an optimizer's parameters).

    A remark, no mistake.
    """
    owns: bool = False
    """Whether all that it is given is its own to change."""
    draws: bool = False
    """Whether the course's function draws random numbers."""
    firm: bool = False
    """Whether networks of W and b alone are meant."""
    battery: tuple[str, ...] = words("distinct distinct equal distinct smallest distinct deep")
    examples: int = 10
    """How many cases of short numbers are tried where the battery finds nothing wrong."""
    shrinks: int = 100
    """How many cases are tried at most to find a small one that a wrong function fails."""
    trials: int = 1500
    """How many changed versions of a wrong function are run at most."""

    remarks: Mapping[str, str] = MappingProxyType({})
    """By topic: what was allowed for or guessed, what a sample was looked at of, what is not judged."""

    def fits(self, node: ast.FunctionDef) -> bool:
        """Tell whether a function of such a name is of this kind (two of the course's share a name)."""
        return True

    def contract(self, learner: Learner) -> str:
        """Say why the function follows another contract than the course's, "" where it follows it."""
        text = learner.text() if self.firm else ""
        if re.search(r"// 3|['\"]d?(g|gamma|Gamma|beta)['\"]", text):
            return (
                "it has parameters beside W and b (of batch normalization, say), which the course's has not"
            )
        return ""

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """Return the readings of the function under which it may be right, the course's own first."""
        return [{}]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Draw one case."""
        raise NotImplementedError

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Return what a function returned, by label."""
        return labelled(result, expression, case, self.outputs)

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """Return (wrong labels, remarks) beyond the comparison with what is expected."""
        return [], list(filter(None, self.remarks.values()))


def formula(
    names: str, *orders: str, outputs: str, **more: Any
) -> Callable[[Callable[[Learner, Draw, Assumption], Case]], Kind]:
    """Make a kind of the function that draws its cases; `more` is what else it has of a kind."""

    def made(case: Callable[[Learner, Draw, Assumption], Case]) -> Kind:
        body = {"names": words(names), "signatures": roles(*orders), "outputs": words(outputs), **more}
        body |= {key: staticmethod(value) for key, value in {**body, "case": case}.items() if callable(value)}
        kind: Kind = type(case.__name__.title().replace("_", ""), (Kind,), body)()
        return kind

    return made


class Unfit(Exception):  # noqa: N818 - the functions of the file do not fit each other, nothing went wrong
    """The file's functions cannot be put together; says what was tried."""

    error: BaseException | None = None
    """What one of them raised."""

    @staticmethod
    def unless(outcome: Outcome, what: str) -> Any:
        """Return the result of a call, or say what raises."""
        if outcome.error is not None:
            raise Unfit.raised(what, outcome.error)
        return outcome.result

    @classmethod
    def raised(cls, what: str, error: BaseException) -> "Unfit":
        """Say what raises."""
        made = cls(f"{what} raises {type(error).__name__}: {error}")
        made.error = error
        return made


def first_of(result: Any) -> Any:
    """Return the first of several values that a function returned, or the one that it returned."""
    return result[0] if isinstance(result, tuple) and result else result


def labelled(
    result: Any, expression: ast.expr | None, case: Case, outputs: tuple[str, ...]
) -> dict[str, Any]:
    """Label a result by its dictionary's keys, the names in the return statement, or the course's order."""
    known = {canonical(label): label for label in case.expected}
    values = list(result) if isinstance(result, tuple) else [result]
    names = names_of(expression, len(values))
    places = [known.get(canonical(name)) for name in names]
    told = [place for place in places if place]
    places = places if len(set(told)) == len(told) else [None] * len(values)
    left = [label for label in case.required if label not in places]
    if len(places) > 1 and len(places) == len(case.required) and len(left) == places.count(None) == 1:
        places = [left[0] if place is None else place for place in places]  # the one quantity that is left
    found: dict[str, Any] = {}
    for index, (name, place, value) in enumerate(zip(names, places, values, strict=True)):
        default = outputs[index] if index < len(outputs) else ""
        if isinstance(value, dict):
            base = name if name in {"v", "s", "v_corrected", "s_corrected"} else default
            for key, item in value.items():
                label = entry_label(base, str(key))
                # A cache may hold an "A" too: what is returned itself comes first.
                found.setdefault(known.get(canonical(label), label), item)
            continue
        asked = place in case.required or default not in case.required
        label = place if place is not None and asked else default
        if label:
            found.setdefault(label, value)
    return found
