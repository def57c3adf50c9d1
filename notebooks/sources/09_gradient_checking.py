# %% [markdown] en
# # 9. Gradient checking, and two planted mistakes
#
# **What you will see.** How to find out whether a backward pass is right without believing anybody: two
# evaluations of the cost for each parameter. Then the exercise of the course with its two planted mistakes, found
# by the check and named, line by line, by the audit; why a *right* gradient can miss the course's threshold; and what a kink of ReLU does to the check. (Course 2,
# week 1: *Gradient checking* and its assignment.)
# %% [markdown] zh
# # 9. 梯度检验,以及两处故意埋下的错误
#
# **你将看到什么。** 不相信任何人,也能知道反向传播写得对不对:对每个参数只需计算两次成本。接着做课程的练习,
# 用梯度检验发现、再用审查逐行指出其中埋下的两处错误;再看为什么*正确*的梯度也可能通不过课程的阈值,以及 ReLU 的拐点会怎样影响检验。
# (课程二第一周:《梯度检验》及其作业。)
# %%
import matplotlib.pyplot as plt
import numpy as np

from tinygrad_course import Tensor, functions, grad, graph
from tinygrad_course.audit import audit
from tinygrad_course.gradient_checking import check_gradients, compare_gradients


# %% [markdown] en
# ## One parameter
#
# The derivative is a slope, so measure it: go a little to both sides.
#
# $$\frac{dJ}{d\theta} \approx \frac{J(\theta + \varepsilon) - J(\theta - \varepsilon)}{2\varepsilon}$$
#
# Why both sides? The error of the two-sided quotient falls with ε², that of the one-sided with ε only:
# %% [markdown] zh
# ## 一个参数
#
# 导数就是斜率,那就量一量:向两边各走一小步。
#
# $$\frac{dJ}{d\theta} \approx \frac{J(\theta + \varepsilon) - J(\theta - \varepsilon)}{2\varepsilon}$$
#
# 为什么要两边?双边差商的误差随 ε² 减小,单边差商只随 ε 减小:
# %%
def f(theta):
    return np.tanh(theta) ** 2


theta, exact = 0.7, grad(f)(0.7)
print(f"exact {exact:.8f}")
for eps in (0.1, 0.01, 0.001):
    one = (f(theta + eps) - f(theta)) / eps
    two = (f(theta + eps) - f(theta - eps)) / (2 * eps)
    print(f"ε = {eps:<6} one-sided error {abs(one - exact):.1e}   two-sided {abs(two - exact):.1e}")

# %% [markdown] en
# So make ε tiny? No. The two values of J agree in more and more digits, and what is left of their difference is
# rounding. The best ε lies in between, near 10⁻⁵:
# %% [markdown] zh
# 那么 ε 越小越好吗?不是。两个 J 的值相同的位数越来越多,相减之后剩下的只是舍入误差。最好的 ε 在中间,大约 10⁻⁵:
# %%
eps = 10.0 ** np.arange(-13, 0, 0.25)
errors = [abs((f(theta + e) - f(theta - e)) / (2 * e) - exact) for e in eps]
figure, axes = plt.subplots(figsize=(5.5, 3.2))
axes.loglog(eps, errors, ".-")
axes.axvline(1e-7, color="0.7", linestyle="--")
axes.text(1.3e-7, 1e-3, "the course's ε", color="0.4")
axes.set(xlabel="ε", ylabel="error of the slope", title="Rounding on the left, curvature on the right")
plt.show()


# %% [markdown] en
# ## The network of the exercise
#
# 4 inputs, then 5, 3 and 1 units: relu, relu, sigmoid, 47 parameters. The backward pass is written by hand, and
# **two of its lines are wrong on purpose**. Read it before you go on. Can you see them?
# %% [markdown] zh
# ## 练习中的网络
#
# 4 个输入,然后是 5、3、1 个单元:relu、relu、sigmoid,共 47 个参数。反向传播是手写的,**其中有两行故意写错**。
# 往下看之前先读一遍,你能看出来吗?
# %%
def forward(p, X):
    Z1 = np.dot(p["W1"], X) + p["b1"]
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(p["W2"], A1) + p["b2"]
    A2 = np.maximum(0, Z2)
    Z3 = np.dot(p["W3"], A2) + p["b3"]
    A3 = 1 / (1 + np.exp(-Z3))
    return A1, A2, A3


def cost(p, X, Y):
    A3 = forward(p, X)[-1]
    return np.sum(-np.log(A3) * Y - np.log(1 - A3) * (1 - Y)) / X.shape[1]


def backward(parameters, X, Y):
    m = X.shape[1]
    A1, A2, A3 = forward(parameters, X)
    dZ3 = A3 - Y
    dW3 = 1 / m * np.dot(dZ3, A2.T)
    db3 = 1 / m * np.sum(dZ3, axis=1, keepdims=True)
    dZ2 = np.dot(parameters["W3"].T, dZ3) * (A2 > 0)
    dW2 = 1 / m * np.dot(dZ2, A1.T) * 2
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (A1 > 0)
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 4 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}


random = np.random.RandomState(1)  # the numbers of the assignment
X, Y = random.randn(4, 3), np.array([[1, 1, 0]])
parameters = {}
for l, (n_prev, n) in enumerate([(4, 5), (5, 3), (3, 1)], start=1):
    parameters[f"W{l}"] = random.randn(n, n_prev)
    parameters[f"b{l}"] = random.randn(n, 1)


# %% [markdown] en
# ## The check, as the course does it
#
# Lay all parameters end to end in one long θ; move each entry in turn, *to both sides*; compare with
#
# $$\text{difference} = \frac{\lVert grad - gradapprox \rVert_2}{\lVert grad \rVert_2 + \lVert gradapprox \rVert_2}$$
# %% [markdown] zh
# ## 像课程那样检验
#
# 把所有参数首尾相接,排成一个长向量 θ;依次让每个分量*向两边*各移动一点;再比较
#
# $$\text{difference} = \frac{\lVert grad - gradapprox \rVert_2}{\lVert grad \rVert_2 + \lVert gradapprox \rVert_2}$$
# %%
def numerical_gradient(p, eps):
    approx = {name: np.zeros_like(value) for name, value in p.items()}
    for name, value in p.items():
        for index in np.ndindex(value.shape):
            plus = {**p, name: value.copy()}
            minus = {**p, name: value.copy()}
            plus[name][index] += eps
            minus[name][index] -= eps
            approx[name][index] = (cost(plus, X, Y) - cost(minus, X, Y)) / (2 * eps)
    return approx


def long(nest):
    return np.concatenate([value.ravel() for value in nest.values()])


def difference(a, b):
    return np.linalg.norm(long(a) - long(b)) / (np.linalg.norm(long(a)) + np.linalg.norm(long(b)))


approx = numerical_gradient(parameters, 1e-7)
print(f"difference = {difference(backward(parameters, X, Y), approx):.6f}, the assignment prints 0.285093")

# %% [markdown] en
# Far above 10⁻⁷: something is wrong. But *where*? One number cannot say. The same comparison, array by
# array, with the ratio of the two:
# %% [markdown] zh
# 远大于 10⁻⁷:有错。可错在*哪里*?一个数说不清楚。逐个数组做同样的比较,并看两者之比:
# %%
hand = backward(parameters, X, Y)
for name in parameters:
    mine, theirs = hand[f"d{name}"].ravel(), approx[name].ravel()
    large = np.abs(theirs) > 1e-3
    print(f"d{name}: ratio to the numerical gradient {np.mean(mine[large] / theirs[large]):.4f}")

# %% [markdown] en
# `dW2` is twice and `db1` four times what it should be: the factor 2, and `4 / m`. Nothing else is wrong, although
# all the other lines stand between them. `compare_gradients` does this for any function, with a step chosen for
# every entry, and says which entries are bad:
# %% [markdown] zh
# `dW2` 是应有值的两倍,`db1` 是四倍:多出的因子 2,以及 `4 / m`。其余各行都没有错。
# `compare_gradients` 能对任何函数做这件事,为每个分量选择步长,并指出哪些分量不对:
# %%
# differs between machines in the digits that are rounding
print(compare_gradients(cost, parameters, X, Y, gradient=backward))

# %%
report = compare_gradients(cost, parameters, X, Y, gradient=backward)
print(report.verdict, sorted({entry.name for entry in report.entries if entry.status == "wrong"}))


# %% [markdown] en
# ## The audit: the line, not the array
#
# `audit` knows more than the check: it reads the backward pass, follows it line by line beside the graph of the forward
# pass, and names the *first line that is wrong on the way back*. Mend that line, and ask again, until it is content:
# %% [markdown] zh
# ## 审查:指出哪一行,而不只是哪个数组
#
# `audit` 知道得更多:它会读反向传播的代码,逐行与前向传播的计算图对照,指出*反向途中第一处出错的那一行*。
# 改正这一行,再问一次,直到它没有意见为止:
# %%
def audited(backward):
    """The audit takes the forward pass, the cost of its result, and the backward pass to be judged."""
    report = audit(
        lambda X, parameters: forward(parameters, X)[-1],
        lambda A3, Y: -np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3)) / Y.shape[1],
        backward,
        parameters,
        X,
        Y,
    )
    for finding in report.functions[0].findings:
        print(f"{report.status}: {finding.source}   ({finding.ratio:.0f} times what it should be)")
    if report.status == "right":
        print("right: every line")


def backward_mended_once(parameters, X, Y):
    m = X.shape[1]
    A1, A2, A3 = forward(parameters, X)
    dZ3 = A3 - Y
    dW3 = 1 / m * np.dot(dZ3, A2.T)
    db3 = 1 / m * np.sum(dZ3, axis=1, keepdims=True)
    dZ2 = np.dot(parameters["W3"].T, dZ3) * (A2 > 0)
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (A1 > 0)
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 4 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}


def backward_mended(parameters, X, Y):
    m = X.shape[1]
    A1, A2, A3 = forward(parameters, X)
    dZ3 = A3 - Y
    dW3 = 1 / m * np.dot(dZ3, A2.T)
    db3 = 1 / m * np.sum(dZ3, axis=1, keepdims=True)
    dZ2 = np.dot(parameters["W3"].T, dZ3) * (A2 > 0)
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (A1 > 0)
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}


audited(backward)
audited(backward_mended_once)
audited(backward_mended)

# %% [markdown] en
# A file of homework is checked the same way from the command line: `tinygrad-course check homework.py`.
# %% [markdown] zh
# 作业文件也可以在命令行里这样检查:`tinygrad-course check homework.py`。
# %% [markdown] en
# ## Or do not write it at all
#
# The graph knows the gradient. It has no line to get wrong, and a numerical check confirms it:
# %% [markdown] zh
# ## 或者干脆不手写
#
# 计算图知道梯度。它没有哪一行会写错,数值检验也证实了这一点:
# %%
exact = grad(cost)(parameters, X, Y)
print(compare_gradients(cost, parameters, X, Y, gradient=exact).verdict)
print("dW2 by hand / dW2 from the graph:", np.unique((hand["dW2"] / exact["W2"])[exact["W2"] != 0].round(9)))

tensors = {name: Tensor(value, name=name) for name, value in parameters.items()}
J = cost(tensors, X, Y)
J.backward(retain_graph=True)
graph(J, names={"X": X, "Y": Y, "J": J})


# %% [markdown] en
# ## A right gradient that fails
#
# Correct both lines, and with the course's ε = 10⁻⁷ the difference is 1.19·10⁻⁷: above the threshold of 10⁻⁷.
# Many learners have hunted for a bug that does not exist. The gradient is right; the *differences* are not good enough.
# `log(1 - A3)` loses digits when A3 is near 1, and dividing by a tiny 2ε blows that loss up. Take a larger ε, or
# a cost that does not lose the digits:
# %% [markdown] zh
# ## 通不过检验的正确梯度
#
# 改正那两行之后,用课程的 ε = 10⁻⁷ 得到的 difference 是 1.19·10⁻⁷,仍高于阈值 10⁻⁷。许多人为此寻找一个并不存在的错误。
# 梯度没有错,是*差商*不够准:A3 接近 1 时 `log(1 - A3)` 会丢失有效数字,再除以很小的 2ε,误差就被放大了。
# 换一个大一些的 ε,或者换一种不丢失数字的成本写法:
# %%
# differs between machines: these numbers are rounding errors
def stable_cost(p, X, Y):
    Z3 = np.dot(p["W3"], forward(p, X)[1]) + p["b3"]
    return functions.sigmoid_cross_entropy(Z3, Y)


for name, J in (("as printed", cost), ("from Z3   ", stable_cost)):
    for eps in (1e-5, 1e-6, 1e-7):
        report = compare_gradients(J, parameters, X, Y, gradient=exact, epsilon=eps)
        print(f"cost {name}  ε = {eps:.0e}  difference {report.difference:.2e}  {report.verdict}")

# %% [markdown] en
# ## A kink is no mistake
#
# At z = 0 ReLU has a slope of 0 on the left and of 1 on the right, and the two-sided quotient says 0.5. The graph
# says 0, as the course does. `check_gradients` knows a kink from a mistake: it looks at both sides, and passes.
# %% [markdown] zh
# ## 拐点不是错误
#
# 在 z = 0 处,ReLU 左边的斜率是 0,右边是 1,双边差商会说 0.5;计算图和课程一样取 0。
# `check_gradients` 能区分拐点和错误:它分别看两边,于是通过检验。
# %%
report = check_gradients(lambda z: np.sum(functions.relu(z)), np.array([-1.0, 0.0, 2.0]))
for entry in report.entries:
    print(f"{entry.label}: gradient {entry.analytic:g}  {entry.status}")

# %% [markdown] en
# ## What it cannot find
#
# The check sees the gradient and nothing else: a wrong cost with a right gradient *of that cost* passes, and so does a wrong
# optimiser. And dropout has to be switched off, or its mask held fixed, while you check.
#
# ## Exercises
#
# 1. Some notes compute J_minus at θ + ε too, by a slip of the pen. What does the check then say of *every* gradient?
# 2. Change `(A1 > 0)` to `(A1 >= 0)`. Does the check notice, and why?
# 3. Drop the `1 / m` of dW3 alone. Predict the ratio, then let the audit find the line.
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 它发现不了什么
#
# 梯度检验只看梯度:成本写错了、但梯度确实是*那个*成本的梯度,检验照样通过;优化器写错也一样。
# 另外,检验时必须关闭 dropout,或者固定它的掩码。
#
# ## 练习
#
# 1. 有的笔记一时笔误,J_minus 也在 θ + ε 处计算。这时检验对*任何*梯度会说什么?
# 2. 把 `(A1 > 0)` 改成 `(A1 >= 0)`。检验能发现吗?为什么?
# 3. 只去掉 dW3 的 `1 / m`。先猜比值,再让审查找出这一行。
#
# 运行下面的代码核对答案:
# %%
nothing = {name: np.zeros_like(value) for name, value in parameters.items()}  # J_plus - J_plus
print("1. right gradient:", difference(exact, nothing), " wrong gradient:", difference(hand, nothing))


def too_open(p, X, Y):  # dZ1 as it becomes with >=
    A1, A2, A3 = forward(p, X)
    dZ2 = np.dot(p["W3"].T, A3 - Y) * (A2 > 0)
    dZ1 = np.dot(p["W2"].T, dZ2) * (A1 >= 0)
    return {**exact, "W1": np.dot(dZ1, X.T) / 3, "b1": np.sum(dZ1, axis=1, keepdims=True) / 3}


report = compare_gradients(cost, parameters, X, Y, gradient=too_open)
print(
    "2.",
    report.verdict,
    "- A1 is never negative, so >= lets every gradient through:",
    sorted({entry.name for entry in report.entries if entry.status == "wrong"}),
)


def without_m(parameters, X, Y):
    m = X.shape[1]
    A1, A2, A3 = forward(parameters, X)
    dZ3 = A3 - Y
    dW3 = np.dot(dZ3, A2.T)
    db3 = 1 / m * np.sum(dZ3, axis=1, keepdims=True)
    dZ2 = np.dot(parameters["W3"].T, dZ3) * (A2 > 0)
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (A1 > 0)
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}


print("3. m = 3")
audited(without_m)
