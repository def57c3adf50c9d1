"""Random numbers from an explicit stream: ``RandomState`` (the course's) or ``Generator``, drawn from alike.

``RandomState(seed)`` gives the very numbers that the course's ``np.random.seed(seed)`` gave.
"""

import json
from typing import Any

import numpy as np

Stream = np.random.RandomState | np.random.Generator
Position = tuple[str, Any]  #: where a stream stood: its kind, and its state


def stream(rng: int | Stream, name: str = "rng") -> Stream:
    """Return the stream of a seed; a stream is passed through, to be drawn from further.

    Raises TypeError if `rng` is neither a whole number nor a stream.

    Examples
    --------
    >>> stream(1).standard_normal(2)
    array([ 1.62434536, -0.61175641])
    """
    if isinstance(rng, Stream):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, (int, np.integer)):
        raise TypeError(
            f"{name} is {rng!r}; expected a seed such as 3, np.random.RandomState(3) or "
            "np.random.default_rng(3)"
        )
    return np.random.RandomState(rng)


def only_stream(rng: Any, what: str) -> Stream:
    """Return `rng`, for draws that have to differ from call to call; raise TypeError if it is no stream."""
    if isinstance(rng, Stream):
        return rng
    raise TypeError(
        f"{what} draws from a stream that goes on from call to call, and rng is {rng!r}. Make one, "
        "rng = np.random.RandomState(1), and pass that"
    )


def position(rng: Stream) -> Position:
    """Note where a stream stands; cheap enough for every epoch, and made text by `state_text`."""
    if isinstance(rng, np.random.Generator):
        return "Generator", rng.bit_generator.state
    return "RandomState", rng.get_state(legacy=False)


def state_text(rng: Stream | Position) -> str:
    """Return where a stream stands, as JSON.

    >>> rng = np.random.RandomState(1)
    >>> text = state_text(rng)
    >>> first = rng.rand()
    >>> restore(rng, text)
    >>> bool(rng.rand() == first)
    True
    """
    kind, state = rng if isinstance(rng, tuple) else position(rng)

    def plain(value: Any) -> Any:  # an array as a list that names its dtype, a number as Python's
        return value.item() if value.ndim == 0 else {"dtype": str(value.dtype), "values": value.tolist()}

    return json.dumps({"stream": kind, "state": state}, default=plain)


def restore(rng: Stream, text: str) -> None:
    """Put a stream back to where it stood when `state_text` was called; raise ValueError for another kind."""

    def array(told: dict[str, Any]) -> Any:
        return np.array(told["values"], told["dtype"]) if told.keys() == {"dtype", "values"} else told

    told, (kind, state) = json.loads(text, object_hook=array), position(rng)
    bits = state["bit_generator"]
    if told["stream"] != kind or told["state"]["bit_generator"] != bits:
        raise ValueError(
            f"the saved stream is a {told['stream']} on {told['state']['bit_generator']}, and this one is a "
            f"{kind} on {bits}; pass a stream of the saved kind"
        )
    if isinstance(rng, np.random.Generator):
        rng.bit_generator.state = told["state"]
    else:
        rng.set_state(told["state"])


def remake(text: str) -> Stream:
    """Return a stream of its own that stands where `state_text` found one."""
    told = json.loads(text)
    name = told["state"]["bit_generator"]
    if name not in {"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"}:
        raise ValueError(f"the saved stream runs on {name!r}, which NumPy does not have")
    bits = getattr(np.random, name)()
    rng: Stream = np.random.Generator(bits) if told["stream"] == "Generator" else np.random.RandomState(bits)
    restore(rng, text)
    return rng
