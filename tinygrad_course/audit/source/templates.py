"""Whether the template of an exercise is filled in."""

import ast

from tinygrad_course.audit.source.signatures import argument_names
from tinygrad_course.audit.source.syntax import elements, nodes


def unfilled(node: ast.FunctionDef) -> int | None:
    r"""Return the line of a function's template that is not filled in yet, None where all is.

    Examples
    --------
    >>> unfilled(ast.parse("def f(x):\n    s = None\n    return s").body[0])
    2
    """
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    last = body[-1] if body else None
    if isinstance(last, ast.Return) and ast.unparse(last) == "return NotImplemented":
        return last.lineno
    match body:
        case [ast.Return(value=ast.Name(id=name))] if argument_names(node) and name not in argument_names(
            node
        ):
            return body[0].lineno  # what is to be computed before it
    if all(
        isinstance(statement, ast.Pass)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        or (isinstance(statement, ast.Raise) and "NotImplemented" in ast.unparse(statement))
        for statement in body
    ):
        return node.lineno if not body else body[0].lineno
    empty: dict[str, int] = {}
    for inner in ast.walk(node):
        used: list[ast.expr] = []
        if isinstance(inner, ast.Assign) and _all_none(inner.value):
            for part in [part for target in inner.targets for part in elements(target)]:
                if isinstance(part, ast.Subscript):
                    return inner.lineno
                if isinstance(part, ast.Name):
                    empty[part.id] = max(empty.get(part.id, 0), inner.lineno)
        elif isinstance(inner, ast.For):
            used = [inner.iter]
        elif isinstance(inner, ast.BinOp):
            used = [inner.left, inner.right]
        elif isinstance(inner, ast.AugAssign):
            used = [inner.value]
        elif isinstance(inner, ast.Call) and ast.unparse(inner.func).startswith("np."):
            used = inner.args
        if any(map(_all_none, used)):
            return getattr(inner, "lineno", node.lineno)
    return min((line for name, line in empty.items() if _used_next(node, name, line)), default=None)


def _used_next(node: ast.FunctionDef, name: str, line: int) -> bool:
    """Tell whether a variable is used after a line, before it is set again or asked whether it is None."""
    tests: list[ast.expr] = [*nodes(node, ast.Compare)]
    tests += [inner.test for inner in ast.walk(node) if isinstance(inner, ast.If | ast.IfExp | ast.While)]
    asked = {id(part) for test in tests for part in _asked_of(test)}
    found = [
        (inner.lineno, isinstance(inner.ctx, ast.Store), inner.col_offset, id(inner) in asked)
        for inner in nodes(node, ast.Name)
        if inner.id == name and inner.lineno > line
    ]
    # Of one line, what is assigned comes last.
    return bool(found) and not min(found)[1] and not min(found)[3]


def _asked_of(test: ast.expr) -> list[ast.expr]:
    """Return what a test asks whether it is None, or anything at all."""
    if isinstance(test, ast.Compare):
        return [test.left] if _all_none(test.comparators[0]) else []
    if isinstance(test, ast.UnaryOp):
        return [test.operand]
    return test.values if isinstance(test, ast.BoolOp) else [test]


def _all_none(value: ast.expr) -> bool:
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    return bool(parts) and all(
        isinstance(part, ast.Constant) and (part.value is None or part.value is Ellipsis) for part in parts
    )
