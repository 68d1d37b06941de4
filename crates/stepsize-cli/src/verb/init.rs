//! `stepsize init`: a `stepsize.toml` from a dry run of the user's training command: which options
//! it takes, what it prints, and by which metric trials would be compared.

mod shown;
mod takes;

use crate::args::InitArgs;
use crate::done::{Done, Fault};
use crate::files;
use crate::project::{NAME, schema};
use shown::Shown;
use std::path::Path;
use std::time::Duration;
use stepsize::{Job, Lr, Schedule, TrialId};
use stepsize_draw::number::{count, seconds};
use stepsize_study::executor::{RateFrom, Template, Values, dry_run, typed};
use takes::{ScriptFacts, Takes};

/// A script that takes no `--help` begins to train: it is ended then.
const HELP: Duration = Duration::from_secs(20);
/// A rate for the dry run where the command names none: low enough for most jobs not to break.
const RATE: f64 = 1e-3;
/// Steps of the dry run. Where a length is counted in epochs, this many of them.
const STEPS: u64 = 20;
const EPOCHS: u64 = 1;
/// Scripts that are looked for where no command is given.
const SCRIPTS: [&str; 3] = ["train.py", "main.py", "run.py"];
/// Directory of a dry run that asks for one.
const DIRECTORY: &str = "stepsize-dry-run";

/// Looks, runs, writes.
pub fn run(args: &InitArgs) -> Result<Done, Fault> {
    if args.schema {
        return Ok(Done::answer(format!("{:#}\n", schema::schema())));
    }
    let place = Path::new(NAME);
    if place.exists() && !args.force {
        return Err(Fault::usage(format!("{NAME} is there already; edit it, or write it anew with --force")));
    }
    let words = match args.argv.as_slice() {
        [] => guessed()?,
        words => words.to_vec(),
    };
    let takes = asked(&words)?;
    let command = takes.command(&words);
    let template = Template::new(&command, if takes.environment { RateFrom::Environment } else { RateFrom::Arguments });
    let template = template.map_err(|_| Fault::usage(takes.no_rate(&words)))?;
    let steps = if takes.in_epochs() { EPOCHS } else { STEPS };
    eprintln!("note: dry run of `{}`, at most {} s", typed_all(&command), args.timeout.as_secs());
    let shown = tried(&template, takes.rate.default.unwrap_or(RATE), steps, args)?;
    let choice = shown.choice(args.metric.as_deref());
    let length = args.steps.or(takes.length.default.map(|length| length as u64));
    let length = length.or_else(|| shown.length().filter(|_| !template.has("steps") && shown.ended));
    let text = written(&command, &takes, &shown, &choice, length);
    files::write(place, text.as_bytes())?;
    let mut lines = vec![format!("wrote {NAME}:"), String::new()];
    lines.extend(text.lines().map(|line| format!("  {line}")));
    lines.push(String::new());
    lines.extend(shown.seconds_per_step().map(|each| {
        format!("a step took about {}; `stepsize find --dry-run` says with which trials a search begins", seconds(each))
    }));
    lines.push(match (length.is_some(), choice.is_ok()) {
        (true, true) => "next: stepsize find".to_owned(),
        (false, _) => format!("next: write the length of the full run as `steps` in {NAME}, then `stepsize find`"),
        (true, false) => format!("next: say in {NAME} where the metric is, then `stepsize find`"),
    });
    Ok(Done::answer(lines.join("\n") + "\n"))
}

/// The command where none was given.
fn guessed() -> Result<Vec<String>, Fault> {
    match SCRIPTS.into_iter().find(|script| Path::new(script).is_file()) {
        Some(script) => Ok(vec!["python".to_owned(), script.to_owned()]),
        None => Err(Fault::usage(format!(
            "there is no {} here; name your training command: `stepsize init -- python my_training.py`",
            SCRIPTS.join(", ")
        ))),
    }
}

/// What the command says that it takes: in its help, and in the text of its script.
fn asked(words: &[String]) -> Result<Takes, Fault> {
    let mut help = words.iter().filter(|word| !takes::has_placeholder(word)).cloned().collect::<Vec<_>>();
    if words.iter().any(|word| takes::has_placeholder(word)) {
        // An option before a placeholder would lack its value.
        help.truncate(words.iter().take_while(|word| !word.starts_with('-')).count().max(1));
    }
    help.push("--help".to_owned());
    let mut text = String::new();
    let ran = dry_run(&help, &[], HELP, |line| {
        text.push_str(line);
        text.push('\n');
        false
    })?;
    if !ran.exit.is_some_and(|status| status.success()) {
        text.clear(); // no help
    }
    let script = words.iter().map(Path::new).find(|path| path.is_file() && path.extension().is_some_and(|e| e == "py"));
    let source = script.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    Ok(Takes::new(&ScriptFacts { words, help: &text, source: &source }))
}

/// Runs the command for a few steps.
fn tried(template: &Template, rate: f64, steps: u64, args: &InitArgs) -> Result<Shown, Fault> {
    let lr = Lr::new(rate).or_else(|_| Lr::new(RATE))?;
    let job = Job::new(steps, Schedule::constant(), 0)?;
    let directory = std::env::temp_dir().join(format!("{DIRECTORY}-{}", std::process::id()));
    if template.has("trial_dir") {
        std::fs::create_dir_all(&directory).map_err(|e| Fault::failure(format!("{}: {e}", directory.display())))?;
    }
    let values = Values::new(TrialId(0), &job.trial(lr, steps, 0)?, steps, &directory);
    let mut shown = Shown::default();
    let ran = dry_run(&template.words(&values), &values.environment(), args.timeout, |line| {
        shown.line(line);
        // A command that takes no length is not run to its end.
        !template.has("steps") && shown.has_seen_enough()
    });
    let _ = std::fs::remove_dir_all(&directory);
    let ran = ran?;
    shown.end(&ran);
    match ran.exit {
        Some(status) if !status.success() => {
            Err(Fault::failure(format!("the dry run of `{}` ended with {status}:\n{}", template.text(), shown.tail())))
        }
        _ => Ok(shown),
    }
}

/// The words as a person types them.
fn typed_all(words: &[String]) -> String {
    words.iter().map(|word| typed(word)).collect::<Vec<_>>().join(" ")
}

/// The text of the file.
fn written(
    command: &[String],
    takes: &Takes,
    shown: &Shown,
    choice: &Result<stepsize_logs::Choice, String>,
    length: Option<u64>,
) -> String {
    let mut lines = vec![
        "# What `stepsize find` and the other searches take from this project. Options that are typed win.".to_owned(),
        "# The keys: https://github.com/stepsize/stepsize/blob/main/docs/project-file.md".to_owned(),
        String::new(),
    ];
    lines.extend(takes.comments().into_iter().map(|line| format!("# {line}")));
    lines.push(format!("command = [{}]", command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ")));
    if takes.environment {
        lines.push("lr-from-env = true".to_owned());
    }
    lines.push(String::new());
    lines.push(format!("# It prints {}.", shown.names()));
    match choice {
        Ok(choice) => {
            lines.push(format!("metric = {}", quoted(&choice.metric)));
            if choice.maximize {
                lines.push("maximize = true".to_owned());
            }
        }
        Err(why) => {
            lines.extend(why.lines().map(|line| format!("# {line}")));
            lines.push("# If it writes files instead: log = \"{trial_dir}/**/metrics.csv\"".to_owned());
            lines.push("# metric = \"val_loss\"".to_owned());
        }
    }
    lines.push(String::new());
    let unit = match (&takes.length.option, takes.in_epochs()) {
        (Some(option), true) => format!("epochs, as {option} counts them"),
        (Some(option), false) => format!("the unit of {option}"),
        (None, _) => "the unit of its log".to_owned(),
    };
    lines.push(format!("# The length of the full run, in {unit}."));
    match length {
        Some(length) => lines.push(format!("steps = {length}")),
        None => {
            let seen = shown.length().map_or(String::new(), |n| format!("; the dry run reached {}", count(n)));
            lines.push(format!("# Not known from its help{seen}. Write it here:"));
            lines.push("# steps = 1000".to_owned());
        }
    }
    lines.extend(
        [
            "",
            "# Most that a search may spend, in full runs.",
            "# budget = 0.625",
            "# Trials at once, and where: slurm, slurm:PARTITION, ray://HOST:8265.",
            "# jobs = 1",
            "# on = \"slurm\"",
            "# Price of one trial-hour, and the most that a search may cost.",
            "# price-per-hour = 2.5",
            "# max-price = 20",
        ]
        .map(str::to_owned),
    );
    lines.join("\n") + "\n"
}

/// A text of TOML.
fn quoted(text: &str) -> String {
    let plain = !text.contains(['"', '\\']) && !text.chars().any(char::is_control);
    if plain { format!("\"{text}\"") } else { serde_json::Value::from(text).to_string() }
}
