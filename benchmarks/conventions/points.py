"""The points where libraries differ, by section: what is computed there, what this library gives, and why."""

from __future__ import annotations

from benchmarks.conventions.point import COURSE, INF, NAN, SHARED, SUB, Point, W
from benchmarks.conventions.points_of_matrices import OF_MATRICES
from benchmarks.conventions.points_of_networks import OF_NETWORKS

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
        "where(x>=0,x,-x) 0": Point(
            lambda m, x: m.where(x >= 0, x, -x),
            0.0,
            "1",
            "0",
            "the branch that is taken: np.abs has the middle",
        ),
        "x*heaviside(x,.5) 0": Point(
            lambda m, x: x * m.heaviside(x, m.c(0.5)),
            0.0,
            "0.5",
            "0",
            "a step is constant: its value is the slope",
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
        "x // 1 at 1": Point(lambda m, x: m.floor_divide(x, m.c(1.0)), 1.0, "0", "0", "a step is constant"),
        "fmod(x,1) at 1": Point(
            lambda m, x: m.fmod(x, m.c(1.0)), 1.0, "1", "0", "x - trunc(x), and a step is constant"
        ),
    },
    "Reductions, ties and order": {
        "max [3,3,1]": Point(lambda m, x: m.max(x), [3.0, 3.0, 1.0], "[0.5,0.5,0]", "[0,0,0]", SHARED),
        "min [1,1,2]": Point(lambda m, x: m.min(x), [1.0, 1.0, 2.0], "[0.5,0.5,0]", "[0,0,0]", SHARED),
        "ptp [1,1]": Point(lambda m, x: m.max(x) - m.min(x), [1.0, 1.0], "[0,0]", "[0,0]", SHARED),
        "cummax [1,2,2]·w": Point(
            lambda m, x: m.sum(m.cummax(x) * m.c(W)),
            [1.0, 2.0, 2.0],
            "[1,4,2]",
            "[0,0,0]",
            SHARED,
        ),
        "cummax [2,2,2]": Point(
            lambda m, x: m.sum(m.cummax(x)),
            [2.0, 2.0, 2.0],
            "[1.833333,0.833333,0.333333]",
            "[0,0,0]",
            "1 + 1/2 + 1/3: each running extreme as np.max of what it has seen",
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
        "quantile .4 of [2,2,3]": Point(
            lambda m, x: m.quantile(x, 0.4),
            [2.0, 2.0, 3.0],
            "[0.2,0.8,0]",
            "[0,0,0]",
            "its two neighbours, equal values in their order",
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
        "sqrt(x**2) 0": Point(lambda m, x: m.sqrt(x**2), 0.0, "nan", "", "inf times 0: write np.abs(x)"),
        "sqrt(sum x**2) [0,0]": Point(
            lambda m, x: m.sqrt(m.sum(x**2)),
            [0.0, 0.0],
            "[nan,nan]",
            "",
            "inf times 0: write np.linalg.norm(x)",
        ),
        "sqrt(x)**2 0": Point(lambda m, x: m.sqrt(x) ** 2, 0.0, "1", "0", "x, seen in the recording"),
        "norm [0,0]": Point(
            lambda m, x: m.norm(x),
            [0.0, 0.0],
            "[0,0]",
            "[nan,nan]",
            "the middle of all slopes: |x|' = 0 at 0",
        ),
        "norm of a matrix of 0": Point(
            lambda m, x: m.norm(x),
            [[0.0, 0.0], [0.0, 0.0]],
            "[[0,0],[0,0]]",
            "[[nan,nan],[nan,nan]]",
            "as of a vector",
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
        "norm 3 [0,2]": Point(
            lambda m, x: m.norm(x, 3), [0.0, 2.0], "[0,1]", "[0,0]", "smooth but at the origin"
        ),
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
        "abs(ix) 0": Point(
            lambda m, x: m.abs(1j * x), 0.0, "0", "nan", "the middle of all directions, as the norm"
        ),
        "abs of fft of [0,0]": Point(
            lambda m, x: m.sum(m.abs(m.fft.fft(x))), [0.0, 0.0], "[0,0]", "[nan,nan]", "as abs(ix)"
        ),
        "1/x 0": Point(lambda m, x: 1 / x, 0.0, "-inf", "", "the limit of -1 / x**2"),
        "cbrt 0": Point(lambda m, x: m.cbrt(x), 0.0, "inf", "", "the limit"),
        "x**0.5 at 0": Point(lambda m, x: x**0.5, 0.0, "inf", "-inf", "the limit, as sqrt"),
        "x**0 at 0": Point(lambda m, x: x**0, 0.0, "0", "0", "x**0 is 1 everywhere"),
        "x**0. at 0": Point(lambda m, x: x**0.0, 0.0, "0", "0", "x**0 is 1 everywhere"),
        "x**2. at -1": Point(lambda m, x: x**2.0, -1.0, "-2", "2", "smooth"),
        "0**x at 0": Point(
            lambda m, x: m.power(m.c(0.0), x), 0.0, "0", "0", "0**x is 0 to the right; no slope of the jump"
        ),
        "x**x at 0": Point(
            lambda m, x: m.power(x, x), 0.0, "0", "", "0 for the base (0 x**-1) and for the exponent"
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
        "log(sigmoid(x)) -1000": Point(
            lambda m, x: m.log(m.sigmoid(x)), -1000.0, "1", "0", "log_sigmoid, seen in the recording"
        ),
        "log(softmax [1000,0]), 2nd": Point(
            lambda m, x: m.log(m.softmax(x))[1],
            [1000.0, 0.0],
            "[nan,nan]",
            "",
            "the value is -inf: write log_softmax, or give the cost softmax(Z), and it goes to the scores",
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
        "logsumexp [-inf,0]": Point(
            lambda m, x: m.logsumexp(x), [-INF, 0.0], "[0,1]", "[0,0]", "exp(-inf) is 0, a mask's entry"
        ),
        "logsumexp [inf,0]": Point(
            lambda m, x: m.logsumexp(x),
            [INF, 0.0],
            "[1,0]",
            "[0,0]",
            "the infinite one has all of the weight",
        ),
        "log 0": Point(lambda m, x: m.log(x), 0.0, "inf", "-inf", "the limit"),
        "log1p -1": Point(lambda m, x: m.log1p(x), -1.0, "inf", "-inf", "the limit"),
        "x*log x 0": Point(
            lambda m, x: x * m.log(x),
            0.0,
            "nan",
            "",
            "the value is NaN, as NumPy has it: scipy.special.xlogy(x, x) has 0",
        ),
        "xlogy(x,x) 0": Point(
            lambda m, x: m.xlogy(x, x),
            0.0,
            "0",
            "",
            "the limit is -inf; 0 log 0 is flat, for the sake of the entropy of a softmax",
        ),
        "xlogy(0,x) 0": Point(lambda m, x: m.xlogy(m.c(0.0), x), 0.0, "0", "0", "0 log x is 0 for every x"),
        "entr 0": Point(
            lambda m, x: m.entr(x), 0.0, "0", "", "0 log 0 is flat, for the sake of the entropy of a softmax"
        ),
        "kl_div(x,.5) 0": Point(
            lambda m, x: m.kl_div(x, m.c(0.5)), 0.0, "-1", "", "x log(x/y) - x + y, and 0 log 0 is flat"
        ),
        "logit 0": Point(lambda m, x: m.logit(x), 0.0, "inf", "", "the limit"),
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
        "nanmax [nan,1]": Point(
            lambda m, x: m.nanmax(x), [NAN, 1.0], "[0,1]", "[0,0]", "the NaN is passed over"
        ),
        "nanmean [nan,1]": Point(
            lambda m, x: m.nanmean(x), [NAN, 1.0], "[0,1]", "[0,0]", "the NaN is passed over"
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
}

SECTIONS = {**OF_NETWORKS, **OF_NUMPY, **OF_MATRICES}
POINTS = {name: point for section in SECTIONS.values() for name, point in section.items()}
