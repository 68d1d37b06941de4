//! Names of settings: what many tools call a setting, and the one name under which it is known
//! here.

use std::collections::BTreeMap;

/// The name of a setting and what tools call it, in lower case; the last part of a path is
/// compared.
const KNOWN: [(&str, &[&str]); 12] = [
    (
        "lr",
        &[
            "initial_lr",
            "lr",
            "learning_rate",
            "learningrate",
            "learn_rate",
            "lr0",
            "base_lr",
            "max_lr",
            "peak_lr",
            "init_lr",
            "start_lr",
            "lr_init",
            "lr_max",
            "lr_base",
            "initial_learning_rate",
            "init_learning_rate",
            "starting_lr",
            "base_learning_rate",
            "max_learning_rate",
            "peak_learning_rate",
            "eta",
            "lernrate",
            "tasa de aprendizaje",
            "taxa de aprendizado",
            "taux d'apprentissage",
            "tasso di apprendimento",
        ],
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
        "experiment_tag",
    ]
    .contains(&lower.as_str())
}

/// Whether a name in lower case is an alias, whose words may stand apart: `Learning Rate`.
fn is_alias(alias: &str, name: &str) -> bool {
    let joined = |c: char| if c == ' ' { '_' } else { c };
    alias == name || alias.len() == name.len() && name.chars().map(joined).eq(alias.chars())
}

/// Adds the facts that are known under one name for all tools, such as `lr` for `base_lr`. A fact
/// that already has that name stays as it is.
pub fn name_facts(facts: &mut BTreeMap<String, String>) {
    for (name, aliases) in KNOWN {
        let initial = name == "lr" && facts.contains_key("initial_lr");
        if facts.contains_key(name) && !initial {
            continue;
        }
        let place = |key: &str| {
            // What a run ended with is no setting.
            if name == "lr" && is_result(key) {
                return None;
            }
            let last = key.rsplit(['/', '.']).next().unwrap_or(key).to_ascii_lowercase().replace('-', "_");
            let last = last.strip_prefix("params_").or_else(|| last.strip_prefix("param_")).unwrap_or(&last);
            aliases.iter().position(|a| is_alias(a, last))
        };
        let best = facts.iter().filter_map(|(k, v)| Some((place(k)?, k.len(), v))).min();
        if let Some(value) = best.map(|(_, _, v)| v.clone()) {
            facts.insert(name.to_owned(), value);
        }
    }
}

/// Words of a part of a document that holds results.
const RESULTS: [&str; 10] =
    ["summary", "result", "results", "final", "last", "best", "metrics", "scores", "stats", "history"];

/// Whether a part of a path is named as results are.
pub(crate) fn is_result(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(above, _)| {
        above.split(['/', '.', '_']).any(|part| RESULTS.iter().any(|word| part.eq_ignore_ascii_case(word)))
    })
}

/// Whether a name is that of the rate that is applied, not of the one with which a run begins.
pub(crate) fn is_applied(name: &str) -> bool {
    let last = name.rsplit(['/', '.']).next().unwrap_or(name).to_ascii_lowercase();
    matches!(last.as_str(), "lr" | "learning_rate" | "learning rate" | "learningrate")
}

/// Whether a name is that of a setting.
pub(crate) fn is_setting(name: &str) -> bool {
    let last = name.rsplit(['/', '.']).next().unwrap_or(name).to_ascii_lowercase().replace('-', "_");
    KNOWN.iter().any(|(_, aliases)| aliases.iter().any(|a| is_alias(a, &last)))
        || name.starts_with("params_")
        || name.starts_with("config/")
        || name.starts_with("config.")
        || ["dropout", "beta1", "beta2", "gamma", "width", "depth", "layers", "hidden", "n_layer", "n_head", "n_embd"]
            .contains(&last.as_str())
}
