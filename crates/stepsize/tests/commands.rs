//! The probes for jobs that are commands: openings of full runs, and the range test by short runs.
#![allow(clippy::unwrap_used, clippy::panic)] // a test helper may fail loudly

use stepsize::probe::{Ladder, Opening, Probe};
use stepsize::{End, Estimate, Job, Lr, Point, Reason, Remedy, Schedule, Trial, TrialId, TrialSpec};

fn lr(value: f64) -> Lr {
    Lr::new(value).unwrap()
}

fn job() -> Job {
    Job::new(1600, Schedule::constant(), 0).unwrap().with_own_schedule()
}

/// A basin around `best`, three decades wide; divergence from `edge` on. Readings at eighths of the
/// run; the first only when `untrained` is so.
fn run(spec: &TrialSpec, id: usize, best: f64, edge: f64, untrained: bool) -> Trial {
    let mut trial = Trial::new(TrialId(u32::try_from(id).unwrap()), spec.clone());
    let decades = (spec.lr.get() / best).log10();
    let last = 2.0 - 1.8 * (-decades * decades).exp();
    for eighth in u64::from(!untrained)..=8 {
        let loss = 2.0 + (last - 2.0) * eighth as f64 / 8.0;
        trial.val.push(Point { step: spec.steps * eighth / 8, lr: spec.lr.get(), loss });
    }
    trial.steps_run = spec.steps;
    let diverged = spec.lr.get() >= edge;
    trial.end = Some(if diverged { End::Diverged { step: 1, why: "nan".into() } } else { End::Finished });
    trial
}

fn study(probe: &dyn Probe, world: impl Fn(&TrialSpec, usize) -> Trial) -> (Estimate, Vec<Trial>) {
    let mut done: Vec<Trial> = Vec::new();
    loop {
        let specs = probe.ask(&done).unwrap();
        if specs.is_empty() {
            return (probe.estimate(&done).unwrap(), done);
        }
        assert!(done.len() < 60, "does not end");
        for spec in specs {
            done.push(world(&spec, done.len()));
        }
    }
}

fn refusal(estimate: &Estimate) -> Reason {
    estimate.refusal().unwrap_or_else(|| panic!("{estimate:?}")).reason
}

#[test]
fn openings_bracket_the_best_rate_within_their_budget() {
    for best in [1e-4, 3e-3, 0.03, 0.7] {
        for untrained in [true, false] {
            let probe = Opening::new(job(), lr(0.01), 0.75).unwrap();
            let (estimate, done) = study(&probe, |s, i| run(s, i, best, best * 30.0, untrained));
            let off = (estimate.lr().unwrap().get() / best).log2();
            assert!((-0.7..1.3).contains(&off), "best {best}: {off} octaves off");
            assert!(estimate.cost_runs <= 0.75 && done.iter().all(|t| t.steps_run == 100));
            assert!(estimate.why.contains("interval is wide"), "{}", estimate.why);
        }
    }
}

#[test]
fn openings_of_a_command_that_is_read_more_rarely_keep_their_budget() {
    // The first loss is that of step 400 of 1600, not of step 100.
    let rare = |s: &TrialSpec, i: usize| Trial { steps_run: 400, ..run(s, i, 0.01, 10.0, false) };
    let (estimate, done) = study(&Opening::new(job(), lr(0.01), 0.75).unwrap(), rare);
    assert_eq!((done.len(), estimate.cost_runs), (3, 0.75));
    assert!(estimate.why.contains("the first 400 steps of 3 full runs"), "{}", estimate.why);
    let (estimate, done) = study(&Opening::new(job(), lr(0.01), 0.6).unwrap(), rare);
    let refusal = estimate.refusal().unwrap();
    assert!(done.len() == 2 && refusal.because.contains("step 400 of 1600"), "{refusal:?}");
    assert!(refusal.remedies.contains(&Remedy::LargerBudget { at_least: Some(0.75) }), "{refusal:?}");
}

#[test]
fn openings_that_tell_nothing_are_refused() {
    let probe = Opening::new(job(), lr(0.01), 0.75).unwrap();
    let flat = |s: &TrialSpec, i| run(&TrialSpec { lr: lr(1e-9), ..s.clone() }, i, 1.0, 10.0, true);
    let flat = |s: &TrialSpec, i| Trial { spec: s.clone(), ..flat(s, i) };
    assert_eq!(refusal(&study(&probe, flat).0), Reason::Flat);
    let broken = |s: &TrialSpec, i| run(s, i, 1.0, 0.0, true);
    assert_eq!(refusal(&study(&probe, broken).0), Reason::AllDiverged);
    // Nothing is learned so early; only that higher rates do harm shows a difference.
    let harmed = |s: &TrialSpec, i| {
        let mut trial = flat(s, i);
        let harm = (s.lr.get() / 0.01).powi(2).min(1.0);
        let points: Vec<Point> =
            trial.val.points().iter().map(|p| Point { loss: p.loss + harm - 1e-3 * harm.sqrt(), ..*p }).collect();
        trial.val = points.into_iter().collect();
        trial
    };
    assert_eq!(refusal(&study(&probe, harmed).0), Reason::Flat);
    assert!(Opening::new(job(), lr(0.01), 0.1).is_err());
}

#[test]
fn a_ladder_stops_at_the_edge_and_answers_a_fourth_of_it() {
    for edge in [1e-2, 0.5, 3.0] {
        let probe = Ladder::new(job(), lr(1e-5), lr(10.0), 100).unwrap();
        let (estimate, done) = study(&probe, |s, i| run(s, i, edge / 5.0, edge, true));
        let seen = estimate.divergence_lr.unwrap().get();
        assert!(seen >= edge * 0.999 && seen < edge * 2.2, "{seen} for {edge}");
        assert_eq!(estimate.lr().unwrap().get(), seen / 4.0);
        assert!(done.iter().filter(|t| t.spec.lr.get() >= edge).count() <= 3);
    }
    let probe = Ladder::new(job(), lr(1e-5), lr(1e-3), 100).unwrap();
    assert_eq!(refusal(&study(&probe, |s, i| run(s, i, 0.03, 10.0, true)).0), Reason::AtEdge);
    assert_eq!(refusal(&study(&probe, |s, i| run(s, i, 1e9, 1e9, true)).0), Reason::Flat);
    assert_eq!(refusal(&study(&probe, |s, i| run(s, i, 1.0, 0.0, true)).0), Reason::AllDiverged);
}
