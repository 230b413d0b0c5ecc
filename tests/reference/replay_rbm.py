"""Replays the training of stacks of RBMs from their seeds, asks scikit-learn about one, and writes rbm_replays.json.

    pip install -r requirements.txt && python3 replay_rbm.py      (some seconds)

Independent of the C++ code: the replays need NumPy alone. Data are uniform numbers from RandomState(data); the RBMs below
are run on every batch. Data and first weights are rounded to float32, as in the C++ code; all that follows is computed in
float64. What is sampled is decided by Philox4x32-10, key (seed, repeat), counter (element / 4, row, step, stage + 4096
draw). Weights are drawn RBM by RBM, from the bottom. scikit-learn's BernoulliRBM is given the same weights and the same
random numbers.
"""
import json
import math
import pathlib
import types
from unittest import mock

import numpy as np
from sklearn.neural_network import BernoulliRBM, _rbm

HERE = pathlib.Path(__file__).parent
ONLY_EVALUATES = 2 ** 31
DEFAULTS = dict(seed=1, repeat=0, data=3, train=23, test=7, units=[14, 9, 6], code="bernoulli", initializer="small-normal",
                epochs=[5], batch_size=5, learning_rate=[0.1], momentum=0.9, nesterov=False, first=None, l2=0.0,
                schedule="constant", steps=1, persistent=False, sample_visible=False)


def philox(counter, key):
    """Four words for each counter: arrays of uint64 that hold 32 bits."""
    c, (k0, k1), mask = list(counter), key, np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), b & mask, (a >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), a & mask]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def uniform(key, stage, step, rows, elements):
    """[rows, elements rounded up to a multiple of 4]"""
    blocks = (elements + 3) // 4
    shape = (len(rows), blocks)
    full = lambda value: np.full(shape, value, dtype=np.uint64)
    counter = [np.broadcast_to(np.arange(blocks, dtype=np.uint64), shape),
               np.broadcast_to(np.asarray(rows, dtype=np.uint64)[:, None], shape), full(step), full(stage)]
    words = philox(counter, key)
    return (np.stack(words, 2).reshape(len(rows), 4 * blocks).astype(np.float64) + 0.5) * 2.0 ** -32


def normal(key, stage, step, rows, elements):
    pairs = uniform(key, stage, step, rows, elements).reshape(len(rows), -1, 2)
    radius, angle = np.sqrt(-2 * np.log(pairs[:, :, 0])), 2 * np.pi * pairs[:, :, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 2).reshape(len(rows), -1)[:, :elements]


def draw(stream, initializer, inputs, outputs):
    """[outputs, inputs], rounded to float32"""
    if initializer == "small-normal":
        weight = stream.normal(0, 0.1, (outputs, inputs))
    elif initializer == "sparse-normal":
        weight = np.zeros((outputs, inputs))
        for row in weight:
            places = np.arange(inputs)
            some = min(15, inputs)
            for i in range(some):
                j = stream.randint(i, inputs)
                places[i], places[j] = places[j], places[i]
            for place in places[:some]:
                row[place] = stream.normal(0, 1)
    else:
        limit = {"fan-in-uniform": 1 / math.sqrt(inputs),
                 "sigmoid-uniform": 4 * math.sqrt(6 / (inputs + outputs))}[initializer]
        weight = stream.uniform(-limit, limit, (outputs, inputs))
    return weight.astype(np.float32).astype(np.float64)


def logistic(x):
    return 1 / (1 + np.exp(-x))


class Rbm:
    def __init__(self, weight, gaussian):
        self.w, self.b, self.c = weight, np.zeros(weight.shape[1]), np.zeros(weight.shape[0])
        self.gaussian = gaussian
        self.velocity = [np.zeros_like(p) for p in (self.w, self.b, self.c)]

    def hidden(self, v):
        sums = v @ self.w.T + self.c
        return sums if self.gaussian else logistic(sums)

    def visible(self, h):
        return logistic(h @ self.w + self.b)

    def free_energy(self, v):
        sums = v @ self.w.T + self.c
        return -v @ self.b - (sums ** 2 / 2 if self.gaussian else np.logaddexp(0, sums)).sum(1)

    def update(self, data, model, rate, momentum, nesterov, l2):
        """One step along the difference of the two statistics."""
        (v1, p1), (v2, p2) = data, model
        gradients = [p2.T @ v2 / len(v2) - p1.T @ v1 / len(v1) + l2 * self.w,
                     v2.mean(0) - v1.mean(0), p2.mean(0) - p1.mean(0)]
        for parameter, velocity, gradient in zip((self.w, self.b, self.c), self.velocity, gradients):
            velocity *= momentum
            velocity += gradient
            parameter -= rate * (gradient + momentum * velocity if nesterov else velocity)


class Replay:
    def __init__(self, **options):
        self.o = o = types.SimpleNamespace(**{**DEFAULTS, **options})
        self.weights, self.order = (np.random.RandomState([o.seed, o.repeat, purpose]) for purpose in range(2))
        values = np.random.RandomState(o.data).random_sample((o.train + o.test, o.units[0]))
        values = values.astype(np.float32).astype(np.float64)
        self.data = {"train": values[:o.train], "test": values[o.train:]}
        depth = len(o.units) - 1
        self.rbms = [Rbm(draw(self.weights, o.initializer, o.units[k], o.units[k + 1]), o.code == "gaussian" and k + 1 == depth)
                     for k in range(depth)]

    def bernoulli(self, means, stage, step, rows):
        return (uniform((self.o.seed, self.o.repeat), stage, step, rows, means.shape[1])[:, :means.shape[1]] < means) * 1.0

    def sample_hidden(self, rbm, means, stage, step, rows):
        if rbm.gaussian:
            return means + normal((self.o.seed, self.o.repeat), stage, step, rows, means.shape[1])
        return self.bernoulli(means, stage, step, rows)

    def features(self, k, x):
        for rbm in self.rbms[:k]:
            x = rbm.hidden(x)
        return x

    def factor(self, epoch):
        if self.o.schedule == "constant":
            return 1.0
        _, epochs, drop = self.o.schedule.split(":")
        return float(drop) ** (epoch // int(epochs))

    def scores(self, k, split):
        rbm, v = self.rbms[k], self.features(k, self.data[split])
        n, width = v.shape
        u = uniform((self.o.seed, self.o.repeat), k + 1 + ONLY_EVALUATES, 0, range(n), 1)[:, 0]
        units = np.floor(u * width).astype(int)
        flipped = v.copy()
        flipped[range(n), units] = 1 - v[range(n), units]
        likelihood = -width * np.logaddexp(0, rbm.free_energy(v) - rbm.free_energy(flipped))
        return {f"{split}_mse": ((rbm.visible(rbm.hidden(v)) - v) ** 2).mean(),
                f"{split}_free_energy": rbm.free_energy(v).mean(), f"{split}_pseudo_likelihood": likelihood.mean()}

    def fit(self, k):
        o, rbm, stage, step = self.o, self.rbms[k], k + 1, 0
        item = lambda values: values[min(k, len(values) - 1)]
        n, b = len(self.data["train"]), o.batch_size
        chains = np.zeros((b, o.units[k + 1]))
        losses = []
        for epoch in range(item(o.epochs)):
            momentum = o.first[1] if o.first and epoch < o.first[0] else o.momentum
            order = self.order.permutation(n)
            errors = []
            for begin in range(0, n, b):
                rows = order[begin:begin + b]
                v = self.features(k, self.data["train"][rows])
                means = rbm.hidden(v)
                if o.persistent:
                    h, chain_rows = chains, range(b)
                    errors = list(((rbm.visible(means) - v) ** 2).mean(1))  # of the last batch alone
                else:
                    h, chain_rows = self.sample_hidden(rbm, means, stage, step, rows), rows
                    errors += list(((rbm.visible(h) - v) ** 2).mean(1))
                for i in range(1, o.steps + 1):
                    fantasy = rbm.visible(h)
                    if o.sample_visible:
                        fantasy = self.bernoulli(fantasy, stage + 4096 * (2 * i - 1), step, chain_rows)
                    fantasy_means = rbm.hidden(fantasy)
                    h = self.sample_hidden(rbm, fantasy_means, stage + 4096 * 2 * i, step, chain_rows)
                chains = h
                rbm.update((v, means), (fantasy, fantasy_means), item(o.learning_rate) * self.factor(epoch), momentum,
                           o.nesterov, o.l2)
                step += 1
            losses.append(np.mean(errors))
        return {"losses": losses, "scores": {**self.scores(k, "train"), **self.scores(k, "test")},
                "parameters": np.concatenate([rbm.w[-1], rbm.c, rbm.b]).tolist()}  # of the weights, the last unit's

    def train(self):
        return {"options": vars(self.o), "stages": [self.fit(k) for k in range(len(self.rbms))]}


class CountedNumbers:
    """What scikit-learn asks of a RandomState: the numbers of this project's draws 1 (visible) and 2 (hidden) of each step;
    and given units to flip."""
    def __init__(self, key, units=None):
        self.key, self.units, self.asked = key, units, 0

    def uniform(self, size):
        step, which = divmod(self.asked, 2)
        self.asked += 1
        return uniform(self.key, 1 + 4096 * (which + 1), step, range(size[0]), size[1])[:, :size[1]]

    def randint(self, low, high, count):
        assert low == 0 and max(self.units) < high and count == len(self.units)
        return np.array(self.units)


def scikit_learn(seed=21, repeat=2, data=22, rows=8, visible=13, hidden=7, learning_rate=0.3, updates=3):
    o = dict(locals())
    weight = draw(np.random.RandomState([seed, repeat, 0]), "small-normal", visible, hidden)
    values = np.random.RandomState(data)
    x = values.random_sample((rows, visible)).astype(np.float32).astype(np.float64)
    biases = [values.uniform(-1, 1, n).astype(np.float32).astype(np.float64) for n in (hidden, visible)]
    rbm = BernoulliRBM(n_components=hidden, learning_rate=learning_rate, batch_size=rows)
    rbm.components_, (rbm.intercept_hidden_, rbm.intercept_visible_) = weight.copy(), [b.copy() for b in biases]
    rbm.h_samples_ = np.zeros((rows, hidden))
    binary = (x > 0.5) * 1.0
    units = [(5 * row) % visible for row in range(rows)]
    with mock.patch.object(_rbm, "check_random_state", lambda _: CountedNumbers((seed, repeat), units)):
        likelihood = rbm.score_samples(binary)
    result = {"options": o, "hidden_bias": biases[0].tolist(), "visible_bias": biases[1].tolist(),
              "free_energy": rbm._free_energy(x).tolist(), "flipped": units, "pseudo_likelihood": likelihood.tolist(),
              "transformed": rbm.transform(x)[0].tolist(), "updated": []}
    rng = CountedNumbers((seed, repeat))
    for _ in range(updates):
        rbm._fit(x, rng)
        parameters = (rbm.components_.ravel(), rbm.intercept_hidden_, rbm.intercept_visible_)
        result["updated"].append(np.concatenate(parameters).tolist())
    return result


CASES = [
    dict(first=[2, 0.5], l2=0.002),
    dict(seed=2, repeat=1, units=[14, 9, 4], code="gaussian", initializer="fan-in-uniform", learning_rate=[0.1, 0.01],
         first=[1, 0.5], epochs=[4, 6]),
    dict(seed=3, steps=3, sample_visible=True, initializer="sigmoid-uniform", momentum=0.0, learning_rate=[0.2]),
    dict(seed=4, units=[20, 17], steps=1, persistent=True, sample_visible=True, initializer="sparse-normal", momentum=0.5),
    dict(seed=5, units=[14, 10], steps=2, persistent=True, batch_size=8, code="gaussian", learning_rate=[0.02], momentum=0.0),
    dict(seed=4294967295, repeat=7, units=[6, 5, 3], nesterov=True, schedule="step:2:0.3", l2=0.01, batch_size=23, steps=2,
         learning_rate=[0.5]),
]


def rounded(node, digits):
    if isinstance(node, dict):
        return {key: rounded(value, digits) for key, value in node.items()}
    if isinstance(node, list):
        return [rounded(value, digits) for value in node]
    return float(f"{node:.{digits}g}") if isinstance(node, float) else node


def main():
    replays = ",\n".join(json.dumps(rounded(Replay(**case).train(), 12)) for case in CASES)
    asked = json.dumps(rounded(scikit_learn(), 15))
    (HERE / "rbm_replays.json").write_text(f'{{"replays": [\n{replays}\n],\n"scikit_learn": {asked}}}\n')


if __name__ == "__main__":
    main()
