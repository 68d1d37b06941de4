"""How well the risk of breaking is told (``race/breaking.rs``): made-up searches on the tables of this folder, judged by
the full runs of other seeds.

    python bench/landscapes/breaking.py      # needs numpy; 20 seconds

A search goes up by factors of ten at T/16 until a run explodes, tries the middle, then a few rates below at random
lengths. What is said of each rate up to three octaves below the lowest that exploded is compared with the share of full
runs that exploded there. "Bracket" is what the search used before: the breaking point is uniform between the highest
rate that survived and the lowest that exploded, and soft by 0.15 octaves.
"""

import gzip
import json
import pathlib
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).parent.parent / "data" / "landscapes"
PLACES = np.arange(-26.0, 8.01, 0.25)
BY_SEED, DRIFT, SPREAD = 0.2, -0.1, 0.3
SEARCHES = 6
NEVER = 65535


def job(path):
    """Kind, octaves below the full length, rates and which runs exploded, of each table of a job."""
    data = gzip.decompress(path.read_bytes())
    head, rest = data.split(b"\n", 1)
    head, tables = json.loads(head), []
    for table in head["tables"]:
        runs, seeds = table["rates"] * len(table["seeds"]), len(table["seeds"])
        rest = rest[4 * runs * len(table["at"]) :]
        exploded = np.frombuffer(rest[: 2 * runs], "<u2").reshape(table["rates"], seeds) != NEVER
        rest = rest[2 * runs :]
        rates = table["low"] + table["spacing"] * np.arange(table["rates"])
        tables.append((table["kind"], round(np.log2(head["steps"] / table["steps"])), rates, exploded))
    return head["family"], tables


def search(trials, rng):
    """``[(log2 lr, octaves, exploded)]``, or ``None`` where nothing exploded."""

    def explodes(octaves, x, seed):
        rates, exploded = trials[octaves]
        return bool(exploded[np.abs(rates - x).argmin(), seed])

    seed, x, looks = rng.integers(4), rng.uniform(-14, -5) // 0.25 * 0.25, []

    def look(octaves, x):
        looks.append((x, octaves, explodes(octaves, x, seed)))
        return looks[-1][2]

    while not look(4, x):
        x += 3.25
        if x > PLACES[-1]:
            return None
    middle = (x - 1.625) // 0.25 * 0.25
    x = middle if look(4, middle) else x
    for _ in range(rng.integers(0, 5)):
        lower = x - 0.5 - 0.25 * rng.integers(0, 8)
        x = lower if look(int(rng.integers(1, 5)), lower) else x
    return looks


def logistic(z):
    return 1 / (1 + np.exp(-np.clip(z, -40, 40)))


def bracket(looks, x):
    ceiling = min(at for at, _, broke in looks if broke)
    survived = max((at for at, _, broke in looks if not broke and at < ceiling), default=ceiling)
    points = ceiling - (ceiling - survived) * (np.arange(8) + 0.5) / 8
    return logistic((x - points) / 0.15).mean()


def walked(places, octaves):
    steps = np.arange(-16, 17) * 0.25
    density = 1 / np.cosh((steps - DRIFT * octaves) / (SPREAD * np.sqrt(octaves)))
    places = np.convolve(places, density, "same")
    return places / places.sum()


def walk(looks, x):
    places, before = np.full(len(PLACES), 1 / len(PLACES)), None
    for at, octaves, broke in sorted(looks, key=lambda look: -look[1]):
        places = walked(places, before - octaves) if before is not None and octaves < before else places
        before = octaves
        places = places * np.maximum(logistic((1 if broke else -1) * (at - PLACES) / BY_SEED), 1e-4)
        places /= places.sum()
    places = walked(places, before) if before > 0 else places
    return places @ logistic((x - PLACES) / BY_SEED)


def main():
    rng, said = np.random.default_rng(0), []
    jobs = [job(path) for path in sorted(FOLDER.glob("*.gz"))]
    for family, tables in jobs:
        trials = {octaves: (rates, exploded) for kind, octaves, rates, exploded in tables if kind == "trials"}
        for _ in range(SEARCHES if set(range(1, 5)) <= set(trials) else 0):
            looks = search(trials, rng)
            ceiling = min(at for at, _, broke in looks if broke) if looks else -np.inf
            for kind, _, rates, exploded in tables:
                for x, runs in zip(rates, exploded, strict=True):
                    if kind != "trials" and ceiling - 3 <= x <= ceiling:
                        said.append((family, bracket(looks, x), walk(looks, x), runs.mean()))
    truth = np.array([row[3] for row in said])
    print(f"{len(jobs)} jobs, {len(said)} rates; numpy {np.__version__}, Python {sys.version.split()[0]}, seed 0")
    for name, column in (("bracket", 1), ("walk", 2)):
        p = np.clip([row[column] for row in said], 1e-3, 1 - 1e-3)
        loss = -(truth * np.log(p) + (1 - truth) * np.log(1 - p))
        print(f"{name}: log loss {loss.mean():.3f}; said -> true (n)")
        for low, high in ((0, 0.02), (0.02, 0.05), (0.05, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1)):
            among = (low <= p) & (p < high)
            print(f"  {p[among].mean():.2f} -> {truth[among].mean():.2f} ({among.sum()})")


if __name__ == "__main__":
    main()
