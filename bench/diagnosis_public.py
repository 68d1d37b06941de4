"""Logs of jobs of public packages as their users log them, for `stepsize-bench diagnosis calibrate`.

`looked` and `held` train 10 jobs of 10 families each, `blind` 8 of 8 others; no tree is grown on them. The first were in view while rules
were made, the second when one number of a rule was chosen, the last were trained after that. Each job is trained at 8 rates a factor of 3
apart, with two seeds, and each run is logged in two of 7 ways that no other corpus has. Writes the logs and `truth.csv` (columns as in
`diagnosis_torch.py`) below DIR. Needs torch and scikit-learn, and but for
`blind` transformers, keras, jax and optax (the published figures: Python 3.11.7, torch 2.15.0, scikit-learn 1.9.1, transformers 5.24.0,
keras 3.15.1 with its torch backend, jax 0.10.2, optax 0.2.8). Run from the root of the repository, for ten minutes at most:
python3 bench/diagnosis_public.py held target/diagnosis-public/held
"""

import json
import math

import diagnosis_other
from diagnosis_foreign import epochs, val_of
from diagnosis_public_blind import BLIND
from diagnosis_public_jobs import HELD, LOOKED, OPTIMIZERS, SCHEDULES


def mmengine(f, rows, every):
    """Means of the last 50 readings, with the parts of the loss; validation lines count epochs."""
    epoch = 0
    for i, r in enumerate(rows):
        if r["step"] % every == 0:
            last = rows[max(0, i - 49) : i + 1]
            mean = lambda of: sum(map(of, last)) / len(last)
            line = {"base_lr": r["lr"], "lr": r["lr"], "data_time": 0.0041, "loss": mean(lambda q: q["loss"])}
            line |= {name: mean(lambda q, name=name: q["parts"][name]) for name in r.get("parts", {})}
            f.write(json.dumps(line | {"time": 0.0624, "epoch": epoch + 1, "iter": r["step"], "memory": 618, "step": r["step"]}) + "\n")
        if r["val"] is not None:
            epoch += 1
            f.write(json.dumps({"loss": r["val"], "data_time": 0.0032, "time": 0.021, "step": epoch}) + "\n")


def keras_lines(f, rows, every):
    total = sum(r["val"] is not None for r in rows)
    for n, loss, r in epochs(rows):
        f.write(f"Epoch {n}/{total}\n30/30 - 1s - 21ms/step - loss: {loss:.4f}")
        f.write(f" - val_loss: {val_of(r):.4f} - learning_rate: {r['lr']:.4e}\n")


def meters(f, rows, every):
    """The last value, and in brackets the mean since the epoch began."""
    losses, epoch = [], 0
    for r in rows:
        losses.append(r["loss"])
        if r["step"] % every == 0:
            mean = sum(losses) / len(losses)
            f.write(f"Epoch: [{epoch}][{len(losses):3d}/{r['steps'] // 20:3d}]\tTime  0.041 ( 0.044)")
            f.write(f"\tLoss {r['loss']:.4e} ({mean:.4e})\tLR {r['lr']:.4g}\n")
        if r["val"] is not None:
            f.write(f"Test: [ 10/ 10]\tTime  0.011 ( 0.012)\tLoss {r['val']:.4e} ({r['val']:.4e})\n")
            losses, epoch = [], epoch + 1


def lightning_csv(f, rows, every):
    f.write("epoch,lr-Opt,step,train_loss,val_loss\n")
    epoch = 0
    for r in rows:
        if r["step"] % every == 0:
            f.write(f"{epoch},,{r['step'] - 1},{r['loss']},\n")
        if r["val"] is not None:
            f.write(f"{epoch},,{r['step'] - 1},,{r['val']}\n{epoch},{r['lr']},{r['step'] - 1},,\n")
            epoch += 1


def skorch_table(f, rows, every):
    f.write("  epoch    train_loss    valid_loss      lr     dur\n-------  ------------  ------------  ------  ------\n")
    for n, loss, r in epochs(rows):
        f.write(f"{n:7d}  {loss:12.4f}  {val_of(r):12.4f}  {r['lr']:.4f}  0.0{37 + n % 9}1\n")


def trainer_lines(f, rows, every):
    """As the trainer of transformers prints since its fifth version: numbers as strings."""
    losses = []
    for r in rows:
        losses.append(r["loss"])
        epoch = f"{20 * r['step'] / r['steps']:.4g}"
        if r["step"] % every == 0:
            line = {"loss": sum(losses) / len(losses), "grad_norm": 1.3, "learning_rate": r["lr"]}
            f.write(f"{ {name: format(v, '.4g') for name, v in line.items()} | {'epoch': epoch} }\n")
            losses = []
        if r["val"] is not None:
            f.write(f"{ {'eval_loss': format(r['val'], '.4g'), 'eval_runtime': '0.213', 'epoch': epoch} }\n")


def sums(f, rows, every):
    """A line an epoch, of the training loss alone, with the rate at the top."""
    f.write(f"Namespace(lr={rows[0]['base']:g}, batch_size=32, seed=1)\n")
    for n, loss, _ in epochs(rows):
        f.write(f"Iteration {n}, loss = {loss:.8f}\n")


STYLES = [mmengine, keras_lines, meters, lightning_csv, skorch_table, trainer_lines, sums]


if __name__ == "__main__":
    diagnosis_other.OPTIMIZERS |= OPTIMIZERS
    diagnosis_other.SCHEDULES |= SCHEDULES
    diagnosis_other.main({"looked": LOOKED, "held": HELD, "blind": BLIND}, STYLES)
