"""Steps of persistent contrastive divergence on an RBM of 784 and 1,000 units (6,000 images, batches of the size given) in
PyTorch, eager."""
import sys

import torch

from turns import take_turns

torch.set_num_threads(1)
torch.set_flush_denormal(True)
torch.set_grad_enabled(False)
size = int(sys.argv[1])
images = torch.rand(6000, 784)
weight, hidden_bias, visible_bias = torch.randn(1000, 784) * .1, torch.zeros(1000), torch.zeros(784)
chains = torch.zeros(size, 1000)


def run():
    order = torch.randperm(6000)
    for begin in range(0, 6000, size):
        v = images[order[begin:begin + size]]
        h = torch.addmm(hidden_bias, v, weight.t()).sigmoid_()
        sampled = torch.addmm(visible_bias, chains, weight).sigmoid_().bernoulli_()
        means = torch.addmm(hidden_bias, sampled, weight.t()).sigmoid_()
        weight.addmm_(h.t(), v, alpha=.01 / size).addmm_(means.t(), sampled, alpha=-.01 / size)
        hidden_bias.add_(h.mean(0) - means.mean(0), alpha=.01)
        visible_bias.add_(v.mean(0) - sampled.mean(0), alpha=.01)
        chains.copy_(means.bernoulli_())


take_turns(run, units=6000 // size)
