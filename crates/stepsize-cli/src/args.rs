//! The command line as `clap` sees it. Help, completions and man pages are made from these texts.

mod cluster;
mod command;
mod compare;
mod demo;
mod diagnose;
mod init;
mod kept;
mod output;
mod playground;
mod serve;
mod task;
mod train;
mod transfer;

pub use cluster::{ClusterArgs, DoctorArgs};
pub use command::CommandArgs;
pub use compare::CompareArgs;
pub use demo::DemoArgs;
pub use diagnose::DiagnoseArgs;
pub use init::InitArgs;
pub use kept::{ExportArgs, ExportForm, ResumeArgs, ShowArgs};
pub use output::{DB, DrawArgs, FileArgs, FilesArgs, LimitArgs, NamedArgs, OutputArgs, ReachArgs, StudyArgs};
pub use playground::PlaygroundArgs;
pub use serve::{LiveArgs, ServeArgs};
pub use task::{TaskArgs, TaskKind};
pub use train::TrainArgs;
pub use transfer::{FamilyName, RefineArgs, TransferArgs};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::io::IsTerminal;
use std::path::PathBuf;
use stepsize::probe::RangeTestRule;
use stepsize::{Lr, defaults};
use stepsize_draw::show::Style;

const TUTORIAL: &str = "\
Stepsize answers one question: which learning rate should this training run use?

It trains for a fraction of the full length at a few rates, with the whole schedule squeezed into each short run. \
From these it predicts which rate will be best for the full run. It reports how sure it is, from which rate training \
diverges, and what the search cost. If the evidence is too thin, it says so and gives no rate.

  1. Find a rate:             stepsize find
  2. See why:                 stepsize find --report why.html
  3. Train with it:           stepsize train --lr 0.1
  4. On your own table:       stepsize find --data cars.csv --target price
  5. Another job:             stepsize find --model cnn --optimizer adamw --epochs 30
  6. Another schedule:        stepsize find --schedule 'warmup(10%) then cosine'
  7. Your own training:       stepsize find --steps 1000 -- ./train --lr {lr} --steps {steps}
  8. Logs you already have:   stepsize diagnose runs/

`stepsize help VERB` explains each verb. `stepsize help TOPIC` is the reference of schedules, controllers, optimizers, \
models, probes, codes, json, events, environment and exit-codes.";

const EXAMPLES: &str = "\
Words:
  lr         the base rate; the rate at a step is lr x schedule(step) x controller
  schedule   the rate over steps as a factor: constant, cosine, 'warmup(100) then cosine', ...
  run        one full training run; the cost of a search is counted in runs
  trial      one training run of a search, mostly a short one
  diverges   the loss explodes, or ends above that of the untrained network

Exit codes: 0 an answer, 3 refused (the evidence supports no answer), 2 wrong arguments, 1 failure,
130 interrupted; `stepsize help exit-codes` says more.
Results go to standard output, progress to standard error. NO_COLOR turns colour off.
Ctrl-C ends a search early and still reports what was learned. With --study NAME the same command
continues where it stopped, also after a crash; without it `stepsize resume last` continues the last
search of a command.";

/// Which learning rate should I use?
#[derive(Debug, Parser)]
#[command(name = "stepsize", version, about, long_about = TUTORIAL, after_long_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
    /// When to use colour; the default also obeys NO_COLOR
    #[arg(long, global = true, value_enum, default_value_t = ColourWhen::Auto, value_name = "WHEN", hide_possible_values = true)]
    color: ColourWhen,
    /// File with the settings of a project; `none` for no file [default: the nearest stepsize.toml
    /// upwards]
    #[arg(long, global = true, value_name = "FILE")]
    project: Option<PathBuf>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColourWhen {
    Auto,
    Always,
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write a stepsize.toml for a training command, from a dry run of it
    Init(InitArgs),
    /// Find the learning rate from short runs, with an 80 % interval and the cost
    Find(FindArgs),
    /// Learning-rate range test: one run with a rising rate (for a command: several short runs)
    RangeTest(RangeTestArgs),
    /// Sensitivity analysis: full runs over a grid of rates, with several seeds
    Sweep(SweepArgs),
    /// Compare ways to set the rate at equal compute, the cost of searching included
    Compare(CompareArgs),
    /// Train once at a given rate, with a schedule and a controller
    Train(TrainArgs),
    /// Judge training logs: was the rate too low, good or too high, what else is wrong, what to do
    Diagnose(DiagnoseArgs),
    /// Print, plot or convert a schedule
    Schedule(ScheduleArgs),
    /// Convert a tuned rate to another schedule, length or batch size, with its uncertainty
    Transfer(TransferArgs),
    /// Derive a schedule from the gradient norms of an earlier run
    Refine(RefineArgs),
    /// Show why the rate matters: a child who has seen ten black birds sees a yellow one
    Demo(DemoArgs),
    /// Play with the rate in the browser: schedules, a network at three rates, searches
    Playground(PlaygroundArgs),
    /// Show the studies of a file in the browser, while they run and afterwards
    Serve(ServeArgs),
    /// List the studies kept in a file
    Studies(FileArgs),
    /// Show the answer of a study again
    Show(ShowArgs),
    /// Continue a study where it stopped; `last` is the last search of a command without --study
    Resume(ResumeArgs),
    /// Export the events of a study for other tools
    Export(ExportArgs),
    /// Delete a study
    Rm(NamedArgs),
    /// Check that runs can start here or on a cluster, and say what to fix
    Doctor(DoctorArgs),
    /// Print the completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProbeName {
    /// Short runs with the schedule squeezed into each; picks the run that should teach most for
    /// its cost
    Race,
    /// Full runs over a grid of rates
    #[value(alias = "grid")]
    Sweep,
    /// Full runs at rates drawn log-uniformly
    Random,
    /// 0.1, 0.01, 0.001 ... until one works
    Descent,
    /// From far too high down to the first rate at which the loss falls at once; answers a
    /// hundredth of it
    FirstFall,
    /// One run with a rising rate
    RangeTest,
}

#[derive(Debug, Args)]
pub struct FindArgs {
    /// How to search
    #[arg(long, value_enum, default_value_t = ProbeName::Race)]
    pub probe: ProbeName,
    /// Spend at most this many full runs, 0.1 to 30 [default: what the probe needs; race:
    /// 0.625, or 1 for short runs]
    #[arg(long, alias = "max-cost", value_name = "RUNS", allow_negative_numbers = true)]
    pub budget: Option<f64>,
    /// First guess, where the search starts (race only)
    #[arg(long, value_name = "LR", allow_negative_numbers = true)]
    pub start: Option<Lr>,
    #[command(flatten)]
    pub span: SpanArgs,
    /// Start the full run of the command at the answer; the exit code is then its own. On a cluster
    /// submit it, as a cluster job of its own
    #[arg(long, requires = "argv")]
    pub then_run: bool,
    /// Train the built-in engine at the answer, keep the checkpoint in this file [stepsize.ckpt],
    /// and compare the result with what was predicted
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "stepsize.ckpt",
        conflicts_with = "argv")]
    pub then_train: Option<PathBuf>,
    #[command(flatten)]
    pub task: TaskArgs,
    #[command(flatten)]
    pub command: CommandArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Span of rates.
#[derive(Debug, Args)]
pub struct SpanArgs {
    /// Lowest rate tried (not with the probes race, descent and first-fall)
    #[arg(long, value_name = "LR", allow_negative_numbers = true)]
    pub low: Option<Lr>,
    /// Highest rate tried (not with the probes race, descent and first-fall)
    #[arg(long, value_name = "LR", allow_negative_numbers = true)]
    pub high: Option<Lr>,
}

#[derive(Debug, Args)]
pub struct RangeTestArgs {
    /// How a rate is read off the curve: edge (a fourth of where training diverges), accuracy
    /// (Smith's maximum), or the rule of another tool
    #[arg(long, default_value = RangeTestRule::default().name(), value_name = "RULE", value_parser = rules())]
    pub rule: RangeTestRule,
    /// Raise the rate by equal differences instead of equal factors
    #[arg(long)]
    pub linear: bool,
    /// Steps of the test [default: 100]; for a command: steps of each short run [default: 1/16 of
    /// the full run]
    #[arg(long, alias = "iterations", value_name = "N")]
    pub trial_steps: Option<u64>,
    /// Spend at most this many full runs
    #[arg(long, alias = "max-cost", value_name = "RUNS", allow_negative_numbers = true)]
    pub budget: Option<f64>,
    #[command(flatten)]
    pub span: SpanArgs,
    #[command(flatten)]
    pub task: TaskArgs,
    #[command(flatten)]
    pub command: CommandArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct SweepArgs {
    /// Rates per factor of ten
    #[arg(long, default_value_t = defaults::SWEEP_PER_DECADE, value_name = "N")]
    pub per_decade: u32,
    /// Seeds per rate
    #[arg(long, default_value_t = defaults::SWEEP_SEEDS, value_name = "N")]
    pub seeds: u32,
    /// Draw this many rates at random instead of using a grid
    #[arg(long, value_name = "N", conflicts_with = "per_decade")]
    pub random: Option<u32>,
    /// Spend at most this many full runs: later seeds and a wider span are dropped first
    #[arg(long, alias = "max-cost", value_name = "RUNS", allow_negative_numbers = true)]
    pub budget: Option<f64>,
    #[command(flatten)]
    pub span: SpanArgs,
    #[command(flatten)]
    pub task: TaskArgs,
    #[command(flatten)]
    pub command: CommandArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct ScheduleArgs {
    /// The schedule, such as 'warmup(100) then cosine'
    pub text: String,
    /// Steps of the run
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub steps: u64,
    /// Base learning rate: print rates instead of factors
    #[arg(long, value_name = "LR", allow_negative_numbers = true)]
    pub lr: Option<Lr>,
    /// Squeeze or stretch the whole shape to this many steps
    #[arg(long, value_name = "N")]
    pub compress: Option<u64>,
    /// What to print
    #[arg(long, value_enum, default_value_t = ScheduleForm::Plot)]
    pub form: ScheduleForm,
}

/// How a schedule is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScheduleForm {
    /// The notation and a plot
    Plot,
    /// About twenty rows: step and factor
    Table,
    /// Every step as CSV
    Csv,
    /// Every step as one JSON array
    Json,
    /// The notation only, with percentages turned into steps
    Notation,
    /// Code for PyTorch; --lr is the rate of the optimizer [default: 1]
    Torch,
    /// Code for optax; --lr is the base rate [default: 1]
    Optax,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// A verb, to print its own page
    pub verb: Option<String>,
}

/// Whether the locale has UTF-8; where none is set it is taken to.
fn shows_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
    set.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// The rules of a range test by name.
fn rules() -> impl TypedValueParser<Value = RangeTestRule> {
    PossibleValuesParser::new(RangeTestRule::all().map(RangeTestRule::name)).try_map(|name| name.parse())
}

impl SpanArgs {
    /// The span, with defaults for the ends that were not given.
    pub fn or(&self, (low, high): (f64, f64)) -> stepsize::Result<(Lr, Lr)> {
        Ok((self.low.map_or_else(|| Lr::new(low), Ok)?, self.high.map_or_else(|| Lr::new(high), Ok)?))
    }
}

impl Cli {
    /// Whether notes go to standard error: for what runs, unless --quiet.
    pub fn notes(&self) -> bool {
        match &self.verb {
            Verb::Find(args) => !args.output.draw.files.quiet,
            Verb::Sweep(args) => !args.output.draw.files.quiet,
            Verb::RangeTest(args) => !args.output.draw.files.quiet,
            Verb::Compare(args) => !args.files.quiet,
            Verb::Train(_) | Verb::Diagnose(_) => true,
            _ => false,
        }
    }

    /// As `--color` says.
    pub fn style(&self) -> Style {
        self.color.style()
    }
}

impl ColourWhen {
    /// Colour on a terminal unless NO_COLOR is set (<https://no-color.org>); the terminal's width,
    /// or without a terminal COLUMNS, or 88.
    pub fn style(self) -> Style {
        let terminal = std::io::stdout().is_terminal();
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        let colour = match self {
            ColourWhen::Always => true,
            ColourWhen::Never => false,
            ColourWhen::Auto => terminal && !set("NO_COLOR") && !dumb,
        };
        let size = console::Term::stdout().size_checked().filter(|_| terminal).map(|(_, columns)| usize::from(columns));
        let wished = || std::env::var("COLUMNS").ok()?.parse().ok();
        let columns = size.or_else(wished).filter(|columns| *columns > 0).unwrap_or(88);
        Style { colour, columns, ascii: dumb || !shows_utf8(|name| std::env::var(name).ok()) }
    }
}
