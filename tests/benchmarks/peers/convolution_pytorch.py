"""Steps of a stage of cnn_supervised in PyTorch, channels last: turns.cpp's convolution_PRECISION.

    python3 convolution_pytorch.py eager|compiled fp32|tf32|bf16 cpu|cuda

compiled: torch.compile of forward and loss, on CUDA in mode max-autotune-no-cudagraphs; eager on CUDA with cuDNN's benchmark.
"""
import sys

import torch
from turns import take_turns

mode, precision, device = sys.argv[1:4]
channels, units, pixels, rows = (128, 256, 32, 12800) if device == "cuda" else (16, 32, 28, 1280)
batch = 128
torch.set_num_threads(1)
torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
torch.backends.cudnn.benchmark = True
nn = torch.nn
net = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, units, 3, padding=1, bias=False), nn.BatchNorm2d(units),
                    nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.BatchNorm2d(units), nn.Flatten(), nn.Linear(4 * units, 10))
net = net.to(device, memory_format=torch.channels_last)
images = torch.rand(rows, channels, pixels, pixels, device=device).contiguous(memory_format=torch.channels_last)
labels = (torch.arange(rows) % 10).to(device)
sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)


def loss_of(x, y):
    with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
        return nn.functional.cross_entropy(net(x), y)


if mode == "compiled":
    loss_of = torch.compile(loss_of, mode="max-autotune-no-cudagraphs" if device == "cuda" else None)


def run():
    order = torch.randperm(rows).to(device)
    for begin in range(0, rows, batch):
        chosen = order[begin:begin + batch]
        sgd.zero_grad()
        loss_of(images[chosen], labels[chosen]).backward()
        sgd.step()
    if device == "cuda":
        torch.cuda.synchronize()


take_turns(run, units=rows // batch)
