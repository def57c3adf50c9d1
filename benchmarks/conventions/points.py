"""The points where libraries differ: what is computed there, what this library gives, and why.

Each function takes a namespace in NumPy's words (a peer's, see `peers`) and a point in its arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

W = (1.0, 2.0, 4.0)
NAN, INF = float("nan"), float("inf")


class Point(NamedTuple):
    """One row of the table.

    Attributes
    ----------
    f : callable
        ``f(m, x)``, a scalar in the words of the namespace m.
    x : nest of float
        Where it is differentiated.
    ours : str
        The gradient here; the name of an error.
    second : str
        The second derivative of a function of one number, "" where it is not held.
    why : str
        The reason, in a line.
    """

    f: Callable[[Any, Any], Any]
    x: Any
    ours: str
    second: str
    why: str


POOL = "[[[[0.333333],[0.333333]],[[0],[0.333333]]]]"
SUB = "the middle of the two sides"
COURSE = "the course's `relu_backward`: dZ[Z <= 0] = 0"
SHARED = "equal extremes share the gradient, whatever their order"
POINTS: dict[str, Point] = {
    "abs 0": Point(lambda m, x: m.abs(x), 0.0, "0", "0", SUB),
    "max(x,0) 0": Point(lambda m, x: m.maximum(x, m.c(0.0)), 0.0, "0", "0", COURSE),
    "max(0,x) 0": Point(lambda m, x: m.maximum(m.c(0.0), x), 0.0, "0", "0", COURSE),
    "max(x,x) 1": Point(
        lambda m, x: m.maximum(x, x), 1.0, "1", "0", "max(x, x) is x: two Tensors share a tie"
    ),
    "clip(x,0,1) 0": Point(lambda m, x: m.clip(x, 0.0, 1.0), 0.0, "0", "0", "min(max(x, 0), 1), as above"),
    "clip(x,0,1) 1": Point(lambda m, x: m.clip(x, 0.0, 1.0), 1.0, "0", "0", "min(max(x, 0), 1), as above"),
    "sqrt 0": Point(lambda m, x: m.sqrt(x), 0.0, "inf", "", "the limit"),
    "norm [0,0]": Point(
        lambda m, x: m.norm(x), [0.0, 0.0], "[0,0]", "", "the middle of all slopes: |x|' = 0 at 0"
    ),
    "prod [0,2,3]": Point(
        lambda m, x: m.prod(x), [0.0, 2.0, 3.0], "[6,0,0]", "", "the product of the others"
    ),
    "prod [0,0,3]": Point(
        lambda m, x: m.prod(x), [0.0, 0.0, 3.0], "[0,0,0]", "", "the product of the others"
    ),
    "cumprod [2,0,3]": Point(lambda m, x: m.sum(m.cumprod(x)), [2.0, 0.0, 3.0], "[1,8,0]", "", "as prod"),
    "det singular": Point(
        lambda m, x: m.det(x), [[1.0, 2.0], [2.0, 4.0]], "[[4,-2],[-2,1]]", "", "the cofactors"
    ),
    "std [1,1,1]": Point(lambda m, x: m.std(x), [1.0, 1.0, 1.0], "[0,0,0]", "", "as the norm at 0"),
    "var ddof1 [2]": Point(lambda m, x: m.var1(x), [2.0], "[nan]", "", "the value is NaN: 0 / 0"),
    "median [1,1,2,2]": Point(
        lambda m, x: m.median(x),
        [1.0, 1.0, 2.0, 2.0],
        "[0,0.5,0.5,0]",
        "",
        "the two in the middle, equal values in their order",
    ),
    "max [3,3,1]": Point(lambda m, x: m.max(x), [3.0, 3.0, 1.0], "[0.5,0.5,0]", "", SHARED),
    "min [1,1,2]": Point(lambda m, x: m.min(x), [1.0, 1.0, 2.0], "[0.5,0.5,0]", "", SHARED),
    "sort [2,1,2]·w": Point(
        lambda m, x: m.sum(m.sort(x) * m.c(W)),
        [2.0, 1.0, 2.0],
        "[2,1,4]",
        "",
        "equal values keep their order",
    ),
    "x**0 at 0": Point(lambda m, x: x**0, 0.0, "0", "0", "x**0 is 1 everywhere"),
    "x**0. at 0": Point(lambda m, x: x**0.0, 0.0, "0", "0", "x**0 is 1 everywhere"),
    "0**x at 0": Point(
        lambda m, x: m.power(m.c(0.0), x), 0.0, "0", "0", "0**x is 0 to the right; no slope of the jump"
    ),
    "x**x at 0": Point(
        lambda m, x: m.power(x, x), 0.0, "0", "", "0 for the base (0 x**-1) and for the exponent"
    ),
    "(-2)**x at 3": Point(
        lambda m, x: m.power(m.c(-2.0), x), 3.0, "nan", "", "no real function of x about 3"
    ),
    "logaddexp(-inf,-inf)": Point(
        lambda m, x: m.logaddexp(x, m.c(-INF)), -INF, "0.5", "", "equal weights, as of any equal numbers"
    ),
    "logaddexp(x,1) inf": Point(
        lambda m, x: m.logaddexp(x, m.c(1.0)), INF, "1", "", "the infinite one has all of the weight"
    ),
    "arctan2(x,0) 0": Point(
        lambda m, x: m.arctan2(x, m.c(0.0)), 0.0, "0", "", "the middle of all directions, as the norm"
    ),
    "hypot(x,0) 0": Point(lambda m, x: m.hypot(x, m.c(0.0)), 0.0, "0", "", "it is |x|"),
    "sinc 0": Point(
        lambda m, x: m.sinc(x), 0.0, "0", "-3.289868", "smooth: -pi**2 / 3 is the second derivative"
    ),
    "eigh sum I": Point(
        lambda m, x: m.sum(m.eigvalsh(x)), [[1.0, 0.0], [0.0, 1.0]], "[[1,0],[0,1]]", "", "the trace"
    ),
    "eigh vecs I": Point(
        lambda m, x: m.sum(m.eigh(x)[1]),
        [[1.0, 0.0], [0.0, 1.0]],
        "LinAlgError",
        "",
        "the vectors turn freely: there is no derivative",
    ),
    "svd sum I": Point(
        lambda m, x: m.sum(m.svdvals(x)), [[1.0, 0.0], [0.0, 1.0]], "[[1,0],[0,1]]", "", "U V^T"
    ),
    "svd sum 0": Point(
        lambda m, x: m.sum(m.svdvals(x)),
        [[0.0, 0.0], [0.0, 0.0]],
        "[[1,0],[0,1]]",
        "",
        "U V^T of the factors that LAPACK chose, a subgradient",
    ),
    "where(x>0,sqrt x,0) 0": Point(
        lambda m, x: m.where(x > 0, m.sqrt(x), m.c(0.0)),
        0.0,
        "0",
        "0",
        "the branch not taken gives no gradient",
    ),
    "log(1+exp x) 1000": Point(
        lambda m, x: m.log(1 + m.exp(x)),
        1000.0,
        "1",
        "0",
        "softplus, seen in the recording; its value is 1000",
    ),
    "1/(1+exp -x) -1000": Point(
        lambda m, x: 1 / (1 + m.exp(-x)), -1000.0, "0", "0", "sigmoid, seen in the recording"
    ),
    "arcsin 1": Point(lambda m, x: m.arcsin(x), 1.0, "inf", "", "the limit"),
    "sqrt(x**2) 0": Point(lambda m, x: m.sqrt(x**2), 0.0, "nan", "", "inf times 0: write np.abs(x)"),
    "x*log x 0": Point(
        lambda m, x: x * m.log(x),
        0.0,
        "nan",
        "",
        "the value is NaN: scipy.special.xlogy(x, x) has 0 and -inf",
    ),
    "max [nan,1]": Point(
        lambda m, x: m.max(x),
        [NAN, 1.0],
        "[0,0]",
        "",
        "the value is NaN whatever the others are; np.nanmax passes over it",
    ),
    "maximum(nan,0)": Point(
        lambda m, x: m.maximum(x, m.c(0.0)), NAN, "0", "", "the value is NaN; np.fmax passes over it"
    ),
    "clip nan": Point(lambda m, x: m.clip(x, 0.0, 1.0), NAN, "0", "", "NaN lies between no bounds"),
    "norm 1 [0,2]": Point(lambda m, x: m.norm(x, 1), [0.0, 2.0], "[0,1]", "", "|x|' = 0 at 0"),
    "norm inf [3,-3]": Point(lambda m, x: m.norm(x, INF), [3.0, -3.0], "[0.5,-0.5]", "", SHARED),
    "slogdet singular": Point(
        lambda m, x: m.slogdet(x)[1],
        [[1.0, 2.0], [2.0, 4.0]],
        "LinAlgError",
        "",
        "the value is -inf, and so far from any matrix no slope is right",
    ),
    "cholesky sum I": Point(
        lambda m, x: m.sum(m.cholesky(x)),
        [[1.0, 0.0], [0.0, 1.0]],
        "[[0.5,0],[1,0.5]]",
        "",
        "NumPy reads the lower triangle, and the gradient lies on it",
    ),
    "logsumexp [-inf,-inf]": Point(
        lambda m, x: m.logsumexp(x), [-INF, -INF], "[0.5,0.5]", "", "equal weights, as of any equal numbers"
    ),
    "softmax of equal scores": Point(lambda m, x: m.softmax(x)[0], [1.0, 1.0], "[0.25,-0.25]", "", "smooth"),
    "relu 0": Point(lambda m, x: m.relu(x), 0.0, "0", "0", COURSE),
    "leaky_relu 0": Point(lambda m, x: m.leaky_relu(x), 0.0, "0.01", "0", "as for Z <= 0"),
    "hard_tanh 1": Point(lambda m, x: m.hard_tanh(x), 1.0, "0", "0", "flat from there on, as relu to Z = 0"),
    "x**y(3) 4th at 0": Point(
        lambda m, x: 6.0 * m.power(x, m.c(0.0)), 0.0, "0", "0", "the third derivative, 6 x**0, is a constant"
    ),
    "xlogy(0,x) 0": Point(lambda m, x: m.xlogy(m.c(0.0), x), 0.0, "0", "0", "0 log x is 0 for every x"),
    "gelu 0": Point(lambda m, x: m.gelu(x), 0.0, "0.5", "0.797885", "Phi(0)"),
    "gelu, tanh 1": Point(
        lambda m, x: m.gelu_tanh(x), 1.0, "1.082964", "", "the other form: Phi's gives 1.083316"
    ),
    "max_pool of ties": Point(
        lambda m, x: m.sum(m.max_pool(x)), [[[[3.0], [3.0]], [[1.0], [3.0]]]], POOL, "", SHARED
    ),
    "layer_norm of a constant row": Point(
        lambda m, x: m.layer_norm(x)[0, 0],
        [[1.0], [1.0]],
        "[[158.1139],[-158.1139]]",
        "",
        "1 / sqrt(eps) times 1 - 1/n: the eps keeps it finite",
    ),
    "attention, a row wholly masked": Point(
        lambda m, x: m.masked_attention(x),
        [[1.0, 2.0], [3.0, 4.0]],
        "[[0,0],[0,0]]",
        "",
        "nothing is attended to: the output is 0, and so is the gradient",
    ),
    "embedding with an index twice": Point(
        lambda m, x: m.sum(m.embedding(x, [0, 0])),
        [[1.0, 2.0], [3.0, 4.0]],
        "[[2,2],[0,0]]",
        "",
        "gradients add up",
    ),
    "svd vectors of I": Point(
        lambda m, x: m.sum(m.svd(x)[0]), [[1.0, 0.0], [0.0, 1.0]], "LinAlgError", "", "as eigh vecs I"
    ),
    "qr, a zero column": Point(
        lambda m, x: m.sum(m.qr(x)[1]),
        [[1.0, 0.0], [0.0, 0.0]],
        "LinAlgError",
        "",
        "R has no inverse: the second column of Q can turn freely",
    ),
    "median [1,1,1]": Point(
        lambda m, x: m.median(x), [1.0, 1.0, 1.0], "[0,1,0]", "", "the one in the middle"
    ),
    "norm(w)**2, second": Point(
        lambda m, x: m.norm(m.stack([x, 0 * x])) ** 2, 0.0, "0", "2", "smooth, seen in the recording"
    ),
    "norm, second": Point(
        lambda m, x: m.norm(m.stack([x, 0 * x])), 0.0, "0", "nan", "there is none at the tip of a cone"
    ),
    "sqrt(x)**2 0": Point(lambda m, x: m.sqrt(x) ** 2, 0.0, "1", "0", "x, seen in the recording"),
}
