"""The ufuncs of scipy.special."""

from __future__ import annotations

from scipy import special

from tests.properties.vocabulary import (
    arrays,
    between,
    broadcast,
    call,
    case,
    grid,
    nonzero,
    positive,
    real,
    with_args,
)

# ------------------------------------------------------------------ scipy.special

for function, domain in {
    "expit": real, "log_expit": real, "logit": between(0.1, 0.9), "entr": positive, "cbrt": nonzero,
    "exp2": real, "exp10": real, "expm1": real, "log1p": positive, "cosm1": real, "sindg": real,
    "cosdg": real, "tandg": between(10.0, 40.0), "cotdg": between(10.0, 40.0), "exprel": real, "erf": real,
    "erfc": real, "erfcx": real, "erfi": real, "erfinv": between(-0.9, 0.9), "erfcinv": between(0.1, 1.9),
    "dawsn": real, "ndtr": real, "ndtri": between(0.1, 0.9), "log_ndtr": real,
    "ndtri_exp": between(-3.0, -0.1), "exp1": positive, "expi": positive, "sici": positive,
    "shichi": positive, "fresnel": real, "spence": positive, "wrightomega": real, "psi": positive,
    "gamma": positive, "gammaln": positive, "loggamma": positive, "rgamma": positive, "j0": positive,
    "j1": positive, "y0": positive, "y1": positive, "i0": nonzero, "i0e": nonzero, "i1": nonzero,
    "i1e": nonzero, "k0": positive, "k0e": positive, "k1": positive, "k1e": positive, "airy": real,
    "ber": positive, "bei": positive, "ker": positive, "kei": positive, "berp": positive, "beip": positive,
    "kerp": positive, "keip": positive, "iti0k0": positive, "itj0y0": positive, "it2i0k0": positive,
    "it2j0y0": positive, "itstruve0": positive, "itmodstruve0": positive, "it2struve0": positive,
    "ellipk": between(0.1, 0.9), "ellipkm1": between(0.1, 0.9), "ellipe": between(0.1, 0.9),
}.items():  # fmt: skip
    case(getattr(special, function), call(arrays(domain=domain)), f"special.{function}", half=False)
case(special.exprel, call(arrays(domain=between(-0.4, 0.4))), "exprel near 0", half=False)

for function, domains in {
    "xlogy": (real, positive), "xlog1py": (real, positive), "rel_entr": (positive, positive),
    "kl_div": (positive, positive), "pseudo_huber": (positive, real), "powm1": (positive, real),
    "boxcox": (positive, real), "boxcox1p": (positive, real), "inv_boxcox": (between(-0.3, 0.3), real),
    "inv_boxcox1p": (between(-0.3, 0.3), between(-0.2, 0.2)), "owens_t": (real, real),
    "beta": (positive, positive), "betaln": (positive, positive),
    "binom": (between(3.0, 5.0), between(0.5, 2.0)), "poch": (positive, positive),
    "ellipeinc": (between(0.2, 1.2), between(0.2, 0.8)), "ellipkinc": (between(0.2, 1.2), between(0.2, 0.8)),
}.items():  # fmt: skip
    case(getattr(special, function), with_args(broadcast(*domains)), f"special.{function}", half=False)
case(special.huber, with_args(broadcast(between(0.4, 0.6), grid(0.2))), "special.huber", half=False)
case(special.radian, with_args(broadcast(real, real, real)), "special.radian", half=False)

# constant orders and parameters before the variable
for function, parameters, domain in (
    ("expn", ([0, 1, 3],), positive), ("gammainc", ([0.7, 2],), positive),
    ("gammaincc", ([0.7, 2.0],), positive), ("gammaincinv", ([0.7, 2.0],), between(0.2, 0.8)),
    ("gammainccinv", ([0.7, 2.0],), between(0.2, 0.8)), ("betainc", ([0.7, 2.0], [1.5]), between(0.2, 0.8)),
    ("betaincc", ([0.7, 2.0], [1.5]), between(0.2, 0.8)),
    ("betaincinv", ([0.7, 2.0], [1.5]), between(0.2, 0.8)),
    ("betainccinv", ([2.0], [1.5]), between(0.2, 0.8)), ("chdtr", ([2.5],), positive),
    ("chdtrc", ([2.5],), positive), ("chdtri", ([2.5],), between(0.2, 0.8)), ("stdtr", ([2.5],), real),
    ("stdtrit", ([2.5],), between(0.2, 0.8)), ("jv", ([0, 1, 1.5],), positive),
    ("jve", ([0, 1, 1.5],), positive), ("yv", ([0, 1, 1.5],), positive), ("yve", ([1.5],), positive),
    ("yn", ([0, 1, 2],), positive), ("iv", ([0, 1, 1.5],), positive), ("ive", ([0, 1, 1.5],), positive),
    ("kv", ([0, 1, 1.5],), positive), ("kve", ([0, 1, 1.5],), positive), ("kn", ([0, 1, 2],), positive),
    ("struve", ([0, 1.5],), positive), ("modstruve", ([0, 1.5],), positive), ("hyp0f1", ([1.5],), real),
    ("hyp1f1", ([0.7, 2], [1.5]), real), ("hyp2f1", ([0.7], [1.2], [1.5]), between(-0.6, 0.6)),
    ("hyperu", ([0.7], [1.5]), positive), ("eval_jacobi", ([0, 1, 3], [0.5], [1.5]), between(-0.9, 0.9)),
    ("eval_gegenbauer", ([0, 1, 3], [1.5]), between(-0.9, 0.9)),
    ("eval_genlaguerre", ([0, 1, 3], [0.5]), positive), ("eval_legendre", ([0, 1, 3],), between(-0.9, 0.9)),
    ("eval_chebyt", ([0, 1, 3],), between(-0.9, 0.9)), ("eval_chebyu", ([0, 1, 3],), between(-0.9, 0.9)),
    ("eval_chebyc", ([0, 1, 3],), between(-0.9, 0.9)), ("eval_chebys", ([0, 1, 3],), between(-0.9, 0.9)),
    ("eval_hermite", ([0, 1, 3],), real), ("eval_hermitenorm", ([0, 1, 3],), real),
    ("eval_laguerre", ([0, 1, 3],), positive), ("eval_sh_legendre", ([0, 1, 3],), between(0.1, 0.9)),
    ("eval_sh_chebyt", ([0, 1, 3],), between(0.1, 0.9)), ("eval_sh_chebyu", ([0, 1, 3],), between(0.1, 0.9)),
):  # fmt: skip
    case(
        getattr(special, function),
        call(*parameters, arrays(domain=domain)),
        f"special.{function}",
        half=False,
        single=False,
    )
case(special.ellipj, call(arrays(), [0.3]), "special.ellipj", half=False, single=False)
for function in (special.gdtr, special.gdtrc):
    calls = call(arrays(domain=positive), [1.5], arrays((), positive))
    case(function, calls, f"special.{function.__name__}", half=False, single=False)
