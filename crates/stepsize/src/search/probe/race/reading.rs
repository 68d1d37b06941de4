//! [`Book`]: the trials as readings of log loss, with a ceiling where training breaks.

use crate::Job;
use crate::divergence::{DEAD_SHARE, hides_nan, is_worse_in_log, untrained_validation_loss};
use crate::landscape::Reading;
use crate::lr::Lr;
use crate::probe::warming::Warming;
use crate::schedule::Schedule;
use crate::spec::End;
use crate::stats::noise;
use crate::trial::Trial;

/// A constant-rate run is read at its shorter lengths down to this many steps; below, the transient
/// of the first steps decides.
const MIN_PREFIX: u64 = 30;

/// Outcome of one probe.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub x: f64,
    pub steps: u64,
    pub seed: u64,
    pub end: Ending,
    /// `log2` of how far its last finite reading is into the full run ([`Reading::s`]).
    pub s: f64,
    /// Its finite readings: step, log loss.
    pub curve: Vec<(u64, f64)>,
}

/// How a probe ended, as the search sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ending {
    /// Ran to its end at this log loss.
    Read(f64),
    /// Ended early: a higher rate was ahead.
    Behind,
    /// Ran to its end, but its newest reading is of an earlier step.
    Unread,
    /// Exploded, or ended having learned next to nothing where a lower rate learned.
    Broke,
}

/// Where the best of a length fell by less than this, none is called dead.
const ALIVE: f64 = 0.3;
/// On a cliff the loss falls by more than this (log) an octave of steps ...
const FALL_BY_STEPS: f64 = 0.01;
/// ... at a rate within this many octaves of the best ...
const BESIDE: f64 = 1.0;
/// ... and an octave of the rate, ...
const FALL_BY_RATE: f64 = 0.015;
/// ... and a higher rate is worse by no more than this.
const WALL: f64 = 0.1;
/// A newest reading this share of the trial before its end is not that of its end.
const UNREAD: f64 = 0.1;
/// What a rate so many octaves below the best did tells nothing of where the best is.
const TELLING: f64 = 9.0;
/// Readings of a trial after its start from which on their scatter is known.
const SCATTERED: usize = 5;
/// A rise of log loss that is as good as a divergence.
const TENFOLD: f64 = std::f64::consts::LN_10;
/// Longest run of which every step is summed.
const SAMPLED: u64 = 1 << 16;

impl Entry {
    /// Whether it broke, or ended above the untrained log loss.
    pub fn broke(&self, untrained: f64) -> bool {
        match self.end {
            Ending::Read(y) => is_worse_in_log(y, untrained),
            Ending::Behind | Ending::Unread => false,
            Ending::Broke => true,
        }
    }

    /// Log loss of the newest reading that is not after `step`.
    pub fn at(&self, step: u64) -> Option<f64> {
        self.curve.iter().rev().find(|(at, _)| *at <= step).map(|(_, y)| *y)
    }

    /// By how much the log loss fell from the first reading to that at `step`, or the last before
    /// it; `None` where these are one.
    pub fn fallen(&self, step: u64) -> Option<f64> {
        let (first, start) = self.curve.first()?;
        Some(start - self.at(step)?).filter(|_| *first < step)
    }

    /// Whether it broke before its end, or at it without a finite loss. A network that died has a
    /// loss.
    pub fn exploded(&self) -> bool {
        self.end == Ending::Broke && self.end_reading().is_none()
    }

    /// Log loss at the end of a trial that ran to it, also of a network that died.
    pub fn end_reading(&self) -> Option<f64> {
        self.curve.last().filter(|(step, _)| *step == self.steps).map(|(_, y)| *y)
    }

    /// Standard deviation of single readings about the trial's own curve; `None` where too few were
    /// made.
    pub fn scatter(&self) -> Option<f64> {
        let values: Vec<f64> = self.curve.iter().filter(|(step, _)| *step > 0).map(|(_, y)| *y).collect();
        if values.len() < SCATTERED { None } else { noise(&values) }
    }

    /// Step of the newest reading.
    pub fn last_step(&self) -> Option<u64> {
        self.curve.last().map(|(step, _)| *step)
    }

    /// Steps between its last two readings, or before its only one; none where that came so early
    /// that the next would have followed.
    fn spacing(&self) -> Option<u64> {
        let [earlier @ .., (last, _)] = &self.curve[..] else { return None };
        let before = earlier.last().map_or(0, |(step, _)| *step);
        Some(last - before).filter(|gap| *gap > 0 && last + gap > self.steps)
    }

    /// Whether it learned next to nothing although the best of its length, at a lower rate,
    /// learned. Such a network is dead (all its units are saturated): its loss shows where training
    /// breaks, not how the loss rises with the rate.
    fn is_dead(&self, same_seed: &[Entry], untrained: f64) -> bool {
        let Ending::Read(y) = self.end else { return false };
        let Some(best) = lowest(same_seed.iter().filter(|o| o.steps == self.steps)) else { return false };
        let fall = untrained - best.value();
        best.x < self.x && fall > ALIVE && untrained - y < DEAD_SHARE * fall
    }

    /// Log loss at the end, for comparison: infinite when there is none.
    pub fn value(&self) -> f64 {
        match self.end {
            Ending::Read(y) => y,
            Ending::Behind | Ending::Broke | Ending::Unread => f64::INFINITY,
        }
    }
}

/// The entry with the lowest loss.
fn lowest<'a>(entries: impl Iterator<Item = &'a Entry>) -> Option<&'a Entry> {
    entries.min_by(|a, b| a.value().total_cmp(&b.value()))
}

/// Where a command prints its loss: every so many steps after some step.
pub(super) struct Prints {
    pub every: u64,
    pub after: u64,
}

impl Prints {
    /// Of a command that prints it `every` so many steps, and at `step`.
    fn new(every: u64, step: u64) -> Self {
        Self { every, after: step % every }
    }
}

/// All that the trials say.
#[derive(Debug)]
pub(super) struct Book {
    /// Probes with the first seed.
    pub entries: Vec<Entry>,
    /// Probes with another seed.
    pub again: Vec<Entry>,
    pub readings: Vec<Reading>,
    /// Log of the untrained loss.
    pub untrained: f64,
    /// Lowest `log2 lr` that broke; infinite when none did.
    pub ceiling: f64,
}

impl Book {
    pub fn new(job: &Job, done: &[Trial]) -> Self {
        let log = log_loss(done);
        let untrained = untrained_validation_loss(done).map_or(0.0, &log);
        let full = progress(&job.schedule, job.steps);
        let ended = |trial: &Trial| {
            let end = match (trial.final_loss(), &trial.end) {
                (_, Some(End::Pruned { .. })) => Ending::Behind,
                (_, Some(End::Diverged { .. })) => Ending::Broke,
                (_, Some(End::Finished)) if hides_nan(trial) => Ending::Broke,
                (_, Some(End::Finished)) if ends_unread(trial) => Ending::Unread,
                (Some(loss), Some(End::Finished)) => Ending::Read(log(loss)),
                // A command that prints its loss more rarely than the trial is long.
                (None, Some(End::Finished)) if trial.val.points().is_empty() => Ending::Unread,
                (None, Some(End::Finished)) => Ending::Broke,
                _ => return None,
            };
            let finite = trial.val.points().iter().filter(|p| p.loss.is_finite());
            let curve: Vec<(u64, f64)> = finite.map(|p| (p.step, log(p.loss))).collect();
            let last = curve.last().map_or(0, |(step, _)| *step);
            let s = (progress(&trial.spec.schedule, last) / full).log2();
            Some(Entry { x: trial.spec.lr.log2(), steps: trial.spec.steps, seed: trial.spec.seed, end, s, curve })
        };
        let with_seed = |first: bool| {
            let trials = done.iter().filter(|t| (t.spec.seed == job.seed) == first);
            let (trials, mut entries): (Vec<&Trial>, Vec<Entry>) = trials.filter_map(|t| Some((t, ended(t)?))).unzip();
            let dead: Vec<bool> = entries.iter().map(|e| e.is_dead(&entries, untrained)).collect();
            entries.iter_mut().zip(dead).filter(|(_, dead)| *dead).for_each(|(e, _)| e.end = Ending::Broke);
            (trials, entries)
        };
        let ((mut trials, entries), (trials_again, again)) = (with_seed(true), with_seed(false));
        trials.extend(trials_again);
        let mut readings = Vec::new();
        for (trial, entry) in trials.iter().zip(entries.iter().chain(&again)) {
            let Entry { x, steps, seed, end, .. } = *entry;
            let s = |n: u64| (progress(&trial.spec.schedule, n) / full).log2();
            match end {
                Ending::Read(y) => {
                    readings.push(Reading { x, s: s(steps), y, seed });
                    let prefixes = [steps / 2, steps / 4, steps / 8].into_iter().filter(|&n| n >= MIN_PREFIX);
                    for n in prefixes.filter(|_| job.is_horizon_free()) {
                        let at = trial.val.points().iter().find(|p| p.step == n && p.loss.is_finite());
                        readings.extend(at.map(|p| Reading { x, s: s(n), y: log(p.loss), seed }));
                    }
                }
                Ending::Behind => {
                    // On the left wall the loss depends on the sum of the rates only, so a low
                    // rate's un-annealed reading is worth as much as the end of a run with the same
                    // sum.
                    let last = trial.val.last().filter(|p| p.step > 0 && p.loss.is_finite());
                    readings.extend(last.map(|p| Reading { x, s: s(p.step), y: log(p.loss), seed }));
                }
                Ending::Broke | Ending::Unread => {}
            }
        }
        let broke = entries.iter().chain(&again).filter(|e| e.end == Ending::Broke);
        let ceiling = broke.map(|e| e.x).fold(f64::INFINITY, f64::min);
        Self { entries, again, readings, untrained, ceiling }
    }

    /// The readings that tell where the best rate is.
    pub fn telling(&self) -> Vec<Reading> {
        let least = self.best().map_or(f64::NEG_INFINITY, |best| best.x - TELLING);
        self.readings.iter().filter(|r| r.x > least).copied().collect()
    }

    /// Probes with all seeds.
    pub fn all(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().chain(&self.again)
    }

    /// The probe at `x` of `steps`, if it was made.
    pub fn find(&self, x: f64, steps: u64) -> Option<&Entry> {
        self.entries.iter().find(|e| (e.x - x).abs() < 1e-6 && e.steps == steps)
    }

    /// The probe at `x` of `steps` with another seed, if it was made.
    pub fn find_again(&self, x: f64, steps: u64) -> Option<&Entry> {
        self.again.iter().find(|e| (e.x - x).abs() < 1e-6 && e.steps == steps)
    }

    /// Where the command prints its loss, by the readings of trials that ended between two of them;
    /// `None` where there is no such trial, or none that shows it.
    pub fn prints(&self) -> Option<Prints> {
        let unread = self.entries.iter().filter(|e| e.end == Ending::Unread);
        unread.filter_map(|e| Some(Prints::new(e.spacing()?, e.last_step()?))).max_by_key(|p| p.every)
    }

    /// The length of the trials that were read at their ends, for which a reading at `step` is.
    pub fn length_read_at(&self, step: u64) -> Option<u64> {
        let read = self.entries.iter().filter(|e| e.value().is_finite()).map(|e| e.steps);
        read.filter(|&n| n >= step && is_near_end(step, n)).min()
    }

    /// The longest trial that ended before its program printed its loss again.
    pub fn unread(&self) -> Option<&Entry> {
        self.entries.iter().filter(|e| e.end == Ending::Unread).max_by_key(|e| e.steps)
    }

    /// Lowest and highest rate that was tried.
    pub fn tried(&self) -> (f64, f64) {
        let xs = || self.entries.iter().map(|e| e.x);
        (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max))
    }

    /// Whether rates exploded, or ended tenfold above the untrained loss, and no trial survived a
    /// rate as high that was as long.
    pub fn exploded_on_top(&self) -> bool {
        let rose = |e: &Entry| e.end_reading().is_some_and(|y| y - self.untrained > TENFOLD);
        let (exploded, survived): (Vec<&Entry>, Vec<&Entry>) = self.all().partition(|e| e.exploded() || rose(e));
        let above = |e: &Entry| survived.iter().all(|s| s.x < e.x || s.steps < e.steps);
        !exploded.is_empty() && exploded.into_iter().all(above)
    }

    /// Probes that show where training breaks: those that broke, and those that ended clearly above
    /// the untrained loss at a rate above the best.
    fn broken(&self) -> impl Iterator<Item = &Entry> {
        let best = self.best().map_or(f64::NEG_INFINITY, |best| best.x);
        self.all().filter(move |e| e.end == Ending::Broke || e.x > best && e.broke(self.untrained))
    }

    /// The lowest rate at which training breaks.
    pub fn divergence(&self) -> Option<Lr> {
        self.broken().map(|e| e.x).min_by(f64::total_cmp).map(Lr::from_log2)
    }

    /// The entry with the lowest loss among the longest probes that were read (any, when none was).
    pub fn best(&self) -> Option<&Entry> {
        lowest(self.entries.iter())
    }

    /// The best of the longest probes, if only breaking stops the loss from falling: the loss still
    /// falls with the rate and with the steps, no lower rate was better, and no higher one was
    /// plainly worse.
    pub fn cliff(&self) -> Option<&Entry> {
        let read = || self.entries.iter().filter(|e| e.value().is_finite());
        let longest = read().map(|e| e.steps).max().filter(|_| self.ceiling.is_finite())?;
        let best = lowest(read().filter(|e| e.steps == longest))?;
        let (mut by_steps, mut by_rate) = (false, false);
        for here in read().filter(|e| (e.x - best.x).abs() <= BESIDE) {
            for longer in read().filter(|e| e.x == here.x && e.steps > here.steps) {
                let octaves = (longer.steps as f64 / here.steps as f64).log2();
                by_steps |= here.value() - longer.value() > FALL_BY_STEPS * octaves;
            }
        }
        for here in read().filter(|e| e.x == best.x) {
            for other in self.entries.iter().filter(|e| e.steps == here.steps) {
                let worse = other.value() - here.value();
                if other.x > best.x && worse.is_finite() && worse > WALL || other.x < best.x && worse < 0.0 {
                    return None;
                }
                let plainly = other.end == Ending::Behind || worse > FALL_BY_RATE * (best.x - other.x);
                by_rate |= other.x < best.x && plainly;
            }
        }
        (by_steps && by_rate).then_some(best)
    }

    /// The evidence in a sentence, for people.
    pub fn story(&self, done: &[Trial], lr: Lr) -> String {
        let longest = self.all().map(|e| e.steps).max().unwrap_or(0);
        let (low, high) = self.tried();
        let broke = self.broken().count();
        let broke = if broke > 0 { format!("; {broke} of them diverged or died") } else { String::new() };
        let warming = Warming::of(done).map_or("", Warming::remark);
        format!(
            "tried rates from {} to {} in {} trials of up to {longest} steps{broke}. {lr} should lose least in the full run, \
             given what is uncertain.{warming}",
            Lr::from_log2(low),
            Lr::from_log2(high),
            done.len()
        )
    }
}

/// Whether the newest reading of a finished trial is of an earlier step than its last: the program
/// would have printed the next one after the end. Where that would have been due before the end,
/// the run ended by itself or counts in another unit, and its newest reading is that of its end.
fn ends_unread(trial: &Trial) -> bool {
    let points = trial.val.points();
    let Some(last) = points.last() else { return false };
    let due = match points {
        [.., before, last] => last.step.saturating_sub(before.step).max(1),
        _ => trial.spec.steps,
    };
    !is_near_end(last.step, trial.spec.steps) && trial.spec.steps - last.step <= due
}

/// Whether a reading at `step` is that of the end of a trial of `steps` steps.
fn is_near_end(step: u64, steps: u64) -> bool {
    steps.saturating_sub(step) as f64 <= UNREAD * steps as f64
}

/// Sum of the schedule's factors over the first `steps` steps: how far a run moves for its base
/// rate. Of a long run one step in each of [`SAMPLED`] equal parts is looked at: only the ratio of
/// two such sums is used, on a scale of octaves.
fn progress(schedule: &Schedule, steps: u64) -> f64 {
    let sum: f64 = if steps <= SAMPLED {
        (0..steps).map(|t| schedule.factor(t)).sum()
    } else {
        let part = steps as f64 / SAMPLED as f64;
        (0..SAMPLED).map(|i| part * schedule.factor(((i as f64 + 0.5) * part) as u64)).sum()
    };
    sum.max(f64::MIN_POSITIVE)
}

/// Losses below this share of the untrained loss count as zero: the ratio of two such losses is
/// noise, and would outweigh how near a rate is to where training breaks.
const NEGLIGIBLE: f64 = 2e-4;

/// Logarithm of a loss, flat below [`NEGLIGIBLE`]. Where a job's loss reaches zero or below (a
/// likelihood of continuous targets, a reward with its sign turned) it is measured from a floor a
/// tenth of the seen range below the lowest reading.
fn log_loss(done: &[Trial]) -> impl Fn(f64) -> f64 + use<> {
    let all = || done.iter().flat_map(|t| t.val.points()).map(|p| p.loss).filter(|l| l.is_finite());
    let lowest = all().fold(f64::INFINITY, f64::min);
    let start = untrained_validation_loss(done).unwrap_or(lowest);
    let offset = if lowest > 0.0 { -NEGLIGIBLE * start } else { lowest - 0.1 * (start - lowest).abs().max(1e-12) };
    move |loss| (loss - offset).max(f64::MIN_POSITIVE).ln()
}
