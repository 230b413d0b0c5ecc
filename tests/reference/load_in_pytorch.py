"""Rebuilds a network from a checkpoint in plain PyTorch.

    python3 load_in_pytorch.py CHECKPOINT                 prints its layers
    python3 load_in_pytorch.py CHECKPOINT SAMPLES         checks outputs: a safetensors file with "inputs" and "outputs"

From Python: `net = load("net.safetensors")`, a torch.nn.Sequential in evaluation mode. Needs torch and safetensors.
"""
import json
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file


def load(path):
    with safe_open(path, "pt") as file:
        layers = (file.metadata() or {}).get("layerwise_layers")
        if not layers:
            sys.exit(f"error: {path} does not say what its layers are\nhint: blocks of one's own must be rebuilt by hand")
        net = torch.nn.Sequential()
        for kind, arguments, names in json.loads(layers):
            layer = getattr(torch.nn, kind)(**arguments)
            values = {}
            for name, source in names.items():
                tensor = file.get_tensor(source.removesuffix("^T"))
                values[name] = tensor.T if source.endswith("^T") else tensor
            floats = [value.dtype for value in values.values() if value.is_floating_point()]
            if floats:
                layer.to(floats[0])
            layer.load_state_dict(values)
            net.append(layer)
    return net.eval()


if __name__ == "__main__":
    net = load(sys.argv[1])
    if len(sys.argv) < 3:
        print(net)
        sys.exit()
    samples = load_file(sys.argv[2])
    with torch.no_grad():
        outputs = net(samples["inputs"])
    difference = ((outputs - samples["outputs"]).abs().max() / samples["outputs"].abs().max()).item()
    print(f"largest difference: {difference:.2g} of the largest output")
    sys.exit(0 if difference <= 1e-6 else f"error: the outputs of {sys.argv[1]} differ by {difference:.2g}")
