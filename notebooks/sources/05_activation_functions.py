# %% [markdown] en
# # 5. Activation functions and their derivatives
#
# **What you will see.** The four activation functions of the course with their derivatives, each checked three ways:
# the formula of the slide, the graph, and a measured slope. Why a network needs them at all, why the
# sigmoid starves deep networks of gradient, and which famous shortcut belongs to which function. (Course 1,
# week 3: *Activation functions*, *Why do you need non-linear activation functions?*, *Derivatives of
# activation functions*.)
# %% [markdown] zh
# # 5. 激活函数及其导数
#
# **你将看到什么。** 课程里的四个激活函数和它们的导数,每个都用三种方法核对:课件上的公式、计算图、量出来的斜率。
# 还有:网络为什么需要激活函数,sigmoid 为什么会让深层网络"断粮",常用的简写公式各属于哪个函数。
# (课程一第三周:《激活函数》《为什么需要非线性激活函数?》《激活函数的导数》。)
# %%
import matplotlib.pyplot as plt
import numpy as np

from datasets import flower
from models.pictures import decision_boundary
from tinygrad_course import Network, Tensor, grad, graph
from tinygrad_course.functions import leaky_relu, relu, sigmoid, softmax, tanh
from tinygrad_course.gradient_checking import check_gradients, compare_gradients
from tinygrad_course.optimizers import GradientDescent


# %% [markdown] en
# ## Four functions
#
# The derivative of a function of one number comes from `grad`; for a whole array at once, take the gradient of
# the sum (each entry of the sum depends on one z only).
# %% [markdown] zh
# ## 四个函数
#
# 一元函数的导数由 `grad` 得到;要对整个数组一次算出,就求"和"的梯度(和中的每一项只依赖一个 z)。
# %%
def derivative(g):
    return grad(lambda z: np.sum(g(z)))


functions = {"sigmoid": sigmoid, "tanh": tanh, "ReLU": relu, "leaky ReLU": leaky_relu}
z = np.linspace(-4, 4, 401)
figure, axes = plt.subplots(1, 4, figsize=(12, 2.8), layout="constrained")
for ax, (name, g) in zip(axes, functions.items(), strict=True):
    ax.plot(z, g(z), label="a = g(z)")
    ax.plot(z, derivative(g)(z), "--", label="g'(z)")
    ax.set(title=name, xlabel="z")
    ax.grid(color="0.92")
axes[0].legend(frameon=False, fontsize=9)
plt.show()

# %% [markdown] en
# ## The formulas of the slide
#
# | g | g'(z) in terms of z | in terms of a = g(z) |
# |---|---|---|
# | sigmoid | σ(z)(1 - σ(z)) | a(1 - a) |
# | tanh | 1 - tanh²z | 1 - a² |
# | ReLU | 0 for z < 0, 1 for z > 0 | the same by the sign of a |
# | leaky ReLU | 0.01 for z < 0, 1 for z > 0 | the same |
#
# The last column is why the forward pass keeps A in its cache: the backward pass needs no exponential.
# %% [markdown] zh
# ## 课件上的公式
#
# | g | 用 z 表示的 g'(z) | 用 a = g(z) 表示 |
# |---|---|---|
# | sigmoid | σ(z)(1 - σ(z)) | a(1 - a) |
# | tanh | 1 - tanh²z | 1 - a² |
# | ReLU | z < 0 时为 0,z > 0 时为 1 | 看 a 的符号,结果相同 |
# | leaky ReLU | z < 0 时为 0.01,z > 0 时为 1 | 同上 |
#
# 最后一列说明前向传播为什么要把 A 存进缓存:反向传播时不必再算指数。
# %%
slide = {
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a**2,
    "ReLU": lambda a: np.where(a > 0, 1.0, 0.0),
    "leaky ReLU": lambda a: np.where(a > 0, 1.0, 0.01),
}
points = np.array([-3.0, -1.0, -0.1, 0.1, 1.0, 3.0])
for name, g in functions.items():
    from_graph = derivative(g)(points)
    measured = (g(points + 1e-5) - g(points - 1e-5)) / 2e-5
    same = np.allclose(slide[name](g(points)), from_graph, atol=1e-12)
    print(f"{name:10} graph = slide: {same}   slope = graph: {np.allclose(measured, from_graph, atol=1e-8)}")

# %% [markdown] en
# The sigmoid as a graph at z = 0. It takes four small operations; going back through them gives 1/4, which is
# a(1 - a) with a = 1/2.
# %% [markdown] zh
# sigmoid 在 z = 0 处的计算图。它由四个小运算组成;沿它们反向走一遍得到 1/4,正是 a = 1/2 时的 a(1 - a)。
# %%
zero = Tensor(0.0, name="z")
a = (1 / (1 + np.exp(-zero))).named("a")
a.backward()
graph(a)

# %% [markdown] en
# ## At the kink
#
# ReLU has no derivative at 0. The course says: take 0 or 1, it does not matter. The graph takes 0, and the gradient
# check reports a kink instead of a mistake.
# %% [markdown] zh
# ## 拐点处
#
# ReLU 在 0 处没有导数。课程说:取 0 或 1 都可以,没有影响。计算图取 0,梯度检验报告这是拐点(kink),而不是错误。
# %%
report = check_gradients(lambda z: np.sum(relu(z)), np.array([0.0]))
print("gradient at 0:", grad(relu)(0.0), " the check says:", report.entries[0].status)

# %% [markdown] en
# ## tanh is a sigmoid, stretched and centred
#
# tanh z = 2σ(2z) - 1. It is no faster; what helps is that its outputs lie around 0, so that the next layer's
# inputs do too.
# %% [markdown] zh
# ## tanh 就是拉伸并居中的 sigmoid
#
# tanh z = 2σ(2z) - 1。它并没有"更快",好处在于输出以 0 为中心,于是下一层的输入也以 0 为中心。
# %%
print("the same to 15 digits:", np.allclose(np.tanh(z), 2 * sigmoid(2 * z) - 1, rtol=0, atol=1e-15))
print(
    "mean output for z from -4 to 4:  sigmoid", f"{np.mean(sigmoid(z)):.2f}  tanh {abs(np.mean(tanh(z))):.2f}"
)

# %% [markdown] en
# ## Without any, depth is for nothing
#
# Two linear layers are one: W2(W1 X + b1) + b2 = (W2 W1) X + (W2 b1 + b2). The boundary stays a straight line,
# however deep the network is.
# %% [markdown] zh
# ## 没有激活函数,再深也没用
#
# 两个线性层等于一层:W2(W1 X + b1) + b2 = (W2 W1) X + (W2 b1 + b2)。不管网络多深,边界始终是一条直线。
# %%
data = flower.load()
figure, axes = plt.subplots(1, 4, figsize=(12, 3.1), layout="constrained")
for ax, name in zip(axes, ("identity", "sigmoid", "tanh", "relu"), strict=True):
    network = Network([2, 6, 1], name, init="xavier", optimizer=GradientDescent(0.5), seed=4)
    network.fit(data.X, data.Y, epochs=1500)
    decision_boundary(ax, network.predict, data.X, data.Y, resolution=150)
    ax.set_title(f"{name}: cost {network.history['cost'][-1]:.2f}")
plt.show()


# %% [markdown] en
# ## Vanishing gradients
#
# Going back through a layer multiplies by g'(z). The sigmoid's derivative is at most 1/4, so ten layers shrink
# a gradient at least a million times, before the weights have their say:
# %% [markdown] zh
# ## 梯度消失
#
# 每经过一层,反向传回的梯度都要乘以 g'(z)。sigmoid 的导数最大只有 1/4,所以十层至少把梯度缩小一百万倍(还没算权重的作用):
# %%
def deep(g, layers):
    def apply(z):
        for _ in range(layers):
            z = g(z)
        return z

    return apply


print("layers   sigmoid      tanh   ReLU      (dJ/dz at z = 0.5)")
for layers in (1, 5, 10):
    print(f"{layers:6}", "  ".join(f"{grad(deep(g, layers))(0.5):8.1e}" for g in (sigmoid, tanh, relu)))

# %% [markdown] en
# In a network of ten hidden layers, the size of dJ/dW from the first layer to the last:
# %% [markdown] zh
# 在一个有十个隐藏层的网络里,从第一层到最后一层 dJ/dW 的大小:
# %%
figure, axes = plt.subplots(figsize=(5.5, 3.2))
for name, style in (("sigmoid", "o-"), ("tanh", "s--"), ("relu", "^:")):
    network = Network([2] + [10] * 10 + [1], name, init="he" if name == "relu" else "xavier", seed=1)
    J = network.record(data.X, data.Y)
    J.backward(retain_graph=True)
    leaves = [node for node in graph(J) if node.name and node.name.startswith("W")]
    sizes = {int(node.name[1:]): np.linalg.norm(node.gradient) for node in leaves}
    axes.semilogy(sorted(sizes), [sizes[l] for l in sorted(sizes)], style, label=name)
axes.set(xlabel="layer l", ylabel="norm of dJ/dW[l]", title="Gradients on their way back")
axes.legend(frameon=False)
plt.show()

# %% [markdown] en
# ## Exercises
#
# 1. Some notes print the sigmoid's derivative as a(a - 1). Have it checked.
# 2. Write the derivative of *softplus*, g(z) = log(1 + e^z), by hand. Which activation function is it?
# 3. Softmax maps a column to a column, so its derivative is a matrix. What do the columns of that matrix add up to, and why?
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. 有的笔记把 sigmoid 的导数写成 a(a - 1)。请检验。
# 2. 手写 *softplus* 函数 g(z) = log(1 + e^z) 的导数。它正是哪个激活函数?
# 3. softmax 把一列映射成一列,所以它的导数是一个矩阵。这个矩阵每一列之和是多少,为什么?
#
# 运行下面的代码核对答案:
# %%
from tinygrad_course import jacobian


def wrong(z):
    a = sigmoid(z)
    return a * (a - 1)


print("1.", compare_gradients(sigmoid, points, gradient=wrong).verdict, "(the sign)")
softplus = lambda z: np.log(1 + np.exp(z))  # noqa: E731
print("2.", compare_gradients(softplus, points, gradient=sigmoid).verdict, "- it is the sigmoid")
matrix = jacobian(softmax)(np.array([1.0, 2.0, 0.5]))
print(
    "3.",
    np.abs(matrix.sum(axis=0)).round(12),
    "- the outputs add up to 1 whatever the input, so they cannot all rise",
)
