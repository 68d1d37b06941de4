//! Which facts mean what: names of settings in the words of many tools, under one name each.

use std::collections::BTreeMap;

/// One name for a setting, and what the tools call it: compared in lower case by the last part of a path.
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

/// Columns whose words say to which run a row belongs.
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

/// Adds to facts what is known under one name for all tools; what the log itself says under that name stays.
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

/// Whether a name is one of a setting.
pub(crate) fn is_setting(name: &str) -> bool {
    let last = name.rsplit(['/', '.']).next().unwrap_or(name).to_ascii_lowercase().replace('-', "_");
    KNOWN.iter().any(|(_, aliases)| aliases.contains(&last.as_str()))
        || name.starts_with("params_")
        || name.starts_with("config/")
        || name.starts_with("config.")
        || ["dropout", "beta1", "beta2", "gamma", "width", "depth", "layers", "hidden", "n_layer", "n_head", "n_embd"]
            .contains(&last.as_str())
}
