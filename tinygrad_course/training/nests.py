"""Nests of arrays in HDF5: a dict, list or tuple is a group, an array is a dataset.

HDF5 is driven through h5py's lower half, in memory: ten thousand arrays take a second so, and ten through
``create_dataset``.
"""

import hashlib
from typing import Any, Self
from urllib.parse import quote, unquote

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5p, h5s, h5t

from tinygrad_course.engine.trees import Array, Nest
from tinygrad_course.files import by_rows, plain_array

_BLOCK = 2**20  # by how much the file grows in memory


def encoded(key: str) -> str:
    """Return a key as HDF5 can name it: a slash would make a group, a dot is the group itself."""
    name = quote(key, safe=" !#$&'()*+,:;<=>?@[]^`{|}~\"\\")
    return name.replace(".", "%2E") if set(name) <= {"."} else name


class Writer:
    """An HDF5 file in memory, its groups in the order in which they are written."""

    def __init__(self) -> None:
        access, creation = h5p.create(h5p.FILE_ACCESS), h5p.create(h5p.FILE_CREATE)
        access.set_fapl_core(_BLOCK, False)
        creation.set_userblock(512)  # for what `checkpoints` writes before the HDF5
        order = h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED
        creation.set_link_creation_order(order)
        self.id = h5f.create(b"in memory", h5f.ACC_TRUNC, creation, access)
        self._groups, self._datasets = h5p.create(h5p.GROUP_CREATE), h5p.create(h5p.DATASET_CREATE)
        self._groups.set_link_creation_order(order)
        self._datasets.set_fill_time(h5d.FILL_TIME_NEVER)
        self._datasets.set_obj_track_times(False)
        self._scalar = h5s.create(h5s.SCALAR)
        self._word = h5t.py_create(h5py.string_dtype(), logical=True)
        self._types: dict[np.dtype[Any], Any] = {}
        self._written: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.id.close()

    def nest(self, name: str, value: Nest) -> None:
        """Write a nest at the root.

        Raises TypeError for a value that is no array of numbers, or a key that is no text.
        """
        self._nest(self.id, encoded(name), value, name, f"/{encoded(name)}")

    def group(self, name: str) -> None:
        """Make an empty group."""
        h5g.create(self.id, name.encode(), gcpl=self._groups)

    def text(self, name: str, text: str) -> None:
        """Write text, at the root or in a group that is there."""
        content = text.encode()
        kind = h5t.py_create(h5py.string_dtype("utf-8", len(content)), logical=True)
        self._dataset(self.id, name, np.array(content), kind, f"/{name}", content)

    def image(self) -> bytes:
        """Return the file's bytes, without the user block before them."""
        h5f.flush(self.id)
        image: bytes = self.id.get_file_image()
        return image

    def table(self) -> bytes:
        """Return where the values of each dataset are, their length and SHA-256: it names a damaged part."""
        return "".join(self._written).encode()

    def _nest(self, parent: Any, name: str, value: Nest, told: str, path: str) -> None:
        children: list[tuple[str, str, Any]]
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, str) or not key:
                    raise TypeError(f"{told} has the key {key!r}; a checkpoint's keys are text, such as 'W1'")
            kind, children = "dict", [(encoded(key), key, item) for key, item in value.items()]
        elif isinstance(value, (list, tuple)):
            kind = "list" if isinstance(value, list) else "tuple"
            children = [(str(i), str(i), item) for i, item in enumerate(value)]
        elif value is None:
            kind, children = "none", []
        else:
            self._array(parent, name, value, told, path)
            return
        group = h5g.create(parent, name.encode(), gcpl=self._groups)
        self._attribute(group, b"kind", kind)
        for key, said, item in children:
            self._nest(group, key, item, f"{told}/{said}", f"{path}/{key}")

    def _array(self, parent: Any, name: str, value: Any, told: str, path: str) -> None:
        array = plain_array(value, told, "a checkpoint")
        content = by_rows(array)
        kind = self._types.get(array.dtype)
        if kind is None:
            kind = self._types[array.dtype] = h5t.py_create(array.dtype, logical=True)
        dataset = self._dataset(parent, name, content, kind, path, content)
        if array.flags.f_contiguous and not array.flags.c_contiguous:
            self._attribute(dataset, b"order", "F")

    def _dataset(self, parent: Any, name: str, array: Array, kind: Any, path: str, content: Any) -> Any:
        space = h5s.create_simple(array.shape) if array.shape else self._scalar
        dataset = h5d.create(parent, name.encode(), kind, space, self._datasets)
        if array.size:
            dataset.write(h5s.ALL, h5s.ALL, array, kind)
            digest = hashlib.sha256(content).hexdigest()
            self._written.append(f"{dataset.get_offset()} {memoryview(content).nbytes} {digest} {path}\n")
        return dataset

    def _attribute(self, item: Any, name: bytes, word: str) -> None:
        h5a.create(item, name, self._word, self._scalar).write(np.array(word, dtype=object))


# ------------------------------------------------------------------ reading


def read_nest(item: h5py.Group | h5py.Dataset) -> Nest:
    """Return what `Writer.nest` wrote."""
    return _read(item.id)


def _read(item: Any) -> Nest:
    if isinstance(item, h5d.DatasetID):
        value = np.empty(item.shape, item.dtype)
        if value.size:
            item.read(h5s.ALL, h5s.ALL, value)
        if h5a.exists(item, b"order") and _word(item, b"order") == "F":
            return np.asfortranarray(value)
        return value[()]
    kind = _word(item, b"kind")
    if kind == "none":
        return None
    links: list[bytes] = []
    item.links.iterate(links.append, idx_type=h5py.h5.INDEX_CRT_ORDER)
    names = [name.decode() for name in links]
    if kind == "dict":
        return {unquote(name): _read(_open(item, name)) for name in names}
    items = [_read(_open(item, str(i))) for i in range(len(names))]
    return items if kind == "list" else tuple(items)


def _open(group: Any, name: str) -> Any:
    return h5py.h5o.open(group, name.encode())


def _word(item: Any, name: bytes) -> str:
    attribute = h5a.open(item, name)
    held = np.empty((), dtype=object)
    attribute.read(held)
    word: Any = held[()]
    text: str = word.decode() if hasattr(word, "decode") else word
    return text


def read_text(dataset: h5py.Dataset) -> str:
    """Return what `Writer.text` wrote."""
    return bytes(dataset[()]).decode()
