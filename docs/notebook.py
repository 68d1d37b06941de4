# %% [markdown]
# # What learning rate should I use?
# We train a small convolutional network on handwritten digits, which come with scikit-learn (1797
# pictures of 8 x 8 pixels). We ask for the rate of a run of 600 steps, look at the answer, train
# with it, and compare it with rates above and below.
# Open this file as a notebook in VS Code, Spyder or PyCharm, or with jupytext.

# %%
import matplotlib

matplotlib.use("agg")  # in a notebook, omit this line
import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import stepsize.torch

pixels, digits = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(pixels / 16.0, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(digits))
train, held = torch.utils.data.random_split(data, [1400, 397], torch.Generator().manual_seed(0))
loader, val_loader = DataLoader(train, batch_size=64, shuffle=True), DataLoader(held, batch_size=397)
STEPS, SCHEDULE = 600, "warmup(5%) then cosine"


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip


# %% [markdown]
# ## Ask
# Short trials train the model in place, then it is put back. The answer prints as text; a notebook
# shows it as a picture.

# %%
model = network()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
torch.manual_seed(1)
estimate = stepsize.torch.find(
    model, nn.functional.cross_entropy, loader, optimizer, val_loader, steps=STEPS, schedule=SCHEDULE
)
print(estimate)
estimate  # noqa: B018


# %% [markdown]
# ## Train
# A guard watches the loss: if it breaks, the guard restores an earlier state and cuts the rate.


# %%
def run(lr, *, seed=2):
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    scheduler = stepsize.torch.LRScheduler(optimizer, SCHEDULE, steps=STEPS)
    torch.manual_seed(seed)
    with stepsize.torch.guard(model, optimizer, scheduler, every=50) as guard:
        while guard.steps < STEPS:
            for inputs, target in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(inputs), target)
                loss.backward()
                if not guard.ok(loss):
                    continue
                optimizer.step()
                scheduler.step()
                if guard.steps == STEPS:
                    break
    model.eval()
    inputs, target = next(iter(val_loader))
    with torch.no_grad():
        output = model(inputs)
    return nn.functional.cross_entropy(output, target).item(), (output.argmax(1) == target).float().mean().item(), guard.log


loss, accuracy, log = run(estimate.lr)
print(f"at lr {estimate.lr:.3g}: loss {loss:.4f}, {100 * accuracy:.1f} % of digits right, {len(log)} returns of the guard")
assert accuracy > 0.97

# %% [markdown]
# ## Check
# Full runs at a tenth of the answer, at the answer and at ten times the answer, drawn over the
# picture of the search.

# %%
figure = Figure(figsize=(8, 4.5), layout="constrained")
axes = estimate.plot(figure.add_subplot())
rates = [estimate.lr / 10, estimate.lr, estimate.lr * 10]
losses = [run(rate)[0] for rate in rates]
print({f"{rate:.3g}": round(loss, 4) for rate, loss in zip(rates, losses)})
axes.plot(rates, losses, "*", color="black", markersize=12, label=f"full runs, {STEPS} steps")
axes.set_yscale("log")
axes.set_ylim(min(losses) / 3, 4.0)
axes.legend()
figure.savefig("notebook.png", dpi=110)
assert losses[1] <= 1.5 * min(losses)
