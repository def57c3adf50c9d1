"""The points of linear algebra."""

from __future__ import annotations

from benchmarks.conventions.point import SHARED, Point

OF_MATRICES: dict[str, dict[str, Point]] = {
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
        "solve singular": Point(
            lambda m, x: m.sum(m.solve(x, m.c([1.0, 1.0]))),
            [[1.0, 2.0], [2.0, 4.0]],
            "LinAlgError",
            "",
            "there is no solution",
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
        "cholesky, not positive definite": Point(
            lambda m, x: m.sum(m.cholesky(x)),
            [[1.0, 2.0], [2.0, 1.0]],
            "LinAlgError",
            "",
            "there is no such factor",
        ),
        "eigvalsh [[2,1],[1,2]], 2nd": Point(
            lambda m, x: m.eigvalsh(x)[1],
            [[2.0, 1.0], [1.0, 2.0]],
            "[[0.5,0],[1,0.5]]",
            "[[-0.75,0],[0,0.75]]",
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
        "eigh, V exp(w) V^T of I": Point(
            lambda m, x: m.sum((m.eigh(x)[1] * m.exp(m.eigh(x)[0])) @ m.eigh(x)[1].T),
            [[1.0, 0.0], [0.0, 1.0]],
            "LinAlgError",
            "",
            "its derivative cannot be made of the vectors', which have none: scipy.linalg.expm",
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
        "svd, U V^T of I": Point(
            lambda m, x: m.sum(m.svd(x)[0] @ m.svd(x)[2]),
            [[1.0, 0.0], [0.0, 1.0]],
            "LinAlgError",
            "",
            "as V exp(w) V^T",
        ),
        "norm 2 of I": Point(
            lambda m, x: m.norm2(x),
            [[1.0, 0.0], [0.0, 1.0]],
            "[[0.5,0],[0,0.5]]",
            "LinAlgError",
            SHARED,
        ),
        "norm nuc of 0": Point(
            lambda m, x: m.nuclear(x),
            [[0.0, 0.0], [0.0, 0.0]],
            "[[0,0],[0,0]]",
            "",
            "the middle of all slopes, as every norm",
        ),
        "cond I": Point(
            lambda m, x: m.cond(x),
            [[1.0, 0.0], [0.0, 1.0]],
            "[[0,0],[0,0]]",
            "",
            "the largest over the smallest, which are shared: I has the least condition",
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
        "lstsq, rank 1": Point(
            lambda m, x: m.sum(m.lstsq(x, m.c([1.0, 1.0]))[0]),
            [[1.0, 0.0], [0.0, 0.0]],
            "[[-1,1],[1,0]]",
            "",
            "of matrices of that rank, as pinv",
        ),
        "eigvals, not diagonalizable": Point(
            lambda m, x: m.sum(m.real(m.eigvals(x))),
            [[1.0, 1.0], [0.0, 1.0]],
            "[[1,0],[0,1]]",
            "",
            "the trace",
        ),
    },
}
