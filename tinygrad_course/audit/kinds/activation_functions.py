"""sigmoid, relu, tanh, their derivatives, and their backward functions (course 1, week 4)."""

import re

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, Kind, roles, words
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.reference.course import ACTIVATIONS, SLOPES
from tinygrad_course.audit.source.signatures import bare


def _activation(name: str) -> str:
    plain = bare(name)
    return next(known for known in ("leaky_relu", "sigmoid", "relu", "tanh") if known in plain)


class Activation(Kind):
    """A = g(Z), with or without its cache."""

    names = words("sigmoid relu tanh leaky_relu")
    signatures = roles("Z")
    outputs = ("A",)

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        name = _activation(learner.name)
        Z = draw.array(draw.size(1, 4), draw.size(1, 4))
        A = ACTIVATIONS[name](Z)
        return Case({"Z": Z}, {"A": A, "s": A}, ("A",), m=Z.shape[1])


class ActivationSlope(Kind):
    """g'(Z), as sigmoid_derivative of the course's first notebook."""

    names = tuple(
        pattern.format(name)
        for name in ("sigmoid", "relu", "tanh", "leaky_relu")
        for pattern in ("{}_derivative", "{}_prime", "d_{}", "{}_grad", "{}_gradient", "{}_der")
    )
    signatures = roles("Z")
    outputs = ("ds",)

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The argument is Z, or the activation A where its name says so."""
        of_a: list[Assumption] = [{"argument": "A"}]
        of_z: list[Assumption] = [{"argument": "Z"}]
        if re.match(r"a|s|out", learner.binding.names[0].lower()):
            return of_a + of_z
        return of_z + of_a * (bare(learner.name) == "sigmoid_der")

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        name = _activation(learner.name)
        Z = draw.array(draw.size(1, 4), draw.size(1, 4))
        A, slope = ACTIVATIONS[name](Z), SLOPES[name](Z)
        given = A if assumption["argument"] == "A" else Z
        return Case({"Z": given}, {"s": A, "A": A, "ds": slope}, ("ds",), m=Z.shape[1])


class ActivationBackward(Kind):
    """dZ = dA * g'(Z), with the cache of the forward function."""

    names = words("sigmoid_backward relu_backward tanh_backward leaky_relu_backward")
    signatures = roles("dA cache", "dA Z")
    outputs = ("dZ",)

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The cache is what the file's own forward function stores; without one, Z, as in the course."""
        forward = learner.own(_activation(learner.name))
        own: list[Assumption] = [{"cache": "own"}] if forward is not None else []
        argument = learner.binding.names[1].lower()
        return [*own, {"cache": "A" if re.fullmatch(r"a\d?", argument) else "Z"}]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        name = _activation(learner.name)
        shape = draw.size(1, 4), draw.size(1, 4)
        Z, dA = draw.array(*shape), draw.array(*shape)
        A = ACTIVATIONS[name](Z)
        cache = {"Z": Z, "A": A}.get(assumption["cache"])
        if cache is None:
            forward = learner.own(name)
            stored = learner.try_call(forward, Z) if forward is not None else None
            cache = stored[1] if isinstance(stored, tuple) and len(stored) > 1 else Z
            if not isinstance(cache, np.ndarray | dict | tuple | list):
                cache = Z
        dZ = dA * SLOPES[name](Z)
        expected = {"Z": Z, "A": A, "s": A, "dZ": dZ}
        role = "cache" if learner.has("cache") else "Z"
        return Case({"dA": dA, role: cache}, expected, ("dZ",), m=Z.shape[1], stages={"dZ": [dA]})


KINDS = (Activation, ActivationSlope, ActivationBackward)
