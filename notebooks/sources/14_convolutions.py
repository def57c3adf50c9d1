# %% [markdown] en
# # 14. Convolutions
#
# **What you will see.** A convolution by loops, as the assignment has it; the same as one matrix product; its backward pass
# from the graph; and LeNet, which reads handwritten digits. (Course 4, weeks 1 and 2.)
# %% [markdown] zh
# # 14. 卷积
#
# **你将看到什么。** 先像作业那样用循环写卷积,再把它写成一次矩阵乘法;反向传播由计算图得到;最后用 LeNet 识别手写数字。
# (课程四第一、二周。)
# %%
import numpy as np

from models import lenet
from models.course import convolution
from tinygrad_course import Tensor, graph, vjp
from tinygrad_course.functions import conv, max_pool, relu

# %% [markdown] en
# ## A window and a kernel
#
# Each number of Z is the sum of a window of the picture times the kernel, plus b. The pictures are (m, n_H, n_W, n_C), the
# kernels (f, f, n_C_prev, n_C).
# %% [markdown] zh
# ## 窗口与卷积核
#
# Z 的每个数,都是图片上的一个窗口与卷积核逐元素相乘、求和,再加上 b。图片的形状是 (m, n_H, n_W, n_C),卷积核是
# (f, f, n_C_prev, n_C)。
# %%
picture = np.zeros((1, 6, 6, 1))
picture[:, :, :3] = 10.0
vertical_edge = np.array([[1.0, 0.0, -1.0]] * 3).reshape(3, 3, 1, 1)
conv(picture, vertical_edge)[0, :, :, 0]

# %%
random = np.random.RandomState(1)
A_prev, W, b = random.randn(10, 4, 4, 3), random.randn(2, 2, 3, 8), random.randn(1, 1, 1, 8)
Z_loops, cache = convolution.conv_forward(A_prev, W, b, {"pad": 2, "stride": 2})
Z = conv(A_prev, W, b, stride=2, pad=2)
print("mean of Z by loops:", np.mean(Z_loops).round(13), " the same:", np.allclose(Z, Z_loops))

# %% [markdown] en
# ## The backward pass
#
# The assignment's `conv_backward` has five nested loops. Here the graph knows it: a convolution is one node, and its
# gradients are two more products of the same matrices. The figures are those that the assignment prints.
# %% [markdown] zh
# ## 反向传播
#
# 作业里的 `conv_backward` 有五层循环。这里由计算图给出:一次卷积是一个节点,它的两个梯度就是同样几个矩阵的另外两次乘法。
# 下面的数字与作业打印的一致。
# %%
dA_prev, dW, db = convolution.conv_backward(Z, cache)
print(f"dA_mean = {dA_prev.mean():.11f}\ndW_mean = {dW.mean():.11f}\ndb_mean = {db.mean():.11f}")

# %% [markdown] en
# ## The graph of a small network
# %% [markdown] zh
# ## 一个小网络的计算图
# %%
K = Tensor(random.randn(3, 3, 1, 2), name="K")
c = Tensor(np.zeros(2), name="c")
A1 = max_pool(relu(conv(picture, K, c, pad="same").named("Z1"))).named("A1")
J = np.mean(A1**2).named("J")
J.backward(retain_graph=True)
graph(J)

# %% [markdown] en
# ## A residual block
#
# relu(A + F(A)): what F does not know yet, the way around lets through, and the gradient comes back by it whole.
# %% [markdown] zh
# ## 残差块
#
# relu(A + F(A)):F 还没学会的部分,由旁路原样通过;梯度也沿着旁路完整地传回来。
# %%
block = {name: np.zeros((3, 3, 2, 2)) for name in ("R1", "R2")} | {name: np.zeros(2) for name in ("r1", "r2")}
A = np.abs(random.randn(1, 4, 4, 2))
out, pullback = vjp(lambda A: lenet.residual_block(A, block), A)
print("identity at first:", np.array_equal(out, A))
print("gradient whole:", np.all(pullback(np.ones_like(out))[0] == 1))

# %% [markdown] en
# ## LeNet on digits
#
# `python -m models.lenet` trains for half a minute and is right for more than 98.5 % of the pictures that it has not seen. A few epochs
# show where it goes:
# %% [markdown] zh
# ## 用 LeNet 识别数字
#
# `python -m models.lenet` 训练约半分钟,在没见过的图片上正确率超过 98.5%。先跑几轮看看趋势:
# %%
X, Y, X_test, Y_test = lenet.load()
p, costs = lenet.train(lenet.initialize(), X, Y, epochs=4)
print("the cost falls:", costs[-1] < costs[0] / 4)
print("above 90 % already:", lenet.accuracy(p, X_test, Y_test) > 90)

# %% [markdown] en
# ## Exercises
#
# 1. A kernel of 5 x 5 on a picture of 32 x 32, stride 1, no padding: how large is Z? And with `pad="same"`?
# 2. Where does the gradient of a max pool go? Try a window with one largest element, and one with two.
# 3. Write an average pool of 2 x 2 as a convolution.
#
# The answers, to be checked by running them:
# %% [markdown] zh
# ## 练习
#
# 1. 5 x 5 的卷积核作用在 32 x 32 的图片上,步长 1,不填充,Z 有多大?`pad="same"` 呢?
# 2. 最大池化的梯度传到哪里?试试只有一个最大元素的窗口,以及有两个的。
# 3. 把 2 x 2 的平均池化写成一次卷积。
#
# 运行下面的代码核对答案:
# %%
big, K5 = np.zeros((1, 32, 32, 1)), np.zeros((5, 5, 1, 1))
print("1.", conv(big, K5).shape, conv(big, K5, pad="same").shape)
for window in ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 4.0], [3.0, 4.0]]):
    _, pullback = vjp(max_pool, np.array(window).reshape(1, 2, 2, 1))
    print("2.", pullback(np.ones((1, 1, 1, 1)))[0].reshape(2, 2).tolist())
quarter = np.full((2, 2, 1, 1), 0.25)
x = np.arange(16.0).reshape(1, 4, 4, 1)
print("3.", conv(x, quarter, stride=2)[0, :, :, 0].tolist())
