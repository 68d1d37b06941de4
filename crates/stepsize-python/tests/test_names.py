"""Names and documentation: old names of arguments still work, and everything public explains itself."""

import ast
import doctest
import importlib
import inspect
import os
import pathlib

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import stepsize

FRAMEWORKS = {
    "torch": ("torch",),
    "jax": ("jax", "optax"),
    "optax": ("jax", "optax"),
    "keras": ("keras",),
    "lightning": ("lightning",),
    "transformers": ("transformers", "torch"),
    "accelerate": ("accelerate", "torch"),
    "ignite": ("ignite", "torch"),
    "skorch": ("skorch", "torch"),
    "sklearn": ("sklearn",),
    "optuna": ("optuna",),
    "loggers": (),
}


def searched(search, **more):
    x = [1.0]

    def step(lr):
        x[0] -= lr * x[0]
        return x[0] ** 2 + 0.1

    return search(step, x.copy, lambda kept: x.__setitem__(0, kept[0]), **more)


@pytest.mark.parametrize(
    ("search", "new", "old"),
    [
        (stepsize.find, {"steps": 200, "start": 0.3, "budget": 0.6}, {"steps": 200, "lr": 0.3, "max_cost": 0.6}),
        (stepsize.range_test, {"trial_steps": 40}, {"iterations": 40}),
    ],
    ids=["find", "range_test"],
)
def test_old_names_of_arguments_work_and_warn(search, new, old):
    expected = searched(search, **new).points
    with pytest.warns(DeprecationWarning) as warned:
        points = searched(search, **old).points
    keep = lambda points: [{**point, "seconds": None} for point in points]  # noqa: E731
    assert keep(points) == keep(expected)
    renamed = set(new) - set(old)
    assert {str(one.message).split("give ")[1] for one in warned} == {f"{name}=" for name in renamed}
    assert {one.filename for one in warned} == {__file__}
    both = {**old, **new}
    with pytest.raises(TypeError, match="were both given"):
        searched(search, **both)


def test_a_study_takes_the_old_names_too():
    with pytest.warns(DeprecationWarning, match="start="), pytest.raises(ValueError, match="start is -1.0; it must be above 0"):
        stepsize.Study(steps=10, lr=-1.0)
    assert "budget" in inspect.signature(stepsize.Study).parameters


@pytest.mark.parametrize("name", ["stepsize", *(f"stepsize.{name}" for name in FRAMEWORKS)])
def test_the_older_name_of_sweep_is_the_same_function(name):
    module = imported(name)
    if hasattr(module, "sweep"):
        assert module.sensitivity is module.sweep
        assert "start" in inspect.signature(module.find).parameters and "budget" in inspect.signature(module.find).parameters
        assert "trial_steps" in inspect.signature(module.range_test).parameters


def imported(name):
    for framework in FRAMEWORKS.get(name.partition(".")[2], ()):
        pytest.importorskip(framework)
    return importlib.import_module(name)


def public(module):
    """Every public class and function of a module, with the methods that a class defines itself."""
    for name in module.__all__:
        one = getattr(module, name)
        if not callable(one):
            continue
        yield f"{module.__name__}.{name}", one
        for member, value in vars(one).items() if inspect.isclass(one) else ():
            if not member.startswith("_"):
                yield f"{module.__name__}.{name}.{member}", value


CALLBACKS = ("set_model", "on_", "get_config", "from_config", "save_own_", "load_own_")  # the frameworks document these


@pytest.mark.parametrize("name", ["stepsize", *(f"stepsize.{name}" for name in FRAMEWORKS)])
def test_everything_public_has_a_docstring(name):
    silent = [
        path
        for path, one in public(imported(name))
        if (callable(one) or hasattr(one, "__get__")) and not inspect.getdoc(one)
        if not path.rpartition(".")[2].startswith(CALLBACKS)
    ]
    assert not silent


@pytest.mark.parametrize("name", ["stepsize", *(f"stepsize.{name}" for name in FRAMEWORKS)])
def test_every_public_class_shows_itself(name):
    module = imported(name)
    classes = [one for one in (getattr(module, word) for word in module.__all__) if inspect.isclass(one)]
    by = {one: next(kind for kind in one.__mro__ if "__repr__" in vars(kind)) for one in classes if not issubclass(one, Exception)}
    assert not [one for one, kind in by.items() if not kind.__module__.startswith("stepsize")]


def test_the_stub_has_the_docstrings_of_the_compiled_classes():
    stub = pathlib.Path(__file__).parent.parent / "python" / "stepsize" / "_native.pyi"
    classes = {node.name: node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ClassDef)}
    for name in ("Controller", "Estimate", "Policy", "Schedule"):
        real = getattr(stepsize, name)
        assert ast.get_docstring(classes[name]) == inspect.getdoc(real)
        for member in classes[name].body:
            if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                said = ast.get_docstring(member)
                assert said == inspect.getdoc(getattr(real, member.name)), f"{name}.{member.name}"


def test_the_examples_in_docstrings_run():
    parser, runner, examples = doctest.DocTestParser(), doctest.DocTestRunner(), 0
    for path, one in public(stepsize):
        test = parser.get_doctest(inspect.getdoc(one) or "", {**vars(stepsize)}, path, None, None)
        examples += len(test.examples)
        runner.run(test)
    assert examples > 10 and runner.summarize(verbose=False).failed == 0
