# %% [markdown] en
# # 16. A small GPT
#
# **What you will see.** Attention in five lines, its gradient line by line, a transformer block as a graph, and a GPT that continues
# a text. (Course 5, week 4.)
# %% [markdown] zh
# # 16. 一个小小的 GPT
#
# **你将看到什么。** 五行代码写出注意力,逐行推导它的梯度;把一个 transformer 块画成计算图;再训练一个能续写文本的 GPT。(课程五第四周。)
# %%
import numpy as np

from models import characters, gpt
from tinygrad_course import Tensor, derive, graph, vjp
from tinygrad_course.functions import attention, layer_norm, softmax

# %% [markdown] en
# ## Attention
#
# Each position asks (Q), each answers to a key (K) and has a value (V). The weights A are a softmax of how well they meet; no position
# sees a later one.
# %% [markdown] zh
# ## 注意力
#
# 每个位置提出查询(Q),每个位置有自己的键(K)和值(V)。权重 A 是匹配程度的 softmax;任何位置都看不到后面的位置。
# %%
rng = np.random.RandomState(0)
Q, K, V = rng.randn(4, 3), rng.randn(4, 3), rng.randn(4, 2)
C, (_, _, _, A) = gpt.attention_forward(Q, K, V)
print(A.round(3))
print("the library's:", np.allclose(C, attention(Q, K, V, causal=True)))

# %% [markdown] en
# ## Its gradient, line by line
#
# Every line of the way back is the derivative of one line of the way forth, last to first:
#
#     C = A V                  dA = dC Vᵀ,   dV = Aᵀ dC
#     A = softmax(S)           dS = A * (dA - sum(dA * A))       row by row
#     S = Q Kᵀ / sqrt(d)       dQ = dS K / sqrt(d),   dK = dSᵀ Q / sqrt(d)
#
# Held against the graph:
# %% [markdown] zh
# ## 逐行推导梯度
#
# 回去的每一行,都是来时某一行的导数,从最后一行开始:
#
#     C = A V                  dA = dC Vᵀ,   dV = Aᵀ dC
#     A = softmax(S)           dS = A * (dA - sum(dA * A))       逐行计算
#     S = Q Kᵀ / sqrt(d)       dQ = dS K / sqrt(d),   dK = dSᵀ Q / sqrt(d)
#
# 与计算图核对:
# %%
dC = rng.randn(4, 2)
by_hand = gpt.attention_backward(dC, (Q, K, V, A))
_, pullback = vjp(lambda Q, K, V: gpt.attention_forward(Q, K, V)[0], Q, K, V)
print([np.allclose(ours, graphs) for ours, graphs in zip(by_hand, pullback(dC), strict=True)])

# %%
Qt, Kt, Vt = (Tensor(value, name=name) for value, name in ((Q, "Q"), (K, "K"), (V, "V")))
S = (np.dot(Qt, Kt.T) / np.sqrt(3)).named("S")
C = np.dot(softmax(S, axis=1).named("A"), Vt).named("C")
print(derive(np.sum(C**2).named("J"), wrt=Qt))

# %% [markdown] en
# ## One block
#
# What the positions tell each other, then a layer at each; both are added to x, as in a residual block.
# %% [markdown] zh
# ## 一个块
#
# 先是各位置之间的交流,再是每个位置上的一层网络;两者都加到 x 上,和残差块一样。
# %%
p = gpt.initialize(T=6, n=8, blocks=1)
block = {name: Tensor(value, name=name) for name, value in p["blocks"][0].items()}
x = Tensor(rng.randn(1, 6, 8), name="x")
y = gpt.block(x, block, heads=2).named("y")
graph(y)

# %% [markdown] en
# ## Training
#
# `python -m models.gpt` takes a minute. A smaller one, for a few seconds:
# %% [markdown] zh
# ## 训练
#
# `python -m models.gpt` 需要一分钟。先训练一个更小的,几秒钟即可:
# %%
p, costs = gpt.train(gpt.initialize(T=24, n=24, blocks=1), characters.text(100), iterations=200, m=8)
print("the cost falls:", np.mean(costs[-10:]) < 0.7 * costs[0])

# %%
# differs between machines: what is drawn depends on the last bits
print(gpt.sample(p, "the cat ", 60, np.random.RandomState(0)))

# %% [markdown] en
# ## Exercises
#
# 1. How does the third position's output change when the fourth input does?
# 2. Divide by d instead of its root: what becomes of the weights?
# 3. What are the mean and the variance of each position after `layer_norm`?
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. 第四个位置的输入改变时,第三个位置的输出怎样变化?
# 2. 不除以 d 的平方根,而是除以 d,权重会怎样?
# 3. 经过 `layer_norm` 之后,每个位置的均值和方差是多少?
#
# 运行下面的代码核对答案:
# %%
x = rng.randn(4, 6)
changed = x.copy()
changed[3] += 1
same = attention(x, x, x, causal=True)[2] == attention(changed, changed, changed, causal=True)[2]
print("1. not at all:", np.all(same))
near = [softmax(10 * Q @ K.T / scale, axis=1).max(axis=1).mean() for scale in (np.sqrt(3), 3)]
print("2. more even:", near[1] < near[0])
normed = layer_norm(x, axis=-1)
print("3.", normed.mean(axis=-1).round(6) + 0.0, normed.var(axis=-1).round(3))
