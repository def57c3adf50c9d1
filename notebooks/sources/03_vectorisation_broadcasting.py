# %% [markdown] en
# # 3. Vectorisation and broadcasting, and the gradients of both
#
# **What you will see.** Two loops of the course disappear into one product, and the program runs many times
# faster. A column is added to a matrix although the shapes differ. And both come back in the gradient: a product
# turns into a product with a transpose, and what was broadcast forward is *summed* backward. (Course 1,
# week 2: *Vectorization*, *Broadcasting in Python*, *A note on Python/NumPy vectors*.)
# %% [markdown] zh
# # 3. 向量化与广播,以及它们的梯度
#
# **你将看到什么。** 课程里的两层循环变成一次矩阵乘法,程序快了许多倍;一列可以加到一个形状不同的矩阵上。
# 两者在梯度里都有对应:乘积的梯度是与转置的乘积;前向传播时被广播的,反向传播时就要*求和*。
# (课程一第二周:《向量化》《Python 中的广播》《关于 Python/NumPy 向量的说明》。)
# %%
import time

import matplotlib.pyplot as plt
import numpy as np

from tinygrad_course import Tensor, grad, graph
from tinygrad_course.audit import audit
from tinygrad_course.functions import linear
from tinygrad_course.gradient_checking import check_gradients

# %% [markdown] en
# ## One product instead of a loop
#
# Same result, different work: Python walks through a million numbers, or NumPy does.
# %% [markdown] zh
# ## 用一次乘积代替循环
#
# 结果相同,做法不同:要么由 Python 逐个处理一百万个数,要么交给 NumPy。
# %%
# differs between machines: times
random = np.random.RandomState(0)
w, x = random.rand(1_000_000), random.rand(1_000_000)

begin = time.perf_counter()
total = 0.0
for i in range(len(w)):
    total += w[i] * x[i]
loop = time.perf_counter() - begin

begin = time.perf_counter()
product = np.dot(w, x)
vectorised = time.perf_counter() - begin

print(f"loop       {1000 * loop:8.2f} ms   {total:.4f}")
print(f"vectorised {1000 * vectorised:8.2f} ms   {product:.4f}   {loop / vectorised:,.0f} times faster")

# %% [markdown] en
# ## Logistic regression: both loops away
#
# The course writes one step of logistic regression first with a loop over the examples and one over the features:
# %% [markdown] zh
# ## 逻辑回归:去掉两层循环
#
# 课程先用两层循环写逻辑回归的一步,一层遍历样本,一层遍历特征:
# %%
n_x, m = 3, 200
X = random.randn(n_x, m)
Y = (X.sum(axis=0, keepdims=True) > 0).astype(float)
w, b = random.randn(n_x, 1), 0.5


def with_loops(w, b):
    J, dw, db = 0.0, np.zeros((n_x, 1)), 0.0
    for i in range(m):
        z = b
        for j in range(n_x):
            z += w[j, 0] * X[j, i]
        a = 1 / (1 + np.exp(-z))
        J += -(Y[0, i] * np.log(a) + (1 - Y[0, i]) * np.log(1 - a))
        dz = a - Y[0, i]
        for j in range(n_x):
            dw[j, 0] += X[j, i] * dz
        db += dz
    return J / m, dw / m, db / m


def vectorised(w, b):
    A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
    J = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dZ = A - Y
    return J, np.dot(X, dZ.T) / m, np.sum(dZ) / m


for name, a, c in zip(("J", "dw", "db"), with_loops(w, b), vectorised(w, b), strict=True):
    print(f"{name:2} the same: {np.allclose(a, c, rtol=1e-12)}")


# %% [markdown] en
# ## The graph sees it too
#
# With loops the graph has several nodes for each example. Vectorised, it has the same few nodes for 200 examples
# as for 2. That is why vectorised code is fast backward as well.
# %% [markdown] zh
# ## 计算图也看得出来
#
# 用循环时,每个样本都要添加好几个节点;向量化之后,200 个样本和 2 个样本的节点一样少。所以向量化的代码反向传播也快。
# %%
def looped_cost(w, b, m):
    J = 0.0
    for i in range(m):
        a = 1 / (1 + np.exp(-(np.sum(w * X[:, i : i + 1]) + b)))
        J = J - (Y[0, i] * np.log(a) + (1 - Y[0, i]) * np.log(1 - a))
    return J / m


def cost(w, b, m):
    A = 1 / (1 + np.exp(-(np.dot(w.T, X[:, :m]) + b)))
    return -np.sum(Y[:, :m] * np.log(A) + (1 - Y[:, :m]) * np.log(1 - A)) / m


sizes = [2, 10, 50, 100, 200]
counts = {
    name: [len(graph(J(Tensor(w), Tensor(b), m))) for m in sizes]
    for name, J in (("loop", looped_cost), ("vectorised", cost))
}
figure, axes = plt.subplots(figsize=(5, 3))
for (name, count), style in zip(counts.items(), ("o-", "s--"), strict=True):
    axes.plot(sizes, count, style, label=name)
axes.set(xlabel="examples m", ylabel="nodes in the graph")
axes.legend(frameon=False)
plt.show()
print(counts)

# %% [markdown] en
# ## The gradient of a product
#
# Z = W X with W (2, 3) and X (3, 4). The chain rule gives dJ/dW = dJ/dZ · Xᵀ. The shapes leave no other choice:
# (2, 4) times (4, 3) is (2, 3), the shape of W.
# %% [markdown] zh
# ## 乘积的梯度
#
# Z = W X,其中 W 是 (2, 3),X 是 (3, 4)。链式法则给出 dJ/dW = dJ/dZ · Xᵀ。形状也只允许这一种写法:
# (2, 4) 乘 (4, 3) 得 (2, 3),正是 W 的形状。
# %%
W = Tensor(random.randn(2, 3), name="W")
x = Tensor(random.randn(3, 4), name="X")
Z = (W @ x).named("Z")
J = np.sum(Z**2).named("J")
J.backward(retain_graph=True)
dZ = 2 * Z.data
print("dJ/dW = dJ/dZ Xᵀ:", np.allclose(W.grad, dZ @ x.data.T), W.grad.shape)
print("dJ/dX = Wᵀ dJ/dZ:", np.allclose(x.grad, W.data.T @ dZ), x.grad.shape)
graph(J)

# %% [markdown] en
# ## Broadcasting
#
# NumPy adds a (2, 1) column to a (2, 4) matrix as if the column stood there four times. The course's example, with
# grams of carbohydrate, protein and fat in 100 g of four foods: which share of the calories comes from each?
# %% [markdown] zh
# ## 广播
#
# NumPy 把 (2, 1) 的一列加到 (2, 4) 的矩阵上,就像这一列重复了四次。仿照课程的例子:四种食物每 100 克所含碳水化合物、
# 蛋白质和脂肪产生的热量,各占多少百分比?
# %%
calories = np.array(
    [  # apple, rice, egg, almond
        [55.0, 112.0, 4.0, 86.0],  # carbohydrate
        [1.0, 11.0, 50.0, 85.0],  # protein
        [2.0, 3.0, 95.0, 450.0],  # fat
    ]
)
total = calories.sum(axis=0, keepdims=True)
print(total.shape, "divides", calories.shape)
print((100 * calories / total).round(1))

# %% [markdown] en
# ## The gradient of broadcasting is a sum
#
# In Z = W X + b the bias b, (2, 1), serves all m examples. So b influences J along m paths, and the paths' gradients
# add up: `db = np.sum(dZ, axis=1, keepdims=True)`. The rule in one line: **copied forward, summed backward**.
# %% [markdown] zh
# ## 广播的梯度是求和
#
# 在 Z = W X + b 中,偏置 b 的形状是 (2, 1),却供全部 m 个样本使用。于是 b 沿 m 条路径影响 J,这些路径的梯度要加起来:
# `db = np.sum(dZ, axis=1, keepdims=True)`。一句话:**前向时复制,反向时求和**。
# %%
b = Tensor(np.array([[0.5], [-1.0]]), name="b")
Z = (W.data @ x.data + b).named("Z")
J = np.sum(Z**2).named("J")
J.backward(retain_graph=True)
print("db = sum over the examples:", np.allclose(b.grad, np.sum(2 * Z.data, axis=1, keepdims=True)))
graph(J)

# %% [markdown] en
# The other way round too: a sum forward is a copy backward.
# %% [markdown] zh
# 反过来也一样:前向求和,反向就是复制。
# %%
print(grad(lambda X: np.sum(X.sum(axis=1) * np.array([1.0, 10.0])))(np.zeros((2, 3))))

# %% [markdown] en
# ## The trap: rank-1 arrays
#
# An array of shape (5,) is neither a row nor a column, and its transpose is itself. With broadcasting it does not
# fail; it quietly makes something else:
# %% [markdown] zh
# ## 陷阱:秩为 1 的数组
#
# 形状为 (5,) 的数组既不是行也不是列,转置还是它自己。有了广播,它不会报错,而是悄悄变成别的东西:
# %%
a = np.arange(5.0)  # (5,)
column = a.reshape(5, 1)
print("a - column:", (a - column).shape, "instead of (5, 1)")

labels = (Y > 0).ravel()  # (200,): somebody forgot the (1, m)
predictions = Y.T  # (200, 1)
print(
    "comparing (200, 1) with (200,):",
    (predictions == labels).shape,
    "-> 'accuracy'",
    f"{np.mean(predictions == labels):.2f}, though all are right",
)

# %% [markdown] en
# The library's own `linear` refuses shapes that only broadcasting makes fit, and says what it expected:
# %% [markdown] zh
# 本库的 `linear` 拒绝只有靠广播才能凑上的形状,并说明它期望什么:
# %%
try:
    linear(np.ones((4, 2)), np.ones((2, 200)), np.ones(200))
except ValueError as error:
    print(error)

# %% [markdown] en
# ## Exercises
#
# 1. J = sum(W X + b) with W (4, 3), X (3, 10) and b (4, 1). What is dJ/db? Think before you run.
# 2. Some notes say dw = 1/m · np.sum(dz) for logistic regression. What shape does that have, and what would
#    w = w - α dw do?
# 3. `X - X.mean(axis=1, keepdims=True)` centres the features. Write the gradient of its squared norm by hand.
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. J = sum(W X + b),W 是 (4, 3),X 是 (3, 10),b 是 (4, 1)。dJ/db 是多少?先想再运行。
# 2. 有的笔记说逻辑回归的 dw = 1/m · np.sum(dz)。它的形状是什么?w = w - α dw 会做什么?
# 3. `X - X.mean(axis=1, keepdims=True)` 把特征中心化。手写它的平方范数对 X 的梯度。
#
# 运行下面的代码核对答案:
# %%
print(
    "1.", grad(lambda b: np.sum(np.ones((4, 3)) @ np.ones((3, 10)) + b))(np.zeros((4, 1))).ravel(), "= m each"
)


def one_number(parameters, X, Y):
    m = X.shape[1]
    A = 1 / (1 + np.exp(-(np.dot(parameters["w"].T, X) + parameters["b"])))
    dZ = A - Y
    dw = 1 / m * np.sum(dZ)
    db = 1 / m * np.sum(dZ, axis=1, keepdims=True)
    return {"dw": dw, "db": db}


report = audit(
    lambda X, parameters: 1 / (1 + np.exp(-(np.dot(parameters["w"].T, X) + parameters["b"]))),
    lambda A, Y: -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / Y.shape[1],
    one_number,
    {"w": w, "b": np.full((1, 1), 0.5)},
    X,
    Y,
)
print("2. a number; broadcasting subtracts it from every weight without a word. The audit:")
print("  ", report.status, "-", report.functions[0].findings[0].source)


def spread(X):
    return np.sum((X - X.mean(axis=1, keepdims=True)) ** 2)


report = check_gradients(spread, X[:, :5])
by_hand = 2 * (X[:, :5] - X[:, :5].mean(axis=1, keepdims=True))
print(
    "3.", report.verdict, np.allclose(grad(spread)(X[:, :5]), by_hand), "- the mean's own part adds up to 0"
)
