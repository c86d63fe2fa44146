"""Times networks for index.mjs: reads a JSON request from each line of standard input, answers with a line of JSON.

{"op": "versions", "threads": n}             names and versions; sets the number of threads for all that follows
{"op": "check"}                              greatest difference of efficient-kan's bases here from inkan's
{"op": "device"}                             whether CUDA is there, and if so the name of its device
{"op": "build", "network": name, "layers": [...], "batch": n, "grid": n}     parameters; "device": "cuda" puts it there
{"op": "time", "network": name, "mode": mode, "seconds": s}                  median milliseconds of one call
{"op": "drop"}                               forgets all networks
{"op": "memory", ...as build}                bytes of two steps of Adam at their peak, above the process before them
{"op": "train", ...}                         see fashion.py; {"op": "hello", ...} see hello.py

A request that fails answers {"error": text}.
"""

import importlib.metadata
import json
import statistics
import sys
import time

import torch

from networks import EfficientLayer, makers

built = {}


class Network:
    """A network with a batch of data, and one call of each mode."""

    def __init__(self, name, layers, batch, grid, device="cpu"):
        torch.manual_seed(0)
        self.device = device
        self.network = makers[name](layers, grid).to(device)
        self.x = (torch.rand(batch, layers[0]) * 2 - 1).to(device)
        self.y = (torch.rand(batch, layers[-1]) * 2 - 1).to(device)
        self.parameters = [p for p in self.network.parameters() if p.requires_grad]
        self.optimisers = {}

    def forward(self):
        with torch.no_grad():
            self.network(self.x)

    def gradient(self):
        for parameter in self.parameters:
            parameter.grad = None
        torch.nn.functional.mse_loss(self.network(self.x), self.y).backward()

    def step(self, fused=None):
        if fused not in self.optimisers:
            self.optimisers[fused] = torch.optim.Adam(self.parameters, lr=1e-3, fused=fused)
        self.gradient()
        self.optimisers[fused].step()

    def wait(self):
        """Until its device has done what it was given."""
        if self.device != "cpu":
            torch.cuda.synchronize()

    def fused(self):
        """A step with the variant of Adam that PyTorch does not choose by itself."""
        self.step(fused=True)


def versions(threads):
    torch.set_num_threads(threads)
    names = {"PyTorch": "torch", "inkan": "inkan", "pykan": "pykan"}
    return {name: importlib.metadata.version(package) for name, package in names.items()}


def check():
    from inkan import bspline_basis_eager

    grid = 7
    layer = EfficientLayer(3, 2, grid)
    x = torch.rand(1000, 3) * 2.4 - 1.2
    theirs = bspline_basis_eager(x, layer.knots[0, : grid + 3], grid / 2, grid + 3)
    return {"difference": (layer.bases(x) - theirs).abs().max().item()}


def device():
    available = torch.cuda.is_available()
    return {"cuda": available, "name": torch.cuda.get_device_name() if available else None}


def build(network, layers, batch, grid, device="cpu"):
    torch.compiler.reset()
    built[network] = Network(network, layers, batch, grid, device)
    # Compiles what is to be compiled, with gradients and without.
    built[network].forward()
    built[network].gradient()
    return {"parameters": sum(p.numel() for p in built[network].parameters)}


def clock(network, mode, seconds):
    call, wait = getattr(built[network], mode), built[network].wait
    call()
    wait()
    times = []
    end = time.perf_counter() + seconds
    while True:
        began = time.perf_counter()
        call()
        wait()
        now = time.perf_counter()
        times.append(now - began)
        if now >= end:
            return {"ms": 1000 * statistics.median(times), "calls": len(times)}


def status(field):
    """Bytes of a field of this process's status in /proc, or None where there is none."""
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))
    except (OSError, StopIteration):
        return None


def memory(network, layers, batch, grid):
    before = status("VmRSS:")
    one = Network(network, layers, batch, grid)
    one.step()
    one.step()
    peak = status("VmHWM:")
    return {"bytes": None if peak is None else peak - before}


def train(**request):
    import fashion

    return fashion.train(**request)


def hello(**request):
    import hello

    return hello.pipeline(**request)


operations = {
    "versions": versions,
    "check": check,
    "device": device,
    "build": build,
    "time": clock,
    "drop": lambda: built.clear() or {},
    "memory": memory,
    "train": train,
    "hello": hello,
}

# What libraries print must not come between the answers.
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = operations[request.pop("op")](**request)
    except Exception as error:  # noqa: BLE001: every failure is an answer
        answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    print(json.dumps(answer), file=answers, flush=True)
