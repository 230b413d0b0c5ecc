"""Replays runs of mnist_autoencoder in PyTorch from their seeds, and writes autoencoder_replays.json.

    pip install -r requirements.txt && python3 replay_autoencoder.py      (a minute)

Independent of the C++ code: NumPy draws the random numbers, frozen layers are run on every batch, penalties are terms of
the loss, and Python's torch differentiates and steps. The images are bytes from RandomState(images), as the tests write
them into IDX files. Pixels, first weights and noise are rounded to float32, as in the C++ code; all that follows is
computed in float64, so that a test can say how far float32 may lie from it. Noise is Philox4x32-10, key (seed, repeat), counter (element / 4, row, step, stage).
"""
import json
import math
import pathlib
import types

import numpy as np
import torch
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent
torch.set_default_dtype(torch.float64)
DEFAULTS = dict(seed=1, repeat=0, images=3, train=130, test=30, height=5, width=6, validation=20, validation_from="first",
                units=[30, 12, 7], activation="elu", initializer="variance-scaling", tied=False, joint=False, loss="mse",
                epochs=[3], batch_size=25, sampling=["epochs", "independent"], last_batch="drop", cache="auto",
                optimizer="adam", learning_rate=[0.01], momentum=0.0, adam_counter="shared", l2=1e-4, noise=None,
                emphasis=None, sparsity=None, fine_tune=0, fine_tune_learning_rate=0.001)
ACTIVATIONS = {"linear": lambda x: x, "relu": F.relu, "leaky-relu": lambda x: F.leaky_relu(x, 0.01), "elu": F.elu,
               "selu": F.selu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


def philox(counter, key):
    """Four words for each counter: arrays of uint64 that hold 32 bits."""
    c, (k0, k1), mask = list(counter), key, np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), b & mask, (a >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), a & mask]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def rounded_accuracy(output, target):
    return (output.round() == target.round()).double().mean().item()


class Replay:
    def __init__(self, **options):
        self.o = types.SimpleNamespace(**{**DEFAULTS, **options})
        o = self.o
        streams = [np.random.RandomState([o.seed, o.repeat, purpose]) for purpose in range(3)]
        self.weights, self.order, self.subsets = streams
        images = np.random.RandomState(o.images)
        pixels = o.height * o.width
        train = (images.random_sample((o.train, pixels)) * 256).astype(np.uint8)
        test = (images.random_sample((o.test, pixels)) * 256).astype(np.uint8)
        v = o.validation
        rest, validation = (train[v:], train[:v]) if o.validation_from == "first" else (train[:-v], train[-v:])
        scaled = lambda x: torch.tensor(x.astype(np.float32) / np.float32(255)).double()
        self.data = {"train": scaled(rest), "validation": scaled(validation), "test": scaled(test)}
        self.make_network()

    def draw(self, inputs, outputs):
        if self.o.initializer == "variance-scaling":
            values = np.empty(inputs * outputs)
            for i in range(values.size):
                values[i] = self.weights.normal(0, 1)
                while abs(values[i]) > 2:
                    values[i] = self.weights.normal(0, 1)
            values *= math.sqrt(1.3 * 2 / inputs)
        else:
            limit = math.sqrt(6 / (inputs + outputs if self.o.initializer == "glorot-uniform" else inputs))
            values = self.weights.uniform(-limit, limit, inputs * outputs)
        return torch.tensor(values.reshape(outputs, inputs), dtype=torch.float32).double().requires_grad_()

    def make_network(self):
        """Layers as [weight, bias, activation, is the weight to be transposed]."""
        units, depth = self.o.units, len(self.o.units) - 1
        zeros = lambda n: torch.zeros(n, requires_grad=True)
        self.encoder = [[self.draw(units[i], units[i + 1]), zeros(units[i + 1]), self.o.activation, False]
                        for i in range(depth)]
        self.decoder = []
        for i in range(depth - 1, -1, -1):
            weight = self.encoder[i][0] if self.o.tied else self.draw(units[i + 1], units[i])
            last = "sigmoid" if self.o.loss == "bce" else "linear"
            self.decoder.append([weight, zeros(units[i]), last if i == 0 else self.o.activation, self.o.tied])

    @staticmethod
    def run(layers, x):
        for weight, bias, activation, transposed in layers:
            x = ACTIVATIONS[activation](F.linear(x, weight.t() if transposed else weight, bias))
        return x

    def uniform(self, stage, step, rows, elements):
        blocks = (elements + 3) // 4
        shape = (len(rows), blocks)
        full = lambda value: np.full(shape, value, dtype=np.uint64)
        counter = [np.broadcast_to(np.arange(blocks, dtype=np.uint64), shape),
                   np.broadcast_to(np.asarray(rows, dtype=np.uint64)[:, None], shape), full(step), full(stage)]
        words = philox(counter, (self.o.seed, self.o.repeat))
        return (np.stack(words, 2).reshape(len(rows), 4 * blocks).astype(np.float64) + 0.5) * 2.0 ** -32

    def corrupt(self, clean, stage, step, rows):
        """The corrupted input, and which entries were hit."""
        if self.o.noise is None:
            return clean, None
        kind, amount = self.o.noise
        n = clean.shape[1]
        u = self.uniform(stage, step, rows, n)
        if kind == "gaussian":
            pairs = u.reshape(len(rows), -1, 2)
            radius, angle = np.sqrt(-2 * np.log(pairs[:, :, 0])), 2 * np.pi * pairs[:, :, 1]
            normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 2).reshape(len(rows), -1)[:, :n]
            return clean + torch.tensor(normal, dtype=torch.float32).double() * amount, None
        hit = torch.tensor(u[:, :n] < amount)
        if kind == "salt-pepper":
            salt = torch.where(torch.tensor(u[:, :n] < amount / 2), 0.0, 1.0)
            return torch.where(hit, salt, clean), hit
        kept = torch.where(hit, torch.zeros(()), clean)
        return (kept / (1 - amount) if kind == "dropout" else kept), hit

    def loss_by_entry(self, output, target, name):
        return (output - target) ** 2 if name == "mse" else F.binary_cross_entropy(output, target, reduction="none")

    def sparsity(self, code):
        rho, mean = self.o.sparsity[0], code.mean(0)
        return (rho * torch.log(rho / mean) + (1 - rho) * torch.log((1 - rho) / (1 - mean))).sum()

    def optimizer(self, tensors, rate, steps_before):
        if self.o.optimizer == "sgd":
            return torch.optim.SGD(tensors, lr=rate, momentum=self.o.momentum)
        adam = torch.optim.Adam(tensors, lr=rate)
        for t in tensors:
            adam.state[t] = {"step": torch.tensor(float(steps_before)), "exp_avg": torch.zeros_like(t),
                             "exp_avg_sq": torch.zeros_like(t)}
        return adam

    def fit(self, stage, frozen, layers, encoding, name, epochs, rate, sampling, steps_before):
        """Returns the curve [{split_metric: value} after each epoch] and the steps taken."""
        o, x = self.o, self.data["train"]
        n, b = len(x), o.batch_size
        tensors = []
        for layer in layers:
            tensors += [t for t in layer[:2] if not any(t is other for other in tensors)]
        optimizer = self.optimizer(tensors, rate, steps_before)
        step, curve = 0, []
        for _ in range(epochs):
            if sampling == "epochs":
                order = self.order.permutation(n)
                batches = [order[i:i + b] for i in range(0, n, b)]
                if o.last_batch == "drop" and len(batches[-1]) < b:
                    batches.pop()
            else:
                batches = []
                for _ in range(n // b):
                    rows = np.arange(n)
                    for i in range(b):
                        j = self.subsets.randint(i, n)
                        rows[i], rows[j] = rows[j], rows[i]
                    batches.append(rows[:b].copy())
            for rows in batches:
                with torch.no_grad():
                    clean = self.run(frozen, x[torch.from_numpy(rows)])
                given, hit = self.corrupt(clean, stage, step, rows)
                code = self.run(layers[:encoding], given)
                output = self.run(layers[encoding:], code)
                entries = self.loss_by_entry(output, clean, name)
                if o.emphasis:
                    entries = entries * torch.where(hit, o.emphasis[0], o.emphasis[1])
                loss = entries.mean() + o.l2 * sum((t ** 2).sum() / 2 for t in tensors if t.dim() == 2)
                if o.sparsity:
                    loss = loss + o.sparsity[1] * self.sparsity(code)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
            with torch.no_grad():
                clean = self.run(frozen, x[torch.from_numpy(batches[-1])])
                given = clean
                if o.noise and o.noise[0] == "gaussian":
                    given, _ = self.corrupt(clean, stage + 2 ** 31, step - 1, batches[-1])
                code = self.run(layers[:encoding], given)
                output = self.run(layers[encoding:], code)
                point = {"last_batch_mse": F.mse_loss(output, clean).item()}
                if name == "bce":
                    point["last_batch_bce"] = F.binary_cross_entropy(output, clean).item()
                    point["last_batch_rounded_accuracy"] = rounded_accuracy(output, clean)
                if o.sparsity:
                    point["last_batch_sparsity"] = self.sparsity(code).item()
                clean = self.run(frozen, self.data["validation"])
                output = self.run(layers, clean)
                point["validation_mse"] = F.mse_loss(output, clean).item()
                if name == "bce":
                    point["validation_bce"] = F.binary_cross_entropy(output, clean).item()
                    point["validation_rounded_accuracy"] = rounded_accuracy(output, clean)
            curve.append(point)
        return curve, step

    def train(self):
        o, depth = self.o, len(self.o.units) - 1
        item = lambda values, k: values[min(k, len(values) - 1)]
        everything = self.encoder + self.decoder
        stages, steps = [], 0
        if o.joint:
            stages.append(self.fit(1, [], everything, depth, o.loss, o.epochs[0], o.learning_rate[0], o.sampling[0], 0)[0])
        else:
            for k in range(depth):
                layers = [self.encoder[k], self.decoder[depth - 1 - k]]
                before = steps if o.adam_counter == "shared" else 0
                curve, made = self.fit(k + 1, self.encoder[:k], layers, 1, o.loss if k == 0 else "mse", item(o.epochs, k),
                                       item(o.learning_rate, k), item(o.sampling, k), before)
                stages.append(curve)
                steps += made
        if o.fine_tune:
            stages.append(self.fit(len(stages) + 1, [], everything, depth, o.loss, o.fine_tune, o.fine_tune_learning_rate,
                                   "epochs", 0)[0])
        with torch.no_grad():
            test = F.mse_loss(self.run(everything, self.data["test"]), self.data["test"]).item()
        return {"options": vars(o), "arguments": self.arguments(), "stages": stages, "test_mse": test}

    def arguments(self):
        """The options that are not the program's defaults, or are not so on purpose, as its arguments."""
        o, words = self.o, []
        comma = lambda values: ",".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)
        for name in ("seed", "validation", "batch_size", "l2"):
            words += ["--" + name.replace("_", "-"), f"{getattr(o, name)}"]
        words += ["--units", comma(o.units), "--epochs", comma(o.epochs), "--learning-rate", comma(o.learning_rate)]
        words += ["--sampling", comma(o.sampling)]
        for name in ("validation_from", "activation", "initializer", "loss", "last_batch", "cache", "optimizer", "momentum",
                     "adam_counter"):
            if getattr(o, name) != DEFAULTS[name]:
                words += ["--" + name.replace("_", "-"), f"{getattr(o, name)}"]
        words += [flag for flag, on in (("--tied", o.tied), ("--joint", o.joint)) if on]
        if o.repeat:
            words += ["--repeats", str(o.repeat + 1)]
        if o.noise:
            words += ["--noise", f"{o.noise[0]}:{o.noise[1]:g}"]
        for name in ("emphasis", "sparsity"):
            if getattr(o, name):
                words += ["--" + name, comma(getattr(o, name))]
        if o.fine_tune:
            words += ["--fine-tune", str(o.fine_tune), "--fine-tune-learning-rate", f"{o.fine_tune_learning_rate:g}"]
        return " ".join(words)


CASES = [
    dict(),
    dict(sampling=["epochs"], cache="none", seed=0),
    dict(sampling=["independent"], adam_counter="fresh", l2=5e-4, seed=4294967295),
    dict(joint=True, sampling=["epochs"], epochs=[5]),
    dict(joint=True, tied=True, sampling=["epochs"], l2=5e-4, seed=2),
    dict(tied=True, seed=3, last_batch="keep"),
    dict(joint=True, sampling=["epochs"], activation="relu", initializer="glorot-uniform", l2=0.0, noise=["gaussian", 1.0]),
    dict(noise=["gaussian", 0.3], seed=5, units=[30, 11, 6, 3], epochs=[2, 3, 2], learning_rate=[0.01, 0.005, 0.002]),
    dict(joint=True, sampling=["epochs"], activation="relu", initializer="glorot-uniform", l2=0.0, noise=["dropout", 0.3]),
    dict(noise=["masking", 0.25], emphasis=[1.5, 0.5], activation="sigmoid", seed=6),
    dict(noise=["masking", 0.4], cache="none", sampling=["independent"], seed=7, activation="tanh"),
    dict(noise=["salt-pepper", 0.2], emphasis=[2.0, 1.0], loss="bce", activation="leaky-relu", seed=8),
    dict(units=[30, 40], activation="sigmoid", initializer="glorot-uniform", sparsity=[0.1, 0.2], sampling=["epochs"],
         l2=0.0, joint=True, batch_size=50),
    dict(activation="sigmoid", sparsity=[0.05, 1.0], seed=9),
    dict(loss="bce", optimizer="sgd", activation="selu", initializer="glorot-uniform", learning_rate=[1.5, 0.05],
         sampling=["epochs"], last_batch="keep", l2=0.0, validation_from="last", batch_size=32, fine_tune=2,
         fine_tune_learning_rate=0.1, seed=10),
    dict(optimizer="sgd", momentum=0.9, learning_rate=[0.05], initializer="he-uniform", activation="relu", seed=11, repeat=1),
    dict(fine_tune=3, seed=12, noise=["masking", 0.1]),
    dict(tied=True, loss="bce", fine_tune=2, seed=14, learning_rate=[0.02]),
    dict(activation="sigmoid", sparsity=[0.2, 0.5], fine_tune=2, seed=15, l2=0.001),
    dict(units=[30, 5], sampling=["epochs"], noise=["salt-pepper", 0.3], seed=16, epochs=[4]),
    dict(loss="bce", joint=True, sampling=["independent"], seed=13, train=77, validation=9, batch_size=13, images=14),
]


def main():
    torch.set_num_threads(1)
    runs = [Replay(**case).train() for case in CASES]
    (HERE / "autoencoder_replays.json").write_text("[\n" + ",\n".join(json.dumps(run) for run in runs) + "\n]\n")


if __name__ == "__main__":
    main()
