"""Softmax regression on handwritten digits with scikit-learn's partial_fit."""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--eta0", type=float, default=0.01)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--random-state", type=int, default=0)
    args = parser.parse_args()

    x, y = load_digits(return_X_y=True)
    x_train, x_val, y_train, y_val = train_test_split(x / 16.0, y, test_size=0.3, random_state=0)
    model = SGDClassifier(
        loss="log_loss", learning_rate="constant", eta0=args.eta0, alpha=1e-5, random_state=args.random_state
    )
    rng = np.random.default_rng(args.random_state)
    for epoch in range(1, args.epochs + 1):
        order = rng.permutation(len(x_train))
        model.partial_fit(x_train[order], y_train[order], classes=np.arange(10))
        val_loss = log_loss(y_val, model.predict_proba(x_val))
        print(f"Epoch {epoch}/{args.epochs} - val_loss: {val_loss:.4f} - val_acc: {model.score(x_val, y_val):.4f}")


if __name__ == "__main__":
    main()
