"""A training function for test_study.py. It is in a module of its own, because other processes import it by name."""

STEPS = 400
CURVATURES = [(i + 1) ** -1.5 for i in range(60)]


def quadratic(trial):
    """SGD on a noisy quadratic in expectation: an existing training function that reports."""
    moments = [(i + 1) ** -0.2 for i in range(60)]
    loss = lambda: 0.5 * sum(c * m for c, m in zip(CURVATURES, moments))  # noqa: E731
    trial.untrained(loss())
    for step in range(trial.steps):
        lr = trial.rate(step)
        before = loss()
        moments = [(1 - lr * c) ** 2 * m + lr * lr * c for c, m in zip(CURVATURES, moments)]
        evaluated = loss() if step + 1 in trial.evaluations else None
        if trial.report(step, loss=before, val_loss=evaluated):
            break
