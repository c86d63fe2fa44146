"""Makes the numbers of the special functions in this folder: `python functions.py` (see README.md for versions).

points.f64     [4000, 2] uniform in the unit square: three training sets of 1000 rows, then 1000 rows of test
<name>.f64     [4000] the function at (x, y), where x is as the points have it, and y brought to its range
functions.json what each function is, and the range of its y

All .f64 files are little-endian 64-bit floats, row by row. y = a + (b - a) * u for a range [a, b].
"""

import json
from pathlib import Path

import numpy as np
import scipy
from scipy import special

here = Path(__file__).parent
unit, away, inner = (0, 1), (0.2, 1), (0, 0.9)


def harmonic(m, n):
    """Real part of the spherical harmonic of order m and degree n; x is the azimuth, y the polar angle."""
    return lambda x, y: special.sph_harm_y(n, m, y, x).real


def legendre(m):
    return lambda x, y: special.lpmv(m, x, y)


functions = {
    "ellipkinc": ("ellipkinc(x, y)", special.ellipkinc, unit),
    "ellipeinc": ("ellipeinc(x, y)", special.ellipeinc, unit),
    "jv": ("jv(x, y)", special.jv, away),
    "yv": ("yv(x, y)", special.yv, away),
    "kv": ("kv(x, y)", special.kv, away),
    "iv": ("iv(x, y)", special.iv, away),
    "lpmv-0": ("lpmv(0, x, y)", legendre(0), unit),
    "lpmv-1": ("lpmv(1, x, y)", legendre(1), inner),
    "lpmv-2": ("lpmv(2, x, y)", legendre(2), unit),
    "sph-harm-0-1": ("sph_harm_y(1, 0, y, x).real", harmonic(0, 1), unit),
    "sph-harm-1-1": ("sph_harm_y(1, 1, y, x).real", harmonic(1, 1), unit),
    "sph-harm-0-2": ("sph_harm_y(2, 0, y, x).real", harmonic(0, 2), unit),
    "sph-harm-1-2": ("sph_harm_y(2, 1, y, x).real", harmonic(1, 2), unit),
    "sph-harm-2-2": ("sph_harm_y(2, 2, y, x).real", harmonic(2, 2), unit),
}


def save(name, values):
    assert np.all(np.isfinite(values)), name
    values.astype("<f8").tofile(here / f"{name}.f64")


points = np.random.Generator(np.random.PCG64(7)).random((4000, 2))
save("points", points)
index = []
for name, (expression, function, (low, high)) in functions.items():
    x, y = points[:, 0], low + (high - low) * points[:, 1]
    save(name, function(x, y))
    index.append({"name": name, "scipy": f"scipy.special.{expression}", "lowestY": low, "highestY": high})
about = {"scipy": scipy.__version__, "numpy": np.__version__, "trainingSets": 3, "rows": 1000, "functions": index}
(here / "functions.json").write_text(json.dumps(about, indent=2) + "\n")
