"""What a job of each family is drawn from: the builder, the least and most steps, and the choices of the model and of the data."""

import families as f
import more_families as m

SCHEDULES = ["constant", "cosine", "linear", "warmup(10%) then cosine", "constant", "warmup(5%) then linear"]
OPTIMIZERS = ["sgd", "momentum", "adam", "adamw", "rmsprop", "nesterov"]
LENGTHS = [320, 512, 640, 960, 1280, 1920, 2560]

BATCH = [8, 16, 32]
ACT = ["relu", "tanh", "gelu", "silu"]
YES = [True, False]

FAMILIES = {
    "convolution": (f.convolution, 320, 960, dict(rows=[400, 1500], classes=[4, 8], channels=[3, 4], deep=YES, norm=YES, batch=[16])),
    "recurrent": (
        f.recurrent, 512, 1280,
        dict(kind=["adding", "recall", "waves"], length=[8, 10], hidden=[10, 14], gru=YES, rows=[600, 2000], batch=[8, 16]),
    ),
    "transformer": (
        f.transformer, 320, 960,
        dict(text=["zen", "licence", "grammar"], context=[12], width=[12, 16], layers=[1, 2], batch=[4, 8]),
    ),
    "embedding": (f.embedding, 512, 1280, dict(vocab=[60, 100], width=[6, 10], small=YES, batch=[16, 32])),
    "factorization": (
        f.factorization, 512, 2560,
        dict(users=[50, 80], rows=[900, 1500], offset=[0.0, 3.0], rank=[4, 8], scale=[0.1, 0.5], biases=YES, batch=[32]),
    ),
    "autoencoder": (
        f.autoencoder, 320, 1280,
        dict(rows=[400, 1200], binary=YES, masked=YES, width=[24], code=[4, 8], act=ACT, norm=YES, batch=BATCH),
    ),
    "heavy_tails": (
        f.heavy_tails, 320, 1920,
        dict(rows=[500, 2000], noise=[0.3, 1.0], freedom=[1.8, 3.0], loss=["mse", "huber", "absolute"], width=[20, 32], act=ACT, batch=BATCH),
    ),
    "fine_tuning": (f.fine_tuning, 320, 960, dict(rows=[80, 300], turn=[0.03, 0.15], head=YES, batch=[8, 16])),
    "noisy_labels": (
        m.noisy_labels, 320, 1920,
        dict(rows=[300, 1500], wrong=[0.2, 0.4], width=[24, 40], act=ACT, norm=YES, batch=BATCH),
    ),
    "plateaus": (
        m.plateaus, 960, 2560,
        dict(kind=["parity", "modular", "saddle"], bits=[2, 3], width=[24, 48], gain=[0.15, 0.3], batch=[32]),
    ),
    "overfitting": (m.overfitting, 512, 1920, dict(rows=[40, 120], regress=YES, width=[32, 48], act=ACT, batch=[8, 16])),
    "tabular": (
        m.tabular, 320, 1920,
        dict(data=["wine", "iris", "mixed"], scaled=[True, True, False], hidden=[[], [16], [24, 24]], act=ACT, batch=BATCH),
    ),
    "linear": (
        m.linear, 320, 2560,
        dict(rows=[200, 1000], condition=[30, 1000], kind=["squares", "logistic", "deep"], noise=[0.0, 0.3], batch=[4, 32]),
    ),
    "variational": (
        m.variational, 320, 1280,
        dict(rows=[400, 1200], binary=YES, code=[2, 4], width=[24], act=ACT, beta=[1.0, 0.3], batch=[16]),
    ),
    "implicit": (
        m.implicit, 640, 1920,
        dict(dims=[1, 2], detail=[2.0, 4.0], features=YES, width=[24, 32], act=["tanh", "relu", "silu"], batch=BATCH),
    ),
    "contrastive": (m.contrastive, 320, 1280, dict(noise=[0.1, 0.4], width=[16, 24], act=ACT, temperature=[0.1, 0.3], batch=[16, 32])),
    "policy": (m.policy, 640, 1920, dict(width=[16], act=["relu", "tanh"], baseline=[0.0, 0.5], bonus=[0.0, 0.01], batch=[8, 32])),
    "counts": (
        m.counts, 320, 1920,
        dict(rows=[400, 1500], level=[0.5, 2.0], kind=["poisson", "gamma"], hidden=[[], [16], [24, 24]], act=ACT, batch=BATCH),
    ),
    "deep": (m.deep, 320, 1280, dict(width=[12, 16], layers=[6, 10], residual=YES, norm=YES, act=["relu", "tanh", "gelu"], batch=[16])),
}
