"""Replays comparisons of mnist_pretraining in PyTorch from their seeds, and writes classifier_replays.json.

    pip install -r requirements.txt && python3 replay_classifier.py      (half a minute)

Independent of the C++ code, as replay_autoencoder.py, which trains the encoders: frozen layers are run on every batch,
the penalty is a term of the loss, all is computed in float64, the principal components are NumPy's. Labels count 0 to 9 over and over, as the tests
write them. After the encoder, the stream of subsets draws a permutation of the training rows and one of the validation
rows where labelled rows are drawn; every variant starts from the state of the streams after that.
"""
import copy
import json
import pathlib

import numpy as np
import torch
from torch.nn import functional as F

from replay_autoencoder import ACTIVATIONS, Replay

HERE = pathlib.Path(__file__).parent
VARIANTS = ["none", "frozen", "fine-tuned", "head-first", "standardized", "random-frozen", "random-standardized", "pca",
            "pixels"]
CLASSES = 10
KEPT = 100  # steps whose losses are written


def stratified(walk, labels, count):
    """The first of a walk through the rows, as many of each class."""
    shares = [count // CLASSES + (c < count % CLASSES) for c in range(CLASSES)]
    taken = []
    for row in walk:
        if shares[labels[row]] > 0:
            shares[labels[row]] -= 1
            taken.append(row)
    if len(taken) < count:  # a class has too few: the others fill up, in the order of the walk
        passed_over = [row for row in walk if row not in set(taken)][:count - len(taken)]
        taken = [row for row in walk if row in set(taken) | set(passed_over)]
    return np.array(taken)


class Comparison:
    def __init__(self, labels=60, subset="first", epochs=40, batch_size=20, learning_rate=0.01, l2=5e-4, head_share=0.25,
                 **encoder):
        self.options = dict(labels=labels, subset=subset, epochs=epochs, batch_size=batch_size,
                            learning_rate=learning_rate, l2=l2, head_share=head_share)
        self.replay = Replay(**encoder)
        self.replay.train()
        o = self.replay.o
        labels_of = {"train": np.arange(o.train) % CLASSES, "test": np.arange(o.test) % CLASSES}
        v = o.validation
        self.labels = {"validation": labels_of["train"][:v], "train": labels_of["train"][v:], "test": labels_of["test"]}
        if subset == "first":
            self.rows = np.arange(labels)
        else:
            self.rows = stratified(self.replay.subsets.permutation(o.train - v), self.labels["train"], labels)
            self.replay.subsets.permutation(v)
        self.x = self.replay.data["train"][torch.from_numpy(self.rows)]
        self.y = torch.tensor(self.labels["train"][self.rows])

    def matrix(self, inputs, outputs):
        return [self.replay.draw(inputs, outputs), torch.zeros(outputs, requires_grad=True)]

    def components(self, count):
        x = self.replay.data["train"].numpy().astype(np.float64)
        mean = x.mean(0)
        _, vectors = np.linalg.eigh((x - mean).T @ (x - mean))
        w = vectors[:, ::-1][:, :count].T
        w = w * np.sign(w[np.arange(count), np.abs(w).argmax(1)])[:, None]
        return lambda z: F.linear(z, torch.tensor(w), torch.tensor(-w @ mean))

    def run(self, name):
        o, units = self.options, self.replay.o.units
        self.replay.weights, subsets = copy.deepcopy(self.weights), copy.deepcopy(self.subsets)
        activation = ACTIVATIONS[self.replay.o.activation]
        if name == "pixels":
            hidden, head = [], self.matrix(units[0], CLASSES)
        else:
            hidden = [self.matrix(units[i], units[i + 1]) for i in range(len(units) - 1)]
            head = self.matrix(units[-1], CLASSES)
        if name in ("frozen", "fine-tuned", "head-first", "standardized"):
            hidden = [[t.detach().clone().requires_grad_() for t in layer[:2]] for layer in self.replay.encoder]

        def encode(z):
            for weight, bias in hidden:
                z = activation(F.linear(z, weight, bias))
            return z

        if name == "pca":
            codes = self.components(units[-1])
        elif name.endswith("standardized"):
            with torch.no_grad():
                known = encode(self.x).double()
            mean, deviation = known.mean(0), known.var(0, unbiased=False).sqrt()
            codes = lambda z: (encode(z) - mean) / deviation
        else:
            codes = encode
        forward = lambda z: F.linear(codes(z), *head)

        everything = [t for layer in hidden for t in layer] + head
        an_epoch = o["labels"] // o["batch_size"]
        steps = o["epochs"] * an_epoch
        fits = [(steps, everything if name in ("none", "fine-tuned") else head)]
        if name == "head-first":
            first = round(o["head_share"] * steps)
            fits = [(first, head), (steps - first, everything)]
        losses = []
        for count, tensors in fits:
            optimizer = torch.optim.Adam(tensors, lr=o["learning_rate"])
            for _ in range(count):
                rows = np.arange(o["labels"])
                for i in range(o["batch_size"]):
                    j = subsets.randint(i, o["labels"])
                    rows[i], rows[j] = rows[j], rows[i]
                batch = torch.from_numpy(rows[:o["batch_size"]].copy())
                error = F.cross_entropy(forward(self.x[batch]), self.y[batch])
                loss = error + o["l2"] * sum((t ** 2).sum() / 2 for t in tensors if t.dim() == 2)
                for t in everything:
                    t.grad = None
                loss.backward()
                optimizer.step()
                losses.append(error.item())
        with torch.no_grad():
            scores = {}
            for split in ("validation", "test"):
                output, target = forward(self.replay.data[split]), torch.tensor(self.labels[split])
                scores[split + "_cross_entropy"] = F.cross_entropy(output, target).item()
                scores[split + "_accuracy"] = (output.argmax(1) == target).double().mean().item()
        return {"losses": losses[:KEPT], **scores}

    def compare(self):
        self.weights, self.subsets = self.replay.weights, self.replay.subsets
        return {"options": {**vars(self.replay.o), "encoder_epochs": self.replay.o.epochs,
                            "encoder_batch_size": self.replay.o.batch_size, **self.options},
                "rows": self.rows.tolist(), "variants": {name: self.run(name) for name in VARIANTS}}


CASES = [
    dict(),
    dict(subset="drawn", labels=57, batch_size=19, seed=2, repeat=3),
    dict(subset="drawn", labels=110, epochs=30, batch_size=25, seed=4294967295, units=[30, 14, 9, 5], activation="tanh",
         initializer="glorot-uniform", learning_rate=0.02, l2=0.0, head_share=0.5),
]


def main():
    torch.set_num_threads(1)
    runs = [Comparison(**case).compare() for case in CASES]
    (HERE / "classifier_replays.json").write_text("[\n" + ",\n".join(json.dumps(run) for run in runs) + "\n]\n")


if __name__ == "__main__":
    main()
