"""Steps of an autoencoder with one hidden layer (ELU, Adam) in PyTorch on CUDA, for run.sh.

    python3 steps_pytorch.py eager|compiled|graph|products fp32|tf32|bf16 INPUTS HIDDEN BATCH ROWS

compiled: torch.compile of the whole step, mode reduce-overhead. graph: torch.cuda.CUDAGraph of the eager step, whose
rows are copied to where the graph reads them. All have Adam's fused, capturable version. products: only the five matrix
products of a step, in such a graph, one after the other: what the card takes for them.
"""
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "benchmarks", "peers"))
from turns import take_turns  # noqa: E402

mode, precision = sys.argv[1:3]
inputs, hidden, batch, rows = map(int, sys.argv[3:7])
torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
images = torch.rand(rows, inputs, device="cuda")
net = torch.nn.Sequential(torch.nn.Linear(inputs, hidden), torch.nn.ELU(), torch.nn.Linear(hidden, inputs)).cuda()
adam = torch.optim.Adam(net.parameters(), fused=True, capturable=mode != "eager")
steps = rows // batch


def step(chosen):
    x = images[chosen]
    with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
        loss = torch.nn.functional.mse_loss(net(x), x)
    loss.backward()
    adam.step()
    adam.zero_grad(set_to_none=mode != "graph")
    return loss


kind = {"device": "cuda", "dtype": torch.bfloat16 if precision == "bf16" else torch.float32}
rows_in, rows_hidden = torch.rand(batch, inputs, **kind), torch.rand(batch, hidden, **kind)
first, second = torch.rand(hidden, inputs, **kind), torch.rand(inputs, hidden, **kind)


def products(_):
    return (rows_in @ first.T, rows_hidden @ second.T, rows_in.T @ rows_hidden, rows_in @ second, rows_hidden.T @ rows_in)


if mode == "compiled":
    step = torch.compile(step, mode="reduce-overhead")
elif mode in ("graph", "products"):
    eager = step if mode == "graph" else products
    fixed = torch.zeros(batch, dtype=torch.int64, device="cuda")
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            eager(fixed)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = eager(fixed)

    def step(chosen):
        fixed.copy_(chosen)
        graph.replay()
        return captured


def run():
    if mode == "products":
        for _ in range(steps):
            graph.replay()
        return torch.cuda.synchronize()
    order = torch.randperm(rows, device="cuda")
    for begin in range(0, steps * batch, batch):
        step(order[begin:begin + batch])
    torch.cuda.synchronize()


take_turns(run, units=steps)
