"""The tutorial's supervised part in PyTorch, eager, on cached features, with the fused optimizer."""
import torch
from sklearn.datasets import make_blobs

from turns import take_turns

torch.set_num_threads(1)
torch.set_flush_denormal(True)
x, y = make_blobs(n_samples=1000, centers=3, n_features=2, cluster_std=2, random_state=2)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
cross_entropy = torch.nn.functional.cross_entropy


def fit(layers, inputs, labels):
    net = torch.nn.Sequential(*layers)
    parameters = [p for layer in layers for p in layer.parameters()]
    sgd = torch.optim.SGD(parameters, lr=0.01, momentum=0.9, fused=True)
    for _ in range(100):
        order = torch.randperm(500)
        for begin in range(0, 500, 32):
            rows = order[begin:begin + 32]
            sgd.zero_grad()
            cross_entropy(net(inputs[rows]), labels[rows]).backward()
            sgd.step()
    return net


def dense(inputs, outputs):
    layer = torch.nn.Linear(inputs, outputs)
    torch.nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    torch.nn.init.zeros_(layer.bias)
    return layer


def run():
    train, test, labels = x[:500], x[500:], y[:500]
    block, head = dense(2, 10), torch.nn.Linear(10, 3)
    for _ in range(11):
        net = fit([block, torch.nn.ReLU(), head], train, labels)
        with torch.no_grad():
            accuracies = [(net(part).argmax(1) == wanted).float().mean().item()
                          for part, wanted in ((train, labels), (test, y[500:]))]
            train, test = torch.relu(block(train)), torch.relu(block(test))
        block = dense(10, 10)
    assert 0.75 < accuracies[1] < 0.9, accuracies


take_turns(run)
