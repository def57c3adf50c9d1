"""Programs that nobody tuned the engines for, as NumPy's users write them: ``PROGRAMS[name](rng)``.

Each returns a cost of ``(xp, parameters, *data)``, where `xp` is NumPy or JAX's copy of it, and what it is
given. Networks are in single precision, the rest in double.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

Program = tuple[Callable[..., Any], dict[str, Any], tuple[Any, ...]]
PROGRAMS: dict[str, Callable[[np.random.Generator], Program]] = {}


def program(make: Callable[[np.random.Generator], Program]) -> Callable[[np.random.Generator], Program]:
    """Enter a program under its name."""
    PROGRAMS[make.__name__.replace("_", " ")] = make
    return make


def drawn(rng: np.random.Generator, **shapes: tuple[int, ...]) -> dict[str, Any]:
    """Return small weights in single precision."""
    return {name: (0.1 * rng.normal(size=shape)).astype("f4") for name, shape in shapes.items()}


def classes(rng: np.random.Generator, m: int, k: int) -> Any:
    """Return m one-hot rows."""
    return np.eye(k, dtype="f4")[rng.integers(k, size=m)]


def softmax(xp: Any, z: Any, axis: int = -1) -> Any:
    """Return the softmax along an axis."""
    e = xp.exp(z - xp.max(z, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


def sigmoid(xp: Any, z: Any) -> Any:
    """Return 1 / (1 + e^-z)."""
    return 1 / (1 + xp.exp(-z))


def cross_entropy(xp: Any, y: Any, z: Any) -> Any:
    """Return the mean cross-entropy of rows."""
    return -xp.mean(xp.sum(y * xp.log(softmax(xp, z)), axis=-1))


def layer_norm(xp: Any, x: Any, g: Any, b: Any) -> Any:
    """Return the rows with mean 0 and variance 1, scaled and moved."""
    mean = xp.mean(x, axis=-1, keepdims=True)
    return (x - mean) / xp.sqrt(xp.mean((x - mean) ** 2, axis=-1, keepdims=True) + 1e-5) * g + b


# ------------------------------------------------------------------ networks


@program
def gated_recurrent_unit(rng: np.random.Generator) -> Program:
    """40 steps of time, 32 units, 32 examples as columns."""
    n, m, T = 32, 32, 40
    p = drawn(rng, Wz=(n, 2 * n), Wr=(n, 2 * n), Wh=(n, 2 * n), bz=(n, 1), br=(n, 1), bh=(n, 1), Wy=(10, n))

    def cost(xp: Any, p: Any, X: Any, Y: Any) -> Any:
        h = xp.zeros((n, m), np.float32)
        for t in range(T):
            both = xp.concatenate([h, X[t]], axis=0)
            z = sigmoid(xp, p["Wz"] @ both + p["bz"])
            r = sigmoid(xp, p["Wr"] @ both + p["br"])
            new = xp.tanh(p["Wh"] @ xp.concatenate([r * h, X[t]], axis=0) + p["bh"])
            h = (1 - z) * h + z * new
        return -xp.sum(Y * xp.log(softmax(xp, p["Wy"] @ h, 0))) / m

    return cost, p, (drawn(rng, X=(T, n, m))["X"], classes(rng, m, 10).T)


@program
def characters(rng: np.random.Generator) -> Program:
    """A recurrent network of characters that are looked up."""
    V, n, m, T = 40, 64, 16, 25

    def cost(xp: Any, p: Any, X: Any, Y: Any) -> Any:
        h, J = xp.zeros((m, n), np.float32), 0.0
        for t in range(T):
            h = xp.tanh(p["Wx"][X[t]] + h @ p["Wh"] + p["b"])
            z = h @ p["Wy"]
            z = z - xp.max(z, axis=1, keepdims=True)
            J = J - xp.mean(z[xp.arange(m), Y[t]] - xp.log(xp.sum(xp.exp(z), axis=1)))
        return J / T

    p = drawn(rng, Wx=(V, n), Wh=(n, n), b=(n,), Wy=(n, V))
    return cost, p, (rng.integers(V, size=(T, m)), rng.integers(V, size=(T, m)))


@program
def batch_norm(rng: np.random.Generator) -> Program:
    """Three layers with batch norm by hand."""
    sizes, p = [64, 128, 128, 10], {}
    for l, (a, b) in enumerate(pairwise(sizes)):
        p |= drawn(rng, **{f"W{l}": (a, b)}) | {f"g{l}": np.ones(b, "f4"), f"b{l}": np.zeros(b, "f4")}

    def cost(xp: Any, p: Any, X: Any, Y: Any) -> Any:
        A = X
        for l in range(3):
            Z = A @ p[f"W{l}"]
            Z = Z - xp.mean(Z, axis=0)
            Z = Z / xp.sqrt(xp.mean(Z**2, axis=0) + 1e-5) * p[f"g{l}"] + p[f"b{l}"]
            A = xp.maximum(Z, 0) if l < 2 else Z
        return cross_entropy(xp, Y, A)

    return cost, p, (drawn(rng, X=(256, 64))["X"], classes(rng, 256, 10))


@program
def residual_blocks(rng: np.random.Generator) -> Program:
    """Six residual blocks with root-mean-square norms and x sigmoid(x)."""
    d, p = 128, {}
    for l in range(6):
        p |= drawn(rng, **{f"W{l}": (d, 2 * d), f"V{l}": (2 * d, d)}) | {f"g{l}": np.ones(d, "f4")}

    def cost(xp: Any, p: Any, X: Any, Y: Any) -> Any:
        x = X
        for l in range(6):
            h = x * p[f"g{l}"] / xp.sqrt(xp.mean(x**2, axis=-1, keepdims=True) + 1e-6) @ p[f"W{l}"]
            x = x + (h * sigmoid(xp, h)) @ p[f"V{l}"]
        return xp.mean((x - Y) ** 2)

    return cost, p, tuple(drawn(rng, X=(128, d), Y=(128, d)).values())


@program
def mixer(rng: np.random.Generator) -> Program:
    """Two blocks that mix places and channels in turn, with gelu as x**3 and tanh."""
    B, T, C, p = 16, 49, 64, {}
    for l in range(2):
        p |= drawn(rng, **{f"T{l}": (T, 32), f"S{l}": (32, T), f"C{l}": (C, 128), f"D{l}": (128, C)})
        p |= {f"g{l}": np.ones(C, "f4"), f"b{l}": np.zeros(C, "f4")}
    p |= drawn(rng, W=(C, 10))

    def cost(xp: Any, p: Any, X: Any, Y: Any) -> Any:
        def gelu(z: Any) -> Any:
            return 0.5 * z * (1 + xp.tanh(0.7978845608 * (z + 0.044715 * z**3)))

        x = X
        for l in range(2):
            turned = xp.swapaxes(layer_norm(xp, x, p[f"g{l}"], p[f"b{l}"]), 1, 2)
            x = x + xp.swapaxes(gelu(turned @ p[f"T{l}"]) @ p[f"S{l}"], 1, 2)
            x = x + gelu(layer_norm(xp, x, p[f"g{l}"], p[f"b{l}"]) @ p[f"C{l}"]) @ p[f"D{l}"]
        return cross_entropy(xp, Y, xp.mean(x, axis=1) @ p["W"])

    return cost, p, (drawn(rng, X=(B, T, C))["X"], classes(rng, B, 10))


@program
def attention(rng: np.random.Generator) -> Program:
    """A block with causal attention by einsum."""
    B, T, d, h = 8, 24, 64, 4

    def cost(xp: Any, p: Any, X: Any, Y: Any) -> Any:
        def heads(z: Any) -> Any:
            return xp.transpose(xp.reshape(z, (B, T, h, d // h)), (0, 2, 1, 3))

        q, k, v = heads(X @ p["Wq"]), heads(X @ p["Wk"]), heads(X @ p["Wv"])
        s = xp.where(np.tril(np.ones((T, T), bool)), xp.einsum("bhid,bhjd->bhij", q, k) / 4, -1e9)
        o = xp.transpose(xp.einsum("bhij,bhjd->bhid", softmax(xp, s), v), (0, 2, 1, 3))
        x = layer_norm(xp, X + xp.reshape(o, (B, T, d)) @ p["Wo"], p["g"], p["b"])
        z = x @ p["W1"]
        return xp.mean((x + (z * sigmoid(xp, 1.702 * z)) @ p["W2"] - Y) ** 2)

    p = drawn(rng, Wq=(d, d), Wk=(d, d), Wv=(d, d), Wo=(d, d), W1=(d, 4 * d), W2=(4 * d, d), b=(d,))
    return cost, p | {"g": np.ones(d, "f4")}, tuple(drawn(rng, X=(B, T, d), Y=(B, T, d)).values())


@program
def autoencoder(rng: np.random.Generator) -> Program:
    """A variational one of 196 pixels."""
    m, d, h, k = 128, 196, 100, 10

    def cost(xp: Any, p: Any, X: Any, E: Any) -> Any:
        H = xp.tanh(X @ p["W1"] + p["b1"])
        mean, log_var = H @ p["Wm"] + p["bm"], H @ p["Ws"] + p["bs"]
        A = sigmoid(xp, xp.tanh((mean + xp.exp(0.5 * log_var) * E) @ p["W2"] + p["b2"]) @ p["W3"] + p["b3"])
        likely = xp.sum(X * xp.log(A + 1e-7) + (1 - X) * xp.log(1 - A + 1e-7))
        return -(likely + 0.5 * xp.sum(1 + log_var - mean**2 - xp.exp(log_var))) / m

    p = drawn(rng, W1=(d, h), b1=(h,), Wm=(h, k), bm=(k,), Ws=(h, k), bs=(k,))
    p |= drawn(rng, W2=(k, h), b2=(h,), W3=(h, d), b3=(d,))
    return cost, p, (rng.random((m, d), "f4"), drawn(rng, E=(m, k))["E"])


@program
def normalizing_flow(rng: np.random.Generator) -> Program:
    """Four affine couplings of two and two numbers."""
    p = {}
    for l in range(4):
        p |= drawn(rng, **{f"a{l}": (2, 32), f"b{l}": (32,), f"s{l}": (32, 2), f"t{l}": (32, 2)})

    def cost(xp: Any, p: Any, X: Any) -> Any:
        x, y, log_det = X[:, :2], X[:, 2:], 0.0
        for l in range(4):
            h = xp.tanh(x @ p[f"a{l}"] + p[f"b{l}"])
            s = xp.tanh(h @ p[f"s{l}"])
            y, log_det = y * xp.exp(s) + h @ p[f"t{l}"], log_det + xp.sum(s, axis=1)
            x, y = y, x
        return xp.mean(0.5 * xp.sum(x**2, axis=1) + 0.5 * xp.sum(y**2, axis=1) - log_det)

    return cost, p, (drawn(rng, X=(256, 4))["X"],)


@program
def sines(rng: np.random.Generator) -> Program:
    """A field of two coordinates by layers of sines, in double precision."""

    def cost(xp: Any, p: Any, X: Any, Y: Any) -> Any:
        h = xp.sin(xp.sin(30 * (X @ p["W1"] + p["b1"])) @ p["W2"] + p["b2"])
        return xp.mean((h @ p["W3"] - Y) ** 2)

    p = drawn(rng, W1=(2, 64), b1=(64,), W2=(64, 64), b2=(64,), W3=(64, 1))
    return (
        cost,
        {k: v.astype(float) for k, v in p.items()},
        (rng.normal(size=(1000, 2)), rng.normal(size=(1000, 1))),
    )


@program
def graph_attention(rng: np.random.Generator) -> Program:
    """Four heads that look at a node's neighbours."""
    n, d = 120, 32
    near = np.maximum(rng.random((n, n)) < 0.1, np.eye(n, dtype=bool))

    def cost(xp: Any, p: Any, X: Any, Y: Any) -> Any:
        H = X @ p["W"]
        e = H @ p["a"] + xp.swapaxes(H @ p["b"], 1, 2)
        e = xp.where(near, xp.where(e > 0, e, 0.2 * e), -1e9)
        O = xp.reshape(xp.transpose(softmax(xp, e) @ H, (1, 0, 2)), (n, 64))
        return cross_entropy(xp, Y, xp.where(O > 0, O, xp.exp(xp.minimum(O, 0)) - 1) @ p["V"])

    p = drawn(rng, W=(4, d, 16), a=(4, 16, 1), b=(4, 16, 1), V=(64, 5))
    return cost, p, (drawn(rng, X=(n, d))["X"], classes(rng, n, 5))


@program
def word_vectors(rng: np.random.Generator) -> Program:
    """Words, their neighbours, and five that are not."""
    V, d, m = 1000, 32, 256

    def cost(xp: Any, p: Any, center: Any, near: Any, far: Any) -> Any:
        v = p["E"][center]
        right = xp.log(sigmoid(xp, xp.sum(v * p["U"][near], axis=1)))
        wrong = xp.log(sigmoid(xp, -xp.sum(v[:, None, :] * p["U"][far], axis=2)))
        return -xp.mean(right) - xp.mean(xp.sum(wrong, axis=1))

    words = rng.integers(V, size=m), rng.integers(V, size=m), rng.integers(V, size=(m, 5))
    return cost, drawn(rng, E=(V, d), U=(V, d)), words


@program
def matrix_factors(rng: np.random.Generator) -> Program:
    """Ratings by users and things, each a vector and a bias."""
    users, things, k, m = 400, 300, 20, 2000

    def cost(xp: Any, p: Any, i: Any, j: Any, r: Any) -> Any:
        wrong = r - xp.sum(p["P"][i] * p["Q"][j], axis=1) - p["b"][i] - p["c"][j]
        return xp.mean(wrong**2) + 1e-3 * (xp.mean(p["P"] ** 2) + xp.mean(p["Q"] ** 2))

    p = drawn(rng, P=(users, k), Q=(things, k), b=(users,), c=(things,))
    return cost, p, (rng.integers(users, size=m), rng.integers(things, size=m), rng.random(m, "f4"))


@program
def contrastive(rng: np.random.Generator) -> Program:
    """Two views of 128 examples that are to find each other, by cosines."""
    m, d = 128, 48

    def cost(xp: Any, p: Any, A: Any, B: Any) -> Any:
        def code(x: Any) -> Any:
            h = xp.maximum(x @ p["W1"] + p["b1"], 0) @ p["W2"]
            return h / xp.sqrt(xp.sum(h**2, axis=1, keepdims=True) + 1e-8)

        def matched(S: Any, axis: int) -> Any:
            z = S - xp.max(S, axis=axis, keepdims=True)
            return xp.diag(z - xp.log(xp.sum(xp.exp(z), axis=axis, keepdims=True)))

        S = code(A) @ code(B).T * xp.exp(p["heat"])
        return -xp.mean(matched(S, 0) + matched(S, 1)) / 2

    p = drawn(rng, W1=(d, 64), b1=(64,), W2=(64, 32)) | {"heat": np.float32(1.0)}
    return cost, p, tuple(drawn(rng, A=(m, d), B=(m, d)).values())


# ------------------------------------------------------------------ science


@program
def heat_on_a_ring(rng: np.random.Generator) -> Program:
    """Twenty steps of diffusion, by np.roll."""

    def cost(xp: Any, p: Any, aim: Any) -> Any:
        u = p["u"]
        for _ in range(20):
            near = xp.roll(u, 1, 0) + xp.roll(u, -1, 0) + xp.roll(u, 1, 1) + xp.roll(u, -1, 1)
            u = u + p["k"] * (near - 4 * u)
        return xp.sum((u - aim) ** 2)

    return cost, {"u": rng.normal(size=(64, 64)), "k": np.float64(0.1)}, (rng.normal(size=(64, 64)),)


@program
def heat_in_a_box(rng: np.random.Generator) -> Program:
    """The same by parts of the array, u[1:-1, 2:], and a border of zeros."""

    def cost(xp: Any, p: Any, aim: Any) -> Any:
        u = p["u"]
        for _ in range(20):
            near = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
            u = xp.pad(u[1:-1, 1:-1] + p["k"] * (near - 4 * u[1:-1, 1:-1]), 1)
        return xp.sum((u - aim) ** 2)

    return cost, {"u": rng.normal(size=(66, 66)), "k": np.float64(0.1)}, (rng.normal(size=(66, 66)),)


@program
def planets(rng: np.random.Generator) -> Program:
    """Ten steps of sixty bodies that attract each other."""

    def cost(xp: Any, p: Any, mass: Any) -> Any:
        x, v = p["x"], p["v"]
        for _ in range(10):
            d = x[None] - x[:, None]
            r2 = xp.sum(d**2, axis=2) + 0.01
            v = v + 0.01 * xp.sum(mass[None, :, None] * d / r2[:, :, None] ** 1.5, axis=1)
            x = x + 0.01 * v
        return xp.sum(x**2)

    return cost, {"x": rng.normal(size=(60, 3)), "v": 0.1 * rng.normal(size=(60, 3))}, (rng.random(60),)


@program
def pairs_of_atoms(rng: np.random.Generator) -> Program:
    """The Lennard-Jones energy of all pairs of 80 atoms."""
    i, j = np.triu_indices(80, 1)

    def cost(xp: Any, p: Any) -> Any:
        s6 = (1 / (xp.sum((p["x"][i] - p["x"][j]) ** 2, axis=1) + 0.5)) ** 3
        return xp.sum(4 * (s6**2 - s6))

    return cost, {"x": 5 * rng.random((80, 3))}, ()


@program
def gaussian_process(rng: np.random.Generator) -> Program:
    """The marginal likelihood of 150 points."""
    n = 150

    def cost(xp: Any, p: Any, X: Any, y: Any) -> Any:
        Z = X / p["length"]
        q = xp.sum(Z**2, axis=1)
        K = p["size"] ** 2 * xp.exp(-0.5 * (q[:, None] + q - 2 * Z @ Z.T)) + p["noise"] ** 2 * xp.eye(n)
        return 0.5 * y @ xp.linalg.solve(K, y) + xp.sum(xp.log(xp.diag(xp.linalg.cholesky(K))))

    p = {"length": np.array([1.0, 0.8, 1.2]), "size": np.float64(1.0), "noise": np.float64(0.1)}
    X = rng.normal(size=(n, 3))
    return cost, p, (X, np.sin(X.sum(1)))


@program
def kalman_filter(rng: np.random.Generator) -> Program:
    """The likelihood of twenty observations of four hidden numbers."""

    def cost(xp: Any, p: Any, H: Any, y: Any) -> Any:
        x, P, J = xp.zeros(4), xp.eye(4), 0.0
        for t in range(20):
            x, P = p["A"] @ x, p["A"] @ P @ p["A"].T + xp.diag(xp.exp(p["q"]))
            S, v = H @ P @ H.T + xp.diag(xp.exp(p["r"])), y[t] - H @ x
            inverse = xp.linalg.inv(S)
            K = P @ H.T @ inverse
            x, P = x + K @ v, P - K @ H @ P
            J = J + 0.5 * (v @ inverse @ v + xp.log(xp.linalg.det(S)))
        return J

    p = {"A": 0.9 * np.eye(4) + 0.01 * rng.normal(size=(4, 4)), "q": np.full(4, -0.1), "r": np.full(2, 0.1)}
    return cost, p, (rng.normal(size=(2, 4)), rng.normal(size=(20, 2)))


@program
def hidden_markov_model(rng: np.random.Generator) -> Program:
    """The likelihood of fifty symbols, twelve states, in logarithms."""
    states, T = 12, 50

    def cost(xp: Any, p: Any, seen: Any) -> Any:
        def log_sum(z: Any, axis: int) -> Any:
            top = xp.max(z, axis=axis, keepdims=True)
            return xp.squeeze(top, axis) + xp.log(xp.sum(xp.exp(z - top), axis=axis))

        A, B = (p[k] - log_sum(p[k], 1)[:, None] for k in "AB")
        a = p["a"] - log_sum(p["a"], 0) + B[:, seen[0]]
        for t in range(1, T):
            a = log_sum(a[:, None] + A, 0) + B[:, seen[t]]
        return -log_sum(a, 0)

    p = {
        "A": rng.normal(size=(states, states)),
        "B": rng.normal(size=(states, 20)),
        "a": rng.normal(size=states),
    }
    return cost, p, (rng.integers(20, size=T),)


@program
def transport(rng: np.random.Generator) -> Program:
    """Sinkhorn's thirty turns between two clouds of 80 points."""
    n = 80

    def cost(xp: Any, p: Any, Y: Any) -> Any:
        C = xp.sum((p["x"][:, None] - Y[None]) ** 2, axis=2)
        K, u = xp.exp(-C / 0.5), xp.ones(n) / n
        for _ in range(30):
            v = (1 / n) / (K.T @ u)
            u = (1 / n) / (K @ v)
        return xp.sum(u[:, None] * K * v * C)

    return cost, {"x": rng.normal(size=(n, 2))}, (rng.normal(size=(n, 2)),)


@program
def mixture(rng: np.random.Generator) -> Program:
    """The likelihood of five Gaussians in three dimensions."""

    def cost(xp: Any, p: Any, X: Any) -> Any:
        z = (X[:, None, :] - p["mean"]) * xp.exp(-p["size"])
        a = -0.5 * xp.sum(z**2, axis=2) - xp.sum(p["size"], axis=1)
        a = a + p["w"] - xp.log(xp.sum(xp.exp(p["w"])))
        top = xp.max(a, axis=1, keepdims=True)
        return -xp.sum(top[:, 0] + xp.log(xp.sum(xp.exp(a - top), axis=1)))

    p = {"mean": rng.normal(size=(5, 3)), "size": 0.1 * rng.normal(size=(5, 3)), "w": rng.normal(size=5)}
    return cost, p, (rng.normal(size=(1000, 3)),)


@program
def neighbours_in_a_plane(rng: np.random.Generator) -> Program:
    """The cost of t-SNE for 100 points."""
    P = rng.random((100, 100)) * (1 - np.eye(100))

    def cost(xp: Any, p: Any, P: Any) -> Any:
        Q = (1 - xp.eye(100)) / (1 + xp.sum((p["y"][:, None] - p["y"][None]) ** 2, axis=-1))
        return xp.sum(P * xp.log((P + 1e-12) / (Q / xp.sum(Q) + 1e-12)))

    return cost, {"y": 0.1 * rng.normal(size=(100, 2))}, ((P + P.T) / np.sum(P + P.T),)


@program
def robot_arm(rng: np.random.Generator) -> Program:
    """Two hundred reaches of an arm of seven joints."""

    def cost(xp: Any, p: Any, lengths: Any, aim: Any) -> Any:
        angle = xp.cumsum(p["q"], axis=1)
        x, y = xp.sum(lengths * xp.cos(angle), axis=1), xp.sum(lengths * xp.sin(angle), axis=1)
        far = xp.mean((x - aim[:, 0]) ** 2 + (y - aim[:, 1]) ** 2)
        return far + 1e-3 * xp.sum(xp.diff(p["q"], axis=1) ** 2)

    return cost, {"q": 0.3 * rng.normal(size=(200, 7))}, (rng.random(7), rng.normal(size=(200, 2)))


@program
def newton(rng: np.random.Generator) -> Program:
    """Five steps of Newton's method for logistic regression, and the penalty that serves other data best."""
    n, d = 200, 8

    def cost(xp: Any, p: Any, X: Any, y: Any, V: Any, w: Any) -> Any:
        b = xp.zeros(d)
        for _ in range(5):
            s = sigmoid(xp, X @ b)
            slope = X.T @ (s - y) + xp.exp(p["penalty"]) * b
            H = X.T @ (X * (s * (1 - s))[:, None]) + xp.diag(xp.exp(p["penalty"]))
            b = b - xp.linalg.solve(H, slope)
        z = V @ b
        return xp.mean(xp.logaddexp(0, z) - w * z)

    X, V = rng.normal(size=(n, d)), rng.normal(size=(n, d))
    y = (X[:, 0] + rng.normal(size=n) > 0) * 1.0
    return cost, {"penalty": rng.normal(size=d)}, (X, y, V, (V[:, 0] > 0) * 1.0)


@program
def spline(rng: np.random.Generator) -> Program:
    """Heights at knots with natural cubic splines between, fitted to 300 points."""
    n = 24

    def cost(xp: Any, p: Any, x: Any, y: Any, i: Any, knots: Any) -> Any:
        h, z = 1 / (n - 1), p["heights"]
        T = 4 * np.eye(n - 2) + np.eye(n - 2, k=1) + np.eye(n - 2, k=-1)
        bends = xp.linalg.solve(T, 6 * (z[2:] - 2 * z[1:-1] + z[:-2]) / h**2)
        M = xp.concatenate([xp.zeros(1), bends, xp.zeros(1)])
        a, b = (knots[i + 1] - x) / h, (x - knots[i]) / h
        s = a * z[i] + b * z[i + 1] + ((a**3 - a) * M[i] + (b**3 - b) * M[i + 1]) * h**2 / 6
        return xp.mean((s - y) ** 2) + 1e-6 * xp.sum(M**2)

    x = np.sort(rng.random(300))
    at = np.minimum((x * (n - 1)).astype(int), n - 2)
    return cost, {"heights": rng.normal(size=n)}, (x, np.sin(6 * x), at, np.linspace(0, 1, n))


@program
def ray_marching(rng: np.random.Generator) -> Program:
    """900 rays that go twelve times as far as three soft balls are away."""

    def cost(xp: Any, p: Any, rays: Any, picture: Any) -> Any:
        t = xp.zeros(rays.shape[0])
        for _ in range(12):
            at = t[:, None] * rays
            d = xp.linalg.norm(at[:, None, :] - p["centers"], axis=-1) - p["radii"]
            near = -xp.log(xp.sum(xp.exp(-8 * d), axis=1) + 1e-12) / 8
            t = t + near
        return xp.mean((xp.exp(-0.2 * t) * sigmoid(xp, -20 * near) - picture) ** 2)

    centers = np.array([[0.0, 0.0, 4.0], [1.0, 0.5, 5.0], [-1.0, -0.5, 6.0]])
    rays = np.concatenate([0.4 * rng.normal(size=(900, 2)), np.ones((900, 1))], axis=1)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    return cost, {"centers": centers, "radii": np.array([1.0, 0.7, 0.8])}, (rays, rng.random(900))


@program
def cameras(rng: np.random.Generator) -> Program:
    """Forty points that six turned cameras see, with distortion: bundle adjustment."""
    c, k = 6, 40

    def cost(xp: Any, p: Any, seen: Any) -> Any:
        w, X = p["turn"][:, None, :], p["points"][None]
        a = xp.sqrt(xp.sum(w**2, axis=-1, keepdims=True) + 1e-12)
        u = w / a
        along = xp.sum(u * X, axis=-1, keepdims=True)
        Y = xp.cos(a) * X + xp.sin(a) * xp.cross(u, X) + (1 - xp.cos(a)) * along * u
        Y = Y + p["shift"][:, None, :]
        q = Y[..., :2] / Y[..., 2:]
        r = xp.sum(q**2, axis=-1, keepdims=True)
        q = p["focal"][:, None, None] * (1 + p["bend"] * r + p["more"] * r**2) * q
        return xp.sum(xp.sqrt(1 + (q - seen) ** 2) - 1)

    p = {"turn": 0.3 * rng.normal(size=(c, 3)), "points": rng.normal(size=(k, 3))}
    p |= {"shift": np.array([0.0, 0.0, 8.0]) + 0.1 * rng.normal(size=(c, 3)), "focal": 1 + rng.random(c)}
    p |= {"bend": np.float64(0.01), "more": np.float64(0.001)}
    return cost, p, (rng.normal(size=(c, k, 2)),)


@program
def extended_filter(rng: np.random.Generator) -> Program:
    """A place, a speed and a direction, followed through fifteen observations of two of them."""

    def cost(xp: Any, p: Any, H: Any, z: Any) -> Any:
        x, P, J = xp.array([0.0, 1.0, 0.1]), 0.1 * xp.eye(3), 0.0
        one = xp.ones(())
        for t in range(15):
            s, c = xp.sin(x[2]), xp.cos(x[2])
            rows = [one, c, -x[1] * s], [0 * one, one, 0 * one], [0 * one, p["drift"], one]
            F = xp.stack([xp.stack(row) for row in rows])
            x = xp.stack([x[0] + x[1] * c, x[1], x[2] + p["drift"] * x[1]])
            P = F @ P @ F.T + xp.diag(xp.exp(p["q"]))
            S, v = H @ P @ H.T + xp.exp(p["r"]) * xp.eye(2), z[t] - H @ x
            K = xp.linalg.solve(S, H @ P).T
            x, P = x + K @ v, (xp.eye(3) - K @ H) @ P
            J = J + 0.5 * (v @ xp.linalg.solve(S, v) + xp.linalg.slogdet(S)[1])
        return J

    p = {"q": rng.normal(size=3) - 2, "r": np.float64(-1.0), "drift": np.float64(0.1)}
    return cost, p, (np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), rng.normal(size=(15, 2)))


@program
def rigid_bodies(rng: np.random.Generator) -> Program:
    """Four hundred bodies of eight points, turned by quaternions, as they are seen."""
    m = 400

    def cost(xp: Any, p: Any, points: Any, seen: Any) -> Any:
        q = p["turn"] / xp.linalg.norm(p["turn"], axis=1, keepdims=True)
        w, x, y, z = q[:, 0], q[:, 1], q[:, 2], q[:, 3]
        rows = (
            [1 - 2 * (y**2 + z**2), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x**2 + z**2), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x**2 + y**2)],
        )
        R = xp.stack([xp.stack(row, axis=-1) for row in rows], axis=-2)
        there = xp.einsum("nij,nkj->nki", R, points) + p["shift"][:, None, :]
        return xp.mean(xp.sum((there - seen) ** 2, axis=-1))

    p = {"turn": rng.normal(size=(m, 4)), "shift": rng.normal(size=(m, 3))}
    return cost, p, (rng.normal(size=(m, 8, 3)), rng.normal(size=(m, 8, 3)))


@program
def cloth(rng: np.random.Generator) -> Program:
    """Ten steps of a cloth of 20 by 20 points, with springs between neighbours."""
    n = 20

    def cost(xp: Any, p: Any, aim: Any) -> Any:
        x, v = p["x"], xp.zeros((n, n, 3))
        ends = xp.zeros((1, n, 3)), xp.zeros((n, 1, 3))
        for _ in range(10):
            f = 0.0
            for axis, d in enumerate((x[1:] - x[:-1], x[:, 1:] - x[:, :-1])):
                far = xp.sqrt(xp.sum(d**2, axis=-1, keepdims=True) + 1e-9)
                pull = p["k"] * (far - 1) * d / far
                f = f + xp.concatenate([pull, ends[axis]], axis) - xp.concatenate([ends[axis], pull], axis)
            v = 0.99 * v + 0.05 * f
            x = x + 0.05 * v
        return xp.mean((x - aim) ** 2)

    aim = np.stack([*np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), np.zeros((n, n))], axis=-1)
    return cost, {"x": aim + 0.1 * rng.normal(size=aim.shape), "k": np.float64(5.0)}, (aim,)


@program
def lenses(rng: np.random.Generator) -> Program:
    """Two thousand rays through four spherical surfaces, by Snell's law, and the size of the spot."""
    glass, ahead = [1.0, 1.5, 1.0, 1.6, 1.0], np.array([0.0, 0.0, 1.0])

    def cost(xp: Any, p: Any, rays: Any) -> Any:
        y, z = rays[:, 2], rays[:, 3]
        at, x = 0.0, xp.stack([rays[:, 0], rays[:, 1], xp.zeros(len(rays))], axis=1)
        d = xp.stack([y, z, xp.sqrt(1 - y**2 - z**2)], axis=1)
        for k in range(4):
            c, at = p["curves"][k], at + p["gaps"][k]
            o = x - ahead * at
            b = 2 * (c * xp.sum(o * d, axis=1) - d[:, 2])
            e = c * xp.sum(o * o, axis=1) - 2 * o[:, 2]
            x = x + (2 * e / (-b + xp.sqrt(xp.maximum(b**2 - 4 * c * e, 1e-12))))[:, None] * d
            normal, ratio = ahead - c * (x - ahead * at), glass[k] / glass[k + 1]
            cosine = xp.sum(normal * d, axis=1)
            root = xp.sqrt(xp.maximum(1 - ratio**2 * (1 - cosine**2), 1e-12))
            d = ratio * d + (root - ratio * cosine)[:, None] * normal
        spot = x[:, :2] + ((p["film"] - x[:, 2]) / d[:, 2])[:, None] * d[:, :2]
        return xp.mean(xp.sum(spot**2, axis=1))

    p = {"curves": np.array([0.2, -0.2, -0.1, 0.1]), "gaps": np.array([1.0, 0.3, 0.2, 0.2])}
    rays = rng.uniform(-1, 1, size=(2000, 4)) * [0.1, 0.1, 0.02, 0.02]
    return cost, p | {"film": np.float64(6.0)}, (rays,)


@program
def protein_chain(rng: np.random.Generator) -> Program:
    """Twelve atoms placed one after the other by their torsions, and what all repel each other with."""
    n = 12

    def cost(xp: Any, p: Any) -> Any:
        a, b, c = xp.array([0.0, 0.0, 0.0]), xp.array([1.5, 0.0, 0.0]), xp.array([2.0, 1.4, 0.0])
        places = [a, b, c]
        for i in range(n):
            along = (c - b) / xp.linalg.norm(c - b)
            normal = xp.cross(b - a, along)
            normal = normal / xp.linalg.norm(normal)
            across, t = xp.cross(normal, along), p["torsions"][i]
            d = xp.stack([-0.54 * xp.ones_like(t), 1.4 * xp.cos(t), 1.4 * xp.sin(t)])
            a, b, c = b, c, c + d[0] * along + d[1] * across + d[2] * normal
            places.append(c)
        P = xp.stack(places)
        squares = xp.sum((P[:, None] - P[None]) ** 2, axis=-1) + xp.eye(n + 3)
        return xp.sum(1 / squares**3 - 1 / squares**1.5)

    return cost, {"torsions": rng.normal(size=n)}, ()


@program
def segmentation(rng: np.random.Generator) -> Program:
    """A small U-net on 4 pictures of 16 by 16, its convolutions as loops over the offsets of the kernel."""

    def conv(xp: Any, x: Any, w: Any) -> Any:
        n, height, y = w.shape[2], x.shape[2], 0.0
        x = xp.pad(x, ((0, 0), (0, 0), (n // 2, n // 2), (n // 2, n // 2)))
        for i in range(n):
            for j in range(n):
                part = x[:, :, i : i + height, j : j + height]
                y = y + xp.einsum("bchw,oc->bohw", part, w[:, :, i, j])
        return y

    def cost(xp: Any, p: Any, x: Any, y: Any) -> Any:
        fine = xp.maximum(conv(xp, x, p["down"]), 0)
        coarse = xp.maximum(conv(xp, fine.reshape(4, 8, 8, 2, 8, 2).max(axis=(3, 5)), p["middle"]), 0)
        wide = xp.repeat(xp.repeat(coarse, 2, axis=2), 2, axis=3)
        z = xp.maximum(conv(xp, xp.concatenate([fine, wide], axis=1), p["up"]), 0)
        z = conv(xp, z, p["out"])
        return xp.mean(xp.maximum(z, 0) - z * y + xp.log1p(xp.exp(-xp.abs(z))))

    p = drawn(rng, down=(8, 1, 3, 3), middle=(8, 8, 3, 3), up=(8, 16, 3, 3), out=(1, 8, 1, 1))
    return cost, p, (rng.normal(size=(4, 1, 16, 16)), rng.random((4, 1, 16, 16)).round())


@program
def labels_of_a_sequence(rng: np.random.Generator) -> Program:
    """A conditional random field over 30 words with 6 labels."""
    T, k = 30, 6
    labels = rng.integers(0, k, T)

    def cost(xp: Any, p: Any) -> Any:
        scores, steps = p["scores"], p["steps"]
        s = scores[0]
        for t in range(1, T):
            z = s[:, None] + steps + scores[t]
            largest = xp.max(z, axis=0)
            s = largest + xp.log(xp.sum(xp.exp(z - largest), axis=0))
        largest = xp.max(s)
        right = xp.sum(scores[np.arange(T), labels]) + xp.sum(steps[labels[:-1], labels[1:]])
        return largest + xp.log(xp.sum(xp.exp(s - largest))) - right

    return cost, {"scores": rng.normal(size=(T, k)), "steps": rng.normal(size=(k, k))}, ()


@program
def radiance(rng: np.random.Generator) -> Program:
    """A network of densities and colours along 64 rays, and what they add up to."""
    rays, steps = 64, 32

    def cost(xp: Any, p: Any, x: Any, seen: Any) -> Any:
        waves = [f(k * x) for k in (1, 2, 4) for f in (xp.sin, xp.cos)]
        h = xp.maximum(xp.concatenate(waves, axis=-1) @ p["W1"], 0) @ p["W2"]
        light = 1 - xp.exp(-0.1 * xp.log1p(xp.exp(h[..., 3])))
        through = xp.cumprod(1 - light + 1e-10, axis=1)
        weights = light * xp.concatenate([xp.ones((rays, 1)), through[:, :-1]], axis=1)
        colours = xp.sum(weights[..., None] * sigmoid(xp, h[..., :3]), axis=1)
        return xp.mean((colours - seen) ** 2)

    return (
        cost,
        drawn(rng, W1=(12, 32), W2=(32, 4)),
        (rng.normal(size=(rays, steps, 2)), rng.random((rays, 3))),
    )


@program
def attitude(rng: np.random.Generator) -> Program:
    """Thirty steps of a body that turns, by its quaternion."""
    up = np.array([1.0, 0.0, 0.0, 0.0])

    def cost(xp: Any, p: Any) -> Any:
        q, J = up, 0.0
        for t in range(30):
            x, y, z = p["turns"][t, 0], p["turns"][t, 1], p["turns"][t, 2]
            rows = [-q[1] * x - q[2] * y - q[3] * z, q[0] * x + q[2] * z - q[3] * y]
            rows += [q[0] * y - q[1] * z + q[3] * x, q[0] * z + q[1] * y - q[2] * x]
            q = q + 0.05 * xp.stack(rows)
            q = q / xp.sqrt(xp.sum(q * q))
            J = J + xp.sum((q - up) ** 2)
        return J

    return cost, {"turns": rng.normal(size=(30, 3))}, ()
