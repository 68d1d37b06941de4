"""Ways of logging for `diagnosis_torch.py`: each writes the readings of a run as some tool or script does."""

import csv
import json
import math


def epochs_of(readings):
    """Epoch, mean training loss, its last reading; a run that broke ends with the epoch in which it did, others with a whole one."""
    losses = []
    for r in readings[1:]:
        losses.append(r["loss"])
        if r["end"] or not math.isfinite(r["loss"]) and r is readings[-1]:
            yield r["epoch"], sum(losses) / len(losses), r
            losses = []


def number(v, digits=4):
    return "nan" if v is None else f"{v:.{digits}f}"


def keras(f, readings):
    last = readings[-1]["epoch"]
    for epoch, loss, r in epochs_of(readings):
        score = "" if r["score"] is None else f" - accuracy: {0.98 * r['score']:.4f}"
        val_score = "" if r["score"] is None else f" - val_accuracy: {r['score']:.4f}"
        head = f"Epoch {epoch}/{last}\n23/23 - 1s - 4ms/step"
        f.write(f"{head}{score} - loss: {number(loss)}{val_score} - val_loss: {number(r['val'])}\n")


def epoch_text(f, readings):
    for epoch, loss, r in epochs_of(readings):
        f.write(f"Epoch {epoch}: train_loss={loss:.6g}, val_loss={number(r['val'], 6)}\n")


def epoch_train(f, readings):
    for epoch, loss, r in epochs_of(readings):
        f.write(f"epoch={epoch} lr={r['lr']:.3e} loss={loss:.4f}\n")


def epoch_csv(f, readings):
    out = csv.writer(f)
    out.writerow(["epoch", "train_loss", "val_loss", "val_accuracy"])
    out.writerows([epoch, loss, r["val"], r["score"]] for epoch, loss, r in epochs_of(readings))


def step_csv(f, readings):
    out, names = csv.writer(f), ["step", "epoch", "lr", "loss", "val", "score"]
    out.writerow(["step", "epoch", "lr", "train_loss", "val_loss", "val_acc"])
    out.writerows([r[name] for name in names] for r in readings)


def train_csv(f, readings):
    out = csv.writer(f)
    out.writerow(["iter", "loss"])
    out.writerows([r["step"], number(r["loss"], 5)] for r in readings[1:])


def huggingface(f, readings):
    losses, per = [], next((r["step"] for r in readings if r["end"]), len(readings))
    for r in readings[1:]:
        losses.append(r["loss"])
        epoch = round(r["step"] / per, 2)
        if r["step"] % 10 == 0 or r is readings[-1]:
            mean = round(sum(losses) / len(losses), 4)
            print({"loss": mean, "grad_norm": r["norm"], "learning_rate": r["lr"], "epoch": epoch}, file=f)
            losses = []
        if r["val"] is not None:
            print({"eval_loss": r["val"], "eval_runtime": 1.2, "epoch": epoch}, file=f)


def json_lines(f, readings):
    for r in readings:
        if r["step"] % 5 == 0 or r["end"] or r is readings[-1]:
            line = {"step": r["step"], "train/loss": r["loss"], "lr": r["lr"], "val/loss": r["val"], "val/acc": r["score"]}
            f.write(json.dumps({k: v for k, v in line.items() if v is not None}) + "\n")


def lightning(f, readings):
    out = csv.writer(f)
    out.writerow(["epoch", "step", "train_loss", "val_acc", "val_loss"])
    for r in readings[1:]:
        if r["step"] % 20 == 0 or r is readings[-1]:
            out.writerow([r["epoch"] - 1, r["step"] - 1, r["loss"], None, None])
        if r["end"]:
            out.writerow([r["epoch"] - 1, r["step"] - 1, None, r["score"], r["val"]])


def nanogpt(f, readings):
    for r in readings[1:]:
        if r["step"] % 10 == 0 or r is readings[-1]:
            f.write(f"iter {r['step']}: loss {r['loss']:.4f}, time 12.31ms, mfu 3.20%\n")
        if r["val"] is not None:
            f.write(f"step {r['step']}: train loss {r['loss']:.4f}, val loss {r['val']:.4f}\n")


STYLES = [keras, epoch_text, epoch_train, epoch_csv, step_csv, train_csv, huggingface, json_lines, lightning, nanogpt]
