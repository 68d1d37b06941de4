//! The arguments. Help, completions and man pages come from here, so the texts are written for a reader.

mod cluster;
mod command;
mod compare;
mod demo;
mod diagnose;
mod output;
mod task;
mod train;
mod transfer;

pub use cluster::{ClusterArgs, DoctorArgs};
pub use command::CommandArgs;
pub use compare::CompareArgs;
pub use demo::DemoArgs;
pub use diagnose::DiagnoseArgs;
pub use output::{DrawArgs, FileArgs, FilesArgs, NamedArgs, OutputArgs, StudyArgs};
pub use task::TaskArgs;
pub use train::TrainArgs;
pub use transfer::{FamilyName, RefineArgs, TransferArgs};

use crate::show::Style;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::io::IsTerminal;
use std::path::PathBuf;
use stepsize::Lr;

const TUTORIAL: &str = "\
Stepsize answers one question: which learning rate should this training run use?

It trains the job for a fraction of its length at a few rates, with the whole schedule squeezed into each short run, \
and works out from them which rate will be best for the full run. It says how sure it is, from which rate on training \
diverges, and what the search cost. When the evidence does not support an answer, it says so and gives no number.

  1. Find a rate:             stepsize find
  2. See why:                 stepsize find --report why.html
  3. Train with it:           stepsize train --lr 0.1
  4. On your own table:       stepsize find --data cars.csv --target price
  5. Another job:             stepsize find --model cnn --optimizer adamw --epochs 30
  6. Another schedule:        stepsize find --schedule 'warmup(10%) then cosine'
  7. Your own training:       stepsize find --steps 1000 -- ./train --lr {lr} --steps {steps}
  8. Logs you already have:   stepsize diagnose runs/

`stepsize help VERB` tells more of each verb.";

const EXAMPLES: &str = "\
Words:
  lr         the base rate; the rate at a step is lr x schedule(step) x controller
  schedule   a shape without a unit: constant, linear, cosine, 'warmup(100) then cosine', ...
  run        one full training run; the cost of a search is counted in runs
  diverges   the loss explodes, or ends worse than that of the untrained network

Exit codes: 0 an answer, 3 refused (the evidence does not tell), 2 wrong arguments, 1 failure.
Results go to standard output, progress to standard error. NO_COLOR turns colour off.
Ctrl-C ends a search early and still reports what was learned; with --study NAME the same command
goes on from there later, also after a crash.";

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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColourWhen {
    Auto,
    Always,
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Find the learning rate: short runs, an interval, the chance to be close, the price
    Find(FindArgs),
    /// Learning-rate range test: one run with a rising rate (of a command: short runs), and a rule to read it
    RangeTest(RangeTestArgs),
    /// Sensitivity analysis: full runs on a grid (or at random), several seeds
    Sweep(SweepArgs),
    /// Compare ways to set the rate, searches included, at equal total compute
    Compare(CompareArgs),
    /// Train once at a given rate, with a schedule and a controller
    Train(TrainArgs),
    /// Judge training logs: rate too low, good, too high or diverged, what else is wrong, and what to do
    Diagnose(DiagnoseArgs),
    /// Print, plot or convert a schedule
    Schedule(ScheduleArgs),
    /// Carry a tuned rate to another schedule, length or batch size, with the rule and its uncertainty
    Transfer(TransferArgs),
    /// Make a schedule from the gradient norms of an earlier run
    Refine(RefineArgs),
    /// Why the rate matters: a child has seen ten black birds, and now comes a yellow one
    Demo(DemoArgs),
    /// List the studies kept in a file
    Studies(FileArgs),
    /// Show what a study found, as its search did
    Show(ShowArgs),
    /// Go on with a study where it ended
    Resume(ShowArgs),
    /// Write the events of a study for other tools
    Export(ExportArgs),
    /// Remove a study for good
    Rm(NamedArgs),
    /// Check that runs can be made here, or on a cluster, and say how to fix what is wrong
    Doctor(DoctorArgs),
    /// Print the completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProbeName {
    /// Short runs with the schedule squeezed into them; weighs each by what it tells for its cost
    Race,
    /// Full runs on a log grid
    Grid,
    /// Full runs at rates drawn log-uniformly
    Random,
    /// 0.1, 0.01, 0.001 ... until one works
    Descent,
    /// From far too large down until the loss falls at once; then two orders lower
    FirstFall,
    /// One run with a rising rate
    RangeTest,
}

#[derive(Debug, Args)]
pub struct FindArgs {
    /// How to search
    #[arg(long, value_enum, default_value_t = ProbeName::Race)]
    pub probe: ProbeName,
    /// Spend at most this many full runs [default: what the search needs; race: 0.625]
    #[arg(long, value_name = "RUNS", allow_negative_numbers = true)]
    pub max_cost: Option<f64>,
    /// Your guess: where the search begins (race)
    #[arg(long, value_name = "LR", allow_negative_numbers = true)]
    pub start: Option<Lr>,
    #[command(flatten)]
    pub span: SpanArgs,
    #[command(flatten)]
    pub task: TaskArgs,
    #[command(flatten)]
    pub command: CommandArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Which rates to try.
#[derive(Debug, Args)]
pub struct SpanArgs {
    /// Lowest rate tried (grid, random, range test)
    #[arg(long, value_name = "LR", allow_negative_numbers = true)]
    pub low: Option<Lr>,
    /// Highest rate tried (grid, random, range test)
    #[arg(long, value_name = "LR", allow_negative_numbers = true)]
    pub high: Option<Lr>,
}

#[derive(Debug, Args)]
pub struct RangeTestArgs {
    /// Rule that reads the curve: edge (a fourth of where training breaks), accuracy (Smith), fastai_valley,
    /// fastai_slide, fastai_minimum, fastai_steep, torch_lr_finder, lightning, ignite
    #[arg(long, default_value = "edge", value_name = "RULE")]
    pub rule: String,
    /// Raise the rate evenly instead of by a constant factor
    #[arg(long)]
    pub linear: bool,
    /// Steps of the test [default: 100]; of a command: steps of each of its runs [default: 1/16 of the full run]
    #[arg(long, value_name = "N")]
    pub iterations: Option<u64>,
    /// Spend at most this many full runs
    #[arg(long, value_name = "RUNS", allow_negative_numbers = true)]
    pub max_cost: Option<f64>,
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
    /// Rates in each factor of ten
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub per_decade: u32,
    /// Seeds for each rate
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub seeds: u32,
    /// Draw this many rates at random instead of a grid
    #[arg(long, value_name = "N", conflicts_with = "per_decade")]
    pub random: Option<u32>,
    /// Spend at most this many full runs: later seeds and a wider span are given up for it
    #[arg(long, value_name = "RUNS", allow_negative_numbers = true)]
    pub max_cost: Option<f64>,
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
    /// Base learning rate: shows rates instead of factors
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
    /// Some twenty rows: step and factor
    Table,
    /// Every step as CSV
    Csv,
    /// Every step as one JSON array
    Json,
    /// The notation only, lengths resolved
    Notation,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    pub named: NamedArgs,
    #[command(flatten)]
    pub output: DrawArgs,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub named: NamedArgs,
    /// What to write
    #[arg(long, value_enum, default_value_t = ExportForm::Json)]
    pub format: ExportForm,
    /// File to write to, standard output by default; for tensorboard a directory
    #[arg(long, value_name = "PATH", required_if_eq("format", "tensorboard"))]
    pub out: Option<PathBuf>,
}

/// How a study is written for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportForm {
    /// One row a reading
    Csv,
    /// One event a line, whole
    Json,
    /// One directory a trial with its curves
    Tensorboard,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// A verb, for its own page
    pub verb: Option<String>,
}

impl SpanArgs {
    /// The span, with these ends where none were given.
    pub fn or(&self, low: f64, high: f64) -> stepsize::Result<(Lr, Lr)> {
        Ok((self.low.map_or_else(|| Lr::new(low), Ok)?, self.high.map_or_else(|| Lr::new(high), Ok)?))
    }
}

impl Cli {
    /// How to lay out text: colour on a terminal unless NO_COLOR is set (<https://no-color.org>), its width, else 88.
    pub fn style(&self) -> Style {
        let terminal = std::io::stdout().is_terminal();
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        let colour = match self.color {
            ColourWhen::Always => true,
            ColourWhen::Never => false,
            ColourWhen::Auto => terminal && !set("NO_COLOR") && !dumb,
        };
        let columns = console::Term::stdout().size_checked().filter(|_| terminal).map_or(88, |(_, c)| usize::from(c));
        Style { colour, columns }
    }
}
