"""Random programs, step by step beside a naive recursive engine."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tinygrad_course import FreedGraphError, Tensor, grad

# ------------------------------------------------------------------ the naive engine


class Naive:
    """A value and what it was computed from: pairs of a node and what brings a gradient back to it."""

    def __init__(self, value, *parents, leaf=None):
        self.value = np.asarray(value, dtype=float)
        self.parents = parents
        self.leaf = leaf
        self.paths = 1 + sum(parent.paths for parent, _ in parents)


def fit(g, node):
    return g if g.value.shape == node.value.shape else total(g)


def add(a, b):
    return Naive(a.value + b.value, (a, lambda g: fit(g, a)), (b, lambda g: fit(g, b)))


def multiply(a, b):
    return Naive(
        a.value * b.value, (a, lambda g: fit(multiply(g, b), a)), (b, lambda g: fit(multiply(g, a), b))
    )


def sin(a):
    return Naive(np.sin(a.value), (a, lambda g: multiply(g, cos(a))))


def cos(a):
    return Naive(np.cos(a.value), (a, lambda g: multiply(g, multiply(Naive(-1.0), sin(a)))))


def total(a):
    return Naive(np.sum(a.value), (a, lambda g: multiply(g, Naive(np.ones(a.value.shape)))))


def pick(a, i):
    return Naive(a.value[i], (a, lambda g: multiply(g, Naive(np.eye(3)[i]))))


def reverse(a):
    return Naive(a.value[::-1], (a, reverse))


def put(a, i, b):
    """What `a` is after ``a[i] = b``."""
    others = Naive(1.0 - np.eye(3)[i])
    return add(multiply(a, others), multiply(b, Naive(np.eye(3)[i])))


def gradients(node, g, found):
    """Go down every path there is, and add up."""
    found[node] = add(found[node], g) if node in found else g
    for parent, back in node.parents:
        gradients(parent, back(g), found)
    return found


def behind(node, seen):
    """Every node that this one was computed from, with itself."""
    if node not in seen:
        seen.add(node)
        for parent, _ in node.parents:
            behind(parent, seen)
    return seen


# ------------------------------------------------------------------ the same operations for both

UNARY = {
    "sin": (np.sin, sin),
    "cos": (np.cos, cos),
    "total": (np.sum, total),
    "double": (lambda t: t + t, lambda n: add(n, n)),
    "square": (lambda t: t * t, lambda n: multiply(n, n)),
    "reverse": (lambda t: t[::-1] if t.ndim else t, lambda n: reverse(n) if n.value.ndim else n),
}
#: A slice is a view, which shows what is written to its base; a value that is kept is one of its own.
KEPT = {**UNARY, "reverse": (lambda t: t[[2, 1, 0]] if t.ndim else t, UNARY["reverse"][1])}
BINARY = {"add": (np.add, add), "multiply": (np.multiply, multiply)}

FEW = 400  # paths: the naive engine walks each
numbers = st.sampled_from([-1.5, -0.5, 0.0, 0.25, 1.0, 2.0])
vectors = st.lists(numbers, min_size=3, max_size=3).map(np.array)


class Variable:
    """A Tensor and what the naive engine has for it."""

    def __init__(self, tensor, node):
        self.tensor = tensor
        self.node = node
        self.is_leaf = not node.parents
        self.expected = None  # the leaf's gradient


class Programs(RuleBasedStateMachine):
    """Every step is done to both engines; values and gradients are compared after each."""

    def __init__(self):
        super().__init__()
        self.variables = []
        self.freed = set()  # nodes whose graph a backward has freed
        self.spoiled = set()  # nodes that a refused backward may have freed, or not
        self.steps = 0

    # -------------------------------------------------------------- making values

    @initialize(values=st.lists(vectors, min_size=1, max_size=2))
    def begin(self, values):
        for value in values:
            self.leaf(value)

    @rule(value=st.one_of(vectors, numbers))
    def leaf(self, value):
        variable = Variable(Tensor(value), Naive(value))
        variable.node.leaf = variable
        self.variables.append(variable)

    def chosen(self, data, kind=None):
        some = [v for v in self.variables if kind is None or v.tensor.ndim == kind]
        assume(some)
        return data.draw(st.sampled_from(range(len(some))).map(some.__getitem__))

    def keep(self, tensor, node):
        assume(node.paths <= FEW)
        assume(np.max(np.abs(node.value)) < 50)
        self.variables.append(Variable(tensor, node))

    @rule(name=st.sampled_from(sorted(UNARY)), data=st.data())
    def unary(self, name, data):
        a = self.chosen(data)
        ours, naive = KEPT[name]
        node = naive(a.node)
        if node is not a.node:
            self.keep(ours(a.tensor), node)

    @rule(name=st.sampled_from(sorted(BINARY)), data=st.data())
    def binary(self, name, data):
        a, b = self.chosen(data), self.chosen(data)
        ours, naive = BINARY[name]
        self.keep(ours(a.tensor, b.tensor), naive(a.node, b.node))

    @rule(name=st.sampled_from(sorted(BINARY)), constant=vectors, swapped=st.booleans(), data=st.data())
    def with_constant(self, name, constant, swapped, data):
        a = self.chosen(data)
        ours, naive = BINARY[name]
        given = constant.copy()
        tensor = ours(given, a.tensor) if swapped else ours(a.tensor, given)
        given[:] = 99.0  # the recording has its own
        self.keep(tensor, naive(a.node, Naive(constant)))

    @rule(i=st.integers(0, 2), data=st.data())
    def item(self, i, data):
        a = self.chosen(data, 1)
        self.keep(a.tensor[i], pick(a.node, i))

    # -------------------------------------------------------------- taking away and changing

    @precondition(lambda self: len(self.variables) > 2)
    @rule(data=st.data())
    def delete(self, data):
        self.variables.remove(self.chosen(data))

    @rule(i=st.integers(0, 2), value=numbers, data=st.data())
    def assign_a_number(self, i, value, data):
        a = self.chosen(data, 1)
        a.tensor[i] = value
        if a.is_leaf:  # a leaf it stays; what used it before keeps the old values
            changed = a.node.value.copy()
            changed[i] = value
            a.node = Naive(changed, leaf=a)
        else:
            a.node = put(a.node, i, Naive(value))

    @rule(i=st.integers(0, 2), value=numbers, data=st.data())
    def assign_through_a_view(self, i, value, data):
        a = self.chosen(data, 1)
        assume(not a.is_leaf)
        a.tensor[::-1][i] = value
        a.node = put(a.node, 2 - i, Naive(value))

    @rule(i=st.integers(0, 2), data=st.data())
    def assign_a_tensor(self, i, data):
        a, b = self.chosen(data, 1), self.chosen(data, 0)
        assume(a.node.paths + b.node.paths < FEW)
        a.tensor[i] = b.tensor
        a.node = put(a.node, i, b.node)
        a.is_leaf = False

    @rule(value=vectors, data=st.data())
    def replace_data(self, value, data):
        a = self.chosen(data, 1)
        assume(a.is_leaf)
        a.tensor.data = value.copy()
        a.node = Naive(value, leaf=a)

    @rule(data=st.data())
    def descend(self, data):
        """What a training loop does: ``W.data -= learning_rate * W.grad``."""
        a = self.chosen(data, 1)
        assume(a.is_leaf and a.tensor.grad is not None)
        a.tensor.data -= 0.1 * a.tensor.grad
        a.node = Naive(a.node.value - 0.1 * a.expected, leaf=a)

    @rule(value=vectors, data=st.data())
    def write_through_a_reference(self, value, data):
        """A leaf's array that the user holds is written to after the leaf was used."""
        a = self.chosen(data, 1)
        assume(a.is_leaf)
        reference = a.tensor.data
        self.keep(np.sin(a.tensor), sin(a.node))
        reference[...] = value
        a.node = Naive(value, leaf=a)

    @rule(data=st.data())
    def forget_gradient(self, data):
        a = self.chosen(data)
        assume(a.is_leaf)
        a.tensor.grad = None
        a.expected = None

    # -------------------------------------------------------------- backward and grad

    @rule(name=st.sampled_from(sorted(UNARY)), times=st.integers(1, 2), data=st.data())
    def cost_and_backward(self, name, times, data):
        """A cost of two variables, used for its gradients and dropped."""
        a, b = self.chosen(data), self.chosen(data)
        ours, naive = UNARY[name]
        cost = Variable(np.sum(ours(a.tensor * b.tensor)), total(naive(multiply(a.node, b.node))))
        assume(cost.node.paths <= FEW)
        for remaining in reversed(range(times)):
            self.go_back(cost, remaining > 0, 1.0)

    @rule(retain=st.booleans(), seed=numbers, data=st.data())
    def backward(self, retain, seed, data):
        self.go_back(self.chosen(data), retain, seed)

    def go_back(self, a, retain, seed):
        nodes = behind(a.node, set())
        assume(not nodes & self.spoiled)
        g = np.full(a.node.value.shape, seed)
        computed = {n for n in nodes if n.parents}
        if computed & self.freed:
            with pytest.raises(FreedGraphError):
                a.tensor.backward(g, retain_graph=retain)
            self.spoiled |= computed - self.freed
            return
        a.tensor.backward(g, retain_graph=retain)
        for node, found in gradients(a.node, Naive(g), {}).items():
            leaf = node.leaf
            if leaf is not None:
                leaf.expected = found.value if leaf.expected is None else leaf.expected + found.value
        if not retain:
            self.freed |= computed

    @rule(
        steps=st.lists(st.sampled_from(sorted(UNARY)), min_size=1, max_size=3),
        order=st.integers(1, 3),
        data=st.data(),
    )
    def nested_grad(self, steps, order, data):
        """The gradient of a function of a Tensor that reads another too: recorded, it goes on as a value."""
        x, other = self.chosen(data), self.chosen(data)

        def ours(t):
            y = t * other.tensor
            for name in steps:
                y = UNARY[name][0](y)
            return np.sum(y)

        def naive(n):
            y = multiply(n, other.node)
            for name in steps:
                y = UNARY[name][1](y)
            return total(y)

        for _ in range(order - 1):
            ours, naive = summed_slope(ours), naive_summed_slope(naive)
        node = naive_slope(naive)(x.node)
        assume(node.paths <= FEW)
        found = grad(ours)(x.tensor)
        if type(found) is Tensor:
            self.keep(found, node)
        else:  # constant in x: plain zeros
            np.testing.assert_array_equal(found, np.zeros(x.tensor.shape))
            np.testing.assert_array_equal(node.value, found)

    @rule(steps=st.lists(st.sampled_from(sorted(UNARY)), min_size=1, max_size=4), value=vectors)
    def grad_of_arrays(self, steps, value):
        """An array in, an array out, and nothing is left behind."""

        def ours(t):
            for name in steps:
                t = UNARY[name][0](t)
            return np.sum(t)

        n = Naive(value)
        y = n
        for name in steps:
            y = UNARY[name][1](y)
        expected = gradients(total(y), Naive(1.0), {})[n].value
        found = grad(ours)(value)
        assert type(found) is np.ndarray
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)

    # -------------------------------------------------------------- what must hold after every step

    @invariant()
    def the_engines_agree(self):
        self.steps += 1
        if self.steps % 3 == 0:  # to look brings a Tensor up to date: some writes wait for the next use
            self.the_values_agree()
        for v in self.variables:
            if v.is_leaf:
                assert (v.tensor.grad is None) == (v.expected is None)
                if v.expected is not None:
                    assert v.tensor.grad.shape == v.tensor.shape
                    np.testing.assert_allclose(v.tensor.grad, v.expected, rtol=1e-9, atol=1e-7)

    def the_values_agree(self):
        for v in self.variables:  # a copy: to show the array itself would keep the Tensor from sharing it
            np.testing.assert_allclose(v.tensor.tolist(), v.node.value, rtol=1e-9, atol=1e-9)

    def teardown(self):
        self.the_values_agree()


def summed_slope(f):
    return lambda t: np.sum(np.sin(grad(f)(t)))


def naive_slope(f):
    def slope(n):
        alias = Naive(n.value, (n, lambda g: g))
        y = f(alias)
        assume(y.paths <= FEW)
        found = gradients(y, Naive(1.0), {})
        return found.get(alias, Naive(np.zeros(n.value.shape)))

    return slope


def naive_summed_slope(f):
    return lambda n: total(sin(naive_slope(f)(n)))


TestPrograms = Programs.TestCase
TestPrograms.settings = settings(
    max_examples=settings.default.max_examples // 2,  # times about 40 steps
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
