# %% [markdown] en
# # 2. Logistic regression: is it a cat?
#
# **What you will see.** Logistic regression as a network of one neuron: a picture becomes a column of numbers,
# z = wᵀx + b, a = σ(z), a cost over all the examples, six lines of gradient descent, and a picture of what
# the weights have learnt. (Course 1, week 2: *Logistic regression as a neural network*, and its assignment,
# *Logistic regression with a neural network mindset*.)
# %% [markdown] zh
# # 2. 逻辑回归:图中是猫吗?
#
# **你将看到什么。** 把逻辑回归看成只有一个神经元的网络:一张图片变成一列数,z = wᵀx + b,a = σ(z),所有样本上的成本函数,
# 六行梯度下降,最后看看权重学到了什么。(课程一第二周:《把逻辑回归看作神经网络》及其作业《具有神经网络思维的逻辑回归》。)
# %%
import matplotlib.pyplot as plt
import numpy as np

from datasets import cats, digits
from tinygrad_course import Tensor, functions, graph, value_and_grad
from tinygrad_course.audit import audit

# %% [markdown] en
# ## The pictures
#
# The cats of the course are two files that are not ours to give away; `python -m datasets.cats --download` fetches
# them. Where they are missing, the handwritten digits that come with scikit-learn take their place, and the
# question becomes "is it an 8?". **The outputs below are those of the digits.** With the cats the same cells run, and
# `python -m models.logistic_regression` holds them against the assignment's figures.
# %% [markdown] zh
# ## 图片
#
# 课程的猫图是两个数据文件,我们无权随代码分发;`python -m datasets.cats --download` 可以下载。
# 没有这些文件时,就用 scikit-learn 自带的手写数字代替,问题变成"这是 8 吗?"。**下面保存的输出来自手写数字。**
# 有猫图时,同样的单元格照样运行;`python -m models.logistic_regression` 会把结果与作业公布的数字对照。
# %%
try:
    data, learning_rate = cats.load(), 0.005
except FileNotFoundError:
    data, learning_rate = digits.load(digit=8), 0.5
    print("No cats on this machine: handwritten digits instead.\n")
print(data.summary())

# %%
figure, axes = plt.subplots(1, 8, figsize=(9, 1.6))
for example, ax in enumerate(axes):
    ax.imshow(data.picture(example), cmap="gray_r")
    ax.set_title(data.classes[int(data.Y_train[0, example])], fontsize=9)
    ax.axis("off")
plt.show()

# %% [markdown] en
# Each picture was *flattened* into a column of X: all its pixels below each other. So X is (n_x, m), one column
# for each example, and the pixels lie between 0 and 1 already.
# %% [markdown] zh
# 每张图片都被*展平*成 X 的一列:所有像素依次排下来。于是 X 是 (n_x, m),每列一个样本;像素值已缩放到 0 和 1 之间。
# %%
X, Y = data.X_train, data.Y_train
n_x, m = X.shape
print(f"n_x = {n_x}, m = {m}")
print("always answering the commoner label is right in", f"{max(np.mean(Y == 0), np.mean(Y == 1)):.1%}")

# %% [markdown] en
# ## Forward: one neuron, all examples at once
#
# $$z^{(i)} = w^T x^{(i)} + b, \qquad a^{(i)} = \sigma(z^{(i)}), \qquad
# J = -\frac{1}{m}\sum_i \left( y^{(i)} \log a^{(i)} + (1 - y^{(i)}) \log(1 - a^{(i)}) \right)$$
#
# The loss of one example is small where a and y agree, and large where the neuron is sure and wrong:
# %% [markdown] zh
# ## 前向传播:一个神经元,所有样本一起算
#
# $$z^{(i)} = w^T x^{(i)} + b, \qquad a^{(i)} = \sigma(z^{(i)}), \qquad
# J = -\frac{1}{m}\sum_i \left( y^{(i)} \log a^{(i)} + (1 - y^{(i)}) \log(1 - a^{(i)}) \right)$$
#
# 单个样本的损失在 a 与 y 一致时很小,在神经元"自信却答错"时很大:
# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
z, a = np.linspace(-6, 6, 200), np.linspace(0.01, 0.99, 200)
axes[0].plot(z, functions.sigmoid(z))
axes[0].set(xlabel="z", title="a = sigmoid(z)")
axes[1].plot(a, -np.log(a), label="y = 1")
axes[1].plot(a, -np.log(1 - a), "--", label="y = 0")
axes[1].set(xlabel="a", title="loss of one example")
axes[1].legend(frameon=False)
plt.show()


# %%
def cost(parameters, X, Y):
    Z = np.dot(parameters["w"].T, X) + parameters["b"]
    A = functions.sigmoid(Z)
    return functions.binary_cross_entropy(A, Y)


parameters = {"w": np.zeros((n_x, 1)), "b": np.zeros((1, 1))}
print(f"cost at the start: {cost(parameters, X, Y):.6f}, which is log 2")

# %% [markdown] en
# `functions.binary_cross_entropy` is the formula above, except that it goes on working where a rounds to 0 or 1 and
# log 0 would be infinite.
#
# The graph of the cost for five examples. It has two leaves, w and b: X and Y are plain arrays, so they are
# constants, and no gradient goes to them.
# %% [markdown] zh
# `functions.binary_cross_entropy` 就是上面的公式,只是在 a 舍入成 0 或 1、log 0 变成无穷大的时候它依然算得对。
#
# 下面是五个样本的成本函数的计算图。它只有两个变量 w 和 b:X 与 Y 是普通数组,即常数,没有梯度传给它们。
# %%
tensors = {name: Tensor(value, name=name) for name, value in parameters.items()}
J = cost(tensors, X[:, :5], Y[:, :5])
J.backward(retain_graph=True)
graph(J, names={"X": X[:, :5], "Y": Y[:, :5], "J": J})

# %% [markdown] en
# ## Backward
#
# The course derives, with the chain rule, dZ = A - Y, and from it dw and db. The graph gives the same:
# %% [markdown] zh
# ## 反向传播
#
# 课程用链式法则推出 dZ = A - Y,再得到 dw 和 db。计算图给出的结果相同:
# %%
step = value_and_grad(cost)
J, grads = step(parameters, X, Y)

A = functions.sigmoid(np.dot(parameters["w"].T, X) + parameters["b"])
dZ = A - Y
dw = np.dot(X, dZ.T) / m
db = np.sum(dZ) / m
print("dw agrees:", np.allclose(grads["w"], dw, rtol=1e-12, atol=1e-15))
print("db agrees:", np.allclose(grads["b"], db, rtol=1e-12, atol=1e-15))


# %% [markdown] en
# ## Gradient descent
# %% [markdown] zh
# ## 梯度下降
# %%
def train(learning_rate, iterations):
    parameters = {"w": np.zeros((n_x, 1)), "b": np.zeros((1, 1))}
    costs = []
    for _ in range(iterations):
        J, grads = step(parameters, X, Y)
        parameters = {name: value - learning_rate * grads[name] for name, value in parameters.items()}
        costs.append(float(J))
    return parameters, costs


parameters, costs = train(learning_rate, 1000)
for i in range(0, 1000, 200):
    print(f"cost after iteration {i}: {costs[i]:.4f}")


# %%
def predict(parameters, X):
    return functions.sigmoid(np.dot(parameters["w"].T, X) + parameters["b"]) > 0.5


print(f"training: {np.mean(predict(parameters, X) == Y):.1%} right")
print(f"test:     {np.mean(predict(parameters, data.X_test) == data.Y_test):.1%} right")

# %% [markdown] en
# ## What has it learnt?
#
# The weights have the shape of a picture. Red pixels speak for the class, blue ones against it. Beside them are
# test pictures that it gets wrong.
# %% [markdown] zh
# ## 它学到了什么?
#
# 权重的形状和图片一样。红色像素支持"是",蓝色像素支持"不是"。右边是测试集中判断错误的图片。
# %%
wrong = np.flatnonzero(predict(parameters, data.X_test) != data.Y_test)
figure, axes = plt.subplots(1, 6, figsize=(10, 2))
weights = parameters["w"].reshape(data.picture_shape)
if weights.ndim == 3:  # three colours
    weights = weights.mean(axis=2)
limit = np.abs(weights).max()
axes[0].imshow(weights, cmap="RdBu_r", vmin=-limit, vmax=limit)
axes[0].set_title("w", fontsize=9)
for ax, example in zip(axes[1:], wrong, strict=False):
    ax.imshow(data.picture(int(example), "test"), cmap="gray_r")
    ax.set_title(f"is {data.classes[int(data.Y_test[0, example])]}", fontsize=9)
for ax in axes:
    ax.axis("off")
plt.show()

# %% [markdown] en
# ## The learning rate
#
# Too small, and it crawls; too large, and it jumps about.
# %% [markdown] zh
# ## 学习率
#
# 太小,像爬行;太大,来回跳。
# %%
figure, axes = plt.subplots(figsize=(5.5, 3.2))
for factor, style in ((0.04, ":"), (1, "-"), (14, "--")):
    _, some = train(learning_rate * factor, 120)
    axes.plot(some, style, label=f"α = {learning_rate * factor:g}")
axes.set(xlabel="iteration", ylabel="cost J", ylim=(0, 1))
axes.legend(frameon=False)
plt.show()

# %% [markdown] en
# ## Exercises
#
# 1. The neuron says a = 0.5 for a positive example. What is dJ/dz if m = 1? Draw it, or use the formula.
# 2. Some notes write the loss with log10. By which factor is the gradient then wrong?
# 3. Write the gradient of the *squared* error, J = sum((A - Y)²)/m, with respect to w and b by hand, and have it checked.
#
# The answers, to be checked by running them. `audit` follows what you wrote line by line beside the graph of the forward
# pass; break a line, and it names it:
# %% [markdown] zh
# ## 练习
#
# 1. 对一个正样本,神经元给出 a = 0.5。若 m = 1,dJ/dz 是多少?可以画图,也可以用公式。
# 2. 有的笔记把损失函数写成 log10。这时梯度差了几倍?
# 3. 换成*平方*误差 J = sum((A - Y)²)/m,手写它对 w 和 b 的梯度,并检验。
#
# 运行下面的代码核对答案。`audit` 会把你写的代码逐行与前向传播的计算图对照;改坏一行,它就会指出那一行:
# %%
z = Tensor(np.zeros((1, 1)))
functions.binary_cross_entropy(functions.sigmoid(z), np.ones((1, 1))).backward()
print("1.", z.grad.item())

small = {"w": np.full((2, 1), 0.3), "b": np.zeros((1, 1))}
x, y = np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 2.0]]), np.array([[1, 0, 0]])


def cost_log10(p, X, Y):
    A = functions.sigmoid(np.dot(p["w"].T, X) + p["b"])
    return -np.sum(Y * np.log10(A) + (1 - Y) * np.log10(1 - A)) / X.shape[1]


ratio = value_and_grad(cost)(small, x, y)[1]["w"] / value_and_grad(cost_log10)(small, x, y)[1]["w"]
print("2.", ratio.ravel().round(6), "= log 10")


def squared_gradient(parameters, X, Y):
    m = X.shape[1]
    A = functions.sigmoid(np.dot(parameters["w"].T, X) + parameters["b"])
    dZ = 2 * (A - Y) * A * (1 - A)
    dw = np.dot(X, dZ.T) / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    return {"dw": dw, "db": db}


report = audit(
    lambda X, parameters: functions.sigmoid(np.dot(parameters["w"].T, X) + parameters["b"]),
    lambda A, Y: np.sum((A - Y) ** 2) / Y.shape[1],
    squared_gradient,
    small,
    x,
    y,
)
print("3.", report.status, [finding.source for finding in report.functions[0].findings])
