"""A peer: the same update as tandem's, as a careful PyTorch user writes it: float32
on the CPU, in place, no autograd.

    python3 torch_dbm.py IMAGES UPDATES ITERATIONS THREADS LAYER...

IMAGES is a plain IDX file. It prints updates per second."""
import sys
import time

import numpy as np
import torch

BATCH, RATE, ALPHA, GAMMA, DAMPING = 50, 1e-2, 0.1, 1.0, 1e-3

images, updates, iterations, threads = sys.argv[1], *map(int, sys.argv[2:5])
units = list(map(int, sys.argv[5:]))
top = len(units) - 1
torch.set_num_threads(threads)
torch.set_grad_enabled(False)
torch.manual_seed(1)

pixels = np.fromfile(images, np.uint8, offset=16).reshape(-1, units[0])
examples = torch.from_numpy(pixels.astype(np.float32) / 255)
order = torch.randperm(len(examples))

# W[l] leads from layer l-1 to layer l.
W = [None] + [torch.randn(units[l - 1], units[l]) * 0.003 for l in range(1, top + 1)]
bias = [torch.zeros(n) for n in units]
mu = [None] + [w.norm(dim=0).mean() for w in W[1:]]
chain = [torch.bernoulli(torch.full((BATCH, n), 0.5)) for n in units]


def mean_field(v):
    fixed = torch.addmm(bias[1], v, W[1])
    q = [v] + [None] * top

    def below(l):
        return fixed if l == 1 else torch.addmm(bias[l], q[l - 1], W[l])

    for l in range(1, top + 1):
        q[l] = below(l).sigmoid()
    for _ in range(iterations if top > 1 else 0):
        for l in range(1, top + 1):
            pre = below(l)
            if l < top:
                pre = torch.addmm(pre, q[l + 1], W[l + 1].t())
            q[l] = pre.sigmoid()
    return q


def sweep():
    for parity in (1, 0):
        for l in range(parity, top + 1, 2):
            pre = bias[l]
            if l > 0:
                pre = torch.addmm(pre, chain[l - 1], W[l])
            if l < top:
                pre = torch.addmm(pre, chain[l + 1], W[l + 1].t())
            chain[l] = torch.bernoulli(pre.sigmoid_())


def learn(q):
    moved = [None] * (top + 1)
    for l in range(1, top + 1):
        norm = W[l].norm(dim=0)
        deviation = norm - mu[l]
        moved[l] = 2 * ALPHA * deviation.sum()
        for m in (l - 1, l + 1):
            if 1 <= m <= top:
                moved[l] -= 2 * GAMMA * (mu[l] - mu[m])
        W[l].mul_(1 - RATE * 2 * ALPHA * deviation / norm.clamp_min(1e-8))
        W[l].addmm_(q[l - 1].t(), q[l], alpha=RATE / BATCH)
        W[l].addmm_(chain[l - 1].t(), chain[l], alpha=-RATE / BATCH)
    for l in range(1, top + 1):
        mu[l] = mu[l] + RATE * DAMPING * moved[l]
    for l in range(top + 1):
        bias[l].add_(q[l].mean(0) - chain[l].mean(0), alpha=RATE)


def update(u):
    at = u * BATCH % (len(examples) // BATCH * BATCH)
    q = mean_field(examples[order[at:at + BATCH]])
    sweep()
    learn(q)


for u in range(30):
    update(u)
begun = time.perf_counter()
for u in range(30, 30 + updates):
    update(u)
print(f"{updates / (time.perf_counter() - begun):.2f}")
