"""A small network on scikit-learn's digits in PyTorch: argparse, AdamW, a cosine schedule."""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--max-iters", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--eval-every", type=int, default=50)
    return parser.parse_args()


def main():
    args = parse()
    torch.manual_seed(args.seed)
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    train, val = order[:1400], order[1400:]

    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.max_iters)
    loss_of = nn.CrossEntropyLoss()

    for it in range(args.max_iters + 1):
        if it % args.eval_every == 0 or it == args.max_iters:
            with torch.no_grad():
                logits = model(x[val])
                print({"iter": it, "eval_loss": loss_of(logits, y[val]).item(),
                       "eval_acc": (logits.argmax(1) == y[val]).float().mean().item()})
        rows = train[torch.randint(len(train), (args.batch_size,))]
        loss = loss_of(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()


if __name__ == "__main__":
    main()
