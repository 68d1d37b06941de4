//! Tables that no other part of the program works by: the fields of `--json`, the events, the
//! environment, the rules of a range test. Tests hold each to what the program prints, reads or
//! sets (`tests/cli/manual.rs`, and below).

/// Rows of a table: a name and what it means.
type Rows = &'static [(&'static str, &'static str)];

/// The objects that `--json` prints.
#[rustfmt::skip]
pub const OBJECTS: [(&str, Rows); 7] = [
    ("find, sweep, range-test, show, resume", &[
        ("lr", "the rate; null for a refusal"),
        ("low", "lower end of the 80 % interval"),
        ("high", "upper end of it"),
        ("p_keeps_98_pct", "chance that the full run at lr keeps 98 % of what the best rate gains over the untrained loss"),
        ("divergence_lr", "lowest rate at which training broke"),
        ("cost_runs", "steps spent, in full runs"),
        ("refused", "class of a refusal: flat, noise_only, all_diverged, too_short, at_edge, unfit, rate_unused, continued"),
        ("why", "the evidence, for people"),
        ("advice", "what to do about a refusal, for people"),
        ("remedies", "the same as a list of objects"),
        ("remedies[].action", "what may help: longer_run, more_seeds, lower_rates, ...; some have a number beside it"),
        ("seconds", "wall-clock seconds of the search"),
        ("interrupted", "whether it was stopped before its end"),
        ("full_run", "the full run after the search, as in the event `followed`; null without one"),
        ("question", "what was asked, as options"),
        ("task", "what was trained"),
        ("steps", "length of the full run"),
        ("schedule", "schedule of the full run"),
        ("seed", "seed of the full run"),
        ("untrained_loss", "validation loss of the untrained model"),
        ("cost", "what was spent"),
        ("cost.trials", "number of trials"),
        ("cost.steps", "optimizer steps of all trials"),
        ("cost.runs", "the same in full runs"),
        ("cost.seconds", "seconds of all trials added up"),
        ("cost.wall_seconds", "seconds by the clock"),
        ("cost.grid", "a grid of full runs over the span that was searched, to compare with"),
        ("cost.grid.per_decade", "its rates per factor of ten"),
        ("cost.grid.low", "its lowest rate"),
        ("cost.grid.high", "its highest rate"),
        ("cost.grid.runs", "its number of runs"),
        ("cost.grid.steps", "its optimizer steps"),
        ("cost.grid.seconds", "its seconds, at the speed of the trials"),
        ("cost.money", "the cost in money, with --price-per-hour"),
        ("cost.money.per_hour", "the price of an hour"),
        ("cost.money.search", "the price of the search"),
        ("cost.money.grid", "the price of the grid"),
        ("points", "one object for each trial"),
        ("points[].lr", "its rate"),
        ("points[].steps", "its length"),
        ("points[].steps_run", "the steps that it took"),
        ("points[].seed", "its seed"),
        ("points[].loss", "its last validation loss"),
        ("points[].score", "its last accuracy or R2"),
        ("points[].diverged", "whether it diverged"),
        ("points[].verdict", "too_low, good, too_high, diverged or unknown"),
    ]),
    ("train", &[
        ("lr", "the base rate"),
        ("schedule", "the schedule, in steps"),
        ("controller", "the controller with all its arguments"),
        ("steps", "length of the run"),
        ("steps_run", "steps that are part of the run"),
        ("steps_paid", "steps taken, those that were taken back included"),
        ("seed", "the seed"),
        ("end", "how it ended: finished, stopped, diverged, pruned or failed; the last three with the evidence"),
        ("val_loss", "the last validation loss"),
        ("best_val_loss", "the lowest validation loss"),
        ("best_step", "the steps taken until then"),
        ("acts", "what the controller did: a list of objects with step, act, factor and why"),
        ("accuracy", "the last accuracy; R2 in its place where a number is predicted"),
        ("task", "what was trained"),
    ]),
    ("diagnose (a list, one object for each run)", &[
        ("file", "the file"),
        ("run", "the run in it; empty where it has one"),
        ("lr", "the base rate, from the log, its name or --lr"),
        ("verdict", "too_low, good, too_high, diverged or unknown"),
        ("confidence", "the chance that the verdict is right; 0 for unknown"),
        ("because", "the evidence, for people"),
        ("chances", "where the rate lies by the curve alone; null where rules decided"),
        ("chances.too_low", "chance that it is too low"),
        ("chances.good", "chance that it is good"),
        ("chances.too_high", "chance that it is too high"),
        ("ruled_out", "the side on which the rate does not lie by its curve, too_low or too_high; else null"),
        ("ruled_out_confidence", "the chance that this is right; 0 for null"),
        ("findings", "what was found, the weightiest first"),
        ("findings[].code", "LRxxx"),
        ("findings[].title", "the code in words"),
        ("findings[].evidence", "what was seen, with numbers"),
        ("findings[].numbers", "the same numbers by name"),
        ("findings[].advice", "what to do"),
        ("findings[].confidence", "how sure the finding is"),
        ("findings[].steps", "first and last step that it is about"),
        ("next_lr", "the rate to try next"),
        ("sweep", "the comparison of the runs of one job"),
        ("sweep.best_lr", "the best rate that was run"),
        ("sweep.vertex_lr", "the best rate between those that were run"),
        ("sweep.low", "lower end of its 80 % interval"),
        ("sweep.high", "upper end of it"),
        ("sweep.tolerance_octaves", "octaves over which the loss is within 5 % of the best"),
        ("sweep.edge", "low or high where the best rate is the outermost"),
        ("sweep.divergence_lr", "lowest rate that diverged"),
        ("sweep.rates", "number of rates"),
        ("sweep.best_by_score_lr", "the best rate by the score, where it differs"),
        ("sweep.none_learned", "whether no run learned anything"),
        ("read", "what was taken from the log"),
        ("read.loss", "the training loss: name, role, readings, not_finite, first, last, low, high"),
        ("read.validation", "the validation loss, likewise"),
        ("read.score", "the score, likewise"),
        ("read.rate", "the learning rate, likewise"),
        ("read.base_rate_from", "where the base rate is from"),
        ("read.counter", "what counts the steps"),
        ("read.steps", "first and last step"),
        ("read.series", "every series, with --explain"),
        ("read.notes", "what was odd, with --explain"),
    ]),
    ("compare", &[
        ("question", "what was asked, as options"),
        ("task", "what was trained"),
        ("schedule", "the schedule of searches and short runs"),
        ("interrupted", "whether it was stopped before its end"),
        ("steps", "steps that each way has, search included"),
        ("seeds", "seeds of each way and rate"),
        ("untrained_loss", "validation loss of the untrained model"),
        ("target_loss", "loss of the best fixed rate"),
        ("steps_spent", "steps of all runs together"),
        ("winner", "the way with the lowest loss among those that need no known rate"),
        ("winner.name", "its name"),
        ("winner.loss", "its mean loss"),
        ("winner.over_fixed", "its loss divided by that of the best fixed rate, which only hindsight knows"),
        ("best", "the lowest loss of all, from the best initial rate, which only hindsight knows"),
        ("best.name", "its way"),
        ("best.lr", "its initial rate"),
        ("best.loss", "its mean loss"),
        ("ways", "one object for each way, the fixed rate first"),
        ("ways[].name", "its name"),
        ("ways[].family", "fixed, decay, cycle, feedback, free or search"),
        ("ways[].cells", "one object for each initial rate; empty for a search"),
        ("ways[].cells[].lr", "the initial rate"),
        ("ways[].cells[].losses", "final validation loss by seed; null where it diverged"),
        ("ways[].cells[].mean", "their mean"),
        ("ways[].cells[].to_target", "steps until the loss of the best fixed rate was reached"),
        ("ways[].best", "the best of the cells; of a search the run after it"),
        ("ways[].best.lr", "as in cells"),
        ("ways[].best.losses", "as in cells"),
        ("ways[].best.mean", "as in cells"),
        ("ways[].best.to_target", "as in cells"),
        ("ways[].width", "decades of initial rates with a loss within 25 % of the best fixed rate's"),
        ("ways[].chosen", "rates that a search chose, by seed"),
        ("ways[].search_share", "share of the steps that the search took"),
        ("ways[].advised", "place of the advised value among the cells"),
        ("claims", "common claims about learning rates"),
        ("claims[].claim", "the claim"),
        ("claims[].held", "whether it held here; null if it could not be tested"),
        ("claims[].seen", "the numbers, for people"),
    ]),
    ("transfer", &[
        ("lr", "the rate for the other run"),
        ("low", "lower end of its 80 % interval"),
        ("high", "upper end of it"),
        ("octaves", "its standard deviation in factors of 2"),
        ("bound_ratio", "bound on the loss under the new schedule, divided by that under the old one"),
        ("parts", "the rules used"),
        ("parts[].what", "schedule, horizon or batch"),
        ("parts[].factor", "the factor on the rate"),
        ("parts[].octaves", "its standard deviation in factors of 2"),
        ("parts[].rule", "the rule with its numbers"),
        ("parts[].source", "where it comes from"),
        ("from", "the run that the rate was tuned for"),
        ("from.schedule", "its schedule"),
        ("from.steps", "its length"),
        ("from.batch", "its batch size"),
        ("to", "the other run"),
        ("to.schedule", "its schedule"),
        ("to.steps", "its length"),
        ("to.batch", "its batch size"),
        ("from_lr", "the tuned rate"),
    ]),
    ("doctor (a list, one object for each check)", &[
        ("what", "what was checked"),
        ("ok", "whether it is well"),
        ("found", "what was found"),
        ("fix", "what to do; null where it is well"),
    ]),
    ("demo", &[
        ("birds", "the birds that were seen"),
        ("learners", "one object for each rate"),
        ("learners[].name", "its name"),
        ("learners[].lr", "its rate"),
        ("learners[].beliefs", "the belief after each bird"),
        ("learners[].words", "what the learner says in the end"),
    ]),
];

/// The events, each with its fields.
#[rustfmt::skip]
pub const EVENTS: [(&str, &str, Rows); 10] = [
    ("study", "a study began", &[
        ("event", "study"),
        ("version", "version of the format"),
        ("question", "what is asked: kind and its options"),
        ("pruner", "the pruner that was asked for; absent without one"),
        ("task", "what is trained, in words"),
        ("job", "the full run: steps, schedule, seed"),
    ]),
    ("started", "a trial began", &[
        ("event", "started"),
        ("trial", "number of the trial"),
        ("spec", "lr, schedule, steps, seed, stop_on_divergence"),
    ]),
    ("submitted", "a trial was handed to another process or a cluster", &[
        ("event", "submitted"),
        ("trial", "number of the trial"),
        ("handle", "by which its executor finds it after a crash"),
    ]),
    ("step", "one optimizer step was taken", &[
        ("event", "step"),
        ("trial", "number of the trial"),
        ("step", "the step, counted from 0"),
        ("lr", "the rate that was applied"),
        ("loss", "loss of the mini-batch, before the update"),
    ]),
    ("eval", "the model was evaluated", &[
        ("event", "eval"),
        ("trial", "number of the trial"),
        ("step", "steps taken before; 0 for the untrained model"),
        ("lr", "rate of the last step"),
        ("val_loss", "the validation loss"),
        ("score", "accuracy or R2; absent where the task has none"),
    ]),
    ("acted", "a controller acted", &[
        ("event", "acted"),
        ("trial", "number of the trial"),
        ("step", "the step after which it acted"),
        ("act", "changed, rewound (to, skipped) or branched (factors, losses, steps)"),
        ("factor", "its factor from then on"),
        ("why", "why, for people"),
    ]),
    ("ended", "a trial ended", &[
        ("event", "ended"),
        ("trial", "number of the trial"),
        ("end", "finished, diverged, pruned, stopped or failed; with the evidence"),
        ("steps", "steps that were run"),
        ("seconds", "wall-clock seconds; absent where they are not known"),
    ]),
    ("asked", "a person (stepsize serve), --max-time or --max-price changed the search", &[
        ("event", "asked"),
        ("wish", "what: stop_trial, stop, budget or rate, with its numbers"),
        ("trial", "the trial that it is about, or that a rate became; absent without one"),
        ("planned", "trials of the method's own plan that were asked for by then"),
    ]),
    ("concluded", "the study drew its conclusion from the trials so far", &[
        ("event", "concluded"),
        ("estimate", "answer (a rate or a refusal), divergence_lr, cost_runs, why, landscape"),
    ]),
    ("followed", "the full run after the search (--then-run, --then-train) has ended", &[
        ("event", "followed"),
        ("lr", "the rate it ran at"),
        ("predicted", "its final validation loss as the search predicted it: its lr and the quantiles low (10 %), mid and high (90 %); absent without a model"),
        ("command", "what was run, as a person types it"),
        ("exit_code", "its exit code; absent where it could not be started, or a signal ended it"),
        ("job", "the cluster job that it was submitted as; absent elsewhere"),
        ("val_loss", "its final validation loss; absent where it is not known"),
        ("seconds", "seconds by the clock"),
    ]),
];

/// Variables that are read.
#[rustfmt::skip]
pub const READ: Rows = &[
    ("COLUMNS", "how wide text may be where it goes to no terminal; 88 without it"),
    ("NO_COLOR", "set to anything, turns colour off (no-color.org); --color says otherwise"),
    ("TERM", "dumb turns colour off and draws in ASCII"),
    ("LC_ALL", "a locale without UTF-8 draws in ASCII; the first that is set of LC_ALL, LC_CTYPE and LANG counts"),
    ("LC_CTYPE", "see LC_ALL"),
    ("LANG", "see LC_ALL"),
    ("XDG_STATE_HOME", "where searches of commands without --study are kept, in stepsize/unnamed.db [default: ~/.local/state]"),
    ("HOME", "see XDG_STATE_HOME; also ~/.ray/auth_token"),
    ("OMP_NUM_THREADS", "on a cluster, kept for the trials; else it is set there to --cpus"),
    ("RAY_AUTH_TOKEN", "token of a Ray cluster (--on ray://...)"),
    ("RAY_AUTH_TOKEN_PATH", "file that holds it"),
    ("PATH", "where the program of --notify is looked for before the search begins"),
];

/// Variables that are set for a command.
#[rustfmt::skip]
pub const SET: Rows = &[
    ("STEPSIZE_LR", "the rate, as {lr}; a command that reads it needs --lr-from-env"),
    ("STEPSIZE_STEPS", "the length of the trial, as {steps}"),
    ("STEPSIZE_SEED", "the seed, as {seed}"),
    ("STEPSIZE_TRIAL", "the number of the trial, as {trial}"),
    ("STEPSIZE_TRIAL_DIR", "the directory of the trial, as {trial_dir}"),
    ("STEPSIZE_STUDY", "marks what a trial starts, so that nothing is left running after a crash"),
    ("PYTHONUNBUFFERED", "1, so that Python prints its losses as they come"),
    ("CUDA_VISIBLE_DEVICES", "the GPU of the trial, with --gpus"),
    ("OMP_NUM_THREADS", "on a cluster, --cpus unless it is set already"),
];

/// The rules of a range test, in the order of `RangeTestRule::all`.
#[rustfmt::skip]
pub const RULES: [(&str, &str); 9] = [
    ("edge", "A fourth of the rate at which training breaks. The default."),
    ("accuracy", "Where the accuracy begins to rise and where it stops (Smith 2015)."),
    ("fastai_valley", "A point within the longest falling part of the loss (fastai's default)."),
    ("fastai_slide", "fastai's interval slide rule."),
    ("fastai_minimum", "A tenth of the rate with the lowest loss (fastai)."),
    ("fastai_steep", "The steepest fall over the logarithm of the rate (fastai)."),
    ("torch_lr_finder", "The steepest fall over the step (pytorch-lr-finder)."),
    ("lightning", "The steepest fall over the rate itself (Lightning)."),
    ("ignite", "The steepest fall over the step, before the lowest loss (ignite)."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use stepsize::{
        Act, Band, End, Estimate, Event, FollowUp, Job, Lr, Question, Reason, Refusal, Remedy, Schedule, TrialId, Wish,
    };

    /// One of each event, with everything that may be absent. The match has no wildcard, so a new
    /// event has to be added here.
    fn of_each() -> Vec<Event> {
        let name = |event: &Event| match event {
            Event::Study { .. } => "study",
            Event::Started { .. } => "started",
            Event::Submitted { .. } => "submitted",
            Event::Step { .. } => "step",
            Event::Eval { .. } => "eval",
            Event::Acted { .. } => "acted",
            Event::Ended { .. } => "ended",
            Event::Asked { .. } => "asked",
            Event::Concluded { .. } => "concluded",
            Event::Followed { .. } => "followed",
        };
        let job = Job::new(100, Schedule::cosine(100).unwrap(), 0).unwrap();
        let spec = job.trial(Lr::new(0.1).unwrap(), 100, 0).unwrap();
        let mut question = Question::in_words("find", "a task", job);
        question.pruner = Some(stepsize::pruner::PrunerKind::Median);
        let refusal = Refusal { reason: Reason::Flat, because: String::new(), remedies: vec![Remedy::LongerRun] };
        let estimate = Estimate {
            answer: stepsize::Answer::Refused(refusal),
            divergence_lr: None,
            cost_runs: 1.0,
            why: String::new(),
            landscape: Vec::new(),
        };
        let (trial, lr, step) = (TrialId(0), 0.1, 3);
        let up = FollowUp {
            lr: Lr::new(lr).unwrap(),
            predicted: Some(Band { lr: Lr::new(lr).unwrap(), low: 0.9, mid: 1.0, high: 1.1, p_keeps_98_pct: None }),
            command: String::new(),
            exit_code: Some(0),
            job: Some(String::new()),
            val_loss: Some(1.0),
            seconds: 1.0,
        };
        let events = vec![
            Event::Study { version: stepsize::VERSION, question },
            Event::Started { trial, spec },
            Event::Submitted { trial, handle: String::new() },
            Event::Step { trial, step, lr, loss: 1.0 },
            Event::Eval { trial, step, lr, val_loss: 1.0, score: Some(0.5) },
            Event::Acted { trial, step, act: Act::Changed, factor: 0.5, why: String::new() },
            Event::Ended { trial, end: End::Finished, steps: 3, seconds: Some(1.0) },
            Event::Asked { wish: Wish::Stop, trial: Some(trial), planned: 1 },
            Event::Concluded { estimate },
            Event::Followed { up },
        ];
        assert_eq!(events.iter().map(name).collect::<Vec<_>>(), EVENTS.map(|(name, ..)| name).to_vec());
        events
    }

    #[test]
    fn the_table_of_events_has_every_event_and_field() {
        for (event, (name, _, rows)) in of_each().iter().zip(EVENTS) {
            let value: Value = serde_json::from_str(&event.to_json()).unwrap();
            let mut fields: Vec<&String> = value.as_object().unwrap().keys().collect();
            let mut known: Vec<&str> = rows.iter().map(|(field, _)| *field).collect();
            fields.sort();
            known.sort_unstable();
            assert_eq!(fields, known, "{name}");
        }
    }
}
