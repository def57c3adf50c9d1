# %% [markdown] en
# # 15. Recurrent networks
#
# **What you will see.** A cell that is used again at each step, its graph through time, the assignment's backward formula held
# against it, gradients that vanish or explode, and an LSTM that writes. (Course 5, week 1.)
# %% [markdown] zh
# # 15. 循环神经网络
#
# **你将看到什么。** 每一步重复使用的单元、沿时间展开的计算图、用它来核对作业里的反向公式、会消失或爆炸的梯度,以及一个会写句子的 LSTM。
# (课程五第一周。)
# %%
import numpy as np

from models import characters
from models.course.recurrent import rnn_cell_backward
from tinygrad_course import Tensor, derive, grad, graph
from tinygrad_course.functions import rnn_cell, scan

# %% [markdown] en
# ## One cell, and its chain rule
# %% [markdown] zh
# ## 一个单元,以及它的链式法则
# %%
random = np.random.RandomState(1)
p = {"Wax": random.randn(5, 3), "Waa": random.randn(5, 5), "ba": random.randn(5, 1)}
x, a0 = random.randn(3, 10), random.randn(5, 10)

Wax, Waa, ba = (Tensor(value, name=name) for name, value in p.items())
a_prev = Tensor(a0, name="a_prev")
z = (np.dot(Wax, x) + np.dot(Waa, a_prev) + ba).named("z")
J = np.sum(np.tanh(z).named("a_next") ** 2).named("J")
print(derive(J, wrt=Waa))

# %% [markdown] en
# The assignment's `rnn_cell_backward` has these lines by hand: `dtanh = (1 - a_next**2) * da_next`, `dWaa = dtanh a_prev^T`. From the
# graph they need not be written:
# %% [markdown] zh
# 作业的 `rnn_cell_backward` 手写了这几行:`dtanh = (1 - a_next**2) * da_next`,`dWaa = dtanh a_prev^T`。有了计算图就不必手写:
# %%
a_next, _, cache = rnn_cell(a0, x, p)
found = rnn_cell_backward(np.ones_like(a_next), cache)
dtanh = (1 - a_next**2) * np.ones_like(a_next)
print({name: found[name].shape for name in found}, np.allclose(found["dWaa"], dtanh @ a0.T))

# %% [markdown] en
# ## Through time
#
# The same W in every step: in the graph it has several arrows, and its gradient is the sum over them.
# %% [markdown] zh
# ## 沿着时间
#
# 每一步用的是同一个 W:在图里它有好几条出边,梯度是各条边的总和。
# %%
tensors = {name: Tensor(value, name=name) for name, value in p.items()}


def step(a, x_t, p):
    a_next, _, _ = rnn_cell(a, x_t, p)
    return a_next, a_next


_, a = scan(step, a0[:, :1], random.randn(3, 1, 2), tensors)
J = np.mean(a**2).named("J")
J.backward(retain_graph=True)
graph(J)

# %% [markdown] en
# ## Gradients that vanish, gradients that explode
#
# How much does the first state still matter after T steps? It depends on the size of Waa.
# %% [markdown] zh
# ## 消失的梯度与爆炸的梯度
#
# 过了 T 步,最初的状态还有多大影响?取决于 Waa 的大小。
# %%
x_long = np.zeros((3, 1, 30))


def linear_step(a, _, W):
    return np.dot(W, a), None


def last(a0, W):
    return np.sum(scan(linear_step, a0, x_long, W)[0])


for size in (0.5, 1.0, 1.5):
    orthogonal = size * np.linalg.qr(np.random.RandomState(0).randn(5, 5))[0]
    da0 = grad(last)(np.ones((5, 1)), orthogonal)
    print(f"|Waa| = {size}: gradient {np.linalg.norm(da0):.1e}")

# %% [markdown] en
# The LSTM's memory c_next = ft c_prev + it cct has a way on which the gradient is only multiplied by the forget gate, and `clip_norm`
# keeps a gradient that explodes from throwing the parameters away.
#
# ## A network that writes
#
# The text is of sentences that the program draws from a small grammar. After few steps the network has words; after some
# hundred, `python -m models.characters`, it has sentences.
# %% [markdown] zh
# LSTM 的记忆 c_next = ft c_prev + it cct 提供了一条通路,梯度在上面只乘以遗忘门;`clip_norm` 则防止爆炸的梯度把参数甩得太远。
#
# ## 会写句子的网络
#
# 文本由程序按一个小语法随机生成。几十步之后网络学会了单词;几百步之后(`python -m models.characters`)学会了句子。
# %%
print(characters.text(3))
start = characters.initialize("lstm", 32)
p, costs = characters.train(start, characters.text(100), iterations=60, m=16, T=20)
print("the cost falls:", costs[-1] < costs[0] / 2)

# %%
# differs between machines: what is drawn depends on the last bits
print(characters.sample(p, "the ", 60, np.random.RandomState(0)))

# %% [markdown] en
# ## Exercises
#
# 1. `scan(..., every=5)` keeps only every fifth state and computes what lies between again. Are the gradients the same?
# 2. Which of an LSTM's gates must be 1, and which 0, for the memory to stay as it is for ever?
# 3. What does the cost of a network come to that thinks all characters equally likely?
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. `scan(..., every=5)` 只保存每隔五步的状态,中间的重新计算。梯度一样吗?
# 2. 要让 LSTM 的记忆永远保持不变,哪个门应为 1,哪个门应为 0?
# 3. 如果网络认为所有字符的可能性都相同,成本是多少?
#
# 运行下面的代码核对答案:
# %%
cell = {"Wax": random.randn(4, 3), "Waa": random.randn(4, 4), "ba": np.zeros((4, 1))}
x_12 = random.randn(3, 2, 12)


def J_of(p, every):
    return np.sum(scan(step, np.zeros((4, 2)), x_12, p, every=every)[1] ** 2)


kept, again = grad(J_of)(cell, 0), grad(J_of)(cell, 5)
print("1.", all(np.allclose(kept[name], again[name]) for name in kept))
print("2. the forget gate ft = 1, the update gate it = 0: c_next = c_prev")
print("3.", np.log(len(characters.ALPHABET)).round(4))
