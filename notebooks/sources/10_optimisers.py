# %% [markdown] en
# # 10. Optimisers: mini-batches, momentum, Adam
#
# **What you will see.** The same gradients, used in three ways. Why gradient descent zigzags in a narrow
# valley and what momentum does about it; what a running mean is and why it needs a bias correction; Adam in six lines; and the
# three side by side on the moons of the assignment. (Course 2, week 2: *Optimization algorithms* and its assignment.)
# %% [markdown] zh
# # 10. 优化算法:mini-batch、momentum、Adam
#
# **你将看到什么。** 同样的梯度,三种用法。为什么梯度下降在狭窄的山谷里来回折返,momentum 又如何改善;什么是指数加权平均,
# 为什么需要偏差修正;六行写完的 Adam;最后三种算法在作业的月牙数据上并排比较。(课程二第二周:《优化算法》及其作业。)
# %%
import matplotlib.pyplot as plt
import numpy as np

from datasets import moons
from models import networks
from models.pictures import decision_boundary
from tinygrad_course import grad
from tinygrad_course.training.initialization import initialize_parameters
from tinygrad_course.optimizers import Adam, GradientDescent, InverseTimeDecay, Momentum
from tinygrad_course.training import fit, mini_batches


# %% [markdown] en
# ## A narrow valley
#
# A cost that is 25 times steeper one way than the other. With a step that is right for the flat direction, gradient descent
# jumps from wall to wall, and a longer one would fly out. Momentum averages its gradients: much of the zigzag cancels, so it can afford
# a longer step, swings down in wide bends, and is ten times lower in the end. Adam divides each coordinate by the size of its own
# gradients and moves equally fast in both; here it overshoots. No optimiser is the best for everything.
# %% [markdown] zh
# ## 狭窄的山谷
#
# 这个成本函数在一个方向上比另一个方向陡 25 倍。步长适合平缓方向时,梯度下降就在两壁之间跳来跳去,步长再大就会飞出去。
# momentum 对梯度取平均:左右摆动大部分互相抵消,所以可以用更大的步长,绕着大弯下山,最后的成本低十倍。
# Adam 把每个坐标除以它自己梯度的大小,两个方向走得一样快;在这里它冲过了头。没有哪种算法在所有问题上都最好。
# %%
def valley(p):
    return 0.5 * (p["w"][0] ** 2 + 25 * p["w"][1] ** 2)


def path(optimizer, steps=40):
    parameters = {"w": np.array([-8.0, 1.5])}
    state, points = optimizer.init(parameters), [parameters["w"]]
    for _ in range(steps):
        parameters, state = optimizer.update(parameters, grad(valley)(parameters), state)
        points.append(parameters["w"])
    return np.array(points)


w1, w2 = np.meshgrid(np.linspace(-9, 3, 100), np.linspace(-2, 2, 100))
figure, axes = plt.subplots(1, 3, figsize=(12, 2.8), layout="constrained")
ways = {"gradient descent": GradientDescent(0.075), "momentum": Momentum(0.2, 0.8), "Adam": Adam(0.6)}
for ax, (name, optimizer) in zip(axes, ways.items(), strict=True):
    ax.contour(w1, w2, valley({"w": [w1, w2]}), levels=12, cmap="Greys")
    ax.plot(*path(optimizer).T, ".-", color="tab:red", markersize=4, linewidth=1)
    ax.set(
        title=f"{name}: J = {valley({'w': path(optimizer)[-1]}):.2g} after 40 steps",
        xlim=(-9, 3),
        ylim=(-2, 2),
    )
plt.show()

# %% [markdown] en
# ## The running mean, and its bias
#
# $$v_t = \beta v_{t-1} + (1 - \beta) \theta_t, \qquad v_0 = 0$$
#
# averages over about 1/(1 - β) values. It starts at 0, so the first values are far too small. Dividing by 1 - βᵗ mends
# that, and soon makes no difference. Note the exponent **t**: at every step another divisor.
# %% [markdown] zh
# ## 指数加权平均及其偏差
#
# $$v_t = \beta v_{t-1} + (1 - \beta) \theta_t, \qquad v_0 = 0$$
#
# 大约是最近 1/(1 - β) 个值的平均。它从 0 开始,所以最初几个值偏小很多。除以 1 - βᵗ 就能修正,过一会儿修正便不起作用了。
# 注意指数是 **t**:每一步的除数都不同。
# %%
random = np.random.RandomState(0)
days = np.arange(1, 101)
temperature = 15 + 8 * np.sin(days / 25) + random.randn(100) * 2
v, means = 0.0, []
for today in temperature:
    v = 0.9 * v + 0.1 * today
    means.append(v)
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(days, temperature, ".", color="0.7")
axes.plot(days, means, label="v")
axes.plot(days, means / (1 - 0.9**days), "--", label="v / (1 - βᵗ)")
axes.set(xlabel="day t", title="β = 0.9: a mean over about ten days")
axes.legend(frameon=False)
plt.show()


# %% [markdown] en
# ## Adam in six lines
#
# Momentum on top, a running mean of the *squared* gradient below, both corrected:
# %% [markdown] zh
# ## 六行写完的 Adam
#
# 分子是 momentum,分母是*平方*梯度的指数加权平均,两者都做偏差修正:
# %%
def adam_step(W, dW, v, s, t, alpha=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
    v = beta1 * v + (1 - beta1) * dW
    s = beta2 * s + (1 - beta2) * dW**2
    v_corrected = v / (1 - beta1**t)
    s_corrected = s / (1 - beta2**t)
    return W - alpha * v_corrected / (np.sqrt(s_corrected) + epsilon), v, s


W, v, s = np.array([1.0, -2.0]), 0.0, 0.0
optimizer = Adam(0.01)
parameters, state = {"W": W}, None
state = optimizer.init(parameters)
for t in range(1, 51):
    W, v, s = adam_step(W, 2 * W, v, s, t)  # J = W²
    parameters, state = optimizer.update(parameters, {"W": 2 * parameters["W"]}, state)
print("the library's Adam does the same:", np.allclose(parameters["W"], W, rtol=1e-12))

# %% [markdown] en
# ## Mini-batches
#
# Shuffle, deal out in batches of 64; the last is smaller. Every batch makes a step, so an epoch makes five steps instead
# of one, each on a noisier gradient.
# %% [markdown] zh
# ## mini-batch
#
# 先打乱,再按每批 64 个分开,最后一批少一些。每一批走一步,所以一个 epoch 走五步而不是一步,只是每步的梯度带些噪声。
# %%
data = moons.load()
X, Y = data.X, data.Y
print([batch.shape for batch, labels in mini_batches(X, Y, 64, np.random.RandomState(11))])

# %% [markdown] en
# ## The assignment: 2-5-2-1 on the moons
#
# He initialisation with seed 3, batches of 64 shuffled with seed 11, 12, 13, ..., α = 0.0007. The assignment trains
# for 10,000 epochs; 400 are enough to see the difference. The first costs are those that it prints.
# %% [markdown] zh
# ## 作业:在月牙数据上训练 2-5-2-1 网络
#
# He 初始化,种子 3;每批 64 个样本,打乱用的种子依次为 11、12、13……;α = 0.0007。作业训练 10000 个 epoch,
# 这里 400 个就足以看出差别。最初的成本与作业打印的相同。
# %%
printed = {"gradient descent": 0.690736, "momentum": 0.690741, "Adam": 0.690552}
runs = {}
for name, optimizer in zip(printed, (GradientDescent(0.0007), Momentum(0.0007), Adam(0.0007)), strict=True):
    runs[name] = fit(
        networks.cost,
        initialize_parameters([2, 5, 2, 1], "he", 3),
        X,
        Y,
        optimizer,
        epochs=400,
        batch_size=64,
        rng=lambda epoch: np.random.RandomState(11 + epoch),
    )
    first, last = runs[name].history["last_batch"][0], runs[name].history["cost"][-1]
    share = networks.accuracy(runs[name].parameters, X, Y)
    print(
        f"{name:17} first cost {first:.6f} (printed {printed[name]:.6f}), last {last:.3f}, {share:.0%} right"
    )

# %%
figure, axes = plt.subplots(1, 4, figsize=(13, 3), layout="constrained")
for (name, run), style in zip(runs.items(), ("-", ":", "--"), strict=True):
    axes[0].plot(run.history["cost"], style, label=name)
axes[0].set(xlabel="epoch", ylabel="cost J", ylim=(0, 0.75))
axes[0].legend(frameon=False, fontsize=8)
for ax, (name, run) in zip(axes[1:], runs.items(), strict=True):
    decision_boundary(ax, lambda x, p=run.parameters: networks.predict(p, x), X, Y, resolution=150)
    ax.set_title(name)
plt.show()

# %% [markdown] en
# Gradient descent and momentum lie on top of each other here: with so small an α neither zigzags, so there is
# nothing to average away. They are not worse in principle. Give them a larger step:
# %% [markdown] zh
# 这里梯度下降与 momentum 的曲线重合:α 这么小,谁也不会来回摆动,没有什么可平均掉的。它们并非天生不如 Adam,步长大一些就好了:
# %%
decay = InverseTimeDecay(0.5, rate=0.02, every=5)  # α = 0.5 / (1 + 0.02 epoch)
for name, optimizer in {
    "α = 0.0007": GradientDescent(0.0007),
    "α = 0.5, decaying": GradientDescent(decay),
}.items():
    run = fit(
        networks.cost,
        initialize_parameters([2, 5, 2, 1], "he", 3),
        X,
        Y,
        optimizer,
        epochs=200,
        batch_size=64,
    )
    print(f"gradient descent, {name:18} cost {run.history['cost'][-1]:.2f}")

# %% [markdown] en
# ## Exercises
#
# 1. A famous slip writes `1 - beta1**2` for `1 - beta1**t`. By which factor is the first step then too small or too large, and
#    at which t is it right by accident?
# 2. How large is Adam's very first step, whatever the gradient?
# 3. What are the sizes of the batches of 148 examples, 64 in each?
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. 一个有名的笔误把 `1 - beta1**t` 写成 `1 - beta1**2`。第一步会差多少倍?在哪个 t 它碰巧是对的?
# 2. 不管梯度多大,Adam 的第一步有多大?
# 3. 148 个样本,每批 64 个,各批的大小是多少?
#
# 运行下面的代码核对答案:
# %%
for t in (1, 2, 10):
    print(f"1. t = {t}: v corrected is {(1 - 0.9**t) / (1 - 0.9**2):.3f} times what it should be")
first_steps = []
for gradient in (1e-3, 1.0, 1e3):
    W, *_ = adam_step(0.0, gradient, 0.0, 0.0, 1)
    first_steps.append(float(round(-W, 6)))
print("2.", first_steps, "= α each time")
print("3.", [x.shape[1] for x, y in mini_batches(np.zeros((2, 148)), np.zeros((1, 148)), 64)])
