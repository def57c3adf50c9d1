# %% [markdown] en
# # 1. The computation graph: J = 3(a + bc)
#
# **What you will see.** How a formula becomes a graph, how values flow forward through it and gradients
# flow back, and how the chain rule is nothing more than multiplying along the arrows. (Course 1, week 2:
# *Computation graph* and *Derivatives with a computation graph*.)
#
# You need NumPy and the idea of a derivative, nothing else.
# %% [markdown] zh
# # 1. 计算图:J = 3(a + bc)
#
# **你将看到什么。** 一个公式如何变成计算图,数值如何沿图前向传播,梯度如何反向传播;链式法则不过是沿着箭头相乘。
# (课程一第二周:《计算图》与《使用计算图求导数》。)
#
# 你只需要 NumPy 和导数的概念。
# %%
import numpy as np

from tinygrad_course import Tensor, grad, graph

# %% [markdown] en
# ## Forward: values
#
# A `Tensor` is a variable that remembers how it was computed. `named` tells the picture what to call a result.
# %% [markdown] zh
# ## 前向传播:数值
#
# `Tensor` 是一个会记住自己如何被计算出来的变量。`named` 给中间结果起名字,画图时使用。
# %%
a = Tensor(5.0, name="a")
b = Tensor(3.0, name="b")
c = Tensor(2.0, name="c")
u = (b * c).named("u")
v = (a + u).named("v")
J = (3 * v).named("J")
J

# %% [markdown] en
# The value is 33: u = bc = 6, v = a + u = 11, J = 3v = 33. (Some notes on the course say 23. Multiply it out.)
#
# The graph as data, each node after the nodes that it was computed from:
# %% [markdown] zh
# 结果是 33:u = bc = 6,v = a + u = 11,J = 3v = 33。(有的课程笔记写成 23,自己算一遍就知道了。)
#
# 把计算图当作数据来看,每个节点都排在它所依赖的节点之后:
# %%
for node in graph(J):
    print(f"{node.id}: {node.name or '':2} {node.op or 'given':9} {node.inputs!s:7} value {node.value}")

# %%
graph(J)

# %% [markdown] en
# ## Backward: gradients
#
# `backward` goes through the operations from J back to the variables. At each one it multiplies the gradient
# that arrives by the local derivative. The picture shows gradients in red.
# %% [markdown] zh
# ## 反向传播:梯度
#
# `backward` 从 J 出发,沿着运算一步步回到变量。每经过一个运算,就把到达的梯度乘以这一步的局部导数。图中红色的数字就是梯度。
# %%
J.backward()
graph(J)

# %%
print("dJ/da =", a.grad)
print("dJ/db =", b.grad, "= dJ/dv dv/du du/db = 3 * 1 * c")
print("dJ/dc =", c.grad, "= dJ/dv dv/du du/dc = 3 * 1 * b")

# %% [markdown] en
# Check it as the course does: raise b by 0.001, and J rises by six times as much.
# %% [markdown] zh
# 像课程里那样检验:b 增加 0.001,J 增加它的六倍。
# %%
print(3 * (5 + 3.001 * 2) - 3 * (5 + 3 * 2))

# %% [markdown] en
# ## A variable used twice
#
# Here is why the order matters. b = a + a uses a twice, and both arrows bring a gradient back: they add up.
# A node may pass its gradient on only when everything that used it has been visited; that order is called
# *topological*.
# %% [markdown] zh
# ## 一个变量用了两次
#
# 这里可以看到为什么顺序很重要。b = a + a 两次用到 a,两条箭头各带回一份梯度,它们要相加。
# 一个节点必须等所有用到它的节点都处理完,才能继续往回传;这种顺序叫做*拓扑序*。
# %%
a = Tensor(3.0, name="a")
b = (a + a).named("b")
c = (b * a).named("c")
c.backward()
print("c = 2 a^2, so dc/da = 4a =", a.grad)
graph(c)

# %% [markdown] en
# ## Arrays, and functions
#
# The same with arrays: write the function in NumPy, and `grad` returns the function that computes its gradient.
# Derivatives of derivatives come from the same recording.
# %% [markdown] zh
# ## 数组与函数
#
# 数组也一样:用 NumPy 写出函数,`grad` 返回计算其梯度的函数。二阶、三阶导数也由同样的记录得到。
# %%
X = np.array([[1.0, 2.0], [3.0, 4.0]])


def cost(w):
    return np.sum(np.dot(w.T, X) ** 2)


w = np.array([[1.0], [1.0]])
print(grad(cost)(w))
print(2 * X @ X.T @ w)  # by hand


# %%
def cube(x):
    return x**3


print(cube(2.0), grad(cube)(2.0), grad(grad(cube))(2.0), grad(grad(grad(cube)))(2.0))

# %% [markdown] en
# ## Exercises
#
# 1. Draw J = (a + b)(b + 1) at a = 2, b = 1 and read off dJ/da and dJ/db before you run it.
# 2. Draw the sigmoid, 1 / (1 + np.exp(-z)), at z = 0. Which number arrives at z, and why is it 1/4?
# 3. Change c = b * a above into c = b * b. Which gradient do you expect at a = 3?
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. 画出 J = (a + b)(b + 1) 在 a = 2, b = 1 处的计算图,先自己读出 dJ/da 和 dJ/db,再运行。
# 2. 画出 sigmoid 函数 1 / (1 + np.exp(-z)) 在 z = 0 处的计算图。传到 z 的数字是多少?为什么是 1/4?
# 3. 把上面的 c = b * a 改成 c = b * b。a = 3 处的梯度应该是多少?
#
# 运行下面的代码核对答案:
# %%
print(grad(lambda a, b: (a + b) * (b + 1), argnums=(0, 1))(2.0, 1.0))
print(grad(lambda z: 1 / (1 + np.exp(-z)))(0.0))
print(grad(lambda a: (a + a) * (a + a))(3.0))
