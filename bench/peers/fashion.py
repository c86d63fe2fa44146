"""Trains networks on Fashion-MNIST, a pass for each request, with what PyTorch does fastest: all images in one tensor."""

import gzip
import math
import pathlib
import time

import numpy
import torch

from networks import makers

images = {}
trainings = {}


def load(folder, name):
    def read(kind, offset):
        data = gzip.decompress((pathlib.Path(folder) / f"{name}-{kind}-ubyte.gz").read_bytes())
        return torch.from_numpy(numpy.frombuffer(data, dtype=numpy.uint8, offset=offset).copy())

    labels = read("labels-idx1", 8).long()
    return read("images-idx3", 16).view(len(labels), -1).float() / 127.5 - 1, labels


class Training:
    def __init__(self, network, layers, steps, rate, decay, fall, seed):
        torch.manual_seed(seed)
        self.network = makers[network](layers, 5)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=rate, weight_decay=decay)
        self.schedule = torch.optim.lr_scheduler.ExponentialLR(self.optimiser, fall ** (1 / steps))

    def run(self, x, y, batch):
        order = torch.randperm(len(x))
        for rows in order.split(batch):
            self.optimiser.zero_grad()
            torch.nn.functional.cross_entropy(self.network(x[rows]), y[rows]).backward()
            self.optimiser.step()
            self.schedule.step()

    def accuracy(self, x, y):
        with torch.no_grad():
            hits = sum((self.network(a).argmax(1) == b).sum() for a, b in zip(x.split(1000), y.split(1000), strict=True))
        return hits.item() / len(x)


def train(network, layers, folder, batch, rate, decay, fall, seed):
    if folder not in images:
        images[folder] = load(folder, "train"), load(folder, "t10k")
    (x, y), test = images[folder]
    if network not in trainings:
        trainings[network] = Training(network, layers, math.ceil(len(x) / batch), rate, decay, fall, seed)
        # Compiles what is to be compiled, for whole batches and the last one.
        for rows in {min(batch, len(x)), len(x) % batch or batch}:
            trainings[network].network(x[:rows]).sum().backward()
    training = trainings[network]
    began = time.perf_counter()
    training.run(x, y, batch)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "accuracy": training.accuracy(*test)}
