"""Steps of a 784-300-784 autoencoder (ELU, batches of 150 of 6,000 images, Adam) in PyTorch, eager, with
the fused optimizer."""
import torch

from turns import take_turns

torch.set_num_threads(1)
torch.set_flush_denormal(True)
images = torch.rand(6000, 784)
net = torch.nn.Sequential(torch.nn.Linear(784, 300), torch.nn.ELU(), torch.nn.Linear(300, 784))
adam = torch.optim.Adam(net.parameters(), fused=True)


def run():
    order = torch.randperm(6000)
    for begin in range(0, 6000, 150):
        x = images[order[begin:begin + 150]]
        adam.zero_grad()
        torch.nn.functional.mse_loss(net(x), x).backward()
        adam.step()


take_turns(run, units=40)
