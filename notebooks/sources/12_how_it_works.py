# %% [markdown] en
# # 12. How it works: a Tensor in a page
#
# **What you will see.** Everything that the earlier notebooks did, written again from nothing: a `Tensor` that records, a
# table of derivatives, and a backward pass, in some sixty lines. It trains the flower network, and its
# gradients are those of the library. Then the library's own code, read beside it: what it does
# differently, and why. (Course 1, week 2: *Computation graph*; week 3: *Backpropagation intuition*.)
# %% [markdown] zh
# # 12. 它是如何工作的:一页写完的 Tensor
#
# **你将看到什么。** 把前面各篇所用的东西从零再写一遍:一个会记录运算的 `Tensor`、一张导数表、一次反向传播,总共六十来行。
# 它能训练花形数据的网络,梯度与本库相同。然后对照着读本库自己的代码:哪里不同,为什么不同。
# (课程一第二周:《计算图》;第三周:《直观理解反向传播》。)
# %%
import inspect
import math

import numpy as np

import tinygrad_course
from datasets import flower
from tinygrad_course import custom_rule
from tinygrad_course.engine import sweep
from tinygrad_course.gradient_checking import check_gradients
from tinygrad_course.rules.table import RULES


# %% [markdown] en
# ## Three ideas
#
# 1. **Record.** Whenever NumPy applies a function to a `Tensor`, compute the result with plain arrays, and remember
#    which function it was and what it was applied to. NumPy asks us: a class with the method
#    `__array_ufunc__` is called by `np.exp(t)`, `np.add(t, 1)` and all functions of that kind (*ufuncs*).
# 2. **Know the local derivatives.** One line for each function and argument: given the gradient `g` of the output `y`, the gradient
#    of the argument. That is the chain rule for a single step.
# 3. **Go back in order.** A node may pass its gradient on only when it has received all of it: from everything
#    that used it. Every node is made *after* its inputs, so going through them from the latest to the
#    earliest is such an order.
# %% [markdown] zh
# ## 三个想法
#
# 1. **记录。** 每当 NumPy 把一个函数作用于 `Tensor`,就用普通数组算出结果,并记下是哪个函数、作用在什么上。
#    NumPy 会来问我们:类里只要有 `__array_ufunc__` 方法,`np.exp(t)`、`np.add(t, 1)` 等所有这类函数(*ufunc*)就会调用它。
# 2. **知道局部导数。** 每个函数的每个参数一行:已知输出 `y` 的梯度 `g`,求该参数的梯度。这就是链式法则的一步。
# 3. **按顺序往回走。** 一个节点只有收齐了所有使用者传来的梯度,才能往回传。每个节点都在它的输入*之后*产生,
#    所以从最晚的走到最早的,就是一个合适的顺序。
#
# %% [markdown] en
# ## The whole of it
# %% [markdown] zh
# ## 全部代码
# %%
class Tensor:
    made = 0

    def __init__(self, data, function=None, inputs=()):
        self.data, self.function, self.inputs = np.asarray(data, dtype=float), function, inputs
        self.grad = np.zeros_like(self.data)
        Tensor.made += 1
        self.number = Tensor.made  # later ones have greater numbers

    def __array_ufunc__(self, ufunc, method, *inputs):
        plain = [x.data if isinstance(x, Tensor) else x for x in inputs]
        return Tensor(ufunc(*plain), ufunc, inputs)

    def __add__(self, other):
        return np.add(self, other)

    def __sub__(self, other):
        return np.subtract(self, other)

    def __rsub__(self, other):
        return np.subtract(other, self)

    def __mul__(self, other):
        return np.multiply(self, other)

    def __matmul__(self, other):
        return np.matmul(self, other)

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        self.grad = np.ones_like(self.data)
        nodes, found = [self], {id(self)}
        for node in nodes:  # all that J depends on; the list grows while we go through it
            for x in node.inputs:
                if isinstance(x, Tensor) and id(x) not in found:
                    found.add(id(x))
                    nodes.append(x)
        for node in sorted(nodes, key=lambda node: -node.number):
            plain = [x.data if isinstance(x, Tensor) else x for x in node.inputs]
            for x, derivative in zip(node.inputs, DERIVATIVES.get(node.function, ()), strict=False):
                if isinstance(x, Tensor):
                    x.grad = x.grad + unbroadcast(derivative(node.grad, node.data, *plain), x.data.shape)


def unbroadcast(g, shape):
    """Copied forward, summed backward."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


# %% [markdown] en
# And the table: `g` is the gradient that arrives, `y` the output, `a` and `b` the arguments.
# %% [markdown] zh
# 再加上导数表:`g` 是传来的梯度,`y` 是输出,`a` 和 `b` 是参数。
# %%
DERIVATIVES = {
    np.add: (lambda g, y, a, b: g, lambda g, y, a, b: g),
    np.subtract: (lambda g, y, a, b: g, lambda g, y, a, b: -g),
    np.multiply: (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    np.divide: (lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b),
    np.matmul: (lambda g, y, a, b: g @ b.T, lambda g, y, a, b: a.T @ g),
    np.negative: (lambda g, y, a: -g,),
    np.exp: (lambda g, y, a: g * y,),
    np.log: (lambda g, y, a: g / a,),
    np.tanh: (lambda g, y, a: g * (1 - y**2),),
}

# %% [markdown] en
# ## Does it work?
#
# The graph of the first notebook, and a variable that is used twice:
# %% [markdown] zh
# ## 能用吗?
#
# 第一篇笔记里的计算图,以及一个用了两次的变量:
# %%
a, b, c = Tensor(5), Tensor(3), Tensor(2)
J = 3 * (a + b * c)
J.backward()
print("J =", J.data, "  gradients:", a.grad, b.grad, c.grad)

a = Tensor(3)
b = a + a
c = b * a
c.backward()
print("d(2a²)/da at 3 =", a.grad)

# %% [markdown] en
# Now the network of notebook 4. Its cost, 0.693048, and a thousand iterations later 0.288083, without a backward
# pass in sight. (The sum over the examples is a product with ones: our page has no rule for `np.sum`.)
# %% [markdown] zh
# 再来训练第 4 篇的网络:初始成本 0.693048,一千次迭代之后 0.288083,看不到一行手写的反向传播。
# (对样本求和写成了与全一向量的乘积:我们这一页里没有 `np.sum` 的规则。)
# %%
data = flower.load()
X, Y, m = data.X, data.Y, data.m
ones = np.ones((m, 1))


def cost(p):
    A1 = np.tanh(p["W1"] @ X + p["b1"])
    A2 = np.divide(1, 1 + np.exp(np.negative(p["W2"] @ A1 + p["b2"])))
    return np.multiply(-1 / m, (Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) @ ones)


random = np.random.RandomState(2)
W1 = random.randn(4, 2) * 0.01
start = {"W1": W1, "b1": np.zeros((4, 1)), "W2": random.randn(1, 4) * 0.01, "b2": np.zeros((1, 1))}
parameters = start
for i in range(1001):
    tensors = {name: Tensor(value) for name, value in parameters.items()}
    J = cost(tensors)
    J.backward()
    parameters = {name: value - 1.2 * tensors[name].grad for name, value in parameters.items()}
    if i % 1000 == 0:
        print(f"cost after iteration {i}: {J.data.item():.6f}")

# %% [markdown] en
# The library's gradients of the very same function:
# %% [markdown] zh
# 本库对同一个函数求出的梯度:
# %%
theirs = tinygrad_course.grad(lambda p: np.sum(cost(p)))(start)
ours = {name: Tensor(value) for name, value in start.items()}
cost(ours).backward()
for name in start:
    print(f"d{name} the same: {np.allclose(ours[name].grad, theirs[name], rtol=1e-10, atol=1e-14)}")

# %% [markdown] en
# ## Reading the library
#
# The same three ideas are three of its files.
#
# **`rules/` is the table.** It looks just like ours. One entry for each NumPy function:
# %% [markdown] zh
# ## 读本库的代码
#
# 同样的三个想法,对应三处代码。
#
# **`rules/` 就是那张表。** 样子和我们的一样,每个 NumPy 函数一条:
# %%
for function in (np.multiply, np.sin, np.log):
    rule = RULES[function]
    print(rule.name.ljust(9), inspect.getsource(rule.vjps[0]).strip())

print("more than 100 functions, before SciPy is imported:", len(RULES) > 100)

# %% [markdown] en
# Because a rule is written with `np.*` alone, it can be given `Tensor`s itself. Then the backward pass is recorded too,
# and *its* gradient is the second derivative. Our page cannot do that: it computes with plain arrays.
# %% [markdown] zh
# 规则只用 `np.*` 写成,所以也可以把 `Tensor` 交给它。这样反向传播本身也被记录下来,*它*的梯度就是二阶导数。
# 我们那一页做不到:它只用普通数组计算。
# %%
f = np.tanh
for _ in range(4):
    print(f"{f(0.5):.6f}", end="  ")
    f = tinygrad_course.grad(f)
print("tanh and its derivatives at 0.5")

# %% [markdown] en
# **`recording.py` and `tensor.py` record**, through two protocols instead of our one: `__array_ufunc__` for `np.exp` and its like,
# `__array_function__` for `np.dot`, `np.sum` and its like. A function without a rule is an error there, never a silent zero:
# %% [markdown] zh
# **`recording.py` 和 `tensor.py` 负责记录**,用的是两个协议:`__array_ufunc__` 管 `np.exp` 这一类,
# `__array_function__` 管 `np.dot`、`np.sum` 这一类。没有规则的函数会报错,绝不会悄悄给出零:
# %%
try:
    np.spacing(tinygrad_course.Tensor(1.0))
except TypeError as error:
    print(error)

# %% [markdown] en
# **`sweep.py` goes back.** It takes the latest node from a heap, so nothing has to be sorted beforehand; it lets go of arrays
# as it passes, so memory shrinks on the way; and it is a loop, so a chain of a hundred thousand operations is no problem:
# %% [markdown] zh
# **`sweep.py` 往回走。** 它用堆取出最晚的节点,事先不必排序;边走边放开用完的数组,内存一路减少;
# 它是循环而不是递归,所以十万个运算连成的链也不成问题:
# %%
x = tinygrad_course.Tensor(1.0)
y = x
for _ in range(100_000):
    y = y + 1e-5
y.backward()
print(f"y = {y.item():.4f}, dy/dx = {x.grad}")
print(inspect.getdoc(sweep).split("\n\n")[0])

# %% [markdown] en
# ## Add a function
#
# `custom_rule` is a line of the table, written from outside. Python's `math.erf`, which NumPy knows nothing of:
# %% [markdown] zh
# ## 添加一个函数
#
# `custom_rule` 就是从外面给表添一行。比如 Python 的 `math.erf`,NumPy 并不认识它:
# %%
erf = custom_rule(np.vectorize(math.erf), lambda g, y, z: g * 2 / np.sqrt(np.pi) * np.exp(-(z**2)))
print(check_gradients(lambda z: np.sum(erf(z)), np.array([0.5, 1.0, -2.0])).verdict)


# %% [markdown] en
# ## Exercises
#
# 1. Go back in the wrong order: *earliest* first. What becomes of the two examples above, and why?
# 2. Add `np.square` to the page's table.
# 3. Leave out `unbroadcast`. Which parameters of the network get a gradient of the wrong shape?
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. 故意走错顺序:从*最早*的节点开始。上面两个例子会怎样,为什么?
# 2. 在这一页的表里加上 `np.square`。
# 3. 去掉 `unbroadcast`。网络的哪些参数会得到形状错误的梯度?
#
# 运行下面的代码核对答案:
# %%
class Backwards(Tensor):
    @property
    def number(self):
        return -self._number

    @number.setter
    def number(self, value):
        self._number = value

    def __array_ufunc__(self, ufunc, method, *inputs):
        return Backwards(ufunc(*[x.data if isinstance(x, Tensor) else x for x in inputs]), ufunc, inputs)


a = Backwards(3)
c = (a + a) * a
c.backward()
print("1. da =", a.grad, "instead of 12: when it was b's turn, nothing had arrived there yet")
a, b, c = Backwards(5), Backwards(3), Backwards(2)
(3 * (a + b * c)).backward()
print("   J = 3(a + bc):", a.grad, b.grad, c.grad, "- the other one breaks too")

DERIVATIVES[np.square] = (lambda g, y, a: 2 * a * g,)
x = Tensor([1.0, 2.0, 3.0])
np.square(x).backward()
print("2.", x.grad)

keep, unbroadcast = unbroadcast, lambda g, shape: g
parts = {name: Tensor(value) for name, value in start.items()}
cost(parts).backward()
unbroadcast = keep
print(
    "3.", [name for name in parts if parts[name].grad.shape != parts[name].data.shape], "- what was broadcast"
)
