# %% [markdown] en
# # 11. What the notes got wrong
#
# **What you will see.** Ten mistakes that stand in published notes on this course, each shown by running it, and what
# catches it: the graph, a shape, a number, or nothing automatic at all. Everybody who copies formulas makes such
# slips; the point is how they are found. (All weeks of courses 1 and 2 up to the optimisers.)
# %% [markdown] zh
# # 11. 笔记里的错误
#
# **你将看到什么。** 公开的课程笔记里的十处错误,每一处都运行给你看,并说明是什么发现了它:计算图、形状、一个数值,还是没有任何自动的办法。
# 抄公式的人都会犯这样的错;重要的是怎样发现它们。(涉及课程一各周,以及课程二到优化算法为止。)
# %%
import warnings

import numpy as np

from tinygrad_course import Tensor, grad, value_and_grad
from tinygrad_course.functions import sigmoid
from tinygrad_course.gradient_checking import compare_gradients

random = np.random.RandomState(0)
X, Y = random.randn(3, 6), np.array([[1, 0, 0, 1, 1, 0]])
w, b = random.randn(3, 1), 0.2

# %% [markdown] en
# ## 1. "J = 3(5 + 3·2) = 23"
#
# Evaluating it is enough.
# %% [markdown] zh
# ## 1. "J = 3(5 + 3·2) = 23"
#
# 算一遍就够了。
# %%
a, b_, c = Tensor(5.0), Tensor(3.0), Tensor(2.0)
print(3 * (a + b_ * c))

# %% [markdown] en
# ## 2. The loss with log10
#
# The derivative printed under it, -(y/a - (1-y)/(1-a)), is that of the *natural* logarithm. A gradient check shows the ratio, log 10:
# %% [markdown] zh
# ## 2. 用 log10 写损失函数
#
# 下面给出的导数 -(y/a - (1-y)/(1-a)) 是*自然*对数的。梯度检验显示两者之比是 log 10:
# %%
loss10 = lambda a: -np.log10(a)  # noqa: E731  (y = 1)
print(
    f"printed {-1 / 0.3:.6f}   the graph {grad(loss10)(0.3):.6f}   ratio {(-1 / 0.3) / grad(loss10)(0.3):.6f}"
)


# %% [markdown] en
# ## 3. "dw = 1/m · np.sum(dz)"
#
# A single number in place of a column. The update broadcasts it without a word; the gradient check refuses it.
# %% [markdown] zh
# ## 3. "dw = 1/m · np.sum(dz)"
#
# 本应是一列,却成了一个数。更新参数时广播机制一声不响地接受了它;梯度检验则拒绝。
# %%
def cost(w):
    A = sigmoid(np.dot(w.T, X) + b)
    return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / 6


dZ = sigmoid(np.dot(w.T, X) + b) - Y
print(
    "as printed:", np.shape(np.sum(dZ) / 6), " the update still has shape", (w - 0.1 * np.sum(dZ) / 6).shape
)
print("np.dot(X, dZ.T) / m:", compare_gradients(cost, w, gradient=np.dot(X, dZ.T) / 6).verdict)
print("the number, spread out:", compare_gradients(cost, w, gradient=np.full((3, 1), np.sum(dZ) / 6)).verdict)

# %% [markdown] en
# ## 4. "The sigmoid's derivative is a(a - 1)"
#
# The sign. Training would climb instead of descend.
# %% [markdown] zh
# ## 4. "sigmoid 的导数是 a(a - 1)"
#
# 符号错了。训练会往上爬,而不是往下走。
# %%
z = np.array([-1.0, 0.5, 2.0])
a = sigmoid(z)
print("a(a - 1):", compare_gradients(sigmoid, z, gradient=a * (a - 1)).verdict)
print("a(1 - a):", compare_gradients(sigmoid, z, gradient=a * (1 - a)).verdict)

# %% [markdown] en
# ## 5. "(tanh x + 1)/2 reaches 0 and 1 faster than the sigmoid, hence it is better"
#
# It *is* a sigmoid, of 2x. What helps is that tanh itself is centred at 0.
# %% [markdown] zh
# ## 5. "(tanh x + 1)/2 比 sigmoid 更快趋近 0 和 1,所以更好"
#
# 它*就是* sigmoid(2x)。tanh 的好处在于它本身以 0 为中心。
# %%
x = np.linspace(-5, 5, 101)
print("the same function:", np.allclose((np.tanh(x) + 1) / 2, sigmoid(2 * x), rtol=0, atol=1e-15))

# %% [markdown] en
# ## 6. "dAL = -(Y/AL + (1 - Y)/(1 - AL))"
#
# A plus for a minus. Right for Y = 1, so half of the examples hide it.
# %% [markdown] zh
# ## 6. "dAL = -(Y/AL + (1 - Y)/(1 - AL))"
#
# 减号写成了加号。Y = 1 时碰巧正确,所以一半样本掩盖了错误。
# %%
AL = sigmoid(np.dot(w.T, X) + b)
losses = lambda A: -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))  # noqa: E731
printed = -(Y / AL + (1 - Y) / (1 - AL))
print("labels         ", Y.ravel())
print("printed = graph", np.isclose(printed, grad(losses)(AL)).ravel().astype(int))

# %% [markdown] en
# ## 7. "dW2 = 1/m · np.dot(dZ2, A2.T)"
#
# A1, not A2. The shape is (1, 1) in place of (1, 4), and again broadcasting accepts it. In the graph a gradient has the shape
# of its parameter, always.
# %% [markdown] zh
# ## 7. "dW2 = 1/m · np.dot(dZ2, A2.T)"
#
# 应该是 A1,不是 A2。形状变成 (1, 1) 而不是 (1, 4),广播又接受了它。在计算图里,梯度的形状总与参数相同。
# %%
W2, A1 = random.randn(1, 4), np.tanh(random.randn(4, 6))
A2 = sigmoid(W2 @ A1)
J2 = lambda W: -np.mean(Y * np.log(sigmoid(W @ A1)) + (1 - Y) * np.log(1 - sigmoid(W @ A1)))  # noqa: E731
print("printed:", ((A2 - Y) @ A2.T / 6).shape, "  W2 after the update:", (W2 - (A2 - Y) @ A2.T / 6).shape)
print(
    "graph:  ",
    grad(J2)(W2).shape,
    " equal to (A2 - Y) A1ᵀ/m:",
    np.allclose(grad(J2)(W2), (A2 - Y) @ A1.T / 6),
)


# %% [markdown] en
# ## 8. J_minus computed at θ + ε
#
# Then both costs are the same, gradapprox is 0, and the check says exactly 1 to right and wrong gradients alike. A check has to be tried
# on a gradient that is known.
# %% [markdown] zh
# ## 8. J_minus 也在 θ + ε 处计算
#
# 于是两个成本相同,gradapprox 为 0,不论梯度对错,检验都恰好给出 1。检验程序本身也要先用一个已知的梯度来试。
# %%
def difference(gradient, sign):
    theta, eps = 2.0, 1e-5
    J = lambda t: t**3  # noqa: E731
    approx = (J(theta + eps) - J(theta + sign * eps)) / (2 * eps)
    return abs(gradient - approx) / (abs(gradient) + abs(approx))


for name, gradient in (("right", 12.0), ("wrong", 7.0)):
    slip, proper = difference(gradient, +1), difference(gradient, -1)
    result = "small" if proper < 1e-7 else round(proper, 2)
    print(f"{name} gradient: with the slip {slip:.1f}, done properly {result}")

# %% [markdown] en
# ## 9. Dropout's mask the wrong way round
#
# "Below keep_prob set 0, above it 1" keeps 14 % of the units where 86 % were meant, and the mean falls with it.
# %% [markdown] zh
# ## 9. dropout 的掩码弄反了
#
# "小于 keep_prob 的设为 0,大于的设为 1",于是本该保留 86% 的单元,只留下 14%,均值也跟着下降。
# %%
numbers = np.random.RandomState(3).rand(200_000)
for name, D in (("D < keep_prob keeps", numbers < 0.86), ("as printed", numbers >= 0.86)):
    print(f"{name:20} kept {D.mean():.2f}   mean of A D / keep_prob, for A = 1: {(D / 0.86).mean():.2f}")

# %% [markdown] en
# ## 10. Adam with `1 - beta1**2`
#
# The exponent is t. At t = 2, the very t of the assignment's unit test, it is right. **No gradient check can see this**: the gradients
# are right, the optimiser is wrong. Try the step at t = 1 and at t = 3 as well.
# %% [markdown] zh
# ## 10. Adam 里的 `1 - beta1**2`
#
# 指数应该是 t。t = 2 时碰巧正确,而作业的单元测试用的恰恰是 t = 2。**任何梯度检验都看不到它**:梯度是对的,错的是优化器。
# 请在 t = 1 和 t = 3 时也试一试。
# %%
for t in (1, 2, 3, 1000):
    print(f"t = {t:4}: the step is {(1 - 0.9**t) / (1 - 0.9**2):.3f} times what it should be")

# %% [markdown] en
# ## And one of time: code that was right once
#
# `float(...)` of an array with one element was right in 2018. Newer NumPy refuses it, or warns; `.item()` has always worked.
# %% [markdown] zh
# ## 还有一处是时间造成的:当年正确的代码
#
# 对只有一个元素的数组用 `float(...)`,在 2018 年没有问题;新版 NumPy 会拒绝或警告,而 `.item()` 一直可用。
# %%
one = np.dot(Y, Y.T)  # (1, 1)
with warnings.catch_warnings():
    warnings.simplefilter("error")
    try:
        float(one)
    except (TypeError, DeprecationWarning) as error:
        print("float(one) fails:", "0-dimensional" in str(error) or "ndim > 0" in str(error))
print(one.item())

# %% [markdown] en
# ## Exercises
#
# Three more, as they stand in the notes. What is wrong, and what finds it?
#
# 1. `Z = W[l] a[l] + b[l]` for layer l.
# 2. `dZ[1] = 1/m Σ W2ᵀ dZ2 * g'(Z1)`: the mean over the examples, already here.
# 3. "In the last mini-batch there are m - size · m/size examples."
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 再来三处,照抄笔记原文。错在哪里,什么能发现它?
#
# 1. 第 l 层的 `Z = W[l] a[l] + b[l]`。
# 2. `dZ[1] = 1/m Σ W2ᵀ dZ2 * g'(Z1)`:在这里就对样本取了平均。
# 3. "最后一个 mini-batch 有 m - size · m/size 个样本。"
#
# 运行下面的代码核对答案:
# %%
W = Tensor(random.randn(4, 3), name="W")
try:
    W @ random.randn(4, 6)  # a[l] has as many rows as W[l]
except ValueError as error:
    print("1. a shape:", str(error).splitlines()[0])

W1, b1 = random.randn(4, 3), np.zeros((4, 1))


def deep_cost(W1):
    A1 = np.tanh(W1 @ X + b1)
    A2 = sigmoid(W2 @ A1)
    return -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))


A1 = np.tanh(W1 @ X + b1)
dZ1 = W2.T @ (sigmoid(W2 @ A1) - Y) * (1 - A1**2)
_, right = value_and_grad(deep_cost)(W1)
early = np.mean(dZ1, axis=1, keepdims=True) * np.ones((1, 6))
print(
    "2. the graph: mean at the end",
    np.allclose(dZ1 @ X.T / 6, right),
    " mean too early",
    np.allclose(early @ X.T / 6, right),
)
print(
    "3. a number: m = 148, size = 64 leaves",
    148 - 64 * 148 / 64,
    "as printed,",
    148 - 64 * (148 // 64),
    "in truth",
)
