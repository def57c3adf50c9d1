#!/usr/bin/env bash
# Guess: the density of HalfNormal(1) is largest at 0, that of Exponential(1) too, and both take an observed 0 as SciPy's do;
# Dirichlet(1, 1) is uniform, 1 in a corner too.
# Seen (numpyro 0.22.0): at 0 both have the logarithmic density -inf (x >= 0, says the documentation of Exponential; a warning says
# that 0 is out of support), so that one waiting time of exactly 0 among the data makes a likelihood 0; Pareto's is -inf at its scale,
# while Uniform takes both of its ends; Dirichlet(1, 1) gives NaN in the corner (0, 1).
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "numpyro==0.22.0" "jax==0.10.2" "numpy==2.4.6" "scipy==1.17.1"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import jax.numpy as jnp
import numpyro.distributions as dist
from scipy import stats

pairs = {"HalfNormal": (dist.HalfNormal(1.0), stats.halfnorm), "Exponential": (dist.Exponential(1.0), stats.expon)}
for name, (ours, scipys) in pairs.items():
    print("numpyro", version("numpyro"), name, ours.log_prob(0.0), "SciPy", scipys.logpdf(0.0))
    assert ours.log_prob(0.0) == -jnp.inf
    assert jnp.isfinite(scipys.logpdf(0.0))
    assert jnp.allclose(ours.log_prob(1e-20), scipys.logpdf(0.0), atol=1e-6)
assert dist.Pareto(1.0, 1.0).log_prob(1.0) == -jnp.inf
assert stats.pareto.logpdf(1.0, 1.0) == 0
assert dist.Uniform(0.0, 1.0).log_prob(jnp.array([0.0, 1.0])).tolist() == [0, 0]
assert stats.dirichlet.logpdf([0.0, 1.0], [1.0, 1.0]) == 0
assert jnp.isnan(dist.Dirichlet(jnp.ones(2)).log_prob(jnp.array([0.0, 1.0])))
PY
