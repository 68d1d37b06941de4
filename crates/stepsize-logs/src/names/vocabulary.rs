//! The words that the names in logs are made of.

use super::DataSplit;

/// The first letters of some words by their length, a bit each. Nearly all words of a log have
/// another shape, and are known by it.
#[derive(Debug)]
pub(super) struct Shapes([u32; Self::LONGEST]);

impl Shapes {
    const LONGEST: usize = 24;

    const fn none() -> Self {
        Self([0; Self::LONGEST])
    }

    const fn with(mut self, words: &[&str]) -> Self {
        let mut i = 0;
        while i < words.len() {
            let word = words[i].as_bytes();
            self.0[word.len()] |= 1 << (word[0] - b'a');
            i += 1;
        }
        self
    }

    /// Whether one of the words may be this one, in any case.
    #[inline]
    pub fn fit(&self, word: &str) -> bool {
        let first = word.as_bytes().first().map_or(0, |b| b.to_ascii_lowercase()).wrapping_sub(b'a');
        first < 26 && self.0.get(word.len()).is_some_and(|letters| letters >> first & 1 == 1)
    }
}

/// The shapes of the words of metrics.
pub(super) const METRICS: Shapes = Shapes::none().with(MINIMIZE).with(MAXIMIZE);

/// The shapes of the words of splits.
pub(super) const SPLIT_SHAPES: Shapes = {
    let (mut shapes, mut i) = (Shapes::none(), 0);
    while i < SPLITS.len() {
        shapes = shapes.with(&[SPLITS[i].0]);
        i += 1;
    }
    shapes
};

/// Words that name a split.
pub(super) const SPLITS: [(&str, DataSplit); 26] = [
    ("train", DataSplit::Train),
    ("training", DataSplit::Train),
    // CatBoost
    ("learn", DataSplit::Train),
    ("val", DataSplit::Validation),
    ("valid", DataSplit::Validation),
    ("validation", DataSplit::Validation),
    ("dev", DataSplit::Validation),
    ("eval", DataSplit::Evaluation),
    ("evaluation", DataSplit::Evaluation),
    ("test", DataSplit::Test),
    ("testing", DataSplit::Test),
    ("validating", DataSplit::Validation),
    ("validate", DataSplit::Validation),
    ("evaluating", DataSplit::Evaluation),
    // llm.c
    ("trl", DataSplit::Train),
    ("tel", DataSplit::Test),
    // Kaldi
    ("crossval", DataSplit::Validation),
    // German, Spanish, Portuguese, French, without accents
    ("trainings", DataSplit::Train),
    ("validierungs", DataSplit::Validation),
    ("validierung", DataSplit::Validation),
    ("entrenamiento", DataSplit::Train),
    ("validacion", DataSplit::Validation),
    ("treino", DataSplit::Train),
    ("treinamento", DataSplit::Train),
    ("validacao", DataSplit::Validation),
    ("entrainement", DataSplit::Train),
];

/// Names of counters of optimizer steps, in their plain form; the best first.
pub(super) const STEPS: &[&str] = &[
    "global_step",
    "trainer_global_step",
    "train_global_step",
    "num_updates",
    "step",
    "steps",
    "train_step",
    // reinforcement learning, beside iterations
    "total_timesteps",
    "num_timesteps",
    "timesteps_total",
    "iteration",
    "iterations",
    "iter",
    "iters",
    "it",
    "update",
    "updates",
    "training_step",
    "train_iter",
    "timesteps",
    "timestep",
    "env_steps",
    "training_iteration",
    "current_step",
    "current_steps",
    "cur_step",
    "curr_step",
    "n_updates",
    "optimizer_step",
    "gradient_steps",
    "batch",
    "batches",
    "minibatch",
    "mini_batch",
    "batch_id",
    "batch_idx",
    "batch_index",
    "batch_no",
    "batch_num",
    "n_iter",
    "iter_num",
    "itr",
    "round",
    "i",
    "progress",
    "progress_bar",
];

/// Names of counters of passes over the data, then of data; the best first.
pub(super) const EPOCHS: &[&str] = &[
    "epoch",
    "epochs",
    "ep",
    "epoche",
    "epoca",
    "epoque",
    "pass",
    "tokens",
    "tokens_seen",
    "track_tokens_seen",
    "samples",
    "episode",
    "episodes",
];

/// Low is good for a metric with one of these words in its name.
pub(super) const MINIMIZE: &[&str] = &[
    "loss",
    "nll",
    "ppl",
    "perplexity",
    "bpb",
    "bpc",
    "bpd",
    "error",
    "err",
    "rmse",
    "mse",
    "mae",
    "nmae",
    "nmse",
    "nrmse",
    "mape",
    "rmsle",
    "logloss",
    "mlogloss",
    "xent",
    "crossentropy",
    "entropy",
    "wer",
    "cer",
    "fid",
    "cost",
    "l1",
    "l2",
    "kl",
    "kld",
    "objective",
    "obj",
    "ce",
    "bce",
    "regret",
    "negloglik",
    "fval",
    "fun",
    "hinge",
    "inertia",
    "deviance",
    "distortion",
    "rmsd",
    "smape",
    "lpips",
    "brier",
    "trl",
    "tel",
    "pix",
    // CatBoost
    "multiclass",
    "multiclassonevsall",
    // German, French, Spanish, Portuguese, Italian, without accents
    "verlust",
    "perte",
    "perdida",
    "perda",
    "perdita",
];

/// High is good for a metric with one of these words in its name.
pub(super) const MAXIMIZE: &[&str] = &[
    "acc",
    "accu",
    "accuracy",
    "wacc",
    "f1",
    "auc",
    "auroc",
    "reward",
    "rew",
    // Baselines: `eprewmean`
    "eprewmean",
    "ret",
    "return",
    "bleu",
    "rouge",
    "r2",
    "map",
    "map50",
    "ap",
    "miou",
    "iou",
    "iu",
    "dice",
    "ndcg",
    "mrr",
    "recall",
    "precision",
    "psnr",
    "ssim",
    "likelihood",
    "loglik",
    "score",
    "top1",
    "top5",
    "success",
    "utility",
    "correct",
    "mcc",
    "kappa",
    "pearson",
    "spearman",
    "cider",
    "chrf",
    "meteor",
    // spaCy: dependencies
    "uas",
    "las",
    // German, French, Spanish, Portuguese, Italian, without accents
    "genauigkeit",
    "exactitude",
    "exactitud",
    "acuracia",
    "precisao",
    "accuratezza",
];

/// Names with one of these words are about speed, size, settings or state, not about how good the
/// model is.
pub(super) const ASIDE: &[&str] = &[
    "time",
    "eta",
    "mem",
    "memory",
    "mfu",
    "scale",
    "norm",
    "gnorm",
    "lr",
    "rate",
    "decay",
    "momentum",
    "sec",
    "seconds",
    "speed",
    "runtime",
    "per",
    "rank",
    "size",
    "coef",
    "coeff",
    "beta",
    "weight",
    "skipped",
    "flops",
    "elapsed",
    "best",
    "lowest",
    "highest",
    "prev",
    "previous",
    "wall",
    "thresh",
    "threshold",
    "factor",
    "multiplier",
    "count",
    "num",
    "patience",
    "smoothing",
    "interval",
    "freq",
    "std",
    "stddev",
    "stderr",
    "variance",
    "grad",
    "gradient",
    "duration",
    "weights",
    "location",
    "lambda",
];

/// A metric per one of these is no speed.
pub(super) const SHARED: &[&str] = &[
    "episode", "token", "frame", "sample", "example", "char", "byte", "word", "event", "image", "sentence", "pixel",
    "node", "atom",
];

/// With one of these words before it, `rate` is a share of successes or errors.
pub(super) const SHARES: &[&str] = &["success", "error", "err", "accuracy", "win", "hit"];

/// With one of these words last in its name, a rate is a setting of its schedule, a factor of it,
/// or one that is only its end.
pub(super) const FACTORS: &[&str] = &[
    "factor",
    "factors",
    "mult",
    "multiplier",
    "multipliers",
    "mul",
    "scale",
    "scaling",
    "decay",
    "decays",
    "ratio",
    "gamma",
    "steps",
    "step_size",
    "epochs",
    "epoch",
    "milestones",
    "policy",
    "power",
    "patience",
    "cycle",
    "drop",
    "scheduler",
    "schedule",
    "sched",
    "iters",
    "iterations",
    "warmup",
    "type",
    "name",
    "mode",
    "end",
    "min",
    "final",
    "last",
    "max_steps",
    "interval",
    "freq",
    "frequency",
    "init_factor",
    "end_factor",
    "group",
    "groups",
    "period",
    "style",
    "length",
    "itr",
    "iter",
];
