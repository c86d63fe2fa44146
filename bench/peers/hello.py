"""The pipeline of pykan's notebook hello (https://github.com/KindXiaoming/pykan), up to its last fit before formulas."""

import os
import tempfile
import time
import warnings

import torch


def pipeline(seed):
    from kan import KAN
    from kan.utils import create_dataset

    warnings.filterwarnings("ignore")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    # pykan writes a file for each version of a model into the working directory.
    folder = os.getcwd()
    try:
        with tempfile.TemporaryDirectory() as place:
            os.chdir(place)
            data = create_dataset(
                lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, seed=seed
            )
            began = time.perf_counter()
            model = KAN(width=[2, 5, 1], grid=3, k=3, seed=seed)
            model(data["train_input"])
            model.fit(data, opt="LBFGS", steps=50, lamb=0.001)
            model = model.prune()
            model.fit(data, opt="LBFGS", steps=50)
            model = model.refine(10)
            model.fit(data, opt="LBFGS", steps=50)
            seconds = time.perf_counter() - began
            with torch.no_grad():
                misses = model(data["test_input"]) - data["test_label"]
            os.chdir(folder)
    finally:
        os.chdir(folder)
        torch.set_default_dtype(before)
    layers = [width[0] if isinstance(width, list) else width for width in model.width]
    return {"seconds": seconds, "layers": layers, "rmse": misses.square().mean().sqrt().item()}
