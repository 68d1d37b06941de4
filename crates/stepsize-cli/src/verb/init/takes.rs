//! Which options of a command set the rate, the length and the seed: those of its command line, of
//! its help, and of the text of its script (argparse shows no defaults in its help).

/// Names of options for the rate, the most usual first; without dashes, in lower case with `_`.
const RATES: [&str; 14] = [
    "lr",
    "learning_rate",
    "base_lr",
    "max_lr",
    "peak_lr",
    "init_lr",
    "lr_init",
    "initial_lr",
    "lr0",
    "eta0",
    "eta",
    "base_learning_rate",
    "step_size",
    "alpha",
];
/// Names of options for the length in steps.
const STEPS: [&str; 16] = [
    "steps",
    "max_steps",
    "num_steps",
    "n_steps",
    "total_steps",
    "train_steps",
    "training_steps",
    "max_train_steps",
    "num_train_steps",
    "iterations",
    "num_iterations",
    "max_iterations",
    "iters",
    "max_iters",
    "num_iters",
    "total_iters",
];
/// Names of options for the length in epochs.
const EPOCHS: [&str; 7] =
    ["epochs", "num_epochs", "n_epochs", "max_epochs", "num_train_epochs", "total_epochs", "train_epochs"];
/// Names of options for the seed.
const SEEDS: [&str; 6] = ["seed", "random_seed", "manual_seed", "rng_seed", "random_state", "global_seed"];
/// How far from the name of an option its default stands.
const NEAR: usize = 240;

/// What is known of a script: where to look for its options.
pub struct ScriptFacts<'a> {
    /// The command as given.
    pub words: &'a [String],
    /// What it says for `--help`.
    pub help: &'a str,
    /// Its script.
    pub source: &'a str,
}

/// An option of the command.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TakenOption {
    /// As it is typed; `None` if there is none.
    pub option: Option<String>,
    /// Its value where it is not given.
    pub default: Option<f64>,
}

/// What the command takes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Takes {
    pub rate: TakenOption,
    pub length: TakenOption,
    pub seed: TakenOption,
    /// Whether it reads its rate from `STEPSIZE_LR`.
    pub environment: bool,
    epochs: bool,
    /// Placeholders that the command has already.
    there: Vec<&'static str>,
}

/// Whether a word has a place for a value of a trial.
pub fn has_placeholder(word: &str) -> bool {
    ["{lr", "{steps}", "{seed}", "{trial"].iter().any(|name| word.contains(name))
}

impl Takes {
    pub fn new(asked: &ScriptFacts<'_>) -> Self {
        let steps = find(asked, &STEPS);
        let epochs = find(asked, &EPOCHS);
        let in_steps = steps.option.is_some();
        let there = ["lr", "steps", "seed"]
            .into_iter()
            .filter(|name| asked.words.iter().any(|word| word.contains(&format!("{{{name}"))))
            .collect();
        Self {
            rate: find(asked, &RATES),
            length: if in_steps { steps } else { epochs },
            seed: find(asked, &SEEDS),
            environment: asked.source.contains("STEPSIZE_LR"),
            epochs: !in_steps,
            there,
        }
    }

    /// Whether its length is counted in epochs.
    pub fn in_epochs(&self) -> bool {
        self.epochs && self.length.option.is_some()
    }

    /// The command with its placeholders: in the place of the values that it was given with, or
    /// behind it.
    pub fn command(&self, words: &[String]) -> Vec<String> {
        let mut full = words.to_vec();
        for (name, taken) in [("lr", &self.rate), ("steps", &self.length), ("seed", &self.seed)] {
            let Some(option) = taken.option.as_ref().filter(|_| !self.there.contains(&name)) else { continue };
            if name == "lr" && self.environment {
                continue;
            }
            let place = format!("{{{name}}}");
            let given = full.iter().position(|word| word == option || word.starts_with(&format!("{option}=")));
            match given {
                Some(at) if full[at].contains('=') => full[at] = format!("{option}={place}"),
                Some(at) if at + 1 < full.len() => full[at + 1] = place,
                _ if option.starts_with('-') => full.extend([option.clone(), place]),
                _ => full.push(format!("{option}={place}")),
            }
        }
        full
    }

    /// What was found, a line each.
    pub fn comments(&self) -> Vec<String> {
        let one = |what: &str, name: &str, taken: &TakenOption, without: &str| match &taken.option {
            _ if self.there.contains(&name) => format!("{what}: {{{name}}}, as given."),
            _ if name == "lr" && self.environment => format!("{what}: STEPSIZE_LR in its environment."),
            Some(option) => match taken.default {
                Some(default) => format!("{what}: {option}, {default} by default."),
                None => format!("{what}: {option}."),
            },
            None => format!("{what}: {without}"),
        };
        vec![
            one("Rate", "lr", &self.rate, "no option found."),
            one("Length", "steps", &self.length, "no option found; the first parts of full runs are compared."),
            one("Seed", "seed", &self.seed, "no option found; runs differ by chance alone."),
        ]
    }

    /// What to say of a command that takes no rate.
    pub fn no_rate(&self, words: &[String]) -> String {
        let typed = words.iter().map(|word| stepsize_study::executor::typed(word)).collect::<Vec<_>>().join(" ");
        format!(
            "no option for the learning rate was found in the help or in the script of `{typed}` (looked for --lr, \
             --learning-rate, ...); put {{lr}} where the rate belongs: `stepsize init -- {typed} --rate {{lr}}`, or let it read \
             the environment variable STEPSIZE_LR"
        )
    }
}

/// The option of one of these names: as given, of the help, or of the script.
fn find(asked: &ScriptFacts<'_>, names: &[&str]) -> TakenOption {
    let given = asked.words.iter().filter_map(|word| {
        let option = word.split('=').next()?;
        (option.starts_with("--") || word.contains('=')).then(|| option.to_owned())
    });
    let told = options(asked.help);
    let written = options(asked.source);
    let all: Vec<String> = given.chain(told).chain(written).collect();
    let named = |name: &str| all.iter().find(|option| plain(option) == name).cloned();
    let Some(option) = names.iter().find_map(|name| named(name)) else { return TakenOption::default() };
    let value = asked.words.iter().position(|word| word.split('=').next() == Some(&option)).and_then(|at| {
        let word = &asked.words[at];
        word.split_once('=').map(|(_, value)| value).or(asked.words.get(at + 1).map(String::as_str))?.parse().ok()
    });
    let default = value.or_else(|| default_in(asked.help, &option)).or_else(|| default_in(asked.source, &option));
    TakenOption { option: Some(option), default }
}

/// The long options in a text.
fn options(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, _) in text.match_indices("--") {
        let before = text[..at].chars().next_back().unwrap_or(' ');
        let name: String =
            text[at + 2..].chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
        let option = format!("--{name}");
        if !name.is_empty() && !before.is_alphanumeric() && before != '-' && !found.contains(&option) {
            found.push(option);
        }
    }
    found
}

/// The name of an option without its dashes and the groups before it.
fn plain(option: &str) -> String {
    let name = option.trim_start_matches('-').to_lowercase().replace('-', "_");
    name.rsplit('.').next().unwrap_or_default().to_owned()
}

/// The default of an option, where it stands near it: `default=0.1`, `(default: 0.1)`, `[default:
/// 0.1]`, `[0.1]` of no other.
fn default_in(text: &str, option: &str) -> Option<f64> {
    let whole = |at: &usize| {
        let next = text[at + option.len()..].chars().next().unwrap_or(' ');
        !(next.is_ascii_alphanumeric() || next == '-' || next == '_')
    };
    text.match_indices(option).map(|(at, _)| at).filter(whole).find_map(|at| {
        let rest = &text[at + option.len()..];
        let end = rest.char_indices().map(|(i, _)| i).find(|i| *i >= NEAR).unwrap_or(rest.len());
        let near = &rest[..end];
        // Not beyond the next option.
        let near = near.find(" --").or(near.find("\"--")).or(near.find("'--")).map_or(near, |next| &near[..next]);
        let after = &near[near.find("default")? + "default".len()..];
        let number: String = after
            .trim_start_matches(|c: char| c.is_whitespace() || "=:( ".contains(c))
            .chars()
            .take_while(|c| c.is_ascii_digit() || ".eE+-_".contains(*c))
            .filter(|c| *c != '_')
            .collect();
        number.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(line: &str, help: &str, source: &str) -> (String, Takes) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let takes = Takes::new(&ScriptFacts { words: &words, help, source });
        (takes.command(&words).join(" "), takes)
    }

    #[test]
    fn options_are_found_in_a_help_in_a_script_and_on_the_command_line() {
        let help =
            "usage: train.py [-h] [--lr LR] [--max-steps N]\n  --lr LR       rate (default: 0.01)\n  --max-steps N\n";
        let (line, found) = takes("python train.py", help, "");
        assert_eq!(line, "python train.py --lr {lr} --max-steps {steps}");
        assert_eq!((found.rate.default, found.length.default, found.in_epochs()), (Some(0.01), None, false));
        let source = "p.add_argument('--learning_rate', type=float, default=3e-4)\np.add_argument(\"--epochs\", type=int,\n    \
                      default=1_0)\np.add_argument('--seed', default=0, type=int)";
        let (line, found) = takes("python t.py --seed 3", "", source);
        assert_eq!(line, "python t.py --seed {seed} --learning_rate {lr} --epochs {steps}");
        assert_eq!((found.rate.default, found.length.default, found.in_epochs()), (Some(3e-4), Some(10.0), true));
        assert_eq!(takes("./t optim.lr=0.1 max_steps=7 x", "", "").0, "./t optim.lr={lr} max_steps={steps} x");
        assert_eq!(takes("./t --rate {lr:sci} -n {steps}", help, "").0, "./t --rate {lr:sci} -n {steps}");
        assert_eq!(takes("./t", "--lr-decay X  default: 3\n--xlr 3", "").1.rate, TakenOption::default());
    }
}
