//! The words of a [`Remedy`] in Python: arguments of the function that searched, or another
//! function to call.

use stepsize::{Question, Remedy};

/// What to do, for a search with this question; `seconds` where time is what limits it, and the
/// full runs that they pay for.
pub fn words(question: &Question, remedy: &Remedy, seconds: Option<(f64, f64)>) -> String {
    let verb = question.kind.name();
    match (remedy, seconds) {
        (Remedy::LargerBudget { at_least: Some(needed) }, Some((seconds, runs))) if *needed > runs => {
            return format!("give it at least {:.0} s (`max_seconds=`)", (seconds * needed / runs).ceil());
        }
        (Remedy::LargerBudget { .. } | Remedy::Resume, Some((seconds, _))) => {
            return format!("give it more time than {seconds} s (`max_seconds=`)");
        }
        _ => {}
    }
    let argument = match remedy {
        Remedy::CountSteps => return words(question, &Remedy::LongerRun, seconds),
        Remedy::LongerRun => "`steps=`",
        Remedy::LongerTrials { .. } if verb != "find" => "`trial_steps=`",
        Remedy::MoreSeeds if verb == "sweep" => "`seeds=`",
        Remedy::MoreRates if verb == "sweep" => "`per_decade=`",
        Remedy::LowerRates if verb != "find" => "`low=`",
        Remedy::HigherRates if verb != "find" => "`high=`",
        Remedy::WiderSpan if verb != "find" => "`low=`, `high=`",
        Remedy::LowerStart | Remedy::HigherStart => "`start=`",
        Remedy::LargerBudget { .. } => "`budget=`",
        Remedy::CompareFullRuns { seeds: 1 } => "`sweep`",
        Remedy::CompareFullRuns { seeds } => return format!("{remedy} (`sweep` with `seeds={seeds}`)"),
        Remedy::ReadLoss => "`rule=\"edge\"`",
        Remedy::Resume => return "let the search run to its end; a `Study` keeps its trials and continues".to_owned(),
        _ => return remedy.to_string(),
    };
    format!("{remedy} ({argument})")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use stepsize::{Job, Schedule};

    /// Names in backticks are arguments or functions of the module: there are no options in Python.
    #[test]
    fn advice_is_given_in_arguments() {
        let job = Job::new(400, Schedule::constant(), 0).unwrap();
        let said = |question, remedy| words(&Question::in_words(question, "a task", job.clone()), &remedy, None);
        assert_eq!(said("find --probe race", Remedy::LongerRun), "train for more steps (`steps=`)");
        assert_eq!(said("sweep --seeds 1", Remedy::MoreSeeds), "add seeds (`seeds=`)");
        assert_eq!(
            said("find --probe race", Remedy::CompareFullRuns { seeds: 3 }),
            "compare full runs with 3 seeds (`sweep` with `seeds=3`)"
        );
        assert_eq!(said("range-test --low 1", Remedy::LowerRates), "try lower rates (`low=`)");
        assert_eq!(said("find", Remedy::CountSteps), said("find", Remedy::LongerRun)); // they are counted in steps
        assert!(!said("find", Remedy::Resume).contains("--"));
    }
}
