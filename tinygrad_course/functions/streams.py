"""Random numbers from an explicit stream: ``RandomState`` (the course's) or ``Generator``, drawn from alike.

``RandomState(seed)`` gives the very numbers that the course's ``np.random.seed(seed)`` gave.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Stream = np.random.RandomState | np.random.Generator
Array = NDArray[Any]


def stream(rng: int | Stream) -> Stream:
    """Return the stream of a seed; a stream is passed through, to be drawn from further.

    Raises
    ------
    TypeError
        If `rng` is neither a whole number nor a stream.

    Examples
    --------
    >>> stream(1).standard_normal(2)
    array([ 1.62434536, -0.61175641])
    """
    if isinstance(rng, Stream):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, (int, np.integer)):
        raise TypeError(
            f"rng is {rng!r}; expected a seed such as 3, np.random.RandomState(3) or np.random.default_rng(3)"
        )
    return np.random.RandomState(rng)


def only_stream(rng: Any, what: str) -> Stream:
    """Return `rng` if it is a stream, for draws that have to differ from call to call.

    Raises
    ------
    TypeError
        If it is a seed, or anything else.
    """
    if isinstance(rng, Stream):
        return rng
    raise TypeError(
        f"{what} draws from a stream that goes on from call to call, and rng is {rng!r}. Make one, "
        "rng = np.random.RandomState(1), and pass that"
    )


def normal(rng: Stream, shape: tuple[int, ...]) -> Array:
    """Draw from the standard normal distribution, as ``np.random.randn(*shape)`` does."""
    return np.asarray(rng.standard_normal(shape))


def uniform(rng: Stream, shape: tuple[int, ...]) -> Array:
    """Draw from [0, 1), as ``np.random.rand(*shape)`` does."""
    return np.asarray(rng.random(shape) if isinstance(rng, np.random.Generator) else rng.random_sample(shape))


@dataclass(frozen=True)
class Position:
    """Where a stream stood."""

    kind: str
    state: Any


def position(rng: Stream) -> Position:
    """Note where a stream stands; cheap enough for every epoch, and made text by `state_text`."""
    if isinstance(rng, np.random.Generator):
        return Position("Generator", rng.bit_generator.state)
    return Position("RandomState", rng.get_state(legacy=False))


def state_text(rng: Stream | Position) -> str:
    """Return where a stream stands, as JSON.

    Examples
    --------
    >>> rng = np.random.RandomState(1)
    >>> text = state_text(rng)
    >>> first = rng.rand()
    >>> restore(rng, text)
    >>> bool(rng.rand() == first)
    True
    """
    where = rng if isinstance(rng, Position) else position(rng)
    return json.dumps({"stream": where.kind, "state": _plain(where.state)})


def restore(rng: Stream, text: str) -> None:
    """Put a stream back to where it stood when `state_text` was called.

    Raises
    ------
    ValueError
        If it is a stream of another kind.
    """
    told = json.loads(text)
    where = position(rng)
    kind, bits = where.kind, where.state["bit_generator"]
    if told["stream"] != kind or told["state"]["bit_generator"] != bits:
        raise ValueError(
            f"the saved stream is a {told['stream']} on {told['state']['bit_generator']}, and this one is a "
            f"{kind} on {bits}; pass a stream of the saved kind"
        )
    state = _arrays(told["state"])
    if isinstance(rng, np.random.Generator):
        rng.bit_generator.state = state
    else:
        rng.set_state(state)


def remake(text: str) -> Stream:
    """Return a stream of its own that stands where `state_text` found one."""
    told = json.loads(text)
    name = told["state"]["bit_generator"]
    if name not in _BIT_GENERATORS:
        raise ValueError(f"the saved stream runs on {name!r}, which NumPy does not have")
    bits = _BIT_GENERATORS[name]()
    rng: Stream = np.random.Generator(bits) if told["stream"] == "Generator" else np.random.RandomState(bits)
    restore(rng, text)
    return rng


_BIT_GENERATORS: dict[str, Any] = {
    name: getattr(np.random, name) for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
}


def _plain(state: Any) -> Any:
    """Return a stream's state with its arrays as lists that name their dtype."""
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    if isinstance(state, np.ndarray):
        return {"dtype": str(state.dtype), "values": state.tolist()}
    return state.item() if isinstance(state, np.generic) else state


def _arrays(state: Any) -> Any:
    if isinstance(state, dict):
        if set(state) == {"dtype", "values"}:
            return np.array(state["values"], dtype=state["dtype"])
        return {key: _arrays(value) for key, value in state.items()}
    return state
