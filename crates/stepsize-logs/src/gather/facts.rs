//! Names of settings: what many tools call a setting, and the one name under which it is known
//! here.

use std::collections::BTreeMap;

/// The name of a setting and what tools call it, in lower case; the last part of a path is
/// compared.
const KNOWN: [(&str, &[&str]); 12] = [
    (
        "lr",
        &["lr", "learning_rate", "learningrate", "lr0", "base_lr", "max_lr", "peak_lr", "init_lr", "initial_lr", "eta"],
    ),
    ("optimizer", &["optimizer", "optim", "optimizer_class", "opt", "optimizer_name", "optimizer_type", "solver"]),
    (
        "batch_size",
        &[
            "batch_size",
            "batch",
            "batchsize",
            "per_device_train_batch_size",
            "train_batch_size",
            "total_batch_size",
            "bs",
        ],
    ),
    ("num_classes", &["num_classes", "n_classes", "nc", "num_labels", "classes"]),
    (
        "total_steps",
        &["total_steps", "max_steps", "max_iters", "num_steps", "train_iters", "total_iters", "num_training_steps"],
    ),
    ("total_epochs", &["total_epochs", "epochs", "num_epochs", "max_epochs", "num_train_epochs", "n_epochs"]),
    ("weight_decay", &["weight_decay", "wd"]),
    ("momentum", &["momentum"]),
    ("warmup_steps", &["warmup_steps", "warmup_iters", "num_warmup_steps", "lr_warmup_steps"]),
    ("schedule", &["schedule", "scheduler", "lr_scheduler_type", "lr_scheduler", "lr_decay_style", "sched"]),
    ("seed", &["seed", "random_seed", "random_state"]),
    ("command", &["command", "cmd", "command_line", "argv"]),
];

/// Whether the words in a column name the run that a row belongs to.
pub(crate) fn is_label(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [
        "run",
        "run_id",
        "run_name",
        "runid",
        "trial",
        "trial_id",
        "trial_name",
        "experiment",
        "experiment_name",
        "exp",
        "job",
        "run id",
    ]
    .contains(&lower.as_str())
}

/// Adds the facts that are known under one name for all tools, such as `lr` for `base_lr`. A fact
/// that already has that name stays as it is.
pub fn name_facts(facts: &mut BTreeMap<String, String>) {
    for (name, aliases) in KNOWN {
        if facts.contains_key(name) {
            continue;
        }
        let place = |key: &str| {
            let last = key.rsplit(['/', '.']).next().unwrap_or(key).to_ascii_lowercase().replace('-', "_");
            let last = last.strip_prefix("params_").or_else(|| last.strip_prefix("param_")).unwrap_or(&last);
            aliases.iter().position(|a| *a == last)
        };
        let best = facts.iter().filter_map(|(k, v)| Some((place(k)?, k.len(), v))).min();
        if let Some(value) = best.map(|(_, _, v)| v.clone()) {
            facts.insert(name.to_owned(), value);
        }
    }
}

/// Whether a name is that of a setting.
pub(crate) fn is_setting(name: &str) -> bool {
    let last = name.rsplit(['/', '.']).next().unwrap_or(name).to_ascii_lowercase().replace('-', "_");
    KNOWN.iter().any(|(_, aliases)| aliases.contains(&last.as_str()))
        || name.starts_with("params_")
        || name.starts_with("config/")
        || name.starts_with("config.")
        || ["dropout", "beta1", "beta2", "gamma", "width", "depth", "layers", "hidden", "n_layer", "n_head", "n_embd"]
            .contains(&last.as_str())
}
