//! [`Feed`]: the board of one study, kept up to date by a thread of its own while somebody looks.
//!
//! It only reads. A look at the file takes microseconds when nothing has happened. While the search
//! runs, it rests after a change for [`SHARE`] times as long as the change took to work out, so
//! that however large the study and however many pages are open, the search loses less than 2 % of
//! one processor.

use crate::board::LiveBoard;
use crate::{Shared, Site};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use stepsize::probe::Race;
use stepsize::report::{TrialSummary, concluded_from};
use stepsize::{Estimate, Event, FindProbe, Question, QuestionKind, Report, Result, Trial, TrialId, fold_one};
use stepsize_draw::page::study;
use stepsize_study::Studies;

/// Between two looks at the file.
const LOOK: Duration = Duration::from_millis(300);
/// Rest after a change, as a multiple of the time that it took.
pub const SHARE: u32 = 50;
/// How long a feed outlives its last page: a reload finds it.
const IDLE: Duration = Duration::from_secs(20);
/// Conclusions of the past that are worked out for the plot of how the answer tightened.
const HISTORY: usize = 32;
/// More states of that plot than there are between two events.
const PASTS: u64 = 128;
/// A conclusion that takes longer, on a machine that may be busy, is not worked out again and
/// again.
const DEAR: Duration = Duration::from_secs(2);
/// As long as the past is worked on at once.
const MOMENT: Duration = Duration::from_millis(100);

/// A study on its way to the pages.
#[derive(Debug)]
pub struct Feed {
    /// What the pages show.
    pub board: LiveBoard,
}

impl AsRef<LiveBoard> for Feed {
    fn as_ref(&self) -> &LiveBoard {
        &self.board
    }
}

impl Feed {
    /// Reads the study `name` and follows it.
    ///
    /// # Errors
    /// When there is no such study, or the file cannot be read.
    pub fn open(site: &Shared, name: &str) -> Result<Arc<Self>> {
        let mut reader = StudyReader::new(site, name)?;
        let feed = Arc::new(Self { board: LiveBoard::new(reader.number.to_string()) });
        reader.look(&feed.board)?;
        let weak = Arc::downgrade(&feed);
        let follow = std::thread::Builder::new().name("serve-study".to_owned());
        let spawned = follow.spawn(move || reader.follow(&weak));
        spawned.map_err(|e| stepsize::Error::io("start a thread", "", e))?;
        Ok(feed)
    }
}

/// What is known of a study, and how to learn more.
struct StudyReader {
    site: Shared,
    name: String,
    number: i64,
    studies: Studies,
    /// Events read.
    place: u64,
    question: Option<Question>,
    trials: BTreeMap<TrialId, Trial>,
    /// Trials with new events since the last look.
    fresh: BTreeSet<TrialId>,
    concluded: Option<Estimate>,
    /// Numbers of the trials in the order of their ends.
    ended: Vec<TrialId>,
    /// The conclusion from as many ends.
    current: Option<(usize, (f64, Estimate))>,
    history: Vec<(f64, Estimate)>,
    /// Ends that the history covers.
    told: usize,
    /// Everything was sent to the board once.
    shown: bool,
    /// Working out the conclusion takes too long.
    dear: bool,
    /// A process works on the study.
    running: bool,
    begun: Option<f64>,
    last: f64,
}

impl StudyReader {
    fn new(site: &Shared, name: &str) -> Result<Self> {
        let studies = Studies::look(&site.options.db)?;
        Ok(Self {
            site: Arc::clone(site),
            name: name.to_owned(),
            number: studies.number(name)?,
            studies,
            place: 0,
            question: None,
            trials: BTreeMap::new(),
            fresh: BTreeSet::new(),
            concluded: None,
            ended: Vec::new(),
            current: None,
            history: Vec::new(),
            told: 0,
            shown: false,
            dear: false,
            running: false,
            begun: None,
            last: 0.0,
        })
    }

    /// Looks again and again, until nobody has asked for a while.
    fn follow(mut self, feed: &Weak<Feed>) {
        let mut asked = Instant::now();
        let mut rest = LOOK;
        loop {
            std::thread::sleep(rest);
            let Some(feed) = feed.upgrade() else { return };
            // One is here, one in the list of the site.
            if Arc::strong_count(&feed) > 2 {
                asked = Instant::now();
            } else if asked.elapsed() > IDLE {
                self.site.forget(&self.name);
                return;
            }
            let begin = Instant::now();
            if let Err(error) = self.look(&feed.board) {
                feed.board.set_status(&json!({ "state": "lost", "error": error.to_string() }));
                if self.studies.number(&self.name).ok() != Some(self.number) {
                    self.site.forget(&self.name);
                    return;
                }
            }
            let share = if self.running { SHARE } else { 1 };
            rest = LOOK.max(begin.elapsed() * share).min(Duration::from_secs(20));
        }
    }

    fn look(&mut self, board: &LiveBoard) -> Result<()> {
        let before = self.place;
        self.running = self.studies.is_running(&self.name)?;
        loop {
            let events = self.studies.events_from(self.number, self.place)?;
            if events.is_empty() {
                break;
            }
            for (at, event) in &events {
                self.take_in(*at, event);
            }
            self.place += events.len() as u64;
        }
        // The first page is answered before the past is worked out.
        let more = self.shown && self.tighten();
        if self.place > before || more || !self.shown {
            self.show(board);
        }
        board.set_status(&self.status());
        Ok(())
    }

    fn take_in(&mut self, at: f64, event: &Event) {
        self.begun.get_or_insert(at);
        self.last = at;
        fold_one(&mut self.trials, event);
        // What ran after the search does not change its conclusion.
        if !matches!(event, Event::Followed { .. }) {
            self.concluded = None;
        }
        match event {
            Event::Study { question, .. } => self.question = Some(question.clone()),
            Event::Concluded { estimate } => self.concluded = Some(estimate.clone()),
            Event::Ended { trial, .. } => {
                let before = self.ended.len();
                self.ended.retain(|id| id != trial);
                self.told = self.told.min(self.ended.len()).saturating_sub(usize::from(self.ended.len() < before));
                self.ended.push(*trial);
                self.fresh.insert(*trial);
            }
            Event::Started { trial, .. }
            | Event::Step { trial, .. }
            | Event::Eval { trial, .. }
            | Event::Acted { trial, .. } => {
                self.fresh.insert(*trial);
            }
            Event::Submitted { .. } | Event::Asked { .. } | Event::Followed { .. } => {}
        }
    }

    fn show(&mut self, board: &LiveBoard) {
        let Some(question) = self.question.clone() else { return };
        let estimate = self.estimate(&question);
        let trials: Vec<Trial> = self.trials.values().cloned().collect();
        let report = Report::new(&question, &estimate, &trials);
        let words = self.site.options.words;
        let report = report.with_words(|remedy| words(remedy, &question, &self.name, &self.site.options.db));
        let report = match self.site.options.price_per_hour {
            Some(price) => report.clone().with_price(price).unwrap_or(report),
            None => report,
        };
        let report = Report { history: self.history.clone(), ..report };
        let mut parts = study::head(&report);
        parts.insert("study".to_owned(), self.about(&question));
        let moved = |run: &&TrialSummary| !self.shown || self.ended_or_fresh(run);
        let runs = report.runs.iter().filter(moved).map(|run| study::trial(run, &report));
        // What is known of the past changes the page without an event.
        let place = self.place * PASTS + (self.history.len() as u64).min(PASTS - 1);
        board.set(place, parts.into_iter().chain(runs));
        self.shown = true;
        self.fresh.clear();
    }

    /// Running trials change with their events, ended ones with the verdict on them.
    fn ended_or_fresh(&self, run: &TrialSummary) -> bool {
        let id = TrialId(run.trial);
        self.fresh.contains(&id) || self.trials.get(&id).is_some_and(|t| t.end.is_some())
    }

    /// The conclusion of the study, or the one that its method would draw now.
    fn estimate(&mut self, question: &Question) -> Estimate {
        if let Some(concluded) = &self.concluded {
            return concluded.clone();
        }
        let ended = self.ended.len();
        let stale = self.current.as_ref().is_none_or(|(count, _)| *count != ended && !self.dear);
        let fresh = if stale { self.conclude(question, ended) } else { None };
        let known = fresh.or_else(|| self.current.as_ref().map(|(_, known)| known.clone()));
        known.map_or_else(|| none_yet(question, self.trials.values()), |(_, estimate)| estimate)
    }

    /// Its cost and what the method would have concluded after the first `count` ends.
    fn conclude(&mut self, question: &Question, count: usize) -> Option<(f64, Estimate)> {
        match &self.current {
            Some((known, conclusion)) if *known == count => return Some(conclusion.clone()),
            _ if matches!(question.kind, QuestionKind::Compare { .. }) => return None,
            _ => {}
        }
        let begin = Instant::now();
        let known = self.ended[..count].iter().filter_map(|id| self.trials.get(id));
        let conclusion = concluded_from(question, question.probe().ok()?.as_ref(), known)?;
        self.dear |= begin.elapsed() > DEAR;
        if count == self.ended.len() {
            self.current = Some((count, conclusion.clone()));
        }
        Some(conclusion)
    }

    /// Works out what the method would have concluded after the ends that are new, for a moment at
    /// most. Says whether it did.
    fn tighten(&mut self) -> bool {
        let (begin, ended) = (Instant::now(), self.ended.len());
        let Some(question) = self.question.clone().filter(|_| self.told < ended) else { return false };
        let stride = ended.div_ceil(HISTORY).max(1);
        while self.told < ended && !self.dear && begin.elapsed() < MOMENT {
            self.told = (self.told + stride - self.told % stride).min(ended);
            let conclusion = self.conclude(&question, self.told);
            self.history.extend(conclusion);
        }
        !self.dear
    }

    /// What was asked, how, and where.
    fn about(&self, question: &Question) -> serde_json::Value {
        let (command, directory) = self.studies.command(&self.name).unwrap_or_default();
        let typed: Vec<String> = command.iter().map(|word| stepsize_study::executor::typed(word)).collect();
        let program = if command.first().is_some_and(|word| word == "python") { "" } else { "stepsize " };
        json!({
            "name": self.name, "question": question.to_string(), "task": question.task,
            "command": format!("{program}{}", typed.join(" ")), "directory": directory,
            "resume": self.site.resume(question, &self.name),
            "has_budget": matches!(question.kind, QuestionKind::Find { .. } | QuestionKind::Sweep { .. } | QuestionKind::RangeTest { .. }),
            "concluded": self.concluded.is_some(),
        })
    }

    fn status(&self) -> serde_json::Value {
        let running = self.running;
        let alive = self.trials.values().filter(|t| t.end.is_none()).count();
        let state = match (running, &self.concluded) {
            (true, _) => "running",
            (false, Some(_)) => "concluded",
            (false, None) => "unfinished",
        };
        let steps: u64 = self.trials.values().map(Trial::steps_paid).sum();
        let Some(question) = &self.question else { return json!({ "state": state }) };
        let all = question.job.steps as f64;
        let budget = budget(question);
        let clock = self.begun.map(|begun| if running { now() - begun } else { self.last - begun });
        // By the clock, because several trials may run at once.
        let pace = clock.filter(|_| steps > 0).map(|clock| clock / steps as f64);
        let left = budget.zip(pace).map(|(runs, pace)| (runs * all - steps as f64).max(0.0) * pace);
        let seconds: f64 = self.trials.values().filter_map(|t| t.seconds).sum();
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        json!({
            "state": state, "running": alive, "ended": self.ended.len(), "runs": round(steps as f64 / all),
            "budget": budget, "seconds": round(seconds), "clock": clock.map(f64::round),
            "left": left.filter(|_| running).map(f64::round),
            "money": self.site.options.price_per_hour.map(|price| round(seconds / 3600.0 * price)),
        })
    }
}

impl Site {
    /// The feed of a study; opened when nobody looks at it yet.
    ///
    /// # Errors
    /// As `Feed::open`.
    pub fn feed(self: &Arc<Self>, name: &str) -> Result<Arc<Feed>> {
        let mut feeds = self.feeds.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(feed) = feeds.get(name) {
            return Ok(Arc::clone(feed));
        }
        let feed = Feed::open(self, name)?;
        feeds.insert(name.to_owned(), Arc::clone(&feed));
        Ok(feed)
    }

    fn forget(&self, name: &str) {
        self.feeds.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(name);
    }
}

/// The budget of a search in full runs: as given, or that of the default search.
fn budget(question: &Question) -> Option<f64> {
    match question.kind {
        QuestionKind::Find { probe: FindProbe::Race, budget, .. } => {
            Some(budget.unwrap_or_else(|| Race::new(question.job.clone()).max_cost()))
        }
        QuestionKind::Find { budget, .. }
        | QuestionKind::Sweep { budget, .. }
        | QuestionKind::RangeTest { budget, .. } => budget,
        _ => None,
    }
}

/// The estimate before any trial has ended with a loss.
fn none_yet<'a>(question: &Question, trials: impl Iterator<Item = &'a Trial>) -> Estimate {
    use stepsize::{Answer, End, Reason, Refusal, Remedy};
    let failures: Vec<(TrialId, &String)> = trials
        .filter_map(|t| match &t.end {
            Some(End::Failed { why }) => Some((t.id, why)),
            _ => None,
        })
        .collect();
    let because = match failures.as_slice() {
        [] => format!("no trial of {question} has ended yet"),
        [.., (id, why)] => format!("no trial has ended with a loss, and {} failed; {id}: {why}", failures.len()),
    };
    Estimate {
        divergence_lr: None,
        cost_runs: 0.0,
        why: because.clone(),
        answer: Answer::Refused(Refusal { reason: Reason::TooShort, because, remedies: vec![Remedy::Resume] }),
        landscape: Vec::new(),
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
