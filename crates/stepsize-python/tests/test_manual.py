"""The Python code of the README runs. (``test_docs.py`` runs the pages of the manual.)"""

import ast
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[3]

# What the README leaves to its reader: a model, data, and a Trainer.
TORCH = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
x = torch.randn(1024, 20)
y = (x[:, 0] * x[:, 1] > 0).long()
loader = DataLoader(TensorDataset(x[:768], y[:768]), 32, shuffle=True)
val_loader = DataLoader(TensorDataset(x[768:], y[768:]), 256)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
loss_fn = nn.functional.cross_entropy
"""
TRAINER = """
import torch
from transformers import Trainer, TrainingArguments
torch.manual_seed(0)
class Linear(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 2)
    def forward(self, x, labels=None):
        logits = self.layer(x)
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}
x = torch.randn(1280, 8)
y = (x[:, 0] + 0.5 * torch.randn(1280) > 0).long()
rows = [{"x": one, "labels": label} for one, label in zip(x, y)]
arguments = TrainingArguments(
    "run", max_steps=400, per_device_train_batch_size=32, report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True)
trainer = Trainer(Linear(), arguments, train_dataset=rows[:1024], eval_dataset=rows[1024:])
"""
# What must be so at the end.
ENDS = {
    "stepsize.torch": "assert scheduler.base_lrs == [estimate.lr]",
    "stepsize.transformers": "assert trainer.args.learning_rate == estimate.lr",
}


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)


@pytest.mark.parametrize(("name", "before"), [("torch", TORCH), ("transformers", TRAINER)])
def test_the_readme_runs(name, before, tmp_path):
    pytest.importorskip(name)
    [block] = [block for block in blocks(ROOT / "README.md") if f"import stepsize.{name}" in block]
    program = f"{before}\n{block}\n{ENDS[f'stepsize.{name}']}\n"
    env = {"OMP_NUM_THREADS": "1", **os.environ}
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=900)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_all_python_of_the_readme_is_run():
    assert len(blocks(ROOT / "README.md")) == 2


def test_every_page_is_python_that_parses():
    pages = [page for page in ROOT.glob("docs/**/*.md") if blocks(page)]
    assert len(pages) >= 9
    for page in pages:
        ast.parse("\n".join(blocks(page)), str(page))
        assert not re.search(r"^```(py|Python|python \S.*)$", page.read_text(), re.M), f"{page}: write ```python, which is run"
