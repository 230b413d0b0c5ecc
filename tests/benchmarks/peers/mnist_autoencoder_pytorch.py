"""What `mnist_autoencoder` does by default, in PyTorch, eager: two phases of four epochs, Adam with L2 on
the weights, the codes of the second computed once, the same evaluations. The whole process is timed.

    python3 mnist_autoencoder_pytorch.py FOLDER_WITH_MNIST [--fused]      --fused: the optimizer's fused form
"""
import gzip
import pathlib
import sys

import numpy as np
import torch

torch.set_num_threads(1)
torch.set_flush_denormal(True)
torch.manual_seed(1)
folder = pathlib.Path(sys.argv[1])
fused = "--fused" in sys.argv[2:] or None


def images(name):
    path = next(p for p in (folder / name, folder / (name + ".gz")) if p.exists())
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=16).reshape(-1, 784).copy()).float() / 255


def linear(inputs, outputs):
    layer = torch.nn.Linear(inputs, outputs)
    torch.nn.init.trunc_normal_(layer.weight, std=(2 / inputs) ** 0.5, a=-2 * (2 / inputs) ** 0.5,
                                b=2 * (2 / inputs) ** 0.5)
    torch.nn.init.zeros_(layer.bias)
    return layer


def mse(net, x):
    with torch.no_grad():
        return sum(torch.nn.functional.mse_loss(net(part), part).item() * len(part)
                   for part in x.split(1024)) / len(x)


train = images("train-images-idx3-ubyte")
validation, train = train[:5000], train[5000:]
test = images("t10k-images-idx3-ubyte")


def fit(net, parts):
    x = parts[0]
    weights = [p for p in net.parameters() if p.dim() > 1]
    biases = [p for p in net.parameters() if p.dim() == 1]
    adam = torch.optim.Adam([{"params": weights, "weight_decay": 1e-4}, {"params": biases}], lr=0.01, fused=fused)
    mse(net, parts[1])
    for epoch in range(4):
        order = torch.randperm(len(x))
        for begin in range(0, len(x) - 149, 150):
            batch = x[order[begin:begin + 150]]
            adam.zero_grad()
            torch.nn.functional.mse_loss(net(batch), batch).backward()
            adam.step()
        with torch.no_grad():
            print(epoch, "Train MSE:", torch.nn.functional.mse_loss(net(batch), batch).item())
        mse(net, parts[1])
    return [mse(net, part) for part in parts]


elu = torch.nn.ELU()
w1, w2, w3, w4 = linear(784, 300), linear(300, 150), linear(150, 300), linear(300, 784)
parts = [train, validation, test]
print(fit(torch.nn.Sequential(w1, elu, w4), parts))
with torch.no_grad():
    codes = [torch.cat([elu(w1(chunk)) for chunk in part.split(1024)]) for part in parts]
print(fit(torch.nn.Sequential(w2, elu, w3, elu), codes))
whole = torch.nn.Sequential(w1, elu, w2, elu, w3, elu, w4)
errors = [mse(whole, part) for part in parts]
print("Test MSE:", errors)
assert 0.0085 < errors[2] < 0.0115, errors
