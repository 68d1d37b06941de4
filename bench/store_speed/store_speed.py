"""Metric points stored per second by Optuna's storages: store_speed.py rdb|journal|fsync DIRECTORY SECONDS.

Each point is one `set_trial_intermediate_value` of the storage itself, 100 a trial, without sampler or pruner. `fsync` is
the floor: 100 bytes appended to a file and forced to the disk. `table FILE COMMAND` prints the medians of all rounds, and
of the ratio within a round, because the speed of a shared disk changes from second to second.
"""
import os
import statistics
import sys
import time

POINTS = 100


def optuna_rate(kind, directory, seconds):
    import optuna
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if kind == "rdb":
        storage = RDBStorage(f"sqlite:///{directory}/optuna.db")
    else:
        storage = JournalStorage(JournalFileBackend(f"{directory}/journal.log"))
    study = storage.create_new_study([optuna.study.StudyDirection.MINIMIZE])
    begin, points = time.perf_counter(), 0
    while True:
        trial = storage.create_new_trial(study)
        for step in range(POINTS):
            storage.set_trial_intermediate_value(trial, step, 1.0 / (step + 1))
            points += 1
            if time.perf_counter() - begin > seconds:
                return points / (time.perf_counter() - begin)
        storage.set_trial_state_values(trial, optuna.trial.TrialState.COMPLETE, [0.1])


def fsync_rate(directory, seconds):
    begin, points = time.perf_counter(), 0
    with open(f"{directory}/floor", "ab", buffering=0) as file:
        while time.perf_counter() - begin < seconds:
            file.write(b"x" * 100)
            os.fsync(file.fileno())
            points += 1
    return points / (time.perf_counter() - begin)


def table(path, command):
    import optuna

    rates = {}
    for line in open(path):
        kind, rate = line.split()
        rates.setdefault(kind, []).append(float(rate))
    names = {
        "each": "stepsize, every point on the disk before the next",
        "rdb": f"Optuna {optuna.__version__} RDBStorage (SQLite), the same durability",
        "journal": f"Optuna {optuna.__version__} JournalStorage (file), the same durability",
        "study": "stepsize, as a study stores them",
        "fsync": "floor: append 100 bytes and fsync",
    }
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; command: {command} (n = {len(rates['each'])} interleaved rounds)")
    for kind, name in names.items():
        r = rates[kind]
        times = statistics.median(ours / its for ours, its in zip(rates["each"], r))
        print(f"{name:66} {statistics.median(r):10,.0f} points/s  ({min(r):,.0f} to {max(r):,.0f}); first row / this: {times:.2f}")


if __name__ == "__main__":
    kind, path, rest = sys.argv[1:4]
    if kind == "table":
        table(path, rest)
    else:
        print(fsync_rate(path, float(rest)) if kind == "fsync" else optuna_rate(kind, path, float(rest)))
