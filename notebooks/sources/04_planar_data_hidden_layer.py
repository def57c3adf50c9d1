# %% [markdown] en
# # 4. Planar data and a hidden layer
#
# **What you will see.** A set of points that no straight line can divide, and a network with one hidden layer
# of four units that divides it: the forward pass in NumPy, the drawn graph with its gradients, the backward
# pass of the course beside the one that the graph gives, and the course's own figures, digit for digit.
# (Course 1, week 3: *Shallow neural networks*, and its assignment, *Planar data classification with one
# hidden layer*.)
# %% [markdown] zh
# # 4. 平面数据与隐藏层
#
# **你将看到什么。** 一组任何直线都分不开的点,以及一个只有四个隐藏单元的单隐藏层网络怎样把它们分开:用 NumPy 写的前向传播,
# 带梯度的计算图,课程里手写的反向传播与计算图给出的梯度逐项对照,最后得到与课程公布的结果一位不差的成本。
# (课程一第三周:《浅层神经网络》及其作业《用一个隐藏层的网络对平面数据分类》。)
# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from datasets import flower
from models.pictures import decision_boundary
from tinygrad_course import Network, Tensor, graph, value_and_grad
from tinygrad_course.audit import check_file
from tinygrad_course.optimizers import GradientDescent

# %% [markdown] en
# ## The flower
#
# 400 points of the plane, drawn by a formula with the random numbers of the course (seed 1). As everywhere in
# the course examples are columns: X is (2, m), Y is (1, m); label 0 is red, label 1 is blue.
# %% [markdown] zh
# ## 花形数据
#
# 平面上的 400 个点,由公式生成,随机数与课程相同(种子为 1)。和课程里一样,每一列是一个样本:X 是 (2, m),Y 是 (1, m);
# 标签 0 是红色,标签 1 是蓝色。
# %%
data = flower.load(seed=1)
X, Y = data.X, data.Y
m = X.shape[1]
print("X", X.shape, " Y", Y.shape, " m =", m)

figure, axes = plt.subplots(figsize=(4.2, 3.8))
axes.scatter(X[0], X[1], c=Y.ravel(), cmap="Spectral", s=18, edgecolors="0.2", linewidths=0.4)
axes.set(xlabel="x1", ylabel="x2", title="The flower")
plt.show()

# %% [markdown] en
# ## Logistic regression cannot do it
#
# Without a hidden layer there is one straight line, and every straight line through a flower is wrong.
# A network `[2, 1]` *is* logistic regression.
# %% [markdown] zh
# ## 逻辑回归做不到
#
# 没有隐藏层时,边界只能是一条直线,而用任何直线切开一朵花都是错的。层数为 `[2, 1]` 的网络*就是*逻辑回归。
# %%
line = Network([2, 1], optimizer=GradientDescent(1.2)).fit(X, Y, epochs=500)
print(f"logistic regression: {line.score(X, Y):.0%} right; a coin would have 50 %")


# %% [markdown] en
# ## Forward
#
# One hidden layer, as on the slides:
#
# $$Z^{[1]} = W^{[1]} X + b^{[1]}, \quad A^{[1]} = \tanh Z^{[1]}, \quad
# Z^{[2]} = W^{[2]} A^{[1]} + b^{[2]}, \quad A^{[2]} = \sigma(Z^{[2]})$$
#
# $$J = -\frac{1}{m} \sum_{i=1}^{m} \left( y^{(i)} \log a^{[2](i)} + (1 - y^{(i)}) \log (1 - a^{[2](i)}) \right)$$
#
# In code it is ordinary NumPy:
# %% [markdown] zh
# ## 前向传播
#
# 一个隐藏层,公式与课件相同:
#
# $$Z^{[1]} = W^{[1]} X + b^{[1]}, \quad A^{[1]} = \tanh Z^{[1]}, \quad
# Z^{[2]} = W^{[2]} A^{[1]} + b^{[2]}, \quad A^{[2]} = \sigma(Z^{[2]})$$
#
# $$J = -\frac{1}{m} \sum_{i=1}^{m} \left( y^{(i)} \log a^{[2](i)} + (1 - y^{(i)}) \log (1 - a^{[2](i)}) \right)$$
#
# 写成代码就是普通的 NumPy:
# %%
def forward(p, X):
    Z1 = np.dot(p["W1"], X) + p["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(p["W2"], A1) + p["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return Z1, A1, Z2, A2


def cost(p, X, Y):
    A2 = forward(p, X)[-1]
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / X.shape[1]


def initialize(n_h, seed=2):
    random = np.random.RandomState(seed)
    return {
        "W1": random.randn(n_h, 2) * 0.01,
        "b1": np.zeros((n_h, 1)),
        "W2": random.randn(1, n_h) * 0.01,
        "b2": np.zeros((1, 1)),
    }


parameters = initialize(4)
print(f"cost at the start: {cost(parameters, X, Y):.6f}   log 2 = {np.log(2):.6f}")

# %% [markdown] en
# 0.693048 is what the assignment prints. It is nearly log 2, because a network with weights near zero says
# "one half" to everything.
#
# ## The graph
#
# Give the same functions `Tensor`s, and they remember what they did. Three examples are enough for a picture.
# Arrows run forward from the parameters to J; the red numbers are the gradients that came back along them
# (of a matrix, their norm).
# %% [markdown] zh
# 0.693048 正是作业里打印的数。它几乎等于 log 2,因为权重接近零的网络对任何样本都回答"一半"。
#
# ## 计算图
#
# 把 `Tensor` 交给同样的函数,它们就会记住自己做过的运算。画图只用三个样本就够了。
# 箭头从参数出发,前向到达 J;红色数字是沿箭头反向传回的梯度(矩阵显示的是范数)。
# %%
few = slice(0, 400, 134)  # examples 0, 134 and 268: both colours
tensors = {name: Tensor(value, name=name) for name, value in parameters.items()}
X3, Y3 = X[:, few], Y[:, few]
Z1, A1, Z2, A2 = forward(tensors, X3)
J = -np.sum(Y3 * np.log(A2) + (1 - Y3) * np.log(1 - A2)) / 3
J.backward(retain_graph=True)
graph(J, names={"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2, "J": J, "X": X3, "Y": Y3})


# %% [markdown] en
# ## Backward: the course's formulas and the graph's
#
# Six lines on the slide. One thing to know when you compare: the course's `dZ2 = A2 - Y` belongs to the *sum* of
# the losses, and the 1/m comes with `dW2`. The gradient of the cost J at Z2 is (A2 - Y)/m. The gradients
# of the parameters are the same either way.
# %% [markdown] zh
# ## 反向传播:课程的公式与计算图的结果
#
# 课件上是六行公式。对照时要注意一点:课程里的 `dZ2 = A2 - Y` 是对损失*之和*的导数,1/m 放在 `dW2` 里;
# 成本函数 J 对 Z2 的导数是 (A2 - Y)/m。两种写法得到的参数梯度相同。
# %%
def backward(p, X, Y):
    m = X.shape[1]
    _, A1, _, A2 = forward(p, X)
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(p["W2"].T, dZ2) * (1 - A1**2)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


step = value_and_grad(cost)  # the cost, and its gradient from the graph
J, grads = step(parameters, X, Y)
by_hand = backward(parameters, X, Y)
for name in parameters:
    print(
        f"d{name} {grads[name].shape!s:7} largest difference below 1e-15:",
        bool(np.max(np.abs(grads[name] - by_hand["d" + name])) < 1e-15),
    )

# %% [markdown] en
# ## Training
#
# Gradient descent is one line: W = W - α dW. Beside our costs stand those that the assignment printed.
# %% [markdown] zh
# ## 训练
#
# 梯度下降只有一行:W = W - α dW。右边一列是作业里打印出的成本。
# %%
printed = [0.693048, 0.288083, 0.254385, 0.233864, 0.226792, 0.222644, 0.219731, 0.217504]
costs = []
for _ in range(10000):
    J, grads = step(parameters, X, Y)
    parameters = {name: value - 1.2 * grads[name] for name, value in parameters.items()}
    costs.append(float(J))

print("iteration    ours      assignment")
for i, theirs in enumerate(printed):
    print(f"{1000 * i:9}  {costs[1000 * i]:.6f}   {theirs:.6f}")


# %%
def predict(p, X):
    return forward(p, X)[-1] > 0.5


right = float(np.mean(predict(parameters, X) == Y))
print(f"accuracy: {int(100 * right)} % (cut off, as in the assignment, which prints 90%)")

figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
axes[0].plot(costs)
axes[0].set(xlabel="iteration", ylabel="cost J", title="The cost falls")
decision_boundary(axes[1], line.predict, X, Y)
axes[1].set_title("Logistic regression")
decision_boundary(axes[2], lambda X: predict(parameters, X), X, Y)
axes[2].set_title("Four hidden units")
plt.show()

# %% [markdown] en
# (After iteration 7,000 the table stops on purpose. There the learning rate times the curvature of the cost exceeds 2,
# gradient descent amplifies the rounding of the last bit, and two machines print different fifth digits.)
#
# ## The same in three lines
#
# `Network` is these functions, for any layers. `record` returns its cost with everything named.
# %% [markdown] zh
# (表格有意停在第 7000 次迭代。此后学习率乘以成本函数的曲率超过了 2,梯度下降会放大最后一位的舍入误差,两台机器打印的第五位数字就会不同。)
#
# ## 三行代码做同样的事
#
# `Network` 就是上面这些函数,只是层数任意。`record` 返回它的成本,各中间结果都已命名。
# %%
network = Network([2, 4, 1], "tanh", init="small", optimizer=GradientDescent(1.2), seed=2)
network.fit(X, Y, epochs=2001)
print([round(J, 6) for J in network.history["cost"][::1000]])

J = network.record(X[:, few], Y[:, few])
J.backward(retain_graph=True)
graph(J)

# %% [markdown] en
# ## How many hidden units?
#
# One or two units cannot draw four petals. From three on, more units help little.
# %% [markdown] zh
# ## 需要多少个隐藏单元?
#
# 一两个单元画不出四片花瓣;三个以上,再多也帮助不大。
# %%
figure, axes = plt.subplots(1, 4, figsize=(12, 3.1), layout="constrained")
for ax, n_h in zip(axes, (1, 2, 3, 20), strict=True):
    wider = Network([2, n_h, 1], "tanh", init="small", optimizer=GradientDescent(1.2), seed=2)
    wider.fit(X, Y, epochs=1500)
    decision_boundary(ax, wider.predict, X, Y, resolution=150)
    ax.set_title(f"{n_h} hidden: {wider.score(X, Y):.0%}")
plt.show()

# %% [markdown] en
# ## Exercises
#
# 1. Someone writes `dW2 = np.dot(dZ2, A2.T) / m`. It has the wrong shape, (1, 1) instead of (1, 4). Does the update fail?
# 2. In `dZ1`, replace `1 - A1**2` by the sigmoid's `A1 * (1 - A1)`. Which line does the audit name? (It is
#    `tinygrad-course check homework.py` on the command line.)
# 3. Start with all parameters zero. Which gradients are zero at once, and what does that mean for training?
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. 有人写成 `dW2 = np.dot(dZ2, A2.T) / m`,形状是 (1, 1) 而不是 (1, 4)。更新参数时会报错吗?
# 2. 把 `dZ1` 里的 `1 - A1**2` 换成 sigmoid 的导数 `A1 * (1 - A1)`。审查(audit)会指出哪一行?
#    (在命令行里就是 `tinygrad-course check homework.py`。)
# 3. 把所有参数初始化为零。哪些梯度立刻为零?这对训练意味着什么?
#
# 运行下面的代码核对答案:
# %%
start = initialize(4)
Z1, A1, Z2, A2 = forward(start, X)
wrong = np.dot(A2 - Y, A2.T) / m
print("1.", (start["W2"] - 1.2 * wrong).shape, "no error: (1, 1) is broadcast, and every weight moves alike")


homework = """
import numpy as np

def forward_propagation(X, parameters):
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}

def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    A1, A2 = cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(parameters["W2"].T, dZ2) * A1 * (1 - A1)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
"""
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "homework.py")
    file.write_text(homework, encoding="utf-8")
    report = check_file(file)
for function in report.functions:
    print("2.", function.name, function.status)
    for finding in function.findings:
        print("   line", finding.line, "is", finding.source)

zeros = {name: np.zeros_like(value) for name, value in start.items()}
_, grads = step(zeros, X, Y)
print("3.", {name: bool(np.any(np.abs(g) > 1e-12)) for name, g in grads.items()}, "so nothing ever moves")
