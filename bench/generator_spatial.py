"""Times a training step of the preset `spatial` by PyTorch on one thread, for comparison with `doppel bench generator
--preset spatial --backend native`: the same networks, loss, gradient limit, Adam and moving average.

    /usr/bin/python3 bench/generator_spatial.py [--size 64] [--batch 8] [--repeats 15]

Times both memory layouts in turn, and prints one JSON object: images a second of each (median), and of the better one.
"""
import argparse
import json
import math
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--size", type=int, default=64)
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--repeats", type=int, default=15)
parser.add_argument("--threads", type=int, default=1)
args = parser.parse_args()
torch.set_num_threads(args.threads)
torch.manual_seed(0)

CHANNELS, CELL, DETAIL, BETA, DEVIATION, EMA = (32, 48, 64), 4, 16, 1.0, 0.1, 0.995
UNIT = 4 * math.log(10) / 10  # log intensity for a unit of a patch


def act(x):
    return F.leaky_relu(x, 0.2, inplace=True)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.a = nn.Conv2d(channels, channels, 3, padding=1)
        self.b = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.b(act(self.a(x)))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        before = (1, *CHANNELS[:2])
        self.down = nn.ModuleList(nn.Conv2d(i, o, 4, 2, 1) for i, o in zip(before, CHANNELS))
        self.blocks = nn.ModuleList(Block(o) for o in CHANNELS)
        self.code = nn.Conv2d(CHANNELS[2], 2 * CELL, 3, padding=1)

    def forward(self, x):
        for down, block in zip(self.down, self.blocks):
            x = block(act(down(x)))
        mu, raw = self.code(x).chunk(2, 1)
        return mu, 2 * (raw - 1)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        half, quarter, eighth = CHANNELS
        self.seed = nn.Conv2d(CELL, eighth, 3, padding=1)
        self.blocks = nn.ModuleList([Block(eighth), Block(quarter), Block(half)])
        self.ups = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1) for i, o in [(eighth, quarter), (quarter, half), (half, DETAIL)]
        )
        self.head = nn.Conv2d(DETAIL, 2, 3, padding=1)

    def forward(self, z):
        x = act(self.seed(z))
        for block, up in zip(self.blocks, self.ups):
            x = act(up(F.interpolate(block(x), scale_factor=2)))
        reflectivity, raw = self.head(x).chunk(2, 1)
        return reflectivity, raw - 0.5


def step_of(layout):
    encoder, decoder, average = Encoder(), Decoder(), Decoder()
    for network in (encoder, decoder, average):
        network.to(memory_format=layout)
    parameters = [*encoder.parameters(), *decoder.parameters()]
    adam = torch.optim.Adam(parameters, 1e-3, (0.9, 0.99), 1e-8, foreach=True)
    x = torch.randn(args.batch, 1, args.size, args.size).to(memory_format=layout)

    def step():
        mu, logvar = encoder(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum((1, 2, 3)).mean()
        r, log_deviation = decoder(z)
        log_r = UNIT * r
        likelihood = (log_r + torch.exp(UNIT * x - log_r)).mean()
        error = (x - r.detach()).square()
        deviation = (log_deviation + 0.5 * error * torch.exp(-2 * log_deviation)).mean()
        loss = likelihood + 2 * BETA / args.size**2 * kl + DEVIATION * deviation
        adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        with torch.no_grad():
            torch._foreach_mul_(list(average.parameters()), EMA)
            torch._foreach_add_(list(average.parameters()), list(decoder.parameters()), alpha=1 - EMA)
        return loss.item()

    return step


steps = {"contiguous": step_of(torch.contiguous_format), "channels_last": step_of(torch.channels_last)}
times = {name: [] for name in steps}
for _ in range(3 + args.repeats):
    for name, step in steps.items():
        start = time.perf_counter()
        step()
        times[name].append(time.perf_counter() - start)
rates = {name: args.batch / statistics.median(each[3:]) for name, each in times.items()}
fastest = {name: args.batch / min(each[3:]) for name, each in times.items()}
print(json.dumps({"torch": torch.__version__, "threads": args.threads, "imagesPerSecond": rates, "fastest": fastest,
                  "best": max(rates.values()), "bestFastest": max(fastest.values())}))
