# %% [markdown] en
# # 17. Physics
#
# **What you will see.** Gradients through a differential equation and through a simulation: what is inside is found from what is
# measured outside.
# %% [markdown] zh
# # 17. 物理
#
# **你将看到什么。** 穿过微分方程、穿过模拟过程的梯度:由外部的测量找出内部的参数。
# %%
import numpy as np

from models import heat, oscillator
from tinygrad_course import Tensor, compiled, grad, graph, value_and_grad
from tinygrad_course.functions.differential_equations import odeint
from tinygrad_course.functions.implicit import root

# %% [markdown] en
# ## An oscillator with drag
#
# x'' = -omega² x - drag x' |x'|. The solver of SciPy's knows no Tensors; `odeint` of this library calls it and brings the gradient back
# by the adjoint equation, which is solved from the end to the beginning.
# %% [markdown] zh
# ## 有阻力的振子
#
# x'' = -omega² x - drag x' |x'|。SciPy 的求解器不认识 Tensor;本库的 `odeint` 调用它,并用伴随方程从终点往起点求解,把梯度带回来。
# %%
t = np.linspace(0, 4, 9)
x = oscillator.places({"omega": 1.5, "drag": 0.3}, t)
guess = {"omega": 1.4, "drag": 0.2}
J, grads = value_and_grad(oscillator.cost)(guess, t, x)
h = 1e-4
for name, value in guess.items():
    up, down = (oscillator.cost({**guess, name: value + s * h}, t, x) for s in (1, -1))
    print(f"dJ/d{name} = {float(grads[name]):.4f}, by differences {(up - down) / (2 * h):.4f}")

# %%
found, _ = oscillator.find(t, x, guess)
print({name: round(value, 3) for name, value in found.items()})

# %% [markdown] en
# On the graph the whole solution is one node:
# %% [markdown] zh
# 在计算图上,整个求解过程是一个节点:
# %%
p = {name: Tensor(value, name=name) for name, value in guess.items()}
J = oscillator.cost(p, t, x).named("J")
J.backward(retain_graph=True)
graph(J)

# %% [markdown] en
# ## A rod of heat
#
# u_t = (k u_x)_x by finite differences, 60 steps. The temperatures at the end are known, the conductivity k of each place is wanted. The
# gradient runs through all steps, and is compiled.
# %% [markdown] zh
# ## 一根导热的杆
#
# u_t = (k u_x)_x,用有限差分走 60 步。已知最后的温度,求各处的导热系数 k。梯度穿过所有的步骤,并且被编译。
# %%
rng = np.random.RandomState(1)
place = np.linspace(0, 1, heat.POINTS + 1)[:, None]
k = 0.5 + 0.4 * np.sin(2 * np.pi * place)
before = rng.rand(heat.POINTS, 12)
after = heat.temperatures(k, before)
gradient = compiled(value_and_grad(heat.cost))
theta, costs = heat.find(gradient, before, after, 400)
off = np.abs(heat.conductivity(theta) - k)
print("the cost falls below a thousandth:", costs[-1] < costs[0] / 1000)
print("k is found within 0.05:", off.max() < 0.05)


# %% [markdown] en
# ## A root
#
# Kepler's equation E - e sin E = M has no formula for E. Its derivative does not need the way to the solution, only the solution:
# dE/dM = 1 / (1 - e cos E), the implicit function theorem.
# %% [markdown] zh
# ## 方程的根
#
# 开普勒方程 E - e sin E = M 没有 E 的公式解。但求导不需要知道怎样找到解,只需要解本身:dE/dM = 1 / (1 - e cos E),这就是隐函数定理。
# %%
def kepler(E, e, M):
    return E - e * np.sin(E) - M


def E_of(e, M):
    return root(kepler, M, (e, M)).x


E = E_of(0.3, 1.0)
print("E =", np.round(E, 6))
print("dE/dM =", np.round(grad(E_of, 1)(0.3, 1.0), 6), "=", np.round(1 / (1 - 0.3 * np.cos(E)), 6))


# %% [markdown] en
# ## Exercises
#
# 1. y' = -y from y(0) = 1: what is the derivative of y(1) by y(0), and by the last time?
# 2. What is the second derivative of Kepler's E by M at e = 0?
# 3. If the rod's ends are closed (k = 0 there), what becomes of the sum of the temperatures?
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. y' = -y,y(0) = 1:y(1) 对 y(0) 的导数是多少?对最后时刻的导数呢?
# 2. e = 0 时,开普勒的 E 对 M 的二阶导数是多少?
# 3. 如果杆的两端封闭(该处 k = 0),温度的总和会怎样?
#
# 运行下面的代码核对答案:
# %%
def at_end(y0, T):
    return odeint(lambda y, t: -y, y0, np.stack([0.0 * T, T]))[1, 0]


by_start, by_time = grad(at_end, (0, 1))(np.array([1.0]), 1.0)
print("1.", by_start.round(4), np.round(by_time, 4), "and exp(-1) is", np.exp(-1).round(4))
print("2.", np.round(grad(grad(E_of, 1), 1)(0.0, 1.0), 6) + 0.0)
closed = np.concatenate([[[0.0]], np.ones((heat.POINTS - 1, 1)), [[0.0]]])
print("3. it stays:", np.allclose(heat.temperatures(closed, before).sum(axis=0), before.sum(axis=0)))
