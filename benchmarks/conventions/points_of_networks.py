"""The points of what networks are made of: activations, layers, costs."""

from __future__ import annotations

from benchmarks.conventions.point import COURSE, INF, SUB, Point

OF_NETWORKS: dict[str, dict[str, Point]] = {
    "Activations": {
        "relu 0": Point(lambda m, x: m.relu(x), 0.0, "0", "0", COURSE),
        "relu6 6": Point(lambda m, x: m.relu6(x), 6.0, "0", "0", "np.clip(x, 0, 6)"),
        "leaky_relu 0": Point(lambda m, x: m.leaky_relu(x), 0.0, "0.01", "0", "as for Z <= 0"),
        "elu 0": Point(lambda m, x: m.elu(x), 0.0, "1", "1", "smooth: exp(0)"),
        "elu, alpha 2 at 0": Point(lambda m, x: m.elu(x, 2.0), 0.0, "2", "2", "as for Z <= 0"),
        "selu 0": Point(
            lambda m, x: m.selu(x), 0.0, "1.758099", "1.758099", "as for Z <= 0: 1.0507 times 1.6733"
        ),
        "hard_tanh 1": Point(
            lambda m, x: m.hard_tanh(x), 1.0, "0", "0", "flat from there on, as relu to Z = 0"
        ),
        "hard_tanh -1": Point(lambda m, x: m.hard_tanh(x), -1.0, "0", "0", "flat from there on"),
        "soft_sign 0": Point(lambda m, x: m.soft_sign(x), 0.0, "1", "0", "1, whatever |x| has at 0"),
        "gelu 0": Point(lambda m, x: m.gelu(x), 0.0, "0.5", "0.797885", "Phi(0)"),
        "gelu 1": Point(
            lambda m, x: m.gelu(x),
            1.0,
            "1.083315",
            "0.241971",
            "Z Phi(Z), which is the default here; JAX has the other form by default",
        ),
        "gelu, tanh 1": Point(lambda m, x: m.gelu_tanh(x), 1.0, "1.082964", "0.242148", "the other form"),
        "softplus 1000": Point(lambda m, x: m.softplus(x), 1000.0, "1", "0", "the limit"),
        "softplus -1000": Point(lambda m, x: m.softplus(x), -1000.0, "0", "0", "exp(-1000) is 0"),
        "log_sigmoid -1000": Point(lambda m, x: m.log_sigmoid(x), -1000.0, "1", "0", "the limit"),
        "silu -1000": Point(lambda m, x: m.silu(x), -1000.0, "0", "0", "the limit"),
        "softmax of equal scores": Point(
            lambda m, x: m.softmax(x)[0], [1.0, 1.0], "[0.25,-0.25]", "[0,0]", "smooth"
        ),
        "softmax of [1000,0]": Point(
            lambda m, x: m.softmax(x)[0], [1000.0, 0.0], "[0,0]", "[0,0]", "exp(-1000) is 0"
        ),
        "softmax of [-inf,0]": Point(
            lambda m, x: m.softmax(x)[1], [-INF, 0.0], "[0,0]", "[0,0]", "a masked entry takes no part"
        ),
        "softmax of [-inf,-inf]": Point(
            lambda m, x: m.softmax(x)[1],
            [-INF, -INF],
            "[nan,nan]",
            "",
            "the value is NaN, 0 / 0: masked_softmax has 0",
        ),
        "log_softmax of [1000,0], 2nd": Point(
            lambda m, x: m.log_softmax(x)[1], [1000.0, 0.0], "[-1,1]", "[0,0]", "the limit"
        ),
    },
    "Layers and costs": {
        "max_pool of ties": Point(
            lambda m, x: m.sum(m.max_pool(x)),
            [[[[3.0], [3.0]], [[1.0], [3.0]]]],
            "[[[[0.333333],[0.333333]],[[0],[0.333333]]]]",
            "[[[[0],[0]],[[0],[0]]]]",
            "as np.max; the course's `pool_backward` gives each of them all",
        ),
        "layer_norm of a constant row": Point(
            lambda m, x: m.layer_norm(x)[0, 0],
            [[1.0], [1.0]],
            "[[158.1139],[-158.1139]]",
            "[[0],[0]]",
            "1 / sqrt(eps) times 1 - 1/n: the eps, 1e-5, keeps it finite",
        ),
        "rms_norm of 0": Point(
            lambda m, x: m.sum(m.rms_norm(x)),
            [[0.0], [0.0]],
            "[[316.2278],[316.2278]]",
            "[[0],[0]]",
            "1 / sqrt(eps), 1e-5",
        ),
        "batch_norm of one example": Point(
            lambda m, x: m.sum(m.batch_norm(x)),
            [[1.0], [2.0]],
            "[[0],[0]]",
            "[[0],[0]]",
            "Z - mean is 0 for every Z",
        ),
        "attention, a row wholly masked": Point(
            lambda m, x: m.masked_attention(x),
            [[1.0, 2.0], [3.0, 4.0]],
            "[[0,0],[0,0]]",
            "[[0,0],[0,0]]",
            "nothing is attended to: the output is 0, and so is the gradient",
        ),
        "embedding with an index twice": Point(
            lambda m, x: m.sum(m.embedding(x, [0, 0])),
            [[1.0, 2.0], [3.0, 4.0]],
            "[[2,2],[0,0]]",
            "[[0,0],[0,0]]",
            "gradients add up",
        ),
        "embedding, index -1": Point(
            lambda m, x: m.sum(m.embedding(x, [-1])),
            [[1.0, 2.0], [3.0, 4.0]],
            "IndexError",
            "",
            "a token has no negative number, and -1 often marks padding; E[-1] is the last row",
        ),
        "embedding, index 2 of 2": Point(
            lambda m, x: m.sum(m.embedding(x, [2])),
            [[1.0, 2.0], [3.0, 4.0]],
            "IndexError",
            "",
            "there is no such row",
        ),
        "dropout that keeps nothing": Point(
            lambda m, x: m.sum(m.dropout(x, 0.0)), [1.0, 2.0], "ValueError", "", "0 / 0: keep_prob is above 0"
        ),
        "mean |a - y| at a = y": Point(
            lambda m, x: m.mean(m.abs(x - m.c([1.0, 1.0]))), [1.0, 3.0], "[0,0.5]", "[0,0]", SUB
        ),
        "huber at delta": Point(
            lambda m, x: m.huber(x, m.c([0.0])), [1.0], "[1]", "[0]", "smooth once: delta on both sides"
        ),
        "hinge at the margin": Point(
            lambda m, x: m.maximum(m.c(0.0), 1.0 - x), 1.0, "0", "0", "as max(0, x)"
        ),
        "cross entropy, A 0, Y 0": Point(
            lambda m, x: m.bce(x, m.c([[0.0]])), [[0.0]], "[[1]]", "[[1]]", "1 / (1 - A)"
        ),
        "cross entropy, A 0, Y 1": Point(
            lambda m, x: m.bce(x, m.c([[1.0]])),
            [[0.0]],
            "[[-inf]]",
            "[[inf]]",
            "the limit of -1 / A: give the cost sigmoid(Z), and it goes to the logits",
        ),
        "cross entropy, logits -1000, Y 1": Point(
            lambda m, x: m.bce_logits(x, m.c([[1.0]])), [[-1000.0]], "[[-1]]", "[[0]]", "A - Y"
        ),
        "cross entropy, scores [1000,0], class 2": Point(
            lambda m, x: m.ce_scores(x, m.c([[0.0], [1.0]])),
            [[1000.0], [0.0]],
            "[[1],[-1]]",
            "[[0],[0]]",
            "A - Y",
        ),
        "entropy of softmax [1000,0]": Point(
            lambda m, x: m.sum(m.entr(m.softmax(x))), [1000.0, 0.0], "[0,0]", "[0,0]", "the limit"
        ),
        "cosine of [0,0] and [1,0]": Point(
            lambda m, x: m.sum(x * m.c([1.0, 0.0])) / (m.norm(x) * 1.0),
            [0.0, 0.0],
            "[nan,nan]",
            "",
            "the value is NaN, 0 / 0: add an eps to the norm",
        ),
    },
}
