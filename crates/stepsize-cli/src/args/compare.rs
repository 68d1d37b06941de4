//! Arguments of `stepsize compare`.

use super::{CommandArgs, FilesArgs, LimitArgs, SpanArgs, StudyArgs, TaskArgs};
use clap::Args;
use stepsize::defaults::{COMPARE_PER_DECADE, COMPARE_SEEDS};

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Rates per factor of ten
    #[arg(long, default_value_t = COMPARE_PER_DECADE, value_name = "N")]
    pub per_decade: u32,
    /// Seeds per way and rate
    #[arg(long, default_value_t = COMPARE_SEEDS, value_name = "N")]
    pub seeds: u64,
    /// Compare only the ways whose names contain one of these words, and the fixed rate
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    pub ways: Vec<String>,
    /// Span of rates, from far too low to far too high [default: 1e-4 to 10]
    #[command(flatten)]
    pub span: SpanArgs,
    #[command(flatten)]
    pub task: TaskArgs,
    #[command(flatten)]
    pub command: CommandArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub files: FilesArgs,
    #[command(flatten)]
    pub live: super::LiveArgs,
    #[command(flatten)]
    pub kept: StudyArgs,
}
