//! The words that the names in logs are made of.

use super::DataSplit;

/// Words that name a split.
pub(super) const SPLITS: [(&str, DataSplit); 11] = [
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
];

/// Names of counters of optimizer steps, in their plain form; the best first.
pub(super) const STEPS: &[&str] = &[
    "global_step", "trainer_global_step", "train_global_step", "num_updates", "step", "steps", "train_step",
    "iteration", "iterations", "iter", "iters", "it", "update", "updates", "training_step", "train_iter",
    "total_timesteps", "num_timesteps", "timesteps", "timestep", "env_steps", "training_iteration",
    "n_updates", "optimizer_step", "gradient_steps", "up", "batch", "batches", "minibatch", "round",
    "progress_bar",
];

/// Names of counters of passes over the data, then of data; the best first.
pub(super) const EPOCHS: &[&str] = &[
    "epoch", "epochs", "ep", "tokens", "samples",
];

/// Low is good for a metric with one of these words in its name.
pub(super) const MINIMIZE: &[&str] = &[
    "loss", "nll", "ppl", "perplexity", "bpb", "bpc", "bpd", "error", "err", "rmse", "mse", "mae", "mape",
    "rmsle", "logloss", "mlogloss", "xent", "crossentropy", "entropy", "wer", "cer", "fid", "cost", "l1",
    "l2", "kl", "objective", "obj", "ce", "bce", "regret", "negloglik", "fval", "fun", "hinge", "inertia",
    "deviance", "distortion", "rmsd", "smape", "lpips", "brier",
];

/// High is good for a metric with one of these words in its name.
pub(super) const MAXIMIZE: &[&str] = &[
    "acc", "accuracy", "f1", "auc", "auroc", "reward", "rew", "return", "bleu", "rouge", "r2", "map", "map50",
    "ap", "miou", "iou", "dice", "ndcg", "mrr", "recall", "precision", "psnr", "ssim", "score", "top1",
    "top5", "success", "correct", "mcc", "kappa", "pearson", "spearman", "cider", "chrf", "meteor",
];

/// Names with one of these words are about speed, size, settings or state, not about how good the
/// model is.
pub(super) const ASIDE: &[&str] = &[
    "time", "eta", "mem", "memory", "mfu", "scale", "norm", "gnorm", "lr", "rate", "decay", "momentum", "sec",
    "seconds", "speed", "runtime", "per", "rank", "size", "coef", "coeff", "weight", "skipped", "flops",
    "elapsed", "best", "wall", "thresh", "threshold", "factor", "multiplier", "count", "num", "patience",
    "smoothing", "interval", "freq", "std", "stddev", "stderr", "variance", "grad", "gradient", "duration",
    "weights", "location",
];

/// With one of these words last in its name, a rate is a setting of its schedule, a factor of it,
/// or one that is only its end.
pub(super) const FACTORS: &[&str] = &[
    "factor", "factors", "mult", "multiplier", "multipliers", "mul", "scale", "scaling", "decay", "decays",
    "ratio", "gamma", "steps", "step_size", "epochs", "epoch", "milestones", "policy", "power", "patience",
    "cycle", "drop", "scheduler", "schedule", "sched", "iters", "iterations", "warmup", "type", "name",
    "mode", "end", "min", "final", "last", "max_steps", "interval", "freq", "frequency", "init_factor",
    "end_factor", "group", "groups", "period", "style",
];
