"""Two mistakes in one call: another function, and another argument."""

import copy

from tinygrad_course.audit.execution.line_trace import Site
from tinygrad_course.audit.repair.candidates import Candidates, Repair
from tinygrad_course.audit.repair.mutations.single import Edit, edits
from tinygrad_course.audit.repair.prefilter import Scene

FIRST = {"wrong_activation_derivative", "wrong_activation"}
SECOND = {"wrong_operand", "dA_index", "index_off_by_one", "stale_cache", "transposed", "a_for_z", "z_for_a"}


def structural_pairs(pool: Candidates, view: Scene, group: list[Site]) -> tuple[Repair, Edit] | None:
    """Return a repair of one statement that takes another function and another argument: both edits.

    So a hidden layer goes back through sigmoid_backward(dAL, ...) where relu_backward(grads["dA1"], ...)
    fits.
    """
    for site in group:
        scope, node = pool.scope(site, view.events), pool.copies[site.function]
        for first in edits(site.block, site.position, scope, ""):
            if first.kind not in FIRST or first.rank > 1:
                continue
            for second in edits(site.block, site.position, scope, ""):
                if second.kind not in SECOND or second.rank > 1.6:
                    continue
                if pool.late():
                    return None
                pool.trials += 1
                try:
                    functions = pool.functions_with(site.function, node)
                except (SyntaxError, ValueError, TypeError, RecursionError):
                    continue
                if pool.all_right(functions):
                    statement = copy.deepcopy(site.block[site.position])
                    return Repair(
                        site, first, statement, first.line or site.statement.lineno, complete=True
                    ), second
    return None
