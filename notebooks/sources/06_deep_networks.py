# %% [markdown] en
# # 6. Deep networks, and their dimensions
#
# **What you will see.** The forward pass of L layers as a loop of three lines; the table of dimensions that catches most
# mistakes before they run; the backward pass layer by layer; and a deep network that reads pictures better than
# logistic regression did. (Course 1, week 4: *Deep neural networks*, *Getting your matrix dimensions right*, and the
# assignment *Building your deep neural network*.)
# %% [markdown] zh
# # 6. 深层网络与矩阵维数
#
# **你将看到什么。** 用三行的循环写出 L 层的前向传播;一张维数表,能在运行之前发现大多数错误;逐层的反向传播;
# 以及一个比逻辑回归更会认图的深层网络。(课程一第四周:《深层神经网络》《核对矩阵的维数》及作业《构建深层神经网络》。)
# %%
import itertools

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import SVG

from datasets import cats, digits
from models.pictures import misclassified
from tinygrad_course import Network, Tensor, functions, graph, value_and_grad
from tinygrad_course.audit import audit
from tinygrad_course.training.initialization import initialize_parameters
from tinygrad_course.optimizers import GradientDescent

# %% [markdown] en
# ## The pictures
#
# As in notebook 2: the cats of the course where their files are found, else scikit-learn's handwritten digits, "is
# it an 8?". **The outputs below are those of the digits**; `python -m models.deep` trains on the cats and compares with the
# assignment's figures.
# %% [markdown] zh
# ## 图片
#
# 与第 2 篇相同:找得到课程的猫图就用猫图,否则用 scikit-learn 的手写数字,问"这是 8 吗?"。**下面保存的输出来自手写数字**;
# `python -m models.deep` 用猫图训练,并与作业公布的数字对照。
# %%
try:
    data, learning_rate = cats.load(), 0.0075
except FileNotFoundError:
    data, learning_rate = digits.load(digit=8), 0.15
    print("No cats on this machine: handwritten digits instead.")
X, Y = data.X_train, data.Y_train
layers = [data.n_x, 20, 7, 5, 1]
print(data, layers)


# %% [markdown] en
# ## Forward through L layers
#
# $$A^{[0]} = X, \qquad Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]}, \qquad A^{[l]} = g^{[l]}(Z^{[l]})$$
#
# ReLU in the hidden layers, a sigmoid at the end.
# %% [markdown] zh
# ## 穿过 L 层的前向传播
#
# $$A^{[0]} = X, \qquad Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]}, \qquad A^{[l]} = g^{[l]}(Z^{[l]})$$
#
# 隐藏层用 ReLU,最后一层用 sigmoid。
# %%
def forward(parameters, X):
    L = len(parameters) // 2
    A = X
    for l in range(1, L):
        A = np.maximum(0, np.dot(parameters[f"W{l}"], A) + parameters[f"b{l}"])
    return functions.sigmoid(np.dot(parameters[f"W{L}"], A) + parameters[f"b{L}"])


def cost(parameters, X, Y):
    return functions.binary_cross_entropy(forward(parameters, X), Y)


parameters = initialize_parameters(layers, "xavier", 1)
print(f"cost at the start: {cost(parameters, X, Y):.4f}")

# %% [markdown] en
# ## Getting the dimensions right
#
# W[l] is (n[l], n[l-1]), b[l] is (n[l], 1), Z[l] and A[l] are (n[l], m). A gradient always has the shape of what it belongs to. The graph
# has seen every shape, so it can print the table, in numbers and in the course's letters:
# %% [markdown] zh
# ## 核对矩阵的维数
#
# W[l] 是 (n[l], n[l-1]),b[l] 是 (n[l], 1),Z[l] 和 A[l] 是 (n[l], m)。梯度的形状总与它所属的变量相同。
# 计算图见过所有形状,所以能打印出这张表,既有数字,也有课程里的字母:
# %%
network = Network(layers, "relu", init="xavier", optimizer=GradientDescent(learning_rate), seed=1)
J = network.record(X, Y)
graph(J, names={"X": X, "Y": Y}).shapes()

# %% [markdown] en
# When shapes do not fit, the error names them. The commonest slip is the transposed W:
# %% [markdown] zh
# 形状不合时,错误信息会指出是谁。最常见的是 W 写成了转置:
# %%
W1 = Tensor(parameters["W1"].T, name="W1")
try:
    np.dot(W1, X)
except ValueError as error:
    print(str(error).splitlines()[0])

# %% [markdown] en
# ## The graph of four layers
#
# Drawn as an outline: layers of one kind share a box. (Click through every operation with `graph(J).to_html("J.html")`.)
# %% [markdown] zh
# ## 四层网络的计算图
#
# 画成轮廓:同一种层合成一个框。(想逐个运算地看,用 `graph(J).to_html("J.html")`。)
# %%
J = network.record(X[:, :5], Y[:, :5])
J.backward(retain_graph=True)
SVG(graph(J).render("J.svg", detail="outline"))


# %% [markdown] en
# ## Backward, layer by layer
#
# Four lines for each layer, from the last to the first. Two slips are frequent in printed solutions: using the sigmoid's derivative
# in the hidden layers, and indexing the cache of the wrong layer. Beside the graph's gradients neither can hide.
# %% [markdown] zh
# ## 逐层反向传播
#
# 每层四行,从最后一层到第一层。公开的答案里常见两种错误:隐藏层用了 sigmoid 的导数,以及取错了层的缓存。与计算图的梯度一对照就藏不住了。
# %%
def backward(parameters, X, Y):
    L, m = len(parameters) // 2, X.shape[1]
    As = [X]
    for l in range(1, L):
        As.append(np.maximum(0, np.dot(parameters[f"W{l}"], As[-1]) + parameters[f"b{l}"]))
    dZ = forward(parameters, X) - Y
    grads = {}
    for l in range(L, 0, -1):
        grads[f"W{l}"] = np.dot(dZ, As[l - 1].T) / m
        grads[f"b{l}"] = np.sum(dZ, axis=1, keepdims=True) / m
        dA_prev = np.dot(parameters[f"W{l}"].T, dZ)
        dZ = dA_prev * (As[l - 1] > 0)
    return grads


J, from_graph = value_and_grad(cost)(parameters, X, Y)
by_hand = backward(parameters, X, Y)
print({name: bool(np.allclose(by_hand[name], g, rtol=1e-9, atol=1e-12)) for name, g in from_graph.items()})

# %% [markdown] en
# ## Training: one, two and four layers
# %% [markdown] zh
# ## 训练:一层、两层和四层
# %%
trained = {}
for sizes in ([data.n_x, 1], [data.n_x, 7, 1], layers):
    deep = Network(sizes, "relu", init="xavier", optimizer=GradientDescent(learning_rate), seed=1)
    deep.fit(X, Y, epochs=700)
    trained[f"{len(sizes) - 1} layers" if len(sizes) > 2 else "1 layer"] = deep

figure, axes = plt.subplots(figsize=(5.5, 3.2))
for (name, deep), style in zip(trained.items(), (":", "--", "-"), strict=True):
    axes.plot(deep.history["cost"], style, label=name)
    tested = deep.score(data.X_test, data.Y_test)
    print(f"{name:8} cost {deep.history['cost'][-1]:.3f}   train {deep.score(X, Y):.1%}   test {tested:.1%}")
axes.set(xlabel="iteration", ylabel="cost J", ylim=(0, 0.8))
axes.legend(frameon=False)
plt.show()

# %% [markdown] en
# Test pictures that four layers still get wrong:
# %% [markdown] zh
# 四层网络仍然判断错误的测试图片:
# %%
misclassified(data, trained["4 layers"].predict(data.X_test), "Wrong on the test set", most=6)

# %% [markdown] en
# ## Exercises
#
# 1. How many parameters has a network [12288, 20, 7, 5, 1]? In which layer are nearly all of them?
# 2. The printed dAL = -(Y/A + (1-Y)/(1-A)) of some notes has a wrong sign in the middle. For Y = 1 does it matter? For Y = 0?
# 3. What does a sigmoid's derivative in the hidden layers, in place of ReLU's, do to dW of the last layer, and to dW of the first?
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. 网络 [12288, 20, 7, 5, 1] 有多少个参数?几乎全部在哪一层?
# 2. 有的笔记把 dAL 写成 -(Y/A + (1-Y)/(1-A)),中间的符号错了。Y = 1 时有影响吗?Y = 0 时呢?
# 3. 隐藏层误用 sigmoid 的导数代替 ReLU 的导数,对最后一层的 dW 有什么影响?对第一层呢?
#
# 运行下面的代码核对答案:
# %%
sizes = [12288, 20, 7, 5, 1]
counts = [n * n_prev + n for n_prev, n in itertools.pairwise(sizes)]
print("1.", sum(counts), counts)

for y in (1.0, 0.0):
    a = 0.3
    _, right = value_and_grad(lambda a, y=y: -(y * np.log(a) + (1 - y) * np.log(1 - a)))(a)
    print(f"2. Y = {y:.0f}: graph {right:.3f}, printed {-(y / a + (1 - y) / (1 - a)):.3f}")


def wrong(parameters, X, Y):
    m = X.shape[1]
    A1 = np.maximum(0, np.dot(parameters["W1"], X) + parameters["b1"])
    dZ2 = forward(parameters, X) - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(parameters["W2"].T, dZ2) * A1 * (1 - A1)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


small = initialize_parameters([data.n_x, 7, 1], "xavier", 1)
_, right = value_and_grad(cost)(small, X, Y)
print(
    "3.", {name: bool(np.allclose(g, right[name[1:]])) for name, g in wrong(small, X, Y).items()}, "are right"
)
report = audit(
    lambda X, parameters: forward(parameters, X),
    lambda A2, Y: -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1],
    wrong,
    small,
    X,
    Y,
)
print("   the audit:", report.status, "from", report.functions[0].findings[0].quantity, "on")
