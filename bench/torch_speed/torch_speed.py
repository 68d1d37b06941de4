"""Steps per CPU-second of the digits MLP in PyTorch eager, one thread: prints one number.

python bench/torch_speed/torch_speed.py SECONDS
python bench/torch_speed/torch_speed.py sgemm       the best rate of PyTorch's products of 512 x 512, in operations a second

The job of `stepsize-engine`'s speed example: 64-128-64-10, ReLU, cross-entropy, batch 64 of shuffled rows, SGD momentum 0.9.
The fastest usual way: rows stay in one tensor, index_select per batch, zero_grad(set_to_none=True), foreach SGD.
"""

import pathlib
import sys
import time

import numpy as np
import torch

torch.set_num_threads(1)


def main():
    seconds = float(sys.argv[1])
    path = pathlib.Path(__file__).resolve().parents[2] / "crates" / "stepsize-engine" / "data" / "digits.csv.gz"
    table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    x, y = torch.from_numpy(table[:1438, :64].copy()), torch.from_numpy(table[:1438, 64].astype(np.int64))
    x = (x - x.mean()) / x.std()
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    criterion = torch.nn.CrossEntropyLoss()

    def run(steps):
        order = torch.randperm(len(x))
        for i in range(steps):
            rows = order[i % 22 * 64 : i % 22 * 64 + 64]
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            loss.item()  # stepsize returns the loss of every step too

    run(100)
    steps, begin = 0, time.process_time()
    while time.process_time() - begin < seconds:
        run(44)
        steps += 44
    print(f"{steps / (time.process_time() - begin):.0f}")


def sgemm():
    matrix, best = torch.ones(512, 512), 0.0
    for _ in range(12):
        begin = time.process_time()
        for _ in range(20):
            matrix @ matrix
        best = max(best, 20 * 2 * 512**3 / (time.process_time() - begin))
    print(f"{best:.0f}")


sgemm() if sys.argv[1] == "sgemm" else main()
