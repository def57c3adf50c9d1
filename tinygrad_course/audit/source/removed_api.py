"""What NumPy and SciPy no longer have, and what replaced it; a quotient that counts, which / once gave."""

import ast
import re
from dataclasses import dataclass

import numpy as np

from tinygrad_course.audit.source.signatures import argument_names
from tinygrad_course.audit.source.syntax import called, nodes, stored_names

_GONE = (
    "int=int float=float bool=bool complex=complex object=object str=str long=int unicode=str "
    "float_=np.float64 complex_=np.complex128 int0=np.intp infty=np.inf Inf=np.inf Infinity=np.inf "
    "PINF=np.inf NINF=-np.inf NaN=np.nan NAN=np.nan product=np.prod cumproduct=np.cumprod "
    "sometrue=np.any alltrue=np.all asfarray=np.asarray row_stack=np.vstack in1d=np.isin "
    "trapz=np.trapezoid mat=np.asmatrix round_=np.round string_=np.bytes_ unicode_=np.str_ "
    "random.random_integers=np.random.randint"
)
GONE = {f"np.{pair.partition('=')[0]}": pair.partition("=")[2] for pair in _GONE.split()}
"""What is gone from NumPy, and what is to be written for it."""
CALLS: dict[str, str] = {
    "np.asscalar": "a.item()",
    "misc.imresize": "PIL.Image.fromarray(a).resize(...) or skimage.transform.resize",
    "misc.imsave": "matplotlib.pyplot.imsave",
    **dict.fromkeys(("misc.imread", "ndimage.imread"), "matplotlib.pyplot.imread or PIL.Image.open"),
    "sklearn.cross_validation": "sklearn.model_selection",
    "time.clock": "time.perf_counter",
}
CALLS |= {f"scipy.{name}": instead for name, instead in CALLS.items() if re.match("misc|ndimage", name)}


@dataclass(frozen=True)
class Obsolete:
    """A use of something that is gone."""

    line: int
    name: str
    instead: str

    @property
    def message(self) -> str:
        """Say what replaced it."""
        told = f"{self.name} is a float, and no count" if "/" in self.name else f"{self.name} is gone"
        return f"{told}: write {self.instead}"

    def in_line(self, source: str) -> str:
        """Return a line with the successor in the place of what is gone, "" where it is called otherwise.

        Examples
        --------
        >>> Obsolete(1, "np.int", "int").in_line("p = np.zeros((1, m), dtype=np.int)")
        'p = np.zeros((1, m), dtype=int)'
        """
        written = rf"\b(?:np|numpy)\.{self.name.removeprefix('np.')}\b(?!\.)"
        if "/" in self.name and source.count("/") == 1:
            return source.replace("/", "//")
        new, count = re.subn(written, self.instead, source)
        return new if count and self.name in GONE else ""


def _counting(node: ast.AST) -> list[ast.BinOp]:
    """Return the quotients that are used as whole numbers: range(n / 2), H = n / 2 and np.zeros((m, H))."""
    if not isinstance(node, ast.FunctionDef):
        return [part for one in nodes(node, ast.FunctionDef) for part in _counting(one)]
    waiting: list[ast.expr | None] = []
    for call in nodes(node, ast.Call):
        waiting += call.args if called(call) in {"range", "xrange", "rand", "randn"} else []
        waiting += call.args[:1] if called(call) in {"zeros", "ones", "empty"} else []
    stored = [*stored_names(node), *argument_names(node)]
    values = {ast.unparse(one.targets[0]): one.value for one in nodes(node, ast.Assign)}
    found: list[ast.BinOp] = []
    for part in waiting:  # which grows
        if isinstance(part, ast.Tuple | ast.List):
            waiting += part.elts
        elif isinstance(part, ast.BinOp):
            found += [part] * (isinstance(part.op, ast.Div) and part not in found)
            waiting += [part.left, part.right]
        elif isinstance(part, ast.Name) and stored.count(part.id) == 1:
            waiting.append(values.pop(part.id, None))
    return found


def find(node: ast.AST) -> list[Obsolete]:
    """Return the uses of what is gone, as far as this NumPy lacks it."""
    uses = [(inner.lineno, _written(inner)) for inner in nodes(node, ast.Attribute)]
    whole = [(one, ast.BinOp(one.left, ast.FloorDiv(), one.right)) for one in _counting(node)]
    quotients = [Obsolete(one.lineno, ast.unparse(one), ast.unparse(made)) for one, made in whole]
    return [*dict.fromkeys(quotients)] + [
        Obsolete(line, name, {**GONE, **CALLS}[name])
        for line, name in uses
        if name in CALLS or (name in GONE and not _present(name))
    ]


def _written(node: ast.expr) -> str:
    """Return a name as it is written with `import numpy as np`."""
    return re.sub(r"^numpy\.", "np.", ast.unparse(node))


def _present(name: str) -> bool:
    owner: object = np
    for part in name.split(".")[1:]:
        if not hasattr(np, "bool") or part not in dir(owner):
            return False
        owner = getattr(owner, part)
    return True


class _Modern(ast.NodeTransformer):
    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Put the successor of a name in its place."""
        self.generic_visit(node)
        name = _written(node)
        gone = name in GONE and not _present(name)
        return ast.copy_location(ast.parse(GONE[name], mode="eval").body, node) if gone else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """np.asscalar(a) is a.item()."""
        self.generic_visit(node)
        if _written(node.func) == "np.asscalar" and len(node.args) == 1:
            item = ast.Attribute(node.args[0], "item", ast.Load())
            return ast.copy_location(ast.Call(item, [], []), node)
        return node


def modernize(node: ast.stmt) -> None:
    """Replace what is gone by what took its place, so that the rest of the code can be checked."""
    for one in _counting(node):
        one.op = ast.FloorDiv()
    _Modern().visit(node)
    ast.fix_missing_locations(node)


def replaced(error: BaseException) -> str:
    """Say what to write instead, for an exception that comes of code for an older NumPy."""
    words, number = str(error), r"only (0-dimensional|length-1|size-1) arrays can be converted"
    if isinstance(error, TypeError) and re.search(number, words):
        return "NumPy no longer turns an array of one number into a number: write a.item(), or np.squeeze(a)"
    match = re.search(r"module 'numpy' has no attribute '(\w+)'", words)
    if match and f"np.{match[1]}" in GONE:
        return Obsolete(0, f"np.{match[1]}", GONE[f"np.{match[1]}"]).message
    if "keepdim'" in words or "anis" in words:
        return "the arguments are called axis and keepdims"
    return ""
