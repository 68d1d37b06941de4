//! `stepsize range-test`: one run with a rising rate (Smith 2015), read by our rule or by that of
//! another tool.

use crate::args::RangeTestArgs;
use crate::done::{Done, Fault};
use crate::work::Work;
use std::ffi::OsString;
use stepsize::QuestionKind;
use stepsize::defaults::{FIRST_SHARE, RANGE_TEST_STEPS, range_test_span};
use stepsize::probe::RangeTestRule;
use stepsize_draw::show::Style;

/// Makes the test. That of a command consists of short trials, because its rate cannot be raised
/// while it runs.
pub fn run(args: &RangeTestArgs, words: &[OsString], style: Style) -> Result<Done, Fault> {
    let work = Work::new(&args.task, &args.command, &args.output.kept)?;
    let short_trials = !args.command.argv.is_empty();
    if short_trials && (args.rule != RangeTestRule::Edge || args.linear) {
        return Err(Fault::usage(
            "the rate of a command cannot be raised while it runs: its range test consists of short runs at rates a constant \
             factor apart, read by --rule edge; omit --rule and --linear",
        ));
    }
    let (low, high) = args.span.or(range_test_span(args.rule)).map_err(Fault::usage)?;
    let default = if short_trials { (work.job.steps / FIRST_SHARE).max(1) } else { RANGE_TEST_STEPS };
    let kind = QuestionKind::RangeTest {
        rule: args.rule,
        linear: args.linear,
        low,
        high,
        trial_steps: args.trial_steps.unwrap_or(default),
        short_trials,
        budget: args.budget,
    };
    crate::search::run(kind, work, &args.output, words, style, None)
}
