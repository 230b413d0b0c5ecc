"""Replays greedy training of convolutional blocks in PyTorch from its seed, and writes module_replays.json.

    pip install -r requirements.txt && python3 replay_modules.py      (some seconds)

What replay_blobs.py is for dense blocks, this is for the others: convolution with and without batch normalization, space
to depth, residual blocks, heads of several layers that are kept, fresh or started from the last one, every optimizer, and
schedules of the learning rate. The images are scikit-learn's blobs, a point an image. The whole network is run on every
batch, with its frozen blocks in evaluation mode; data and first weights are rounded to float32, all that follows is
computed in float64. Weights are drawn as there: block, head, next block, next head, ...; of a block in the order in which
its layers compute.
"""
import argparse
import json
import math
import pathlib

import numpy as np
import torch
from sklearn.datasets import make_blobs
from torch import nn

HERE = pathlib.Path(__file__).parent
DEFAULTS = dict(seed=1, repeat=0, channels=1, size=8, samples=96, centers=3, cluster_std=4.0, random_state=3,
                widths=[4, 6, 6], space_to_depth=[1, 2, 1], residual=False, batch_norm=True, head="fresh",
                head_convolutions=0, epochs=5, batch_size=12, optimizer="sgd", learning_rate=0.02, momentum=0.9,
                schedule="constant", over_all_stages=False)


class Convolution(nn.Module):
    def __init__(self, weights, inputs, outputs, batch_norm=True, space_to_depth=1, activation=True):
        super().__init__()
        self.shuffle = nn.PixelUnshuffle(space_to_depth)
        inputs *= space_to_depth ** 2
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=not batch_norm)
        fill(self.convolution, weights, math.sqrt(6 / (inputs * 9)))
        self.norm = nn.BatchNorm2d(outputs) if batch_norm else nn.Identity()
        self.activation = nn.ReLU() if activation else nn.Identity()

    def forward(self, x):
        return self.activation(self.norm(self.convolution(self.shuffle(x))))


class Residual(nn.Module):
    def __init__(self, weights, channels):
        super().__init__()
        self.first = Convolution(weights, channels, channels)
        self.second = Convolution(weights, channels, channels, activation=False)

    def forward(self, x):
        return torch.relu(x + self.second(self.first(x)))


def fill(layer, weights, limit):
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weights.uniform(-limit, limit, layer.weight.shape), dtype=torch.float32))
        if layer.bias is not None:
            layer.bias.zero_()


def make_head(weights, o, width):
    convolutions = [Convolution(weights, width, width, o.batch_norm) for _ in range(o.head_convolutions)]
    linear = nn.Linear(4 * width, o.centers)
    fill(linear, weights, math.sqrt(6 / (4 * width + o.centers)))
    norm = nn.BatchNorm2d(width) if o.batch_norm else nn.Identity()
    return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(2), norm, nn.Flatten(), linear)


def make_optimizer(o, modules):
    parameters = [p for module in modules for p in module.parameters()]
    if o.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=o.learning_rate, momentum=o.momentum)
    if o.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=o.learning_rate)
    if o.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=o.learning_rate)
    groups = [{"params": [p for p in parameters if p.dim() > 1]},
              {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0}]
    return torch.optim.AdamW(groups, lr=o.learning_rate, weight_decay=0.01)


def factor(schedule, step, steps, steps_per_epoch):
    if "+" in schedule or schedule.startswith("warmup"):
        first, _, rest = schedule.partition("+")
        rising = int(first.split(":")[1]) * steps_per_epoch
        if step < rising:
            return (step + 1) / rising
        return factor(rest or "constant", step - rising, steps - rising, steps_per_epoch)
    if schedule == "cosine":
        return (1 + math.cos(math.pi * step / steps)) / 2
    if schedule.startswith("step"):
        _, epochs, drop = schedule.split(":")
        return float(drop) ** (step // steps_per_epoch // int(epochs))
    return 1.0


def replay(**options):
    o = argparse.Namespace(**{**DEFAULTS, **options})
    weights = np.random.RandomState([o.seed, o.repeat, 0])
    order = np.random.RandomState([o.seed, o.repeat, 1])
    points, labels = make_blobs(n_samples=o.samples, centers=o.centers, n_features=o.channels * o.size ** 2,
                                cluster_std=o.cluster_std, random_state=o.random_state)
    images = torch.tensor(points, dtype=torch.float32).double().view(-1, o.channels, o.size, o.size)
    labels = torch.tensor(labels)
    n = o.samples // 2
    loss_of = nn.functional.cross_entropy
    steps_per_epoch = math.ceil(n / o.batch_size)
    steps = o.epochs * steps_per_epoch
    blocks, head, stages = [], None, []
    for stage, width in enumerate(o.widths):
        inputs = o.widths[stage - 1] if stage else o.channels
        if o.residual and inputs == width:
            block = Residual(weights, width)
        else:
            block = Convolution(weights, inputs, width, o.batch_norm, o.space_to_depth[stage])
        blocks.append(block.double())
        if head is None or o.head != "kept":
            old, head = head, make_head(weights, o, width).double()
            if old is not None and o.head == "warm":
                new = head.state_dict()
                head.load_state_dict({k: v if v.shape == new[k].shape else new[k] for k, v in old.state_dict().items()})
        frozen = nn.Sequential(*blocks[:-1]).eval()
        trained = nn.Sequential(blocks[-1], head)
        optimizer = make_optimizer(o, [blocks[-1], head])
        losses = []
        for epoch in range(o.epochs):
            rows = order.permutation(n)
            for begin in range(0, n, o.batch_size):
                step, of = len(losses), steps
                if o.over_all_stages:
                    step, of = stage * steps + step, len(o.widths) * steps
                for group in optimizer.param_groups:
                    group["lr"] = o.learning_rate * factor(o.schedule, step, of, steps_per_epoch)
                batch = torch.from_numpy(rows[begin:begin + o.batch_size])
                with torch.no_grad():
                    features = frozen(images[batch])
                optimizer.zero_grad()
                loss = loss_of(trained.train()(features), labels[batch])
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
        trained.eval()
        with torch.no_grad():
            test = loss_of(trained(frozen(images[n:])), labels[n:]).item()
        stages.append({"losses": losses, "test_cross_entropy": test})
    return {"options": vars(o), "stages": stages}


def rounded(node):
    if isinstance(node, dict):
        return {key: rounded(value) for key, value in node.items()}
    if isinstance(node, list):
        return [rounded(value) for value in node]
    return float(f"{node:.12g}") if isinstance(node, float) else node


def main():
    torch.set_num_threads(1)
    runs = [replay(**options) for options in (
        {},
        dict(seed=2, repeat=3, channels=2, batch_norm=False, learning_rate=0.005, head_convolutions=1),
        dict(seed=3, head="kept", widths=[6, 6, 6], head_convolutions=2, optimizer="adamw", learning_rate=0.003),
        dict(seed=4, head="warm", optimizer="adam", learning_rate=0.003, schedule="cosine"),
        dict(seed=5, residual=True, optimizer="rmsprop", learning_rate=0.001, schedule="warmup:2+cosine"),
        dict(seed=6, schedule="step:2:0.3", batch_size=10),
        dict(seed=7, schedule="warmup:1+step:3:0.5", over_all_stages=True, head="kept", widths=[5, 5, 5]),
    )]
    text = ",\n".join(json.dumps(rounded(run)) for run in runs)
    (HERE / "module_replays.json").write_text(f"[\n{text}\n]\n")


if __name__ == "__main__":
    main()
