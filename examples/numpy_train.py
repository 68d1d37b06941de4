"""A two-layer network on a made-up regression task, in plain NumPy."""

import argparse

import numpy as np


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--hidden", type=int, default=64)
    args = parser.parse_args()

    task = np.random.default_rng(1234)
    x = task.normal(size=(4000, 10))
    y = np.sin(x[:, :1] * 2) + x[:, 1:2] * x[:, 2:3] + 0.1 * task.normal(size=(4000, 1))
    x_train, y_train, x_val, y_val = x[:3000], y[:3000], x[3000:], y[3000:]

    rng = np.random.default_rng(args.seed)
    w1 = rng.normal(size=(10, args.hidden)) / np.sqrt(10)
    b1 = np.zeros(args.hidden)
    w2 = rng.normal(size=(args.hidden, 1)) / np.sqrt(args.hidden)
    b2 = np.zeros(1)
    params = [w1, b1, w2, b2]
    velocity = [np.zeros_like(p) for p in params]

    def val_loss():
        hidden = np.maximum(x_val @ w1 + b1, 0)
        return float(np.mean((hidden @ w2 + b2 - y_val) ** 2))

    every = max(1, args.steps // 20)
    for step in range(args.steps):
        if step % every == 0:
            print(f"step {step}: val loss {val_loss():.4f}")
        rows = rng.integers(0, len(x_train), args.batch_size)
        xb, yb = x_train[rows], y_train[rows]
        hidden = np.maximum(xb @ w1 + b1, 0)
        error = hidden @ w2 + b2 - yb
        back = 2 * error / len(xb)
        grad_hidden = (back @ w2.T) * (hidden > 0)
        grads = [xb.T @ grad_hidden, grad_hidden.sum(0), hidden.T @ back, back.sum(0)]
        lr = args.lr * 0.5 * (1 + np.cos(np.pi * step / args.steps))
        for p, v, g in zip(params, velocity, grads):
            v *= 0.9
            v += g
            p -= lr * v
        if step % every == 0:
            print(f"step {step}: train loss {float(np.mean(error**2)):.4f}, lr {lr:.3g}")
    print(f"step {args.steps}: val loss {val_loss():.4f}")


if __name__ == "__main__":
    main()
