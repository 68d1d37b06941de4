//! `--notify CMD`: a command that is run at the end of a search or a training run, however it ends.
//! The result is in its environment and in its placeholders; its input is the text of the answer.

use crate::args::{Cli, Verb};
use crate::done::{Done, Fault, Told};
use crate::project::split;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use stepsize_study::executor::NamedTemplate;

/// What it is told: the placeholders, and in upper case behind `STEPSIZE_` the variables.
pub const FACTS: [&str; 11] =
    ["verb", "result", "exit_code", "message", "lr", "lr_low", "lr_high", "cost", "seconds", "price", "name"];
/// A command that takes longer is ended: it holds up whoever waits for this process.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often its end is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// A command to be run at the end.
pub struct Notify {
    template: NamedTemplate,
    text: String,
    verb: &'static str,
    study: String,
}

impl Notify {
    /// That of the verb, if one was asked for. Its program is looked for before anything else runs.
    pub fn new(cli: &Cli) -> Result<Option<Self>, Fault> {
        let (verb, asked, study) = match &cli.verb {
            Verb::Find(args) => ("find", &args.output.reach.notify, &args.output.kept.study),
            Verb::Sweep(args) => ("sweep", &args.output.reach.notify, &args.output.kept.study),
            Verb::RangeTest(args) => ("range-test", &args.output.reach.notify, &args.output.kept.study),
            Verb::Compare(args) => ("compare", &args.reach.notify, &args.kept.study),
            Verb::Train(args) => ("train", &args.notify, &None),
            _ => return Ok(None),
        };
        let Some(text) = asked else { return Ok(None) };
        let fault = |why: String| Fault::usage(format!("--notify {text}: {why}"));
        let words = split(text).map_err(fault)?;
        let template = NamedTemplate::new(&words, &FACTS).map_err(|e| fault(e.to_string()))?;
        if let Some(program) = words.first().filter(|program| !is_there(program)) {
            return Err(fault(format!("there is no program {program}; a line for a shell is 'sh -c \"...\"'")));
        }
        let study = study.clone().unwrap_or_default();
        Ok(Some(Self { template, text: text.clone(), verb, study }))
    }

    /// Says how it ended, with the last exit code. A failure of the command is a note: the result
    /// stands.
    pub fn send(&self, told: &Told, code: u8) {
        if let Err(why) = self.run(told, code) {
            eprintln!("note: --notify {}: {why}", self.text);
        }
    }

    fn run(&self, told: &Told, code: u8) -> Result<(), String> {
        let value = |name: &str| match name {
            "verb" => self.verb.to_owned(),
            "name" => self.study.clone(),
            "exit_code" => code.to_string(),
            "result" => told.result(self.verb == "train").to_owned(),
            "message" => told.message.clone(),
            name => told.facts.iter().find(|(known, _)| *known == name).map_or(String::new(), |(_, v)| v.clone()),
        };
        let words = self.template.words(value);
        let Some((program, arguments)) = words.split_first() else { return Ok(()) };
        let mut command = Command::new(program);
        let variables = FACTS.iter().map(|name| (format!("STEPSIZE_{}", name.to_uppercase()), value(name)));
        // Its own output goes with the notes: standard output is for the answer.
        command.args(arguments).envs(variables).env_remove("STEPSIZE_STUDY").stdin(Stdio::piped());
        command.stdout(std::io::stderr());
        let mut child = command.spawn().map_err(|e| e.to_string())?;
        if let Some(mut input) = child.stdin.take() {
            let text = told.text.clone();
            // In a thread: a command that does not read would hold up a long text.
            std::thread::spawn(move || input.write_all(text.as_bytes()));
        }
        let begin = Instant::now();
        loop {
            match child.try_wait().map_err(|e| e.to_string())? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("it ended with {status}")),
                None if begin.elapsed() > PATIENCE => {
                    let _ = child.kill().and_then(|()| child.wait());
                    return Err(format!("it was ended after {} s", PATIENCE.as_secs()));
                }
                None => std::thread::sleep(LOOK),
            }
        }
    }
}

/// Whether a program can be found. A name with a placeholder is not known yet.
fn is_there(program: &str) -> bool {
    if program.contains('{') {
        return true;
    }
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

impl Told {
    /// The word for how it ended; `train` when it is a training run.
    fn result(&self, train: bool) -> &'static str {
        match (self.code, train) {
            (0, true) => "finished",
            (0, false) => "answer",
            (code, _) => Done::word_of(code),
        }
    }
}
