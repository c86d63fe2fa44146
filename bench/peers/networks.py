"""The networks that kanode is measured beside, each made from `layers` and `grid`.

`inkan` and `pykan` are the packages from PyPI. efficient-kan and FastKAN are not there: they are written down again here
from what their authors published (MIT and Apache-2.0), with their defaults, and nothing is left out that takes time.
"""

import math
import warnings

import torch
from torch import nn
from torch.nn import functional

torch.set_default_dtype(torch.float32)


class EfficientLayer(nn.Module):
    """Cubic B-splines by Cox and de Boor over whole tensors, then two matrix products, with a scale for every spline.

    After efficient-kan by Huanqi Cao (https://github.com/Blealtan/efficient-kan, MIT).
    """

    def __init__(self, inputs, outputs, grid, degree=3):
        super().__init__()
        self.degree = degree
        width = 2 / grid
        knots = torch.arange(-degree, grid + degree + 1) * width - 1
        self.register_buffer("knots", knots.expand(inputs, -1).contiguous())
        self.base_weight = nn.Parameter(torch.empty(outputs, inputs))
        self.spline_weight = nn.Parameter(torch.randn(outputs, inputs, grid + degree) * 0.1 / grid)
        self.spline_scale = nn.Parameter(torch.empty(outputs, inputs))
        for weight in (self.base_weight, self.spline_scale):
            nn.init.kaiming_uniform_(weight, a=math.sqrt(5))

    def bases(self, x):
        knots, x = self.knots, x.unsqueeze(-1)
        values = ((x >= knots[:, :-1]) & (x < knots[:, 1:])).to(x.dtype)
        for p in range(1, self.degree + 1):
            rising = (x - knots[:, : -(p + 1)]) / (knots[:, p:-1] - knots[:, : -(p + 1)])
            falling = (knots[:, p + 1 :] - x) / (knots[:, p + 1 :] - knots[:, 1:-p])
            values = rising * values[:, :, :-1] + falling * values[:, :, 1:]
        return values.contiguous()

    def forward(self, x):
        base = functional.linear(functional.silu(x), self.base_weight)
        weights = self.spline_weight * self.spline_scale.unsqueeze(-1)
        spline = functional.linear(self.bases(x).view(x.size(0), -1), weights.view(weights.size(0), -1))
        return base + spline


class FastLayer(nn.Module):
    """Gaussians instead of splines, on normalised inputs, with a SiLU branch that has a bias.

    After FastKAN by Ziyao Li (https://github.com/ZiyaoLi/fast-kan, Apache-2.0; arXiv 2405.06721).
    """

    def __init__(self, inputs, outputs, grid, degree=3):
        super().__init__()
        count = grid + degree
        self.norm = nn.LayerNorm(inputs)
        self.centers = nn.Parameter(torch.linspace(-2, 2, count), requires_grad=False)
        self.width = 4 / (count - 1)
        self.spline = nn.Linear(inputs * count, outputs, bias=False)
        nn.init.trunc_normal_(self.spline.weight, std=0.1)
        self.base = nn.Linear(inputs, outputs)

    def forward(self, x):
        gaussians = torch.exp(-(((self.norm(x).unsqueeze(-1) - self.centers) / self.width) ** 2))
        return self.spline(gaussians.view(x.size(0), -1)) + self.base(functional.silu(x))


def stack(layer):
    """A network of such layers."""

    def make(layers, grid):
        pairs = zip(layers[:-1], layers[1:], strict=True)
        return nn.Sequential(*(layer(inputs, outputs, grid) for inputs, outputs in pairs))

    return make


def dense(layers, _grid):
    """A fully connected network with SiLU between its layers."""
    parts = []
    for inputs, outputs in zip(layers[:-1], layers[1:], strict=True):
        parts += [nn.Linear(inputs, outputs), nn.SiLU()]
    return nn.Sequential(*parts[:-1])


def inkan(layers, grid):
    """inkan as it is installed, its basis without torch.compile, which needs a C++ compiler at run time."""
    from inkan import KANNetwork

    return KANNetwork(layers, grid_size=grid, compile_basis=False)


def inkan_compiled(layers, grid):
    """inkan with its default, which compiles the basis."""
    from inkan import KANNetwork

    return KANNetwork(layers, grid_size=grid)


def pykan(layers, grid):
    """pykan as it is installed."""
    from kan import KAN

    warnings.filterwarnings("ignore")
    return KAN(width=list(layers), grid=grid, k=3, seed=0, auto_save=False)


def pykan_quick(layers, grid):
    """pykan with `speed()`, which leaves out the symbolic half and what pruning needs."""
    return pykan(layers, grid).speed()


makers = {
    "inkan": inkan,
    "inkan compiled": inkan_compiled,
    "efficient-kan": stack(EfficientLayer),
    "FastKAN": stack(FastLayer),
    "pykan": pykan,
    "pykan speed()": pykan_quick,
    "MLP": dense,
    "MLP, same parameters": dense,
}
