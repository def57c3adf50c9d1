"""`Tensor`: operators, NumPy's protocols, what a recording keeps, and the sweep back."""

import numpy as np

# What one step frees the next one needs again. glibc gives it back to the system meanwhile, and fetching it
# page by page takes a fifth of a step of many megabytes. From the first time that so much is freed at once,
# it keeps up to twice as much; unless the environment sets a threshold (MALLOC_TRIM_THRESHOLD_ and its like),
# and then all of them stay as they are. Nothing is ever touched of what is asked for here.
np.empty(2**25 - 2**16, np.uint8)
