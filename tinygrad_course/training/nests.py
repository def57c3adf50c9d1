"""Nests of arrays in HDF5: a dict, list or tuple is a group, an array is a dataset."""

import hashlib
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

import h5py
import numpy as np

from tinygrad_course.engine.trees import Array, Nest
from tinygrad_course.files import plain_array

_BLOCK = 2**20  # by how much the file grows in memory


def encoded(key: str) -> str:
    """Return a key as HDF5 can name it: a slash would make a group, a dot is the group itself."""
    name = quote(key, safe=" !#$&'()*+,:;<=>?@[]^`{|}~\"\\")
    return name.replace(".", "%2E") if set(name) <= {"."} else name


class Writer(h5py.File):  # type: ignore[misc]  # h5py has no types
    """An HDF5 file in memory, its groups in the order in which they are written."""

    def __init__(self) -> None:
        core = {"driver": "core", "backing_store": False, "block_size": _BLOCK}
        # The user block is for what `checkpoints` writes before the HDF5.
        super().__init__("in memory", "w", track_order=True, userblock_size=512, **core)
        self._written: list[str] = []

    def nest(self, name: str, value: Nest) -> None:
        """Write a nest at the root; raise TypeError for what is no array of numbers, or no key of text."""
        self._nest(self, encoded(name), value, name)

    def text(self, name: str, text: str) -> None:
        """Write text, at the root or in a group that is there."""
        content = text.encode()
        kind = h5py.string_dtype("utf-8", len(content))
        self._dataset(self, name, np.array(content, dtype=kind), content)

    def image(self) -> bytes:
        """Return the file's bytes, without the user block before them."""
        self.flush()
        return self.id.get_file_image()  # type: ignore[no-any-return]

    def table(self) -> bytes:
        """Return where the values of each dataset are, their length and SHA-256: it names a damaged part."""
        return "".join(self._written).encode()

    def _nest(self, parent: h5py.Group, name: str, value: Nest, told: str) -> None:
        items: Iterable[tuple[Any, Any]] = ()
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, str) or not key:
                    raise TypeError(f"{told} has the key {key!r}; a checkpoint's keys are text, such as 'W1'")
            kind, items = "dict", value.items()
        elif isinstance(value, (list, tuple)):
            kind, items = "list" if isinstance(value, list) else "tuple", enumerate(value)
        elif value is None:
            kind = "none"
        else:
            array = plain_array(value, told, "a checkpoint")
            content = np.asarray(array, order="C")  # its bytes are taken as they come
            dataset = self._dataset(parent, name, content, content)
            if array.flags.f_contiguous and not array.flags.c_contiguous:
                dataset.attrs["order"] = "F"
            return
        group = parent.create_group(name, track_order=True)
        group.attrs["kind"] = kind
        for key, item in items:
            self._nest(group, encoded(str(key)), item, f"{told}/{key}")

    def _dataset(self, parent: h5py.Group, name: str, array: Array, content: Any) -> h5py.Dataset:
        dataset = parent.create_dataset(name, data=array, track_times=False)
        if array.size:
            digest, length = hashlib.sha256(content).hexdigest(), memoryview(content).nbytes
            self._written.append(f"{dataset.id.get_offset()} {length} {digest} {dataset.name}\n")
        return dataset


def read_nest(item: h5py.Group | h5py.Dataset) -> Nest:
    """Return what `Writer.nest` wrote."""
    if isinstance(item, h5py.Dataset):
        value = item[()]
        return np.asfortranarray(value) if item.attrs.get("order") == "F" else value
    kind = item.attrs["kind"]
    if kind == "none":
        return None
    if kind == "dict":
        return {unquote(name): read_nest(child) for name, child in item.items()}
    items = [read_nest(item[str(i)]) for i in range(len(item))]
    return items if kind == "list" else tuple(items)


def read_text(dataset: h5py.Dataset) -> str:
    """Return what `Writer.text` wrote."""
    return bytes(dataset[()]).decode()
