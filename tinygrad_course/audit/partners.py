"""Which hidden activation is a file's backward pass right for? It tells which of two passes that disagree is the odd one."""

from tinygrad_course.audit import reference
from tinygrad_course.audit.cases import Case, Draw, RandomDraw
from tinygrad_course.audit.judge import judge
from tinygrad_course.audit.kinds import kind_of
from tinygrad_course.audit.kinds.layers import HIDDEN, DeepBackward, draw_network
from tinygrad_course.audit.kinds.networks import Backward, CheckBackward
from tinygrad_course.audit.learner import Learner
from tinygrad_course.audit.recognise import bare

PARTNERS = {
    "forward_propagation": ("backward_propagation", "backward_propagation_with_regularization"),
    "forward_propagation_with_dropout": ("backward_propagation_with_dropout",),
    "forward_propagation_n": ("backward_propagation_n",),
    "l_model_forward": ("l_model_backward",),
}


def backward_hidden(learner: Learner) -> list[str]:
    """Return the hidden activations under which the backward pass of the file is right, with caches of our making."""
    names = PARTNERS.get(bare(learner.name), ())
    name = learner.own_name(*names)
    found = kind_of(learner.program.functions[name]) if name is not None else None
    if name is None or found is None:
        return []
    kind, binding = found
    partner = Learner(learner.program, learner.program.functions[name], binding, learner.repaired)
    function = learner.program.namespace[name]
    right: list[str] = []
    for hidden in HIDDEN:
        cases = [case for seed in (3, 5, 8) if (case := _case(kind, partner, RandomDraw(seed), hidden)) is not None and not case.rejected]
        if cases and all(judge(partner, kind, function, case).right for case in cases):
            right.append(hidden)
    return right


def _case(kind: object, partner: Learner, draw: Draw, hidden: str) -> Case | None:
    if isinstance(kind, Backward) and not isinstance(kind, CheckBackward):
        return kind.case(partner, draw, {"cache": "course", "hidden": hidden})
    if not isinstance(kind, DeepBackward):
        return None
    layer = partner.own("linear_activation_forward")
    if layer is None:
        return None
    X, Y, parameters = draw_network(draw, 3)
    A, caches, activations = X, [], [hidden, hidden, "sigmoid"]
    for number, activation in enumerate(activations, start=1):
        stored = partner.try_call(layer, A, parameters[f"W{number}"], parameters[f"b{number}"], activation)
        if not isinstance(stored, tuple) or len(stored) != 2:
            return None
        A = stored[0]
        caches.append(stored[1])
    values = reference.network_forward(X, parameters, activations)
    back = reference.network_backward(values, parameters, activations, Y)
    required = tuple(key for key in back if key[1] in "Wb")
    return Case({"AL": A, "Y": Y, "cache": caches}, {**back, "dAL": back["dA3"]}, required, m=X.shape[1], layers=3)
