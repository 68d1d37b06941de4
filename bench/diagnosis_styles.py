"""Ways of logging for `diagnosis_torch.py`: each writes the readings of a run as some tool or script does."""

import csv
import json
import math
from datetime import datetime, timedelta


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


def logging_lines(f, readings):
    """Python's `logging`, a line an epoch."""
    for epoch, loss, r in epochs_of(readings):
        at = datetime(2025, 3, 4, 9, 30, 12) + timedelta(milliseconds=413 * r["step"])
        head = f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03} INFO train:"
        f.write(f"{head} epoch={epoch} step={r['step']} loss={loss:.5g} lr={r['lr']:.3g}\n")


def progress_bar(f, readings):
    """A bar as tqdm draws it: each state after a carriage return."""
    count = readings[0]["steps"]
    for r in readings[1:]:
        if r["step"] % 4 == 0 or r is readings[-1]:
            done = r["step"] / count
            spent, left = (f"{int(s) // 60:02}:{int(s) % 60:02}" for s in (r["step"] / 50, (count - r["step"]) / 50))
            bar = f"{done:4.0%}|{'█' * int(10 * done):10}| {r['step']}/{count}"
            f.write(f"\rtraining: {bar} [{spent}<{left}, 50.02it/s, loss={r['loss']:.3g}, lr={r['lr']:.1e}]")
    f.write("\n")


def spaced_table(f, readings):
    """Columns below a header; the script stops at the first loss that is not finite."""
    f.write("  epoch   train_loss     val_loss           lr\n")
    for epoch, loss, r in epochs_of(readings):
        f.write(f"{epoch:7} {loss:12.5f} {number(r['val'], 5):>12} {r['lr']:12.3e}\n")
        if not math.isfinite(loss):
            break


def plain_csv(f, readings):
    out = csv.writer(f)
    out.writerow(["step", "loss", "val_loss"])
    out.writerows([r["step"], r["loss"], r["val"]] for r in readings[1:])


def pandas_csv(f, readings):
    """As `DataFrame.to_csv` writes: the index first, NaN as nothing."""
    out = csv.writer(f, lineterminator="\n")
    out.writerow(["", "epoch", "loss", "val_loss", "lr"])
    for epoch, loss, r in epochs_of(readings):
        out.writerow([epoch - 1, epoch, *(None if v is None or math.isnan(v) else v for v in (loss, r["val"], r["lr"]))])


def json_arrays(f, readings):
    rows = [(epoch, loss, r["val"], r["lr"]) for epoch, loss, r in epochs_of(readings)]
    json.dump(dict(zip(["epoch", "train_loss", "val_loss", "lr"], zip(*rows))), f)


def sparse_steps(f, readings):
    """The loss of a single batch every so many steps, from the first of them on."""
    every = max(2, readings[0]["steps"] // 40)
    for r in readings[1:]:
        if r["step"] % every == 0 or r is readings[-1]:
            f.write(f"[{r['step']:>5}] loss: {r['loss']:.4f}  lr: {r['lr']:.2e}\n")


MORE = [logging_lines, progress_bar, spaced_table, plain_csv, pandas_csv, json_arrays, sparse_steps]
