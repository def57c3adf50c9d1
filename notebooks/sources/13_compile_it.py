# %% [markdown] en
# # 13. Compile it
#
# **What you will see.** A whole training step, backward pass and update included, recorded once and turned into a
# straight program: faster, and readable. It is the code that the course has you write by hand, derived by
# the machine. (Course 1, week 3: *Gradient descent for neural networks*.)
# %% [markdown] zh
# # 13. 把它编译出来
#
# **你将看到什么。** 把完整的一步训练(包括反向传播和参数更新)记录一次,变成一段直线式的程序:更快,而且读得懂。
# 它正是课程要你手写的代码,只不过由机器推导出来。(课程一第三周:《神经网络的梯度下降》。)
# %%
import time

import numpy as np

from datasets import flower
from tinygrad_course import CannotCompile, compiled, value_and_grad

data = flower.load()
X, Y = data.X, data.Y


# %% [markdown] en
# ## A training step, as you know it
#
# The network of notebook 4: a cost, its gradients from the graph, one step of gradient descent.
# %% [markdown] zh
# ## 熟悉的一步训练
#
# 第 4 篇的网络:成本、由计算图得到的梯度、梯度下降的一步。
# %%
def cost(p, X, Y):
    A1 = np.tanh(np.dot(p["W1"], X) + p["b1"])
    A2 = 1 / (1 + np.exp(-(np.dot(p["W2"], A1) + p["b2"])))
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / X.shape[1]


def step(p, X, Y):
    J, grads = value_and_grad(cost)(p, X, Y)
    return J, {name: value - 1.2 * grads[name] for name, value in p.items()}


random = np.random.RandomState(2)
W1 = random.randn(4, 2) * 0.01
start = {"W1": W1, "b1": np.zeros((4, 1)), "W2": random.randn(1, 4) * 0.01, "b2": np.zeros((1, 1))}

# %% [markdown] en
# ## Compile, and compare
#
# `compiled` returns a function that takes and returns the same. Its first call records; later calls run the program.
# %% [markdown] zh
# ## 编译并对照
#
# `compiled` 返回一个输入输出都相同的函数。第一次调用时记录,以后的调用直接运行程序。
# %%
fast = compiled(step)
J, after = step(start, X, Y)
J_fast, after_fast = fast(start, X, Y)
print(f"cost {float(J):.6f} and {float(J_fast):.6f}")
print({name: bool(np.allclose(after[name], after_fast[name], rtol=1e-10, atol=1e-14)) for name in after})

# %% [markdown] en
# ## Read it
#
# `source` is the program in the course's names. There is the backward pass: `A2 - Y`, the tanh's `1 - A1**2`, the transposes,
# the sums with `keepdims=True`. The logarithms are gone: log(σ(z)) has become a form that cannot overflow.
# %% [markdown] zh
# ## 读一读
#
# `source` 是用课程的名字写出的程序。反向传播就在里面:`A2 - Y`,tanh 的 `1 - A1**2`,各处转置,带 `keepdims=True` 的求和。
# 对数不见了:log(σ(z)) 变成了不会溢出的写法。
# %%
# differs between machines: how the program is simplified is the library's to choose
print(fast.source)

# %% [markdown] en
# ## Faster
# %% [markdown] zh
# ## 更快
# %%
# differs between machines: times
for name, one in (("recorded each time", step), ("compiled", fast)):
    parameters, best = start, np.inf
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(100):
            J, parameters = one(parameters, X, Y)
        best = min(best, time.perf_counter() - begin)
    print(f"{name:18} {1e4 * best:6.1f} µs a step")

# %%
parameters = start
for i in range(2001):
    J, parameters = fast(parameters, X, Y)
    if i % 1000 == 0:
        print(f"cost after iteration {i}: {float(J):.6f}")


# %% [markdown] en
# Those are the figures of the assignment again: 0.693048, 0.288083, 0.254385.
#
# ## What cannot be compiled
#
# The program is a recording of *one* way through your function. If that way depends on a value, a recording would be
# wrong for other values, so it is an error instead:
# %% [markdown] zh
# 又是作业里的那几个数:0.693048、0.288083、0.254385。
#
# ## 什么不能编译
#
# 程序是对函数*某一条*执行路径的记录。如果走哪条路取决于某个数值,这份记录对别的数值就是错的,所以它会报错,而不是给出错误的结果:
# %%
@compiled
def branches(x):
    if np.sum(x) > 0:
        return x * 2
    return x * 3


try:
    branches(np.ones(3))
except CannotCompile as error:
    print("CannotCompile: a branch on a value", "(if)" if "if" in str(error) else "")

# %% [markdown] en
# ## Exercises
#
# 1. Write the function above so that it compiles (`np.where`).
# 2. Call the compiled step with the first 100 examples only. Does it still give the right answer?
# 3. Compile the cost alone, and its gradient alone. Is the sum of their work more or less than that of both at once?
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. 把上面的函数改写成可以编译的形式(`np.where`)。
# 2. 只用前 100 个样本调用编译好的一步。结果还对吗?
# 3. 分别编译成本和它的梯度。两者合起来的工作量,比一起编译多还是少?
#
# 运行下面的代码核对答案:
# %%
chosen = compiled(lambda x: np.where(np.sum(x) > 0, x * 2, x * 3))
print("1.", chosen(np.ones(3)), chosen(-np.ones(3)))

J, few = step(start, X[:, :100], Y[:, :100])
J_fast, few_fast = fast(start, X[:, :100], Y[:, :100])
print("2.", np.allclose(J, J_fast), all(np.allclose(few[name], few_fast[name]) for name in few))

alone, slope = compiled(cost), compiled(lambda p, X, Y: value_and_grad(cost)(p, X, Y)[1])
alone(start, X, Y), slope(start, X, Y), fast(start, X, Y)
tanhs = [text.source.count("np.tanh") for text in (alone, slope, fast)]
print("3. np.tanh in each program:", tanhs, "- apart, the forward pass is computed twice")
