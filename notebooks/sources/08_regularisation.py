# %% [markdown] en
# # 8. Regularisation: L2 and dropout
#
# **What you will see.** A network that learns its 80 examples by heart and is no better for it; how a penalty on
# the weights smooths its boundary, and which single term that adds to the gradient; and dropout, with the
# mask that must be the same forward and backward. (Course 2, week 1: *Regularization*, *Dropout regularization*, and the
# assignment *Regularization*.)
# %% [markdown] zh
# # 8. 正则化:L2 与 dropout
#
# **你将看到什么。** 一个网络把 80 个样本背得滚瓜烂熟,却并没有因此变好(过拟合);对权重的惩罚怎样使边界变平滑,
# 又只给梯度添了哪一项;还有 dropout,它的掩码在前向传播和反向传播中必须相同。
# (课程二第一周:《正则化》《Dropout 正则化》及作业《正则化》。)
# %%
import matplotlib.pyplot as plt
import numpy as np

from datasets import moons
from models.pictures import decision_boundary
from tinygrad_course import Network, Tensor, grad, graph
from tinygrad_course.functions import drop, dropout, dropout_mask, l2_term, relu
from tinygrad_course.gradient_checking import compare_gradients
from tinygrad_course.optimizers import GradientDescent

# %% [markdown] en
# ## Noisy data
#
# The football pitch of the assignment is a file that does not come with the code (`python -m datasets.football
# --download` fetches it, `python -m models.regularization` trains on it). **Here the data are generated**: two moons with much
# noise, 80 points to train on, 1,000 to test with.
# %% [markdown] zh
# ## 有噪声的数据
#
# 作业里的足球数据是一个不随代码分发的文件(`python -m datasets.football --download` 可以下载,`python -m models.regularization`
# 用它训练)。**这里的数据是生成的**:两个噪声很大的月牙,80 个点用于训练,1000 个点用于测试。
# %%
train, test = moons.load(seed=1, m=80, noise=0.3), moons.load(seed=2, m=1000, noise=0.3)
X, Y = train.X, train.Y


def trained(epochs=2500, **how):
    network = Network([2, 20, 10, 1], init="he", optimizer=GradientDescent(0.3), seed=3, **how)
    return network.fit(X, Y, epochs=epochs)


def show(networks):
    _, axes = plt.subplots(1, len(networks), figsize=(3.6 * len(networks), 3.1), layout="constrained")
    for ax, (name, network) in zip(axes, networks.items(), strict=True):
        decision_boundary(ax, network.predict, X, Y, resolution=200)
        right, tested = network.score(X, Y), network.score(test.X, test.Y)
        ax.set(title=f"{name}\ntrain {right:.0%}, test {tested:.0%}", xlabel="", ylabel="")
    plt.show()


# %% [markdown] en
# ## L2: small weights, smooth boundary
#
# $$J_{L2} = J + \frac{\lambda}{2m} \sum_l \lVert W^{[l]} \rVert_F^2$$
#
# (The biases are left out.) Without the term the boundary winds around single points; with a good deal of it it is smooth; with
# too much nothing is left but one answer for all.
# %% [markdown] zh
# ## L2:权重小,边界平滑
#
# $$J_{L2} = J + \frac{\lambda}{2m} \sum_l \lVert W^{[l]} \rVert_F^2$$
#
# (偏置不参与。)没有这一项时,边界绕着个别的点弯弯曲曲;适当加上就变平滑;加得太多,就只剩下对所有点的同一个回答。
# %%
by_lambd = {f"λ = {lambd}": trained(lambd=lambd) for lambd in (0, 0.3, 20)}
show(by_lambd)

# %%
for name, network in by_lambd.items():
    size = np.sqrt(sum(np.sum(W**2) for key, W in network.parameters.items() if key[0] == "W"))
    print(f"{name:8} norm of all weights {size:6.2f}   test {network.score(test.X, test.Y):.1%}")

# %% [markdown] en
# ## What it adds to the gradient
#
# The derivative of λ/2m · W² is λ/m · W. So `dW = ... + lambd / m * W`, and one step of gradient descent first shrinks W by
# the factor 1 - αλ/m: *weight decay*. The graph knows that by itself:
# %% [markdown] zh
# ## 它给梯度添了什么
#
# λ/2m · W² 的导数是 λ/m · W。所以 `dW = …… + lambd / m * W`,梯度下降的每一步都先把 W 乘以 1 - αλ/m,这就是*权重衰减*。
# 计算图自己就知道:
# %%
parameters = {"W1": np.array([[1.0, -2.0], [3.0, 0.5]]), "b1": np.array([[1.0], [1.0]])}
gradient = grad(lambda p: l2_term(p, lambd=0.7, m=5))(parameters)
print(gradient["W1"], "= 0.7 / 5 W:", np.allclose(gradient["W1"], 0.7 / 5 * parameters["W1"]))
print("b1:", gradient["b1"].ravel(), "(the bias is not shrunk)")

# %% [markdown] en
# ## Dropout
#
# In every iteration each hidden unit is switched off with probability 1 - keep_prob, anew for every example. The next layer
# cannot rely on any one unit. What is kept is divided by keep_prob, so that the sum of the next layer keeps its size
# ("inverted dropout"), and nothing has to be changed for prediction.
# %% [markdown] zh
# ## Dropout
#
# 每次迭代,每个隐藏单元都以 1 - keep_prob 的概率被关掉,每个样本各抽一次。下一层不能依赖任何一个单元。
# 保留下来的除以 keep_prob,使下一层的输入大小不变("反向随机失活",inverted dropout),预测时什么也不用改。
# %%
random = np.random.RandomState(1)
A = np.ones((2000, 100))
D = dropout_mask(A.shape, 0.8, random)  # True: keep
print(f"kept: {D.mean():.3f}   mean of A before {A.mean():.3f}, after {drop(A, D, 0.8).mean():.3f}")
print(f"the comparison the wrong way round keeps {np.mean(~D):.3f}")

# %%
show({"none": by_lambd["λ = 0"], "L2": by_lambd["λ = 0.3"], "dropout 0.8": trained(1500, keep_prob=0.8)})

# %% [markdown] en
# Honestly read: L2 gains two points in the test, dropout next to nothing. With 20 and 10 hidden units there is little to
# spare; dropout is for wide layers. (On the football data of the assignment it is the better of the two.)
# %% [markdown] zh
# 老实说:在测试集上 L2 提高了两个百分点,dropout 几乎没有帮助。隐藏层只有 20 和 10 个单元,没有多少可丢;dropout 适合很宽的层。
# (在作业的足球数据上,它是两者中更好的一个。)
# %% [markdown] en
# ## Backward through dropout
#
# What was switched off forward gets no gradient; what was kept gets its gradient divided by keep_prob, **with the same
# mask**: `dA1 = dA1 * D1 / keep_prob`. In the graph the mask is a constant of the operation, so it cannot be another one.
# %% [markdown] zh
# ## 穿过 dropout 的反向传播
#
# 前向时被关掉的单元得不到梯度,保留的单元得到除以 keep_prob 的梯度,**用的是同一个掩码**:`dA1 = dA1 * D1 / keep_prob`。
# 在计算图里,掩码是这个运算的常数,不可能用错。
# %%
Z1 = Tensor(np.array([[1.0, 2.0, -1.0, 3.0]]), name="Z1")
A1 = relu(Z1).named("A1")
D1 = np.array([[True, False, True, True]])
dropped = drop(A1, D1, 0.5).named("A1 after dropout")
J = np.sum(dropped).named("J")
J.backward(retain_graph=True)
print("dJ/dA1 =", A1.grad if A1.grad is not None else graph(J)["A1"].gradient)
print("dJ/dZ1 =", Z1.grad)
graph(J, names={"D1": D1})

# %% [markdown] en
# Dropout and a numerical gradient do not go together unless the mask is held still: with a fresh mask in each
# evaluation the cost is another function every time.
# %% [markdown] zh
# 数值梯度与 dropout 合不来,除非把掩码固定住:每次计算都换掩码,成本函数每次都不是同一个函数。
# %%
W, x = np.array([[0.5, -1.0], [1.0, 0.2]]), np.array([[1.0, 2.0], [0.5, -1.0]])
fresh, fixed = np.random.RandomState(0), dropout_mask((2, 2), 0.7, np.random.RandomState(0))
moving = lambda W: np.sum(dropout(np.tanh(W @ x), 0.7, fresh) ** 2)  # noqa: E731
still = lambda W: np.sum(drop(np.tanh(W @ x), fixed, 0.7) ** 2)  # noqa: E731
gradient = grad(still)(W)
print("mask held still:", compare_gradients(still, W, gradient=gradient).verdict)
print("fresh masks:    ", compare_gradients(moving, W, gradient=gradient).verdict)

# %% [markdown] en
# ## Exercises
#
# 1. W = 10, its data gradient is 0, λ = 0.7, m = 7, α = 1. What is W after one step? After ten?
# 2. Forget to divide by keep_prob = 0.8 in two hidden layers. By which factor are the values of the third layer too small
#    on average in training (no biases, linear layers)?
# 3. Write the gradient of drop(tanh(z))² summed, by hand, with mask D and keep_prob k, and have it checked.
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. W = 10,数据部分的梯度为 0,λ = 0.7,m = 7,α = 1。一步之后 W 是多少?十步之后呢?
# 2. 在两个隐藏层里都忘了除以 keep_prob = 0.8。训练时第三层的值平均小了多少倍(线性层,没有偏置)?
# 3. 手写 drop(tanh(z))² 之和的梯度,掩码为 D,keep_prob 为 k,并检验。
#
# 运行下面的代码核对答案:
# %%
w = 10.0
history = [w := w - 1 * 0.7 / 7 * w for _ in range(10)]
print(f"1. {history[0]:.1f}, then {history[-1]:.3f}")
print("2.", round(0.8 * 0.8, 2))

z, D, k = np.array([0.3, -1.2, 2.0]), np.array([True, True, False]), 0.8


def by_hand(z):
    A = np.tanh(z)
    return 2 * (A * D / k) * D / k * (1 - A**2)


print("3.", compare_gradients(lambda z: np.sum(drop(np.tanh(z), D, k) ** 2), z, gradient=by_hand).verdict)
