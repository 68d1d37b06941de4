"""stepsize.transformers inside a real Trainer."""

import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")

import stepsize  # noqa: E402
from stepsize.torch import LRScheduler  # noqa: E402
from stepsize.transformers import StepsizeCallback  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(2, 1)

    def forward(self, x, labels=None):
        y = self.net(x)
        return {"loss": (y - labels).pow(2).mean(), "logits": y}


class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 16

    def __getitem__(self, i):
        return {"x": torch.ones(2), "labels": torch.zeros(1)}


class Told(transformers.TrainerCallback):
    """Records the rate of each step, and replaces the loss of each evaluation by a value of the test."""

    def __init__(self, values=()):
        self.values, self.rates = list(values), []

    def on_optimizer_step(self, args, state, control, optimizer=None, **_):
        self.rates.append(optimizer.param_groups[0]["lr"])

    def on_evaluate(self, args, state, control, metrics=None, **_):
        metrics["eval_loss"] = self.values[state.global_step // 4 - 1]


def run(tmp_path, told, *callbacks, resume=None, optimizers=(None, None), net=None, **more):
    arguments = transformers.TrainingArguments(
        **{
            "output_dir": str(tmp_path), "per_device_train_batch_size": 4, "learning_rate": 0.1, "num_train_epochs": 3,
            "report_to": [], "use_cpu": True, "disable_tqdm": True, "save_strategy": "no", "logging_steps": 1,
            "optim": "sgd", "eval_strategy": "epoch" if told.values else "no", **more,
        }
    )  # fmt: skip
    trainer = transformers.Trainer(
        net or Net(), arguments, train_dataset=Rows(), eval_dataset=Rows(), callbacks=[told, *callbacks], optimizers=optimizers
    )
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def reference(text, steps, count=None):
    return [0.1 * stepsize.Schedule(text, steps=steps)(i) for i in range(count or steps)]


def test_it_brings_the_schedule_and_the_trainer_logs_it(tmp_path):
    told = Told()
    trainer = run(tmp_path, told, StepsizeCallback("warmup(2) then cosine"))
    assert told.rates == pytest.approx(reference("warmup(2) then cosine", 12))
    logged = [entry["learning_rate"] for entry in trainer.state.log_history if "learning_rate" in entry]
    assert logged == pytest.approx(told.rates)


def test_accumulated_batches_make_one_step(tmp_path):
    told = Told()
    run(tmp_path, told, StepsizeCallback("linear"), gradient_accumulation_steps=2)
    assert told.rates == pytest.approx(reference("linear", 6))


PLATEAU = "plateau_torch(patience=1, factor=0.5)"


def test_each_evaluation_is_reported_to_a_controller_that_multiplies_the_schedule(tmp_path):
    told = Told([1.0] * 6)
    run(tmp_path, told, StepsizeCallback("linear", 100, controller=PLATEAU), num_train_epochs=6)
    factors = [1.0] * 12 + [0.5] * 8 + [0.25] * 4
    assert told.rates == pytest.approx([r * f for r, f in zip(reference("linear", 100, 24), factors, strict=True)])


@pytest.mark.parametrize("flag", [False, True])
def test_it_resumes_from_a_checkpoint(tmp_path, flag):
    def callback():
        return StepsizeCallback("linear", 100, controller=PLATEAU)

    whole = Told([1.0] * 6)
    run(tmp_path / "whole", whole, callback(), num_train_epochs=6)
    first = Told([1.0] * 6)
    run(tmp_path / "part", first, callback(), num_train_epochs=3, save_strategy="epoch")
    state = json.loads((tmp_path / "part/checkpoint-12/trainer_state.json").read_text())
    assert state["stateful_callbacks"]["StepsizeCallback"]["attributes"]["controller_state"]["best"] == 1.0
    second = Told([1.0] * 6)
    more = {"restore_callback_states_from_checkpoint": True} if flag else {}
    run(tmp_path / "part", second, callback(), num_train_epochs=6, resume=str(tmp_path / "part/checkpoint-12"), **more)
    assert first.rates + second.rates == pytest.approx(whole.rates)


def test_a_given_scheduler_is_reported_to(tmp_path):
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scheduler = LRScheduler(optimizer, "linear", 100, controller=PLATEAU)
    told = Told([1.0] * 3)
    run(tmp_path, told, StepsizeCallback(), optimizers=(optimizer, scheduler), net=net)
    assert told.rates == pytest.approx(reference("linear", 100, 12)) and scheduler.get_last_lr() == [pytest.approx(0.044)]
    with pytest.raises(ValueError, match="no scheduler with a controller"):
        run(tmp_path, Told([1.0] * 3), StepsizeCallback())


def test_a_broken_metric_is_refused_with_a_warning(tmp_path):
    told = Told([1.0, float("nan"), 0.9])
    with pytest.warns(UserWarning, match="eval_loss is refused"):
        run(tmp_path, told, StepsizeCallback(controller="plateau(patience=4)"))
    assert told.rates == pytest.approx([0.1] * 12)
    with pytest.raises(ValueError, match="'eval_f1' is not evaluated"):
        run(tmp_path, Told([1.0] * 3), StepsizeCallback(controller="plateau", monitor="eval_f1"))


def test_accelerate_steps_once_for_each_process():
    """A PyTorch scheduler under accelerate with 4 processes, and ours with ``calls_per_step``."""
    from accelerate.scheduler import AcceleratedScheduler
    from accelerate.state import AcceleratorState, GradientState, PartialState

    def rates(scheduler, processes=4):
        GradientState()
        AcceleratorState(cpu=True)
        accelerated = AcceleratedScheduler(scheduler, scheduler.optimizer)
        accelerated.optimizers[0].step_was_skipped = False
        seen = []
        original = AcceleratorState().num_processes
        PartialState._shared_state["num_processes"] = processes
        try:
            for _ in range(5):
                seen.append(scheduler.get_last_lr()[0])
                scheduler.optimizer.step()
                accelerated.step()
        finally:
            PartialState._shared_state["num_processes"] = original
        return seen

    def sgd():
        return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)

    theirs = rates(torch.optim.lr_scheduler.LinearLR(sgd(), 1.0, 0.0, total_iters=20))
    assert theirs == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])  # its schedule ends in a quarter of the run
    ours = rates(LRScheduler(sgd(), "linear", 20, calls_per_step=4))
    assert ours == pytest.approx([1.0, 0.95, 0.9, 0.85, 0.8])
