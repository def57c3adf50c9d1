#!/usr/bin/env bash
# Guess: BitRound, which takes bits off the end of floating numbers, keeps a NaN as a NaN, whichever it is: all numbers whose exponent is
# full and whose digits are not 0.
# Seen (numcodecs 0.16.6): np.nan and infinities are kept. The NaN 0x7fffffff, which is what NVIDIA's graphics cards compute, is rounded up
# to -0.0, and 0x7f800001 down to infinity, without a word: a diverged weight is read as 0. Quantize keeps all three.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "numcodecs==0.16.6" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numcodecs
import numpy as np

numbers = np.array([0x7FFFFFFF, 0x7F800001, 0x7FC00000], np.uint32).view(np.float32)
rounding, quantizing = numcodecs.BitRound(keepbits=10), numcodecs.Quantize(digits=3, dtype="f4")
read = np.asarray(rounding.decode(rounding.encode(numbers.copy()))).view(np.float32)
kept = quantizing.decode(quantizing.encode(numbers.copy()))
print("numcodecs", numcodecs.__version__, "written", numbers, "read", read, "Quantize", kept)
assert np.isnan(numbers).all() and np.isnan(kept).all() and np.isnan(read[2])
assert read[0] == 0 and np.signbit(read[0]) and np.isposinf(read[1])
PY
