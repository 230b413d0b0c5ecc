"""Replays runs of blobs_supervised and blobs_unsupervised in PyTorch from their seeds, and writes replays.json.

    pip install -r requirements.txt && python3 replay_blobs.py      (some ten minutes)

Independent of the C++ code: NumPy draws the random numbers, scikit-learn makes the data, the whole network is run on
every batch (no cached features), and Python's torch differentiates and steps. Data and first weights are rounded to
float32, as in the C++ code; all that follows is computed in float64, so that the numbers are exact and a test can say how
far float32 may lie from them. The recipe for the random numbers:
a repeat owns RandomState([seed, repeat, 0]) for weights and RandomState([seed, repeat, 1]) for the orders of the samples;
weights are drawn in float64 in the row order of [out, in], layers in the order in which they are made.
"""
import argparse
import json
import math
import pathlib

import numpy as np
import torch
from sklearn.datasets import make_blobs

HERE = pathlib.Path(__file__).parent
DEFAULTS = dict(seed=1, repeat=0, samples=1000, centers=3, features=2, cluster_std=2.0, random_state=2,
                units=10, layers=12, epochs=100, batch_size=32, learning_rate=0.01, momentum=0.9)
CURVE_EPOCHS = 20


class Replay:
    def __init__(self, **options):
        self.o = argparse.Namespace(**{**DEFAULTS, **options})
        self.weights = np.random.RandomState([self.o.seed, self.o.repeat, 0])
        self.order = np.random.RandomState([self.o.seed, self.o.repeat, 1])
        x, y = make_blobs(n_samples=self.o.samples, centers=self.o.centers, n_features=self.o.features,
                          cluster_std=self.o.cluster_std, random_state=self.o.random_state)
        n = self.o.samples // 2
        x, y = torch.tensor(x, dtype=torch.float32).double(), torch.tensor(y)
        self.x, self.y = {"train": x[:n], "test": x[n:]}, {"train": y[:n], "test": y[n:]}

    def linear(self, fan_in, fan_out, limit):
        layer = torch.nn.Linear(fan_in, fan_out, dtype=torch.float64)
        with torch.no_grad():
            drawn = self.weights.uniform(-limit, limit, (fan_out, fan_in))
            layer.weight.copy_(torch.tensor(drawn, dtype=torch.float32))
            layer.bias.zero_()
        return layer

    def hidden(self, fan_in):
        return self.linear(fan_in, self.o.units, math.sqrt(6 / fan_in))

    def head(self, fan_out):
        return self.linear(self.o.units, fan_out, math.sqrt(6 / (self.o.units + fan_out)))

    @staticmethod
    def forward(blocks, head, x):
        for block in blocks:
            x = torch.relu(block(x))
        return head(x)

    def fit(self, blocks, head, trained, targets, loss):
        """Returns the loss over all training rows after each of the first epochs."""
        parameters = [p for layer in trained for p in layer.parameters()]
        optimizer = torch.optim.SGD(parameters, lr=self.o.learning_rate, momentum=self.o.momentum)
        curve, n = [], len(self.x["train"])
        for epoch in range(self.o.epochs):
            rows = self.order.permutation(n)
            for begin in range(0, n, self.o.batch_size):
                batch = torch.from_numpy(rows[begin:begin + self.o.batch_size])
                optimizer.zero_grad()
                loss(self.forward(blocks, head, self.x["train"][batch]), targets["train"][batch]).backward()
                optimizer.step()
            if epoch < CURVE_EPOCHS:
                with torch.no_grad():
                    value = loss(self.forward(blocks, head, self.x["train"]), targets["train"]).item()
                curve.append(value)
                if not math.isfinite(value):
                    break
        return curve

    @torch.no_grad()
    def scores(self, blocks, head, targets, loss, name):
        result = {}
        for split in ("train", "test"):
            out = self.forward(blocks, head, self.x[split])
            result[f"{split}_{name}"] = loss(out, targets[split]).item()
            if name == "cross_entropy":
                result[f"{split}_accuracy"] = (out.argmax(1) == targets[split]).double().mean().item()
        return result


def values(layer):
    return {"weight": layer.weight.tolist(), "bias": layer.bias.tolist()}


def supervised(with_weights, **options):
    run = Replay(**options)
    loss = torch.nn.functional.cross_entropy
    blocks = [run.hidden(run.o.features)]
    head = run.head(run.o.centers)
    stages = []
    while True:
        curve = run.fit(blocks, head, [blocks[-1], head], run.y, loss)
        stage = {"curve": curve, **run.scores(blocks, head, run.y, loss, "cross_entropy")}
        if with_weights:
            stage |= {"block": values(blocks[-1]), "head": values(head)}
        stages.append(stage)
        if len(blocks) + 1 == run.o.layers:
            return {"options": vars(run.o), "stages": stages}
        blocks.append(run.hidden(run.o.units))


def unsupervised(with_weights, **options):
    run = Replay(**{"layers": 7, **options})
    mse, cross_entropy = torch.nn.functional.mse_loss, torch.nn.functional.cross_entropy
    blocks = [run.hidden(run.o.features)]
    head = run.head(run.o.features)
    stages = []
    while True:
        curve = run.fit(blocks, head, [blocks[-1], head], run.x, mse)
        stage = {"curve": curve, **run.scores(blocks, head, run.x, mse, "mse")}
        stages.append(stage)
        if not math.isfinite(stage["train_mse"]):
            return {"options": vars(run.o), "stages": stages}
        if with_weights:
            stage |= {"block": values(blocks[-1]), "head": values(head)}
        classifier = run.head(run.o.centers)
        stage["classifier_curve"] = run.fit(blocks, classifier, [classifier], run.y, cross_entropy)
        stage |= run.scores(blocks, classifier, run.y, cross_entropy, "cross_entropy")
        if len(blocks) + 1 == run.o.layers:
            return {"options": vars(run.o), "stages": stages}
        blocks.append(run.hidden(run.o.units))


def rounded(node):
    """Weights that a stage starts from in all digits; everything else in twelve."""
    if isinstance(node, dict):
        return {k: v if k in ("block", "head") else rounded(v) for k, v in node.items()}
    if isinstance(node, list):
        return [rounded(v) for v in node]
    if isinstance(node, float):
        return float(f"{node:.12g}") if math.isfinite(node) else None
    return node


def main():
    torch.set_num_threads(1)
    odd = dict(samples=333, centers=4, features=3, cluster_std=1.3, random_state=5, units=7, batch_size=20)
    large = dict(samples=64, centers=2, features=5, cluster_std=1.0, random_state=8, units=16, batch_size=50)
    gentle = dict(learning_rate=0.002)
    replays = {
        "supervised_stages": [supervised(True), supervised(True, seed=4294967295, repeat=3, layers=4, **odd)],
        "supervised_short": [supervised(False, layers=6, epochs=4, **more) for more in (
            {}, dict(seed=2), dict(seed=77, repeat=5), dict(seed=3, **odd), dict(seed=4, **large))],
        "unsupervised_stages": [unsupervised(True, seed=2), unsupervised(True, seed=5, layers=4, **odd, **gentle)],
        "unsupervised_short": [unsupervised(False, layers=6, epochs=3, **more) for more in (
            dict(seed=2), dict(seed=77, repeat=5, **gentle), dict(seed=3, **odd, **gentle), dict(seed=4, **large, **gentle))],
        "supervised_full": [supervised(False, repeat=repeat) for repeat in range(20)],
        "unsupervised_full": [unsupervised(False, repeat=repeat) for repeat in range(20)],
    }
    for kind in ("supervised_full", "unsupervised_full"):
        for run in replays[kind]:
            for stage in run["stages"]:
                stage.pop("curve", None)
                stage.pop("classifier_curve", None)
    lines = []
    for kind, runs in replays.items():
        body = ",\n".join(json.dumps(rounded(run)) for run in runs)
        lines.append(f"{json.dumps(kind)}: [\n{body}\n]")
    (HERE / "replays.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
