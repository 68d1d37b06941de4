//! The keys of `stepsize.toml`. Each is an option of a verb by its long name; what it does stands
//! in the help of that option. The reader, the messages and the schema for editors use this one
//! table.

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// `true` or `false`.
    Flag,
    /// A text.
    Text,
    /// A number.
    Number,
    /// A whole number, or a text such as `10k`.
    Count,
    /// Seconds, or a text such as `30m`.
    Time,
    /// A list of texts or numbers, or one of them.
    List,
    /// The same, for an option that is typed once for each.
    Repeated,
    /// A command: a list of words, or a text that is split at its blanks.
    Command,
}

/// One key.
#[derive(Debug)]
pub struct ProjectKey {
    /// Its name, and that of the option.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: KeyKind,
    /// The verbs for which it counts outside the table of a verb.
    pub verbs: &'static [&'static str],
}

/// The verbs that may have a table of their own.
pub const TABLES: [&str; 6] = ["find", "sweep", "range-test", "compare", "train", "diagnose"];

const SEARCHES: &[&str] = &["find", "sweep", "range-test", "compare"];
const RATES: &[&str] = &["find", "sweep", "range-test"];
const READERS: &[&str] = &["find", "sweep", "range-test", "compare", "diagnose"];
const TRAINED: &[&str] = &["find", "sweep", "range-test", "compare", "train"];
const PLACED: &[&str] = &["find", "sweep", "range-test", "compare", "doctor"];
const KEPT: &[&str] =
    &["find", "sweep", "range-test", "compare", "studies", "show", "resume", "export", "rm", "doctor", "serve"];
/// A length in runs, a guess or a span fits one kind of search only.
const FIND: &[&str] = &["find"];
/// In the table of a verb only.
const OWN: &[&str] = &[];

const fn key(name: &'static str, kind: KeyKind, verbs: &'static [&'static str]) -> ProjectKey {
    ProjectKey { name, kind, verbs }
}

/// All keys, in the order in which a person writes them.
pub const KEYS: [ProjectKey; 69] = [
    key("command", KeyKind::Command, SEARCHES),
    key("shell", KeyKind::Flag, SEARCHES),
    key("lr-from-env", KeyKind::Flag, SEARCHES),
    key("metric", KeyKind::Text, READERS),
    key("maximize", KeyKind::Flag, READERS),
    key("step", KeyKind::Text, READERS),
    key("regex", KeyKind::Text, READERS),
    key("log", KeyKind::Text, SEARCHES),
    key("steps", KeyKind::Count, TRAINED),
    key("epochs", KeyKind::Number, TRAINED),
    key("schedule", KeyKind::Text, TRAINED),
    key("seed", KeyKind::Count, TRAINED),
    key("jobs", KeyKind::Count, TRAINED),
    key("gpus", KeyKind::List, SEARCHES),
    key("timeout", KeyKind::Time, SEARCHES),
    key("trials", KeyKind::Text, PLACED),
    key("budget", KeyKind::Number, FIND),
    key("start", KeyKind::Number, FIND),
    key("on", KeyKind::Text, PLACED),
    key("cpus", KeyKind::Count, PLACED),
    key("gpus-per-run", KeyKind::Count, PLACED),
    key("submit-arg", KeyKind::Repeated, PLACED),
    key("poll", KeyKind::Time, PLACED),
    key("price-per-hour", KeyKind::Number, RATES),
    key("max-price", KeyKind::Number, RATES),
    key("max-time", KeyKind::Time, SEARCHES),
    key("seconds-per-step", KeyKind::Number, SEARCHES),
    key("retries", KeyKind::Count, SEARCHES),
    key("notify", KeyKind::Command, SEARCHES),
    key("log-to", KeyKind::Repeated, SEARCHES),
    key("db", KeyKind::Text, KEPT),
    key("data", KeyKind::Text, TRAINED),
    key("target", KeyKind::Text, TRAINED),
    key("task", KeyKind::Text, TRAINED),
    key("model", KeyKind::Text, TRAINED),
    key("optimizer", KeyKind::Text, TRAINED),
    key("batch-size", KeyKind::Count, TRAINED),
    key("weight-decay", KeyKind::Number, TRAINED),
    key("clip-norm", KeyKind::Number, TRAINED),
    key("val-fraction", KeyKind::Number, TRAINED),
    key("study", KeyKind::Text, OWN),
    key("probe", KeyKind::Text, OWN),
    key("pruner", KeyKind::Text, OWN),
    key("low", KeyKind::Number, OWN),
    key("high", KeyKind::Number, OWN),
    key("per-decade", KeyKind::Count, OWN),
    key("seeds", KeyKind::Count, OWN),
    key("random", KeyKind::Count, OWN),
    key("rule", KeyKind::Text, OWN),
    key("linear", KeyKind::Flag, OWN),
    key("trial-steps", KeyKind::Count, OWN),
    key("ways", KeyKind::List, OWN),
    key("then-run", KeyKind::Flag, OWN),
    key("then-train", KeyKind::Text, OWN),
    key("png", KeyKind::Text, OWN),
    key("svg", KeyKind::Text, OWN),
    key("report", KeyKind::Text, OWN),
    key("lr", KeyKind::Number, OWN),
    key("controller", KeyKind::Text, OWN),
    key("evaluations", KeyKind::Count, OWN),
    key("early-stop", KeyKind::Count, OWN),
    key("curve", KeyKind::Text, OWN),
    key("tensorboard", KeyKind::Text, OWN),
    key("best", KeyKind::Text, OWN),
    key("checkpoint-every", KeyKind::Count, OWN),
    key("grad-norms", KeyKind::Flag, OWN),
    key("classes", KeyKind::Count, OWN),
    key("fail-on", KeyKind::List, OWN),
    key("strict", KeyKind::Flag, OWN),
];

/// Whether any key counts for this verb.
pub fn reach(verb: &str) -> bool {
    TABLES.contains(&verb) || KEYS.iter().any(|key| key.verbs.contains(&verb))
}
