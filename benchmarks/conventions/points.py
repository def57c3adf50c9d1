"""The points where libraries differ, by section: what is computed there, what this library gives, and why."""

from __future__ import annotations

from benchmarks.conventions.point import COURSE, INF, NAN, SHARED, SUB, Point, W
from benchmarks.conventions.points_of_networks import OF_NETWORKS

SQRT2 = "inf times 0: write np.abs(x)"

OF_NUMPY: dict[str, dict[str, Point]] = {
    "Absolute values, maxima and steps": {
        "abs 0": Point(lambda m, x: m.abs(x), 0.0, "0", "0", SUB),
        "max(x,0) 0": Point(lambda m, x: m.maximum(x, m.c(0.0)), 0.0, "0", "0", COURSE),
        "max(0,x) 0": Point(lambda m, x: m.maximum(m.c(0.0), x), 0.0, "0", "0", COURSE),
        "min(x,1) 1": Point(
            lambda m, x: m.minimum(x, m.c(1.0)),
            1.0,
            "0",
            "0",
            "at a tie with a constant the constant wins, as in max(x, 0)",
        ),
        "max(x,x) 1": Point(
            lambda m, x: m.maximum(x, x), 1.0, "1", "0", "max(x, x) is x: two Tensors share a tie"
        ),
        "max(x,2-x) 1": Point(
            lambda m, x: m.maximum(x, 2.0 - x),
            1.0,
            "0",
            "0",
            "two Tensors share a tie: the middle of the slopes 1 and -1",
        ),
        "clip(x,0,1) 0": Point(
            lambda m, x: m.clip(x, 0.0, 1.0), 0.0, "0", "0", "min(max(x, 0), 1), as above"
        ),
        "clip(x,0,1) 1": Point(
            lambda m, x: m.clip(x, 0.0, 1.0), 1.0, "0", "0", "min(max(x, 0), 1), as above"
        ),
        "where(x>0,x,0) 0": Point(
            lambda m, x: m.where(x > 0, x, m.c(0.0)), 0.0, "0", "0", "the branch that is taken"
        ),
        "x*sign(x) 0": Point(
            lambda m, x: x * m.sign(x), 0.0, "0", "0", "a step is constant: sign(0) = 0 is the slope"
        ),
        "x*round(x) 2.5": Point(
            lambda m, x: x * m.round(x), 2.5, "2", "0", "a step is constant, on the step too: round(2.5) = 2"
        ),
        "x*floor(x) 2": Point(
            lambda m, x: x * m.floor(x), 2.0, "2", "0", "a step is constant, on the step too"
        ),
        "x % 1 at 1": Point(
            lambda m, x: m.remainder(x, m.c(1.0)), 1.0, "1", "0", "x - floor(x), and a step is constant"
        ),
        "3 % x at 1.5": Point(
            lambda m, x: m.remainder(m.c(3.0), x), 1.5, "-2", "0", "3 - x floor(3/x), and a step is constant"
        ),
    },
    "Reductions, ties and order": {
        "max [3,3,1]": Point(lambda m, x: m.max(x), [3.0, 3.0, 1.0], "[0.5,0.5,0]", "[0,0,0]", SHARED),
        "min [1,1,2]": Point(lambda m, x: m.min(x), [1.0, 1.0, 2.0], "[0.5,0.5,0]", "[0,0,0]", SHARED),
        "ptp [1,1]": Point(lambda m, x: m.max(x) - m.min(x), [1.0, 1.0], "[0,0]", "[0,0]", SHARED),
        "cummax [1,2,2]·w": Point(
            lambda m, x: m.sum(m.cummax(x) * m.c(W)),
            [1.0, 2.0, 2.0],
            "[1,6,0]",
            "[0,0,0]",
            "the first of equal values: later ones raise nothing",
        ),
        "sort [2,1,2]·w": Point(
            lambda m, x: m.sum(m.sort(x) * m.c(W)),
            [2.0, 1.0, 2.0],
            "[2,1,4]",
            "[0,0,0]",
            "equal values keep their order",
        ),
        "median [1,1,2,2]": Point(
            lambda m, x: m.median(x),
            [1.0, 1.0, 2.0, 2.0],
            "[0,0.5,0.5,0]",
            "[0,0,0,0]",
            "the two in the middle, equal values in their order",
        ),
        "median [1,1,1]": Point(
            lambda m, x: m.median(x), [1.0, 1.0, 1.0], "[0,1,0]", "[0,0,0]", "the one in the middle"
        ),
        "prod [0,2,3]": Point(
            lambda m, x: m.prod(x), [0.0, 2.0, 3.0], "[6,0,0]", "[12,3,2]", "the product of the others"
        ),
        "prod [0,0,3]": Point(
            lambda m, x: m.prod(x), [0.0, 0.0, 3.0], "[0,0,0]", "[6,3,0]", "the product of the others"
        ),
        "cumprod [2,0,3]": Point(
            lambda m, x: m.sum(m.cumprod(x)), [2.0, 0.0, 3.0], "[1,8,0]", "[8,10,4]", "as prod"
        ),
        "std [1,1,1]": Point(
            lambda m, x: m.std(x), [1.0, 1.0, 1.0], "[0,0,0]", "[nan,nan,nan]", "as the norm at 0"
        ),
        "std [2]": Point(lambda m, x: m.std(x), [2.0], "[0]", "[0]", "0 for every x"),
        "var ddof1 [2]": Point(
            lambda m, x: m.var1(x),
            [2.0],
            "[nan]",
            "",
            "the value is NaN, 0 / 0: one number has no variance of a sample",
        ),
        "interp(x) at a knot": Point(
            lambda m, x: m.interp(x, m.c([0.0, 1.0, 2.0]), m.c([0.0, 1.0, 0.0])),
            1.0,
            "-1",
            "0",
            "the piece to the right of the knot, which NumPy takes",
        ),
    },
    "Norms, roots, powers and angles": {
        "sqrt 0": Point(lambda m, x: m.sqrt(x), 0.0, "inf", "-inf", "the limit"),
        "sqrt(x**2) 0": Point(lambda m, x: m.sqrt(x**2), 0.0, "nan", "", SQRT2),
        "sqrt(x)**2 0": Point(lambda m, x: m.sqrt(x) ** 2, 0.0, "1", "0", "x, seen in the recording"),
        "norm [0,0]": Point(
            lambda m, x: m.norm(x),
            [0.0, 0.0],
            "[0,0]",
            "[nan,nan]",
            "the middle of all slopes: |x|' = 0 at 0",
        ),
        "norm, second": Point(
            lambda m, x: m.d(lambda t: m.norm(m.stack([t, 0 * t])))(x),
            0.0,
            "nan",
            "",
            "there is none at the tip of a cone",
        ),
        "norm(w)**2, second": Point(
            lambda m, x: m.d(lambda t: m.norm(m.stack([t, 0 * t])) ** 2)(x),
            0.0,
            "2",
            "0",
            "smooth, seen in the recording",
        ),
        "norm 1 [0,2]": Point(lambda m, x: m.norm(x, 1), [0.0, 2.0], "[0,1]", "[0,0]", "|x|' = 0 at 0"),
        "norm inf [3,-3]": Point(lambda m, x: m.norm(x, INF), [3.0, -3.0], "[0.5,-0.5]", "[0,0]", SHARED),
        "x/norm(x) [0,0]": Point(
            lambda m, x: (x / m.norm(x))[0],
            [0.0, 0.0],
            "[nan,nan]",
            "",
            "the value is NaN, 0 / 0: add an eps to the norm",
        ),
        "hypot(x,0) 0": Point(lambda m, x: m.hypot(x, m.c(0.0)), 0.0, "0", "nan", "it is |x|"),
        "arctan2(x,0) 0": Point(
            lambda m, x: m.arctan2(x, m.c(0.0)), 0.0, "0", "nan", "the middle of all directions, as the norm"
        ),
        "cbrt 0": Point(lambda m, x: m.cbrt(x), 0.0, "inf", "", "the limit"),
        "x**0.5 at 0": Point(lambda m, x: x**0.5, 0.0, "inf", "-inf", "the limit, as sqrt"),
        "x**0 at 0": Point(lambda m, x: x**0, 0.0, "0", "0", "x**0 is 1 everywhere"),
        "x**0. at 0": Point(lambda m, x: x**0.0, 0.0, "0", "0", "x**0 is 1 everywhere"),
        "x**2. at -1": Point(lambda m, x: x**2.0, -1.0, "-2", "2", "smooth"),
        "0**x at 0": Point(
            lambda m, x: m.power(m.c(0.0), x), 0.0, "0", "0", "0**x is 0 to the right; no slope of the jump"
        ),
        "x**x at 0": Point(
            lambda m, x: m.power(x, x), 0.0, "0", "1", "0 for the base (0 x**-1) and for the exponent"
        ),
        "x**y(3) 4th at 0": Point(
            lambda m, x: m.d(m.d(m.d(lambda t: m.power(t, m.c(3.0)))))(x),
            0.0,
            "0",
            "0",
            "the third derivative, 6 x**0, is a constant",
        ),
        "(-2)**x at 3": Point(
            lambda m, x: m.power(m.c(-2.0), x), 3.0, "nan", "", "no real function of x about 3"
        ),
        "sinc 0": Point(lambda m, x: m.sinc(x), 0.0, "0", "-3.289868", "smooth"),
        "sinc 2nd 0": Point(lambda m, x: m.d(m.sinc)(x), 0.0, "-3.289868", "0", "-pi**2 / 3, of the series"),
        "arcsin 1": Point(lambda m, x: m.arcsin(x), 1.0, "inf", "", "the limit"),
        "arccos -1": Point(lambda m, x: m.arccos(x), -1.0, "-inf", "", "the limit"),
        "arccosh 1": Point(lambda m, x: m.arccosh(x), 1.0, "inf", "", "the limit"),
        "arctanh 1": Point(lambda m, x: m.arctanh(x), 1.0, "inf", "", "the limit"),
    },
    "Infinities, NaN and numbers far out": {
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
        "exp(x)/(1+exp x) 1000": Point(
            lambda m, x: m.exp(x) / (1 + m.exp(x)),
            1000.0,
            "0",
            "0",
            "sigmoid, seen in the recording; its value is 1",
        ),
        "logaddexp(-inf,-inf)": Point(
            lambda m, x: m.logaddexp(x, m.c(-INF)), -INF, "0.5", "0", "equal weights, as of any equal numbers"
        ),
        "logaddexp(x,1) inf": Point(
            lambda m, x: m.logaddexp(x, m.c(1.0)), INF, "1", "0", "the infinite one has all of the weight"
        ),
        "logaddexp(x,x) inf": Point(lambda m, x: m.logaddexp(x, x), INF, "1", "0", "x + log 2"),
        "logsumexp [-inf,-inf]": Point(
            lambda m, x: m.logsumexp(x),
            [-INF, -INF],
            "[0.5,0.5]",
            "[0,0]",
            "equal weights, as of any equal numbers",
        ),
        "log 0": Point(lambda m, x: m.log(x), 0.0, "inf", "-inf", "the limit"),
        "log1p -1": Point(lambda m, x: m.log1p(x), -1.0, "inf", "-inf", "the limit"),
        "x*log x 0": Point(
            lambda m, x: x * m.log(x),
            0.0,
            "nan",
            "",
            "the value is NaN, as NumPy has it: scipy.special.xlogy(x, x) has 0 and -inf",
        ),
        "xlogy(x,x) 0": Point(
            lambda m, x: m.xlogy(x, x),
            0.0,
            "0",
            "",
            "the value is 0, and 0 log x is flat in both: the limit of log x + 1 would be -inf",
        ),
        "xlogy(0,x) 0": Point(lambda m, x: m.xlogy(m.c(0.0), x), 0.0, "0", "0", "0 log x is 0 for every x"),
        "tanh 1000": Point(lambda m, x: m.tanh(x), 1000.0, "0", "0", "the limit"),
        "cosh 1000": Point(
            lambda m, x: m.cosh(x), 1000.0, "inf", "", "the slope is too large for a number, as the value is"
        ),
        "max [nan,1]": Point(
            lambda m, x: m.max(x),
            [NAN, 1.0],
            "[0,0]",
            "[0,0]",
            "NaN stays NaN however an entry moves; np.nanmax passes over it",
        ),
        "max by row [[nan,1],[2,3]]": Point(
            lambda m, x: m.sum(m.rowmax(x)),
            [[NAN, 1.0], [2.0, 3.0]],
            "[[0,0],[0,1]]",
            "[[0,0],[0,0]]",
            "the row beside it is as ever",
        ),
        "maximum(nan,0)": Point(
            lambda m, x: m.maximum(x, m.c(0.0)),
            NAN,
            "0",
            "0",
            "NaN stays NaN however x moves; np.fmax passes over it",
        ),
        "fmax(nan,x) 2": Point(lambda m, x: m.fmax(m.c(NAN), x), 2.0, "1", "0", "the NaN is passed over"),
        "clip nan": Point(lambda m, x: m.clip(x, 0.0, 1.0), NAN, "0", "0", "NaN lies between no bounds"),
        "nan_to_num inf": Point(
            lambda m, x: m.nan_to_num(x), INF, "0", "0", "the largest number there is, a constant"
        ),
    },
    "Linear algebra": {
        "det singular": Point(
            lambda m, x: m.det(x),
            [[1.0, 2.0], [2.0, 4.0]],
            "[[4,-2],[-2,1]]",
            "[[4,-3],[-2,1]]",
            "the cofactors",
        ),
        "slogdet singular": Point(
            lambda m, x: m.slogdet(x)[1],
            [[1.0, 2.0], [2.0, 4.0]],
            "LinAlgError",
            "",
            "the value is -inf, and the slopes are cofactors / 0, whose sign is that of the side",
        ),
        "inv singular": Point(
            lambda m, x: m.sum(m.inv(x)), [[1.0, 2.0], [2.0, 4.0]], "LinAlgError", "", "there is no inverse"
        ),
        "matrix_power 0": Point(
            lambda m, x: m.sum(m.matrix_power(x, 0)),
            [[1.0, 2.0], [2.0, 4.0]],
            "[[0,0],[0,0]]",
            "[[0,0],[0,0]]",
            "the identity, a constant",
        ),
        "cholesky sum I": Point(
            lambda m, x: m.sum(m.cholesky(x)),
            [[1.0, 0.0], [0.0, 1.0]],
            "[[0.5,0],[1,0.5]]",
            "[[-1.75,0],[-3.5,-1]]",
            "NumPy reads the lower triangle, and the gradient lies on it",
        ),
        "eigh sum I": Point(
            lambda m, x: m.sum(m.eigvalsh(x)),
            [[1.0, 0.0], [0.0, 1.0]],
            "[[1,0],[0,1]]",
            "LinAlgError",
            "the trace",
        ),
        "eigh largest I": Point(
            lambda m, x: m.eigvalsh(x)[1],
            [[1.0, 0.0], [0.0, 1.0]],
            "[[0,0],[0,1]]",
            "LinAlgError",
            "v v^T of the vector that LAPACK chose, a subgradient",
        ),
        "eigh vecs I": Point(
            lambda m, x: m.sum(m.eigh(x)[1]),
            [[1.0, 0.0], [0.0, 1.0]],
            "LinAlgError",
            "",
            "the vectors turn freely: there is no derivative",
        ),
        "svd sum I": Point(
            lambda m, x: m.sum(m.svdvals(x)),
            [[1.0, 0.0], [0.0, 1.0]],
            "[[1,0],[0,1]]",
            "LinAlgError",
            "U V^T",
        ),
        "svd sum 0": Point(
            lambda m, x: m.sum(m.svdvals(x)),
            [[0.0, 0.0], [0.0, 0.0]],
            "[[1,0],[0,1]]",
            "LinAlgError",
            "U V^T of the factors that LAPACK chose, a subgradient",
        ),
        "svd vectors of I": Point(
            lambda m, x: m.sum(m.svd(x)[0]), [[1.0, 0.0], [0.0, 1.0]], "LinAlgError", "", "as eigh vecs I"
        ),
        "norm 2 of I": Point(
            lambda m, x: m.norm2(x),
            [[1.0, 0.0], [0.0, 1.0]],
            "[[1,0],[0,0]]",
            "LinAlgError",
            "u v^T of the first singular value, a subgradient",
        ),
        "norm nuc of 0": Point(
            lambda m, x: m.nuclear(x),
            [[0.0, 0.0], [0.0, 0.0]],
            "[[1,0],[0,1]]",
            "LinAlgError",
            "as svd sum 0",
        ),
        "qr, a zero column": Point(
            lambda m, x: m.sum(m.qr(x)[1]),
            [[1.0, 0.0], [0.0, 0.0]],
            "LinAlgError",
            "",
            "R has no inverse: the second column of Q can turn freely",
        ),
        "pinv, rank 1": Point(
            lambda m, x: m.sum(m.pinv(x)),
            [[1.0, 0.0], [0.0, 0.0]],
            "[[-1,1],[1,0]]",
            "[[-8,1],[-2,0]]",
            "of matrices of that rank; across ranks the pseudoinverse jumps",
        ),
    },
}

SECTIONS = {**OF_NETWORKS, **OF_NUMPY}
POINTS = {name: point for section in SECTIONS.values() for name, point in section.items()}
