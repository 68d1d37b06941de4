"""Writes torch_golden.json: 50 steps of every optimizer in PyTorch 2.15, for src/golden.rs.

python tests/torch_golden.py   (in crates/stepsize-engine; needs torch 2.15 and numpy)

A 6-8-5-3 network with ReLU, cross-entropy, four batches of 16 in turn, all single precision on one thread.
Matrices are written as [in, out], row by row: the transpose of torch's.
"""

import json
import pathlib

import torch

torch.set_num_threads(1)
WIDTHS = [6, 8, 5, 3]
STEPS = 50
CASES = {
    "sgd": dict(lr=0.1),
    "sgd:0.9": dict(lr=0.05, weight_decay=0.01),
    "nesterov:0.9": dict(lr=0.05, weight_decay=0.01),
    "adam": dict(lr=0.01, weight_decay=0.01),
    "adamw": dict(lr=0.01, weight_decay=0.1),
    "adam:0.8,0.95,1e-3": dict(lr=0.02),
    "sgd:0.8": dict(lr=0.2, clip_norm=0.3),
}


def optimizer(name, parameters, lr, weight_decay):
    kind, _, numbers = name.partition(":")
    numbers = [float(n) for n in numbers.split(",")] if numbers else []
    if kind in ("sgd", "nesterov"):
        momentum = numbers[0] if numbers else 0.0
        return torch.optim.SGD(
            parameters, lr=lr, momentum=momentum, nesterov=kind == "nesterov", weight_decay=weight_decay
        )
    more = dict(betas=(numbers[0], numbers[1]), eps=numbers[2]) if numbers else {}
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind](
        parameters, lr=lr, weight_decay=weight_decay, **more
    )


def flat(model):
    return [v for p in model.parameters() for v in p.detach().t().flatten().tolist()]


def network():
    torch.manual_seed(1)
    layers = []
    for a, b in zip(WIDTHS, WIDTHS[1:]):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def main():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, WIDTHS[0], generator=generator)
    y = (x[:, 0] > 0).long() + (x[:, 1] * x[:, 2] > 0).long()
    golden = {
        "torch": torch.__version__.partition("+")[0],
        "widths": WIDTHS,
        "x": x.flatten().tolist(),
        "y": y.tolist(),
        "initial": flat(network()),
        "cases": [],
    }
    for name, case in CASES.items():
        model = network()
        clip = case.get("clip_norm")
        decay = case.get("weight_decay", 0.0)
        opt = optimizer(name, model.parameters(), case["lr"], decay)
        losses = []
        for step in range(STEPS):
            rows = slice(step % 4 * 16, step % 4 * 16 + 16)
            opt.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            opt.step()
            losses.append(loss.item())
        golden["cases"].append(
            dict(optimizer=name, lr=case["lr"], weight_decay=decay, clip_norm=clip, losses=losses, final=flat(model))
        )
    path = pathlib.Path(__file__).with_name("torch_golden.json")
    path.write_text(json.dumps(golden) + "\n")


main()
