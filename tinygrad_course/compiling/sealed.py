"""Machine code kept on disk between runs, each entry under a seal.

Loading an entry runs it, whatever its format: it is machine code. What matters is therefore whose entry it
is, and that is settled before anything of it is interpreted. Entries lie in a folder that this user alone
may enter (mode 0700), and each begins with a keyed hash (HMAC, RFC 2104) of its name and content, made with a
secret that this user alone can read (mode 0600). The seal is compared first, on plain bytes. Only what this
user's own runs have written passes, and only then the content, in the compiler's own serialisation, is read.
An entry that is damaged, cut short, of another user, program, processor or version is as good as none, and so
are all entries where the folder or the secret is open to others.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import os
import pickle
import secrets
import stat
import sys
import tempfile
from pathlib import Path
from typing import Any

_SEAL = 32  # bytes of SHA-256


def directory() -> Path:
    """Return where entries are kept: in ``$TINYGRAD_COURSE_CACHE``, or among the user's caches."""
    named = os.environ.get("TINYGRAD_COURSE_CACHE")
    if named:
        return Path(named) / "machine_code"
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "tinygrad_course" / "machine_code"


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, readable by this user alone."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _secret(folder: Path) -> bytes | None:
    """Return this user's secret, made at first use; None if others could have read or written it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True, mode=0o700)
    path = folder / "secret"
    if not path.exists():
        write(path, secrets.token_bytes(_SEAL))
    if hasattr(os, "getuid"):
        for place in (folder, path):
            status = place.lstat()
            if status.st_uid != os.getuid() or status.st_mode & 0o077 or stat.S_ISLNK(status.st_mode):
                return None
    secret = path.read_bytes()
    return secret if len(secret) == _SEAL else None


class SealedCache:
    """What numba asks for compiled code, and gives it to, for one function.

    Parameters
    ----------
    source : str
        The function's text.
    """

    def __init__(self, source: str) -> None:
        import llvmlite
        import numba

        versions = (sys.version, numba.__version__, llvmlite.__version__, _own_words())
        self.identity = repr((versions, source)).encode()
        self.cache_path = str(directory())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for a signature, or None."""
        from numba.core.compiler import CompileResult

        try:
            folder = directory()
            secret = _secret(folder)
            name = self._name(sig, target_context)
            if secret is None or not (folder / name).exists():
                return None
            data = (folder / name).read_bytes()
            seal, payload = data[:_SEAL], data[_SEAL:]
            if not hmac.compare_digest(seal, _sealed(secret, name, payload)):
                return None
            target_context.refresh()
            reduced = pickle.loads(payload)  # noqa: S301  (its seal is ours)
            rebuild: Any = CompileResult._rebuild
            return rebuild(target_context, *reduced)
        except Exception:  # noqa: BLE001  (whatever is wrong with an entry, the function can be compiled)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code for a signature; a disk that can't be written to is no error."""
        from numba.core.serialize import dumps

        try:
            folder = directory()
            secret = _secret(folder)
            if secret is None:
                return
            name = self._name(sig, data.target_context)
            dump: Any = dumps
            payload = dump(data._reduce())
            write(folder / name, _sealed(secret, name, payload) + payload)
        except OSError:
            return

    def _name(self, sig: Any, target_context: Any) -> str:
        codegen = target_context.codegen()
        identity = repr((str(sig), codegen.magic_tuple())).encode()
        return hashlib.sha256(self.identity + identity).hexdigest() + ".code"

    def enable(self) -> None:
        """Do nothing: it is always on."""

    def disable(self) -> None:
        """Do nothing: it is always on."""

    def flush(self) -> None:
        """Do nothing: entries are written as they come."""


@functools.cache
def _own_words() -> str:
    """Return a hash of the functions of this library that go into machine code."""
    here = Path(__file__).parent
    texts = [(here / name).read_bytes() for name in ("machine_math.py", "machine_tile.py")]
    return hashlib.sha256(b"".join(texts)).hexdigest()


def _sealed(secret: bytes, name: str, payload: bytes) -> bytes:
    return hmac.new(secret, name.encode() + b"\0" + payload, hashlib.sha256).digest()
