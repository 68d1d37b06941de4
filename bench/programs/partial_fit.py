"""Digit images, learned batch by batch with scikit-learn's partial_fit; an ordinary user's script.

    python partial_fit.py --epochs 40 --lr 0.01 --seed 0
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

x, y = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
scaler = StandardScaler().fit(x_train)
x_train, x_val = scaler.transform(x_train), scaler.transform(x_val)

model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=args.lr, random_state=args.seed)
rng = np.random.default_rng(args.seed)
for epoch in range(1, args.epochs + 1):
    order = rng.permutation(len(y_train))
    for rows in np.array_split(order, len(order) // args.batch_size):
        model.partial_fit(x_train[rows], y_train[rows], classes=np.arange(10))
    probability = np.clip(model.predict_proba(x_val), 1e-12, 1)
    loss = log_loss(y_val, probability, labels=np.arange(10))
    accuracy = accuracy_score(y_val, model.predict(x_val))
    print(f"epoch {epoch}/{args.epochs}  val_loss {loss:.4f}  val_accuracy {accuracy:.3f}", flush=True)
