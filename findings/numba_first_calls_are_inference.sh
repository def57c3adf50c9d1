#!/usr/bin/env bash
# Guess: the seconds of a numba function's first call are LLVM's, so that NUMBA_OPT=0 takes most of them away.
# Seen (numba 0.61.2, llvmlite 0.44.0, Python 3.11): a function of 400 lines of arithmetic on floats, with the
# types of its arguments given, takes as long without LLVM's optimisation as with it, within a third. Most of
# the time is numba's own: SSA, type inference and lowering, line by line.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numba==0.61.2 numpy==2.2.6
cat > "$folder/first.py" << 'PYTHON'
import time

import numba

lines = [f"    t{i + 1} = t{i} * x + {i}.5" for i in range(400)]
space = {}
exec("def f(x):\n    t0 = x\n" + "\n".join(lines) + "\n    return t400\n", space)
numba.njit("f8(f8)")(lambda x: x + 1.0)  # what is imported and begun at the first function
begin = time.process_time()
numba.njit("f8(f8)")(space["f"])
print(time.process_time() - begin)
PYTHON
plain=$(NUMBA_OPT=3 "$folder/venv/bin/python" "$folder/first.py")
without=$(NUMBA_OPT=0 "$folder/venv/bin/python" "$folder/first.py")
echo "first call with optimisation: $plain s, without: $without s"
python3 -c "import sys; sys.exit(0 if $without > 0.6 * $plain else 1)"
