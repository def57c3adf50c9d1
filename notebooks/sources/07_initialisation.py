# %% [markdown] en
# # 7. Initialisation
#
# **What you will see.** Five ways to begin, one network, one set of data: with zeros it never learns, with large weights
# it starts from an absurd cost, and with He's weights it is done soon. Then the reason, seen in the
# numbers that flow through ten layers. (Course 2, week 1: *Weight initialization for deep networks*, *Vanishing / exploding
# gradients*, and the assignment *Initialization*.)
# %% [markdown] zh
# # 7. 初始化
#
# **你将看到什么。** 同一个网络、同一份数据、五种起点:全零永远学不会,权重太大时起始成本大得离谱,用 He 初始化则很快学会。
# 然后看原因:数值流过十层时发生了什么。(课程二第一周:《深度网络的权重初始化》《梯度消失与梯度爆炸》及作业《初始化》。)
# %%
import matplotlib.pyplot as plt
import numpy as np

from datasets import circles
from models.pictures import decision_boundary
from tinygrad_course import Network, graph
from tinygrad_course.training.initialization import initialize_parameters
from tinygrad_course.optimizers import GradientDescent

data = circles.load()
print(data.summary())

# %% [markdown] en
# ## Five ways to begin
#
# | name | W of shape (n, n_prev) |
# |---|---|
# | zeros | 0 |
# | small | 0.01 · randn |
# | large | 10 · randn |
# | xavier | randn / √n_prev |
# | he | randn · √(2 / n_prev) |
#
# The biases are zero in all of them. The network is the assignment's, 2-10-5-1 with ReLU. (The assignment takes 15,000 iterations
# at α = 0.01; here it is 2,500 at α = 0.06, which is the same way in longer steps.)
# %% [markdown] zh
# ## 五种起点
#
# | 名称 | 形状为 (n, n_prev) 的 W |
# |---|---|
# | zeros | 0 |
# | small | 0.01 · randn |
# | large | 10 · randn |
# | xavier | randn / √n_prev |
# | he | randn · √(2 / n_prev) |
#
# 偏置一律为零。网络与作业相同:2-10-5-1,ReLU。(作业用 α = 0.01 迭代 15000 次;这里用 α = 0.06 迭代 2500 次,走的是同一段路,只是步子大些。)
# %%
ways = ["zeros", "small", "large", "xavier", "he"]
trained = {}
for how in ways:
    network = Network([2, 10, 5, 1], init=how, optimizer=GradientDescent(0.06), seed=3)
    trained[how] = network.fit(data.X_train, data.Y_train, epochs=2500)
    costs = network.history["cost"]
    right = network.score(data.X_train, data.Y_train)
    tested = network.score(data.X_test, data.Y_test)
    print(f"{how:7} first cost {costs[0]:8.3f}  last {costs[-1]:.3f}  train {right:4.0%}  test {tested:4.0%}")

# %%
figure, axes = plt.subplots(1, 6, figsize=(15, 2.7), layout="constrained")
for how, style in zip(ways, ("-", ":", "--", "-.", "-"), strict=True):
    axes[0].plot(trained[how].history["cost"], style, label=how)
axes[0].set(xlabel="iteration", ylabel="cost J", ylim=(0, 1))
axes[0].legend(frameon=False, fontsize=7)
for ax, how in zip(axes[1:], ways, strict=True):
    decision_boundary(ax, trained[how].predict, data.X_train, data.Y_train, resolution=120)
    ax.set(title=how, xlabel="", ylabel="")
plt.show()


# %% [markdown] en
# ## Zeros: nothing to tell the units apart
#
# With W = 0 every hidden unit computes 0, and the gradients of W1 and W2 are 0. Any *equal* weights are
# almost as bad: equal units get equal gradients, so they stay equal for ever, and ten units are worth one.
# %% [markdown] zh
# ## 全零:单元之间无法区分
#
# W = 0 时每个隐藏单元都输出 0,W1 与 W2 的梯度也是 0。任何*相等*的权重几乎一样糟:相同的单元得到相同的梯度,永远保持相同,
# 十个单元只顶一个用。这就是"对称性没有被打破"。
# %%
def gradients(network):
    J = network.record(data.X_train, data.Y_train)
    J.backward(retain_graph=True)
    return {node.name: node.gradient for node in graph(J) if node.name and node.name[0] in "Wb"}


zeros = Network([2, 10, 5, 1], init="zeros")
print({name: float(np.abs(g).max().round(9)) for name, g in gradients(zeros).items()})

alike = Network(
    [2, 10, 5, 1], init=lambda n, n_prev, rng: np.full((n, n_prev), 0.3), optimizer=GradientDescent(0.06)
)
alike.fit(data.X_train, data.Y_train, epochs=200)
print(
    "after 200 iterations the rows of W1 are still equal:",
    bool(np.ptp(alike.parameters["W1"], axis=0).max() < 1e-12),
)

# %% [markdown] en
# ## Large: sure of itself, and wrong
#
# With weights of size 10 the last z is in the hundreds, so σ(z) is 0 or 1, and every mistake costs |z|. Computed
# as on the slide, log 0 makes the cost infinite, which is what the assignment prints; from the logits it is
# large but finite:
# %% [markdown] zh
# ## 太大:自信,而且错
#
# 权重大小为 10 时,最后的 z 有几百,σ(z) 不是 0 就是 1,每个错误的代价是 |z|。照课件的公式计算,log 0 使成本变成无穷大(作业打印的正是 inf);
# 从 z 直接计算,成本很大,但有限:
# %%
large = Network([2, 10, 5, 1], init="large", seed=3)
A = large.predict_proba(data.X_train)
with np.errstate(divide="ignore"):
    naive = -np.mean(np.where(data.Y_train == 1, np.log(A), np.log(1 - A)))
print(f"from the probabilities: {naive}   from the logits: {large.cost(data.X_train, data.Y_train):.1f}")

# %% [markdown] en
# ## Why √(2 / n_prev)?
#
# z is a sum of n_prev terms, so its variance is n_prev times that of one term. Dividing W by √n_prev keeps the variance at 1 from layer to
# layer; ReLU throws away half of it, and the 2 gives that back. Watch the size of the activations in ten layers of
# 100 ReLU units:
# %% [markdown] zh
# ## 为什么是 √(2 / n_prev)?
#
# z 是 n_prev 项之和,方差是单项的 n_prev 倍。把 W 除以 √n_prev,各层方差就保持为 1;ReLU 丢掉一半,那个 2 再补回来。
# 看看十层、每层 100 个 ReLU 单元时激活值的大小:
# %%
layers = [100] * 11
x = np.random.RandomState(0).randn(100, 500)
figure, axes = plt.subplots(figsize=(5.5, 3.2))
for how, style in (("small", ":"), ("xavier", "-."), ("he", "-"), ("large", "--")):
    parameters, A, sizes = initialize_parameters(layers, how, 1), x, []
    for l in range(1, 11):
        A = np.maximum(0, parameters[f"W{l}"] @ A + parameters[f"b{l}"])
        sizes.append(np.sqrt(np.mean(A**2)))
    axes.semilogy(range(1, 11), sizes, style, marker=".", label=how)
    print(f"{how:7} layer 1: {sizes[0]:8.2g}   layer 10: {sizes[-1]:8.2g}")
axes.set(xlabel="layer", ylabel="size of A", title="ten ReLU layers, before any training")
axes.legend(frameon=False)
plt.show()

# %% [markdown] en
# ## Exercises
#
# 1. The biases start at zero. Why does that not matter, as zero weights do? Look at db of the last layer of `zeros` above, on data with
#    twice as many ones as zeros.
# 2. For tanh one takes Xavier. What happens to ten tanh layers with 0.01 · randn?
# 3. Break the symmetry by hand: start with zeros, but set a single weight of W1, b1 or W2 to 1. Is one enough to learn?
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. 偏置从零开始为什么没关系,而权重不行?取 1 是 0 两倍多的数据,看看上面 `zeros` 最后一层的 db。
# 2. tanh 用 Xavier 初始化。若用 0.01 · randn,十层 tanh 会怎样?
# 3. 手工打破对称:从全零开始,只把 W1、b1、W2 里的某一个数设为 1。一个够吗?
#
# 运行下面的代码核对答案:
# %%
pick = np.concatenate([np.flatnonzero(data.Y_train == 1), np.flatnonzero(data.Y_train == 0)[::2]])
J = zeros.record(data.X_train[:, pick], data.Y_train[:, pick])
J.backward(retain_graph=True)
print(f"1. db3 = {graph(J)['b3'].gradient.item():.4f}: the output's bias moves; there is only one of it")

parameters, A = initialize_parameters(layers, "small", 1), x
for l in range(1, 11):
    A = np.tanh(parameters[f"W{l}"] @ A + parameters[f"b{l}"])
print(f"2. the size of A10 is {np.sqrt(np.mean(A**2)):.0e}: nothing is left of the input")

for name in ("W1", "b1", "W2"):
    network = Network([2, 10, 5, 1], init="zeros")
    network.parameters[name][0, 0] = 1.0
    moved = [n for n, g in gradients(network).items() if n[0] == "W" and np.any(np.abs(g) > 1e-12)]
    print(f"3. {name}[0, 0] = 1: weights with a gradient {moved}")
print("   none: a gradient reaches W2 only where neither A1 nor W3 is 0, and so on for the others")
