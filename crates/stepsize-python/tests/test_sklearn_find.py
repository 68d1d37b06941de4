"""stepsize.sklearn.find on real estimators."""

import copy
import warnings

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn")
from sklearn.datasets import load_diabetes, load_digits  # noqa: E402
from sklearn.linear_model import LinearRegression, Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor  # noqa: E402
from sklearn.metrics import log_loss, mean_squared_error  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import stepsize.sklearn as ss  # noqa: E402

X, Y = load_digits(return_X_y=True)
DIGITS = train_test_split(X[:900] / 16.0, Y[:900], random_state=0)
X, Y = load_diabetes(return_X_y=True)
DIABETES = train_test_split(StandardScaler().fit_transform(X), (Y - Y.mean()) / Y.std(), random_state=0)
JOBS = {
    "SGDClassifier, inverse scaling": (
        SGDClassifier(loss="log_loss", learning_rate="invscaling", eta0=1e-3, max_iter=8, tol=None, random_state=0), DIGITS,
    ),
    "SGDRegressor, constant": (SGDRegressor(learning_rate="constant", eta0=1e-6, max_iter=10, tol=None, random_state=0), DIABETES),
    "MLPClassifier, Adam": (MLPClassifier((32,), learning_rate_init=1e-5, max_iter=20, batch_size=32, random_state=0), DIGITS),
    "MLPRegressor, SGD": (
        MLPRegressor(hidden_layer_sizes=(16,), solver="sgd", learning_rate_init=1e-5, max_iter=20, batch_size=32, random_state=0), DIABETES,
    ),
}  # fmt: skip


def judged(estimator, data, lr):
    """The loss on held-out data of a whole ``fit``."""
    model = copy.deepcopy(estimator).set_params(**{"eta0" if hasattr(estimator, "eta0") else "learning_rate_init": lr})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(data[0], data[2])
        except ValueError:  # weights that overflow
            return float("inf")
    if not hasattr(model, "classes_"):
        return mean_squared_error(data[3], model.predict(data[1]))
    return log_loss(data[3], model.predict_proba(data[1]))


@pytest.mark.parametrize("job", JOBS)
def test_fit_at_the_answer_is_near_the_best_of_a_grid(job):
    estimator, data = JOBS[job]
    before = repr(estimator), dict(vars(estimator))
    estimate = ss.find(estimator, data[0], data[2], progress=False, budget=1)
    assert (repr(estimator), vars(estimator)) == before
    assert estimate, estimate
    losses = {lr: judged(estimator, data, lr) for lr in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)}
    best, first = min(losses.values()), losses[1e-6]
    ours = judged(estimator, data, estimate.lr)
    assert first - ours > 0.9 * (first - best), (estimate.lr, losses, ours)
    fresh = copy.deepcopy(estimator)
    assert ss.apply(fresh, estimate) == estimate.lr == fresh.get_params()["eta0" if hasattr(fresh, "eta0") else "learning_rate_init"]


def test_the_steps_are_those_of_fit_and_the_same_seed_gives_the_same_answer():
    estimator, data = JOBS["MLPClassifier, Adam"]
    events = []
    one = ss.find(estimator, data[0], data[2], callback=events.append, progress=False)
    count = len(data[0]) - round(0.1 * len(data[0]))
    assert events[0].steps == 20 * -(-count // 32)
    assert ss.find(estimator, data[0], data[2], progress=False).lr == one.lr


def test_a_fitted_estimator_sparse_data_and_own_validation_data():
    sparse = pytest.importorskip("scipy.sparse")
    estimator = MLPClassifier((16,), max_iter=3, batch_size=32, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(DIGITS[0], DIGITS[2])
    weights = [one.copy() for one in estimator.coefs_]
    estimate = ss.find(
        estimator, sparse.csc_matrix(DIGITS[0]), DIGITS[2], X_val=DIGITS[1], y_val=DIGITS[3], steps=400, progress=False
    )  # fmt: skip
    assert all(np.array_equal(one, kept) for one, kept in zip(estimator.coefs_, weights, strict=True))
    if estimate:
        ss.apply(estimator, estimate)
        assert estimator._optimizer.learning_rate_init == estimate.lr


def test_errors_name_the_argument():
    x, y = DIGITS[0], DIGITS[2]
    with pytest.raises(TypeError, match="LinearRegression, which has neither"):
        ss.find(LinearRegression(), x, y)
    with pytest.raises(TypeError, match=r"find\(pipeline\[-1\]"):
        ss.find(make_pipeline(StandardScaler(), SGDClassifier()), x, y)
    with pytest.raises(ValueError, match="learning_rate is 'optimal'"):
        ss.find(SGDClassifier(), x, y)
    with pytest.raises(ValueError, match="solver is 'lbfgs'"):
        ss.find(MLPClassifier(solver="lbfgs"), x, y)
    with pytest.raises(ValueError, match="class_weight"):
        ss.find(SGDClassifier(learning_rate="constant", eta0=0.1, class_weight="balanced"), x, y)
    with pytest.raises(ValueError, match="give both X_val and y_val"):
        ss.find(MLPClassifier(), x, y, X_val=x)
    with pytest.raises(ValueError, match="batch_size is 5000"):
        ss.find(MLPClassifier(), x, y, batch_size=5000)


def test_targets_in_a_column_are_judged_as_targets_in_a_row():
    x, y = DIABETES[0], DIABETES[2]
    network = MLPRegressor(hidden_layer_sizes=(8,), random_state=0)
    found = [ss.find(network, x, one, steps=200, progress=False) for one in (y, y[:, None])]
    assert [p["loss"] for p in found[0].points] == [p["loss"] for p in found[1].points]


def test_early_stopping_and_several_labels_of_a_sample():
    x, y = DIGITS[0], DIGITS[2]
    linear = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.1, early_stopping=True, random_state=0)
    assert ss.find(linear, x, y, steps=300, progress=False) and linear.early_stopping
    labels = np.stack([y < 5, y % 2 == 0], axis=1).astype(int)
    assert ss.find(MLPClassifier((16,), random_state=0), x, labels, steps=300, progress=False)
    with pytest.raises(TypeError, match="estimator is the class SGDClassifier"):
        ss.find(SGDClassifier, x, y)
    with pytest.raises(TypeError, match="neither a classifier nor a regressor"):
        ss.find(SGDOneClassSVM(learning_rate="constant", eta0=0.1), x, y)


def test_estimators_without_probabilities_are_judged_by_the_hinge_loss():
    x, y, events = DIGITS[0], DIGITS[2], []
    ss.find(SGDClassifier(learning_rate="adaptive", eta0=1e-3), x, y, steps=300, progress=False, callback=events.append)
    assert events[0].task.endswith("hinge loss") and any(event.score and event.score > 0.8 for event in events)
    assert ss.find(Perceptron(random_state=0), x, y, steps=300, progress=False).cost > 0
