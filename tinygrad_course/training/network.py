"""`Network`: a network of the course, described by its layers and trained with gradients from its graph."""

from __future__ import annotations

import copy
import functools
import inspect
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tinygrad_course import functions
from tinygrad_course.engine.errors import meant
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.engine.trees import Array
from tinygrad_course.exchange import export_onnx
from tinygrad_course.functions.streams import Stream, stream
from tinygrad_course.training import checkpoints, metrics, schedules
from tinygrad_course.training import descent as optimizers
from tinygrad_course.training.descent import GradientDescent, Optimizer, by_name
from tinygrad_course.training.epochs import named, pair, recorded_value
from tinygrad_course.training.examples import check_X, check_Y
from tinygrad_course.training.feedforward import (
    COSTS,
    Feedforward,
    check_activations,
    check_shares,
    each_hidden,
    kinds,
)
from tinygrad_course.training.initialization import Draw, check_layers, first_parameters
from tinygrad_course.training.loop import Callback, InterruptedRun, fit
from tinygrad_course.training.plots import plot_history
from tinygrad_course.training.resuming import described
from tinygrad_course.training.runs import EarlyStopping, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure


P = ParamSpec("P")

#: What users of other libraries write, and what it is here.
_MEANT = {
    "activation": "activations",
    "learning_rate": "optimizer=GradientDescent(learning_rate)",
    "lr": "optimizer=GradientDescent(learning_rate)",
    "dropout": "keep_prob, the share of units that is kept",
    "rng": "seed",
}


def _advising(init: Callable[P, None]) -> Callable[P, None]:
    """Have the error about a keyword that is none name the likely one."""
    known = list(inspect.signature(init).parameters)

    @functools.wraps(init)
    def checked(*args: P.args, **options: P.kwargs) -> None:
        for name in options:
            if name not in known:
                likely = f"; did you mean {_MEANT[name]}?" if name in _MEANT else meant(name, known)
                told = likely or f"; it takes {', '.join(known[1:])}"
                raise TypeError(f"Network takes no {name}{told}")
        init(*args, **options)

    return checked


class Network:
    """A fully connected network: A = g(W A_prev + b) in each layer, and a cost that fits the last one.

    After a sigmoid the cost is `binary_cross_entropy`, after a softmax `categorical_cross_entropy`, and after
    "identity" the network is a regression, with the mean squared error.

    Parameters
    ----------
    layers : sequence of int
        The sizes of the layers, the input's first: ``[2, 4, 1]``.
    activations : sequence of str, or str
        A name for each layer but the input: "sigmoid", "tanh", "relu", "leaky_relu", "identity"; the last is
        "sigmoid", "softmax" or "identity". A single name is for the hidden layers: the last one is then a
        sigmoid, or a softmax if it has several units.
    init : str or callable
        See `initialize_parameters`.
    lambd : float
        The strength of L2 regularisation.
    keep_prob : float, or sequence of float
        The share of units that dropout keeps while training: in every hidden layer, or layer by layer.
    batch_norm : bool, or sequence of bool
        Normalise Z over the examples, in every hidden layer, or layer by layer (course 2, week 3): the layer
        has gamma and beta instead of b, and a running mean and variance, by which it predicts.
    optimizer : GradientDescent, Momentum, RMSprop, Adam, AdamW, or the like
        Or the name of one, "adam"; ``GradientDescent(0.01)`` if left out.
    seed : int, RandomState or Generator
        Where the first parameters come from, and then the dropout masks and the shuffling.
    dtype : dtype
        Of the parameters, and of everything computed from them.

    Attributes
    ----------
    parameters : dict of str to ndarray
        ``{"W1": ..., "b1": ...}``, to be read and replaced.
    history : dict of str to list of float
        The costs and metrics, see `Run`.
    epoch : int
        How many epochs it was trained for.

    Raises
    ------
    ValueError
        For a layer of size 0, an activation that is unknown or out of place, a share that is none.

    Examples
    --------
    >>> X = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]])
    >>> Y = np.array([[0, 1, 1, 0]])
    >>> network = Network([2, 4, 1], "tanh", optimizer=optimizers.Adam(0.1), seed=1)
    >>> network.fit(X, Y, epochs=200).predict(X)
    array([[0, 1, 1, 0]])
    >>> network.score(X, Y)
    1.0
    """

    @_advising
    def __init__(
        self,
        layers: Sequence[int],
        activations: Sequence[str] | str = "relu",
        *,
        init: str | Draw = "he",
        lambd: float = 0.0,
        keep_prob: float | Sequence[float] = 1.0,
        batch_norm: bool | Sequence[bool] = False,
        optimizer: Optimizer | str | None = None,
        seed: int | Stream = 3,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.layers = check_layers(layers)
        self.activations = check_activations(activations, self.layers)
        self.init = init
        if not lambd >= 0:
            raise ValueError(f"lambd is {lambd}; expected a number that is not negative")
        self.lambd = float(lambd)
        hidden = len(self.layers) - 2
        self.keep_prob = check_shares(keep_prob, hidden)
        self.batch_norm = each_hidden("batch_norm", batch_norm, hidden)
        self._computes = Feedforward(self.activations, self.keep_prob, self.batch_norm)
        self.optimizer: Optimizer = GradientDescent() if optimizer is None else by_name(optimizer)
        self.dtype = np.dtype(dtype)
        if self.dtype.kind != "f":
            raise TypeError(f"dtype is {self.dtype}; parameters are floating-point: float64 or float32")
        self.seed = seed
        self._rng = stream(seed, "seed")
        drawn = first_parameters(self.layers, init, self._rng, dtype=self.dtype, name="init")
        self.parameters = self._computes.normalised(drawn)
        self._state = self.optimizer.init(self.parameters)
        self.history: dict[str, list[float]] = {"cost": [], "last_batch": []}
        self.epoch = 0
        self._met_data = False  # whether the running means are of data

    @classmethod
    def of(cls, parameters: Mapping[str, ArrayLike], activations: Sequence[str], **options: Any) -> Self:
        """Return a network of given parameters: of another library's file, see `exchange`.

        Parameters
        ----------
        parameters : mapping of str to array
            ``{"W1": ..., "b1": ...}``, of a layer with batch norm W1, gamma1, beta1, mean1 and variance1;
            their dtype is the network's.
        activations : sequence of str
            One a layer.
        options
            What else `Network` takes.

        Examples
        --------
        >>> Network.of({"W1": [[1.0, -1.0]], "b1": [[0.0]]}, ["sigmoid"]).predict([[2.0, 1.0], [1.0, 2.0]])
        array([[1, 0]])
        """
        held = {name: np.asarray(value) for name, value in parameters.items()}
        L = sum(name.startswith("W") for name in held)
        normal = [f"gamma{l}" in held for l in range(1, L)]
        names = [f"{kind}{l}" for l in range(1, L + 1) for kind in kinds(l < L and normal[l - 1])]
        if sorted(held) != sorted(names) or not L:
            raise ValueError(
                f"the parameters are called {list(held)}; expected {', '.join(names) or 'W1, b1'}"
            )
        held = {name: held[name] for name in names}
        sizes = [held["W1"].shape[1], *(held[f"W{l}"].shape[0] for l in range(1, L + 1))]
        network = cls(
            sizes, activations, init="zeros", batch_norm=normal, dtype=np.result_type(*held.values()),
            **options,
        )  # fmt: skip
        expected = {name: value.shape for name, value in network.parameters.items()}
        found = {name: value.shape for name, value in held.items()}
        if found != expected:
            raise ValueError(f"the parameters are {found}; expected {expected}")
        network.parameters = {name: value.astype(network.dtype) for name, value in held.items()}
        network._met_data = True
        return network

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layers))
        return f"<Network {sizes}, {', '.join(self.activations)}, trained for {self.epoch} epochs>"

    # -------------------------------------------------------------- what it computes

    def _recorded_cost(self, parameters: Any, X: Array, Y: Array) -> Any:
        """Return the cost as it is reported: with nothing dropped, normalised by the running means."""
        J: Any = COSTS[self.activations[-1]](self._computes(parameters, X), Y)
        return self._regularised(J, parameters, X)

    def _trained_cost(self, parameters: Any, X: Array, Y: Array, *masks: Any, names: bool = False) -> Any:
        """Return the cost that is lowered, and the running means after this batch."""
        A, running = self._computes.train(parameters, X, masks, names)
        J = self._regularised(COSTS[self.activations[-1]](A, Y), parameters, X)
        return (J, running) if running else J

    def _regularised(self, J: Any, parameters: Any, X: Array) -> Any:
        return J + functions.l2_term(parameters, self.lambd, X.shape[1]) if self.lambd else J

    def _masks(self, m: int) -> tuple[Any, ...]:
        """Draw which units of the hidden layers stay in this step, layer after layer; None: all."""
        return tuple(
            None if share == 1 else functions.dropout_mask((n, m), share, self._rng)
            for n, share in zip(self.layers[1:-1], self.keep_prob, strict=True)
        )

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the output of the last layer, (n_L, m): the probability of label 1, or of each class."""
        A: Array = self._computes(self.parameters, self._inputs(X))
        return A

    def predict(self, X: ArrayLike) -> Array:
        """Return 1 where the probability is above 0.5; of a softmax, the likeliest class, (1, m).

        A regression's output is returned as it is, (n_L, m).
        """
        return self._labels(self.predict_proba(X))

    def _labels(self, A: Array) -> Array:
        last = self.activations[-1]
        if last == "softmax":
            classes: Array = np.argmax(A, axis=0, keepdims=True)
            return classes
        return A if last == "identity" else (A > 0.5).astype(np.int64)

    def score(self, X: ArrayLike, Y: ArrayLike) -> float:
        """Return the share of labels that are predicted right; of a regression R2, see `metrics`."""
        X, Y = self._examples(X, Y)
        if self.activations[-1] == "identity":
            return metrics.r2(Y, self.predict(X))
        return metrics.accuracy(self._labels(Y), self.predict(X))

    def cost(self, X: ArrayLike, Y: ArrayLike) -> float:
        """Return the cost J, the L2 term included, without dropout."""
        return recorded_value(self._recorded_cost, self.parameters, *self._examples(X, Y))

    def confusion_matrix(self, X: ArrayLike, Y: ArrayLike) -> NDArray[np.int64]:
        """Return how often each class (a row) was taken for each class (a column); see `metrics`."""
        X, Y = self._examples(X, Y)
        last, n = self.activations[-1], self.layers[-1]
        if last == "identity" or (last == "sigmoid" and n > 1):
            raise ValueError(
                f"{self!r} has no classes that exclude each other, as a softmax or one sigmoid has"
            )
        return metrics.confusion_matrix(self._labels(Y), self.predict(X), 2 if last == "sigmoid" else n)

    def record(self, X: ArrayLike, Y: ArrayLike) -> Tensor:
        """Return the cost as a recorded Tensor, its nodes named W1, b1, Z1, A1, ...: ``graph(J)`` draws it.

        It is what a step of training differentiates, but for dropout: with batch norm, by these examples'
        mean and variance.

        Examples
        --------
        >>> J = Network([2, 1]).record(np.ones((2, 3)), np.ones((1, 3)))
        >>> from tinygrad_course import graph
        >>> [node.name for node in graph(J) if node.tensor is not None]
        ['W1', 'b1', 'Z1', 'A1', 'J']
        """
        X, Y = self._examples(X, Y)
        parameters = {name: Tensor(value, name=name) for name, value in self.parameters.items()}
        found = self._trained_cost(parameters, X, Y, names=True)
        J: Tensor = found[0] if isinstance(found, tuple) else found
        return J.named("J")

    # -------------------------------------------------------------- training

    def fit(
        self,
        X: Any,
        Y: Any,
        *,
        epochs: int = 1000,
        batch_size: int | None = None,
        validation: tuple[Any, Any] | None = None,
        early_stopping: EarlyStopping | int | None = None,
        callbacks: Callback | Sequence[Callback] = (),
        checkpoint: str | os.PathLike[str] | None = None,
        every: int = 100,
        show: bool | None = None,
        compile: bool | str = "auto",
    ) -> Self:
        """Train from the present parameters on.

        Parameters
        ----------
        X : array, shape (n_x, m), or HDF5 dataset
        Y : array, shape (1, m), or HDF5 dataset
            Labels 0 and 1; for a softmax the classes 0, 1, ... or one-hot columns, (n_L, m); for a regression
            numbers, (n_L, m).
        epochs : int
            Passes through the data; without mini-batches each is one of the course's iterations.
        validation : tuple of X and Y, optional
            Examples that are held out: the history then has ``"validation_cost"``, and ``"score"`` of both
            parts.
        batch_size, early_stopping, callbacks, checkpoint, every, show, compile
            See `training.fit`.

        Returns
        -------
        Network
            Itself.

        Raises
        ------
        ValueError
            If X or Y has the wrong orientation, holds a NaN, or another label than 0 and 1, or no example.
        NotFiniteError, CheckpointError, InterruptedRun
            See `training.fit`.
        """
        in_files = any(hasattr(data, "chunks") for data in (X, Y))  # HDF5 and its like, read batch by batch
        if not in_files:
            X, Y = self._examples(X, Y)
        if validation is not None:
            held = pair(validation)
            with named("validation"):
                validation = self._examples(*held)
        dropout = min(self.keep_prob, default=1.0) < 1

        def cost(parameters: Any, X: Any, Y: Any, *masks: Any) -> Any:
            if in_files:
                X, Y = self._examples(X, Y)
            return self._trained_cost(parameters, X, Y, *masks)

        def score(parameters: Any, X: Any, Y: Any) -> float:
            other = copy.copy(self)
            other.parameters = parameters
            return other.score(X, Y)

        if any(self.batch_norm) and not self._met_data:  # the first running means are the first batch's own
            first = X if batch_size is None and not in_files else X[:, : batch_size or X.shape[1]]
            self.parameters = self._computes.begun(self.parameters, self._inputs(first))
        begun = self.epoch
        try:
            run = fit(
                cost, self.parameters, X, Y, self.optimizer, epochs=epochs, batch_size=batch_size,
                rng=self._rng, streams={"network": self._rng} if dropout else {},
                draw=self._masks if dropout else None, validation=validation, evaluate=self._recorded_cost,
                metrics={} if validation is None else {"score": score}, early_stopping=early_stopping,
                callbacks=callbacks, state=self._state, checkpoint=checkpoint, every=every,
                setup=self._setup(), show=show, compile=False if in_files and compile == "auto" else compile,
            )  # fmt: skip
        except InterruptedRun as stopped:
            self._adopt(stopped.run, 0 if checkpoint else begun)
            raise
        self._adopt(run, 0 if checkpoint else begun)
        return self

    def _adopt(self, run: Run, before: int) -> None:
        """Take over what a run has come to; `before` of its epochs are in the history already."""
        self.parameters, self._state, self._met_data = run.parameters, run.state, before + run.epoch > 0
        none = [math.nan]  # what was not measured
        self.history = {
            key: (self.history.get(key, none * before)[:before] + run.history.get(key, none * run.epoch))
            for key in {**self.history, **run.history}
        }
        self.epoch = before + run.epoch

    def plot_history(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw the costs and metrics over the epochs; into a file, if one is named."""
        return plot_history(self.history, path)

    # -------------------------------------------------------------- files

    def export_onnx(self, path: str | os.PathLike[str]) -> Path:
        """Write what `predict_proba` computes as an ONNX model of X, for any number of examples.

        Raises
        ------
        ModuleNotFoundError
            If onnx is not installed.

        Examples
        --------
        >>> Network([2, 3, 1], batch_norm=True).export_onnx("network.onnx").name
        'network.onnx'
        """
        X = np.zeros((self.layers[0], 2), self.dtype)
        name = f"A{len(self.activations)}"
        return export_onnx(path, self._computes, X, parameters=self.parameters, output=name)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the network, whole or not at all, as one HDF5 file; `checkpoints` documents the layout."""
        return checkpoints.save(
            path, self.parameters, state=self._state, history=self.history,
            setup={**self._setup(), "optimizer": described(self.optimizer)}, streams={"network": self._rng},
            epoch=self.epoch,
        )  # fmt: skip

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        init: str | Draw | None = None,
        optimizer: Optimizer | None = None,
    ) -> Self:
        """Return the network of a file that `save` or ``fit(..., checkpoint=...)`` wrote.

        Parameters
        ----------
        path : path
        init, optimizer
            Needed only where they were the user's own: a file holds no functions.

        Raises
        ------
        CheckpointError
            If it is no checkpoint, a damaged one, or no network's.

        Examples
        --------
        >>> path = Network([2, 3, 1], seed=1).save("network.h5")
        >>> Network.load(path)
        <Network 2-3-1, relu, sigmoid, trained for 0 epochs>
        """
        found = checkpoints.load(path)
        setup = found.setup
        if setup.get("kind") != cls.__name__:
            raise checkpoints.CheckpointError(f"{path} holds no Network: its setup is {sorted(setup)}")
        network = cls(
            setup["layers"], setup["activations"], init="zeros", lambd=setup["lambd"],
            keep_prob=setup["keep_prob"], batch_norm=setup.get("batch_norm") or False,
            optimizer=_revived(setup["optimizer"]) if optimizer is None else optimizer, dtype=setup["dtype"],
        )  # fmt: skip
        network.init = setup["init"] if init is None else init
        network.seed = setup["seed"]
        network._rng = found.streams.get("network", network._rng)
        parameters = found.parameters if found.best is None else found.best
        network._adopt(Run(parameters, found.state, found.history, found.epoch), 0)
        return network

    def _setup(self) -> dict[str, Any]:
        return {
            "kind": type(self).__name__, "layers": list(self.layers), "activations": list(self.activations),
            "init": described(self.init), "lambd": self.lambd, "keep_prob": list(self.keep_prob),
            "batch_norm": list(self.batch_norm) if any(self.batch_norm) else None,
            "seed": described(self.seed), "dtype": str(self.dtype),
        }  # fmt: skip

    # -------------------------------------------------------------- what it is given

    def _inputs(self, X: ArrayLike) -> Array:
        return check_X(X, self.layers[0], self.dtype)

    def _examples(self, X: ArrayLike, Y: ArrayLike) -> tuple[Array, Array]:
        X = self._inputs(X)
        return X, check_Y(Y, X.shape[1], self.layers[-1], self.dtype, self.activations[-1])


def _revived(told: Any) -> Any:
    """Return the optimiser or decay that `described` told of."""
    if not isinstance(told, dict):
        return told
    kind = told.get("kind")
    known = {k.__name__: k for k in (*optimizers.KINDS.values(), *schedules.KINDS)}
    if kind not in known:
        raise checkpoints.CheckpointError(
            f"the network was trained with an optimiser of its user's own, {told}: "
            "pass it, Network.load(path, optimizer=...)"
        )
    fields = {key: _revived(value) for key, value in told.items() if key != "kind"}
    return known[kind](**fields)
