"""stepsize.transformers.find: a trial is what the Trainer itself would do, and nothing is left changed."""

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")

import stepsize  # noqa: E402
import stepsize.transformers as st  # noqa: E402
from stepsize.transformers.find import ready  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def tokens(rows, length, seed, labels):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(4, 40, (rows, length), generator=generator)
    return [{"input_ids": one, "labels": labels(one)} for one in ids]


def first_is_high(one):
    return (one[0] > 21).long()


def padded(one):
    """Labels of a language model, of which each row hides a different number."""
    labels = one.clone()
    labels[: int(one[0]) % 6] = -100
    return labels


TRAIN, HELD = tokens(200, 12, 0, first_is_high), tokens(96, 12, 1, first_is_high)
TEXT, HELD_TEXT = tokens(100, 12, 0, padded), tokens(32, 12, 1, padded)


def bert(seed=0):
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=16, num_labels=2,
    )  # fmt: skip
    return transformers.BertForSequenceClassification(config)


def gpt(seed=0):
    torch.manual_seed(seed)
    config = transformers.GPT2Config(vocab_size=40, n_positions=16, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0)
    return transformers.GPT2LMHeadModel(config)


def lora(seed=0):
    peft = pytest.importorskip("peft")
    model = bert(seed)
    return peft.get_peft_model(model, peft.LoraConfig("SEQ_CLS", r=4, target_modules=["query", "value"]))


def make(tmp_path, model, train=TRAIN, held=HELD, trainer=transformers.Trainer, more=None, **arguments):
    arguments = transformers.TrainingArguments(
        **{
            "output_dir": str(tmp_path), "per_device_train_batch_size": 8, "per_device_eval_batch_size": 32,
            "learning_rate": 3e-3, "max_steps": 40, "report_to": [], "use_cpu": True, "disable_tqdm": True,
            "save_strategy": "no", "logging_steps": 1, **arguments,
        }
    )  # fmt: skip
    return trainer(model, arguments, train_dataset=train, eval_dataset=held, **(more or {}))


class Stream(torch.utils.data.IterableDataset):
    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return iter(self.rows)


class Smoothed(transformers.Trainer):
    """A Trainer of the user's own, with another loss."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        outputs = model(**inputs)
        loss = torch.nn.functional.cross_entropy(outputs.logits, inputs["labels"], label_smoothing=0.2)
        return (loss, outputs) if return_outputs else loss


class Cycling(transformers.Trainer):
    """A Trainer of the user's own, with a scheduler that moves the momentum."""

    def create_scheduler(self, num_training_steps, optimizer=None):
        self.lr_scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer or self.optimizer, self.args.learning_rate, total_steps=num_training_steps
        )
        return self.lr_scheduler


JOBS = {
    "BERT, linear with warm-up": (bert, {"warmup_steps": 8, "max_grad_norm": 0.5}),
    "epochs of 25 batches, accumulated by 4": (bert, {"max_steps": -1, "num_train_epochs": 3, "gradient_accumulation_steps": 4}),
    "language model, items in batch": (gpt, {"train": TEXT, "held": HELD_TEXT, "gradient_accumulation_steps": 3, "max_steps": 20}),
    "bf16, cosine": (bert, {"bf16": True, "lr_scheduler_type": "cosine", "warmup_steps": 4}),
    "LoRA": (lora, {"learning_rate": 2e-2}),
    "compute_loss, SGD, polynomial": (bert, {"trainer": Smoothed, "optim": "sgd", "lr_scheduler_type": "polynomial"}),
    "NEFTune, label smoothing, no clipping": (bert, {"neftune_noise_alpha": 5, "label_smoothing_factor": 0.1, "max_grad_norm": 0}),
    "a stream whose end is no whole step": (bert, {"train": Stream(TRAIN[:76]), "gradient_accumulation_steps": 4, "max_steps": 12}),
    "workers that stay": (bert, {"dataloader_num_workers": 1, "dataloader_persistent_workers": True, "max_steps": 12}),
    "one cycle, with its momentum": (bert, {"trainer": Cycling}),
    "inverse square root, shorter epochs": (bert, {"lr_scheduler_type": "inverse_sqrt", "dataloader_drop_last": True}),
}


@pytest.mark.parametrize("job", JOBS)
def test_a_trial_of_full_length_has_the_losses_that_the_trainer_logs(job, tmp_path):
    model, arguments = JOBS[job]
    trainer = make(tmp_path, model(), **arguments)
    with ready(trainer, None, 32) as task:
        kept, rate, schedule, losses = task.save(), trainer.args.learning_rate, task.planned_schedule(), []
        for _ in range(2):  # the second trial is the first one again
            task.restore(kept)
            task.begin()
            untrained = task.evaluate()
            losses.append([task.step(rate * schedule(at)) for at in range(task.steps)])
        judged = task.evaluate()
        task.restore(kept)
    assert losses[0] == losses[1]
    with torch.random.fork_rng():
        assert trainer.evaluate()["eval_loss"] == pytest.approx(untrained, rel=1e-5)
    trainer.train()
    logged = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[0] == pytest.approx(logged, rel=0, abs=0) and len(logged) == trainer.state.max_steps
    assert trainer.evaluate()["eval_loss"] == pytest.approx(judged, rel=1e-5)


def search(trainer, **more):
    return st.find(trainer, **{"steps": 300, "budget": 1.5, "progress": False, **more})


def state(trainer):
    of_model = {name: one.clone() for name, one in trainer.model.state_dict().items()}
    return {**of_model, "rng": torch.get_rng_state()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_it_finds_a_rate_and_leaves_the_trainer_as_it_was(tmp_path):
    trainer = make(tmp_path, bert(), warmup_steps=0.1)
    before, attributes, of_accelerator = state(trainer), dict(vars(trainer)), dict(vars(trainer.accelerator))
    events, within = [], trainer.accelerator.gradient_state.in_dataloader
    estimate = search(trainer, callback=events.append, budget=3)
    assert estimate and 1e-3 < estimate.lr < 0.3
    assert same(before, state(trainer)) and vars(trainer) == attributes and vars(trainer.accelerator) == of_accelerator
    assert trainer.accelerator.gradient_state.in_dataloader == within and events[0].steps == 300
    assert not trainer.state.log_history and not list(tmp_path.iterdir())
    assert estimate.to_dict()["schedule"].startswith("warmup(30)")
    assert st.apply(trainer, estimate) == trainer.args.learning_rate == estimate.lr
    trainer.args.max_steps = 300
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < 0.35  # 0.69 is chance


def test_a_lora_model_keeps_its_base_and_is_answered(tmp_path):
    trainer = make(tmp_path, lora(), optim="adamw_torch")
    before = state(trainer)
    estimate = search(trainer, budget=3)
    assert same(before, state(trainer)) and estimate.cost < 3.5
    assert estimate.lr is None or estimate.lr > 1e-3


def test_without_an_eval_dataset_and_with_an_optimizer_of_your_own(tmp_path):
    model = bert()
    head = list(model.classifier.parameters())
    rest = [one for name, one in model.named_parameters() if not name.startswith("classifier")]
    optimizer = torch.optim.AdamW([{"params": rest, "lr": 1e-3}, {"params": head, "lr": 1e-2}])
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda at: 1 - at / 300)
    trainer = make(tmp_path, model, held=None, more={"optimizers": (optimizer, scheduler)})
    held = copy.deepcopy(optimizer.state_dict())
    estimate = search(trainer, on_refusal="raise", budget=3)
    assert optimizer.state_dict() == held and scheduler.last_epoch == 0 and trainer.optimizer is optimizer
    assert "training batches" in estimate.to_dict()["task"] and estimate.to_dict()["schedule"].startswith("linear")
    st.apply(trainer, estimate)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([estimate.lr, 10 * estimate.lr])
    assert scheduler.base_lrs == pytest.approx([estimate.lr, 10 * estimate.lr])


def test_a_given_scheduler_that_cycles_trains_at_the_rate_that_was_found(tmp_path):
    model = bert()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=300)
    trainer = make(tmp_path, model, more={"optimizers": (optimizer, scheduler)})
    before = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
    estimate = search(trainer, on_refusal="raise", budget=3)
    assert (optimizer.state_dict(), scheduler.state_dict()) == before
    st.apply(trainer, estimate)
    rates = []
    for _ in range(300):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step(), scheduler.step()
    assert max(rates) == pytest.approx(estimate.lr)  # the answer is the top of the cycle


class Layerwise(transformers.Trainer):
    """Makes an optimizer whose first group has a tenth of the rate."""

    def create_optimizer(self, model=None):
        body, head = self.model.bert.parameters(), self.model.classifier.parameters()
        rate = getattr(self, "fixed", None) or self.args.learning_rate
        self.optimizer = torch.optim.AdamW([{"params": body, "lr": rate / 10}, {"params": head}], lr=rate)
        return self.optimizer


def test_the_rate_is_that_of_the_first_group_that_the_trainer_makes(tmp_path):
    trainer = make(tmp_path, bert(), trainer=Layerwise, max_steps=2)
    found = stepsize.range_test(*falling())
    assert st.apply(trainer, found) == found.lr and trainer.args.learning_rate == pytest.approx(10 * found.lr)
    assert trainer.optimizer is None
    trainer.create_optimizer()
    assert [group["lr"] for group in trainer.optimizer.param_groups] == pytest.approx([found.lr, 10 * found.lr])
    trainer.optimizer, trainer.fixed = None, 1e-4
    with pytest.raises(ValueError, match="does not follow args.learning_rate"):
        st.apply(trainer, found)


def falling():
    """A job with a rate, for ``stepsize.range_test``."""
    held = {"w": 1.0}

    def step(lr):
        loss = held["w"] ** 2 + 0.1
        held["w"] -= lr * 2 * held["w"]
        return loss

    return step, held.copy, held.update


def test_several_datasets_a_callback_and_model_init(tmp_path):
    trainer = make(
        tmp_path, None, held={"a": HELD[:32], "b": HELD[32:]}, more={"model_init": lambda: bert(), "callbacks": [st.StepsizeCallback("cosine")]},
        lr_scheduler_type="reduce_lr_on_plateau", eval_strategy="steps", eval_steps=10,
    )  # fmt: skip
    model = trainer.model
    estimate = search(trainer)
    assert trainer.model is model and estimate.to_dict()["schedule"].startswith("cosine")


def test_an_interruption_leaves_the_trainer_as_it_was(tmp_path):
    class Interrupted(transformers.Trainer):
        def training_step(self, *args, **kwargs):
            if self.state.global_step == 7:
                raise KeyboardInterrupt
            return super().training_step(*args, **kwargs)

    trainer = make(tmp_path, bert(), trainer=Interrupted, bf16=True)
    before, attributes = state(trainer), dict(vars(trainer.model))
    with pytest.raises(KeyboardInterrupt):
        search(trainer)
    assert same(before, state(trainer)) and vars(trainer.model) == attributes


def test_errors_name_the_argument(tmp_path):
    with pytest.raises(TypeError, match="trainer is a Linear"):
        st.find(torch.nn.Linear(2, 1))
    trainer = make(tmp_path, bert(), lr_scheduler_type="reduce_lr_on_plateau", eval_strategy="steps", eval_steps=10)
    with pytest.raises(ValueError, match="follows a metric.*schedule="):
        search(trainer)
    with pytest.raises(ValueError, match="val_batches is 0"):
        search(trainer, val_batches=0)

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(TRAIN)

    endless = make(tmp_path, bert(), train=Stream(), max_steps=5)
    endless.args.max_steps = -1
    with pytest.raises(ValueError, match="set max_steps"):
        st.find(endless)
    assert search(endless, schedule="constant").cost > 0
    unlabelled = make(tmp_path, bert(), held=[{"input_ids": one["input_ids"]} for one in HELD])
    with pytest.raises(ValueError, match="the eval_dataset has none of the labels"):
        search(unlabelled)


TWO = """
os.environ.update(RANK=sys.argv[1], LOCAL_RANK=sys.argv[1], WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=sys.argv[2])
import tempfile, transformers, stepsize.transformers as st
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    def forward(self, x, labels=None):
        y = self.net(x)
        return {"loss": (y - labels).pow(2).mean(), "logits": y}
x = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
rows = [{"x": one, "labels": one[:1]} for one in x]
arguments = transformers.TrainingArguments(
    tempfile.mkdtemp(), max_steps=200, per_device_train_batch_size=8, use_cpu=True, report_to=[], disable_tqdm=True, ddp_backend="gloo",
)
torch.manual_seed(0)
trainer = transformers.Trainer(Net(), arguments, train_dataset=rows, eval_dataset=rows[:64])
estimate = st.find(trainer, budget=2, progress=False)
print(trainer.args.world_size, estimate.lr, estimate.cost > 0, [point["loss"] for point in estimate.points])
"""


def test_two_processes_get_one_answer(two_processes):
    out = two_processes(TWO)
    assert out[0] == out[1] and out[0].startswith("2 ")
