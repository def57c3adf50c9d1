"""The names that a function's code reads from elsewhere, by its instructions."""

import dis
import functools
import types

BY_NAME = {"getattr", "vars", "__dict__"}
MODULES = {"modules", "import_module", "__import__"}  # which are asked for modules by their names
#: What looks up a global by its name as a text; without one of these "W1" is the key of a dict.
_LOOKS_UP = {"globals", "locals", "eval", "exec", "__globals__", "f_globals", "__main__", *BY_NAME, *MODULES}


class NamesRead:
    """The names that a function's code, and the functions inside it, read from elsewhere."""

    def __init__(self) -> None:
        self.loaded: set[str] = set()
        self.attributes: set[str] = set()
        self.imported: set[str] = set()
        self.identity = False
        self.strings: set[str] = set()
        self.computes_globals = False


@functools.lru_cache(maxsize=1024)
def names_read(code: types.CodeType) -> NamesRead:
    """Return the names that a function's code reads from elsewhere."""
    found = NamesRead()
    waiting = [code]
    while waiting:
        code = waiting.pop()
        instructions = [*dis.get_instructions(code)]
        for i, instruction in enumerate(instructions):
            if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
                found.loaded.add(instruction.argval)
                found.attributes |= BY_NAME & {instruction.argval}
                if instruction.argval == "globals":
                    around = instructions[i - 1 : i] + instructions[i + 1 : i + 12]
                    found.computes_globals |= not _by_constant([x.opname for x in around])
            elif instruction.opname in {"LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"}:
                found.attributes.add(instruction.argval)
            elif instruction.opname == "IMPORT_NAME":
                found.imported.add(instruction.argval)
            elif instruction.opname == "IS_OP":
                found.identity |= instructions[i - 1].opname != "LOAD_CONST"  # X is None asks for no other
        for inner in code.co_consts:
            if isinstance(inner, types.CodeType):
                waiting.append(inner)
            elif isinstance(inner, str) and inner.isidentifier():  # globals()["name"], getattr(it, "name")
                found.strings.add(inner)
                found.attributes.add(inner)
    if _LOOKS_UP & (found.loaded | found.attributes):
        found.loaded |= found.strings
    return found


def _by_constant(names: list[str]) -> bool:
    """Whether the instructions around ``globals`` say globals()["W"], .get("W") or "W" in globals()."""
    before, _, first, *after = [name for name in names if name not in {"PUSH_NULL", "PRECALL", "CACHE"}]
    if first == "LOAD_CONST":
        return after[0] in {"BINARY_SUBSCR", "BINARY_OP"}
    if first in {"LOAD_METHOD", "LOAD_ATTR"}:
        return after[0] == "LOAD_CONST" and "CALL" in {after[1], after[1 + (after[1] == "LOAD_CONST")]}
    return before == "LOAD_CONST" and first == "CONTAINS_OP"
