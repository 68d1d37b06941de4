//! [`settings`]: what a line says about the configuration of a run.

/// What a line says about the configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Settings {
    /// Names and values.
    pub facts: Vec<(String, String)>,
    /// Whether the line looks like the start of a program.
    pub start: bool,
    /// Whether all its numbers are settings, none a reading.
    pub only: bool,
}

/// Names that are settings at the start of a line: `optimizer: adamw`.
const NAMES: [&str; 39] = [
    "lr",
    "learning_rate",
    "base_lr",
    "max_lr",
    "min_lr",
    "lr0",
    "lrf",
    "optimizer",
    "optim",
    "batch_size",
    "batch-size",
    "weight_decay",
    "momentum",
    "warmup_steps",
    "warmup_iters",
    "warmup",
    "max_steps",
    "max_iters",
    "num_epochs",
    "epochs",
    "num_classes",
    "seed",
    "lr_scheduler_type",
    "scheduler",
    "schedule",
    "dropout",
    "block_size",
    "n_layer",
    "n_head",
    "n_embd",
    "grad_clip",
    "gradient_accumulation_steps",
    "lr_decay_iters",
    "dataset",
    "lernrate",
    "tasa de aprendizaje",
    "taxa de aprendizado",
    "taux d'apprentissage",
    "tasso di apprendimento",
];

/// Bytes of a line in which it says that a program starts, the marks of a logger before it
/// included.
const HEAD: usize = 128;

/// Reads a line.
pub(crate) fn settings(line: &str) -> Settings {
    let mut out = Settings::default();
    let trimmed = line.trim();
    if let Some(command) = command(trimmed) {
        out.facts.push(("command".to_owned(), command.to_owned()));
        flags(command, &mut out.facts);
        (out.start, out.only) = (true, true);
    } else if trimmed.strip_prefix("--").is_some_and(|flag| flag.starts_with(|c: char| c.is_ascii_alphabetic())) {
        // The flags of a command, a line each.
        flags(trimmed, &mut out.facts);
        (out.start, out.only) = (true, true);
    } else if let Some(inside) = between(trimmed, "Namespace(").or_else(|| between(trimmed, "TrainingArguments(")) {
        assignments(inside, ',', &mut out.facts);
        (out.start, out.only) = (true, true);
    } else if let Some((name, value)) = single(trimmed).or_else(|| single(bare(trimmed)?)) {
        match value.contains('=') {
            // `optimizer: lr=0.1,momentum=0.9` tells its settings and not its name.
            true => assignments(value, ',', &mut out.facts),
            false => out.facts.push((name.to_owned(), value.to_owned())),
        }
        (out.start, out.only) = (true, true);
    } else {
        // Each of the phrases holds `num`, `run` or `sta`.
        let head = trimmed.as_bytes().get(..HEAD).unwrap_or(trimmed.as_bytes());
        let at = |at: usize| head.get(at).map_or(0, u8::to_ascii_lowercase);
        let may = memchr::memchr2_iter(b'u', b'U', head).any(|u| u > 0 && matches!(at(u - 1), b'n' | b'r'))
            || memchr::memchr2_iter(b's', b'S', head).any(|s| at(s + 1) == b't' && at(s + 2) == b'a');
        if !may {
            return out;
        }
        let lower = trimmed.get(..HEAD.min(trimmed.len())).unwrap_or("").to_ascii_lowercase();
        out.start = [
            "number of parameters",
            "num parameters",
            "num decayed",
            "***** running training",
            "start training",
            "starting training",
        ]
        .iter()
        .any(|s| lower.contains(s));
    }
    out
}

/// The line without what a logger puts before it, and the mark of a list: `INFO   * lr: 0.001`.
fn bare(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(['*', '-', ' ', '\t']);
    (rest.len() < line.len()).then_some(rest)
}

/// A command line: after a prompt, or of an interpreter with flags.
fn command(line: &str) -> Option<&str> {
    let rest =
        line.strip_prefix("$ ").or_else(|| line.strip_prefix("+ ")).or_else(|| line.strip_prefix("> ")).unwrap_or(line);
    let rest = rest.strip_prefix("Command: ").or_else(|| rest.strip_prefix("command: ")).unwrap_or(rest);
    let program = rest.split_whitespace().next()?.rsplit('/').next()?;
    let known = ["python", "python3", "torchrun", "accelerate", "deepspeed", "srun", "mpirun", "uv"].contains(&program)
        || program.ends_with(".py") && rest.contains(" --");
    (known && rest.contains(' ')).then_some(rest)
}

/// `--name value`, `--name=value` and `name=value` of a command line.
fn flags(command: &str, out: &mut Vec<(String, String)>) {
    let mut words = command.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let name = word.trim_start_matches('-');
        let flag = word.len() > name.len();
        if let Some((name, value)) = name.split_once('=') {
            out.push((name.to_owned(), value.trim_matches(['"', '\'']).to_owned()));
        } else if let Some(value) = words.peek().filter(|v| flag && (!v.starts_with('-') || v.parse::<f64>().is_ok())) {
            out.push((name.to_owned(), (*value).to_owned()));
        }
    }
}

fn between<'a>(line: &'a str, open: &str) -> Option<&'a str> {
    memchr::memchr(b'(', line.as_bytes())?;
    let start = line.find(open)? + open.len();
    line.get(start..)?.rsplit_once(')').map(|(inside, _)| inside)
}

/// `a=1, b='x'`.
fn assignments(text: &str, separator: char, out: &mut Vec<(String, String)>) {
    for part in text.split(separator).take(512) {
        if let Some((name, value)) = part.split_once('=') {
            out.push((name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()));
        }
    }
}

/// A line that is one setting, as configurations are printed: `learning_rate: 0.001`, `batch_size =
/// 64`.
fn single(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once([':', '='])?;
    let (name, value) =
        (name.trim().trim_matches(['"', '\'']), value.trim().trim_end_matches([',', '}']).trim_matches(['"', '\'']));
    let known = NAMES.iter().any(|n| name.eq_ignore_ascii_case(n));
    (known && !value.is_empty() && value.len() < 64 && !value.contains([' ', '{', '['])).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::settings;

    #[track_caller]
    fn fact(line: &str, name: &str, value: &str) {
        let seen = settings(line);
        assert!(seen.facts.contains(&(name.to_owned(), value.to_owned())), "{line}: {seen:?}");
    }

    #[test]
    fn reads_configurations() {
        fact("$ python train.py --lr 3e-4 --optimizer=adamw", "lr", "3e-4");
        fact("python3 -m torch.distributed.run train.py --lr=0.1", "lr", "0.1");
        fact("Namespace(lr=0.001, opt='sgd', epochs=3)", "opt", "sgd");
        fact("optimizer: lr=0.001", "lr", "0.001");
        assert_eq!(settings("optimizer: lr=0.001").facts.len(), 1);
        fact("learning_rate = 0.001", "learning_rate", "0.001");
        fact("  optimizer: AdamW", "optimizer", "AdamW");
        fact("  \t * lr: 0.001", "lr", "0.001");
        for line in ["loss: 0.5", "epoch 3, lr 0.1, loss 2", "lr: 0.1 loss: 3", "step 5: loss 2"] {
            assert!(!settings(line).only, "{line}");
        }
    }
}
