//! [`Tracker`]: the trials of a search in folders of TensorBoard, MLflow and Weights & Biases,
//! written as they run. Names are those of `stepsize.loggers` of the Python package.
//!
//! A trial that runs again (after a kill, or after a failure) is written anew. What cannot be
//! written is said once and then left out: the search is worth more than its copies.

mod boards;
mod mlruns;
mod offline;

pub use boards::EventFile;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use stepsize::{End, Error, Estimate, Event, Question, Result, TrialId, TrialSpec};

/// Longest time for which readings are held back.
const LATEST: Duration = Duration::from_millis(500);

/// Events that may wait for the writer; a search that is faster is held up.
const QUEUE: usize = 1 << 14;

/// A place where trials are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrackTo {
    /// TensorBoard's event files below a folder.
    TensorBoard(PathBuf),
    /// A folder of runs (`mlruns`) of MLflow.
    Mlflow(PathBuf),
    /// Offline runs of Weights & Biases below a folder.
    WandbOffline(PathBuf),
}

impl FromStr for TrackTo {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((kind, place)) = text.split_once(':').filter(|(_, place)| !place.is_empty()) else {
            return Err(Error::invalid(format!(
                "{text} is not a place for trials; write tensorboard:DIR, mlflow:DIR or wandb-offline:DIR"
            )));
        };
        match kind {
            "tensorboard" => Ok(Self::TensorBoard(place.into())),
            "wandb-offline" => Ok(Self::WandbOffline(place.into())),
            "mlflow" => match place.strip_prefix("file:") {
                Some(path) => Ok(Self::Mlflow(path.strip_prefix("//").unwrap_or(path).into())),
                None if place.contains("://") => Err(Error::invalid(format!(
                    "{text}: a server or a database of MLflow is written by its own client, from Python: \
                     stepsize.loggers.MLflow(tracking_uri=\"{place}\"); from here name a folder, such as mlflow:./mlruns"
                ))),
                None => Ok(Self::Mlflow(place.into())),
            },
            "wandb" => {
                Err(Error::invalid(format!("{text}: write wandb-offline:DIR, and send the runs with `wandb sync`")))
            }
            _ => Err(Error::invalid(format!(
                "{kind} is not a kind of place for trials; there are tensorboard, mlflow and wandb-offline"
            ))),
        }
    }
}

impl fmt::Display for TrackTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TensorBoard(place) => write!(f, "tensorboard:{}", place.display()),
            Self::Mlflow(place) => write!(f, "mlflow:{}", place.display()),
            Self::WandbOffline(place) => write!(f, "wandb-offline:{}", place.display()),
        }
    }
}

impl TrackTo {
    /// The same in `directory`, where the place is relative.
    #[must_use]
    pub fn within(self, directory: &Path) -> Self {
        match self {
            Self::TensorBoard(place) => Self::TensorBoard(directory.join(place)),
            Self::Mlflow(place) => Self::Mlflow(directory.join(place)),
            Self::WandbOffline(place) => Self::WandbOffline(directory.join(place)),
        }
    }
}

/// A trial under way, as a sink sees it.
#[derive(Debug, Clone)]
struct TrackedTrial {
    spec: TrialSpec,
    /// Its validation loss so far.
    val_loss: Option<f64>,
}

/// How a trial ended, for a sink.
struct TrackedEnd<'e> {
    end: &'e End,
    lr: f64,
    val_loss: Option<f64>,
    /// Steps of all trials that have ended, this one included.
    taken: u64,
    /// The same in full runs.
    cost: f64,
}

/// Writes trials in one format. `at` is in seconds since 1970.
trait TrialSink: Send {
    fn begin(&mut self, at: f64, trial: TrialId, spec: &TrialSpec) -> Result<()>;
    fn point(&mut self, at: f64, trial: TrialId, step: u64, values: &[(&'static str, f64)]) -> Result<()>;
    fn end(&mut self, at: f64, trial: TrialId, ended: &TrackedEnd<'_>) -> Result<()>;
    fn concluded(&mut self, at: f64, taken: u64, estimate: &Estimate) -> Result<()>;
    fn flush(&mut self) -> Result<()>;
}

/// All places of a search, written by a thread of its own: a trial does not wait for a folder.
pub struct Tracker {
    events: Option<SyncSender<(f64, Event)>>,
    lost: Receiver<String>,
    writer: Option<JoinHandle<()>>,
}

impl Tracker {
    /// Opens every place, for a search with this question.
    ///
    /// # Errors
    /// When a folder cannot be made or written.
    pub fn open(places: &[TrackTo], question: &Question) -> Result<Self> {
        let (say, lost) = channel();
        if places.is_empty() {
            return Ok(Self { events: None, lost, writer: None });
        }
        let mut all = TrackWriter::open(places, question)?;
        let (events, received) = sync_channel::<(f64, Event)>(QUEUE);
        let work = move || {
            for (at, event) in received {
                for line in all.see(at, &event) {
                    let _ = say.send(line); // nobody may listen any more
                }
            }
        };
        let writer = std::thread::Builder::new().name("track".into()).spawn(work);
        let writer = writer.map_err(|e| Error::io("start a thread", "", e))?;
        Ok(Self { events: Some(events), lost, writer: Some(writer) })
    }

    /// Takes in an event of the search. Says what can no longer be written.
    pub fn see(&mut self, event: &Event) -> Vec<String> {
        if let Some(events) = &self.events
            && events.send((now(), event.clone())).is_err()
        {
            self.events = None;
        }
        self.lost.try_iter().collect()
    }

    /// Waits until everything is written. Says what could not be.
    pub fn finish(mut self) -> Vec<String> {
        self.close();
        self.lost.try_iter().collect()
    }

    fn close(&mut self) {
        self.events = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.close();
    }
}

/// The places themselves.
struct TrackWriter {
    sinks: Vec<(TrackTo, Box<dyn TrialSink>)>,
    steps: u64,
    trials: BTreeMap<TrialId, TrackedTrial>,
    taken: u64,
    flushed: Instant,
}

impl TrackWriter {
    fn open(places: &[TrackTo], question: &Question) -> Result<Self> {
        let sinks = places.iter().map(|place| Ok((place.clone(), sink(place, question)?)));
        let sinks = sinks.collect::<Result<Vec<_>>>()?;
        Ok(Self { sinks, steps: question.job.steps, trials: BTreeMap::new(), taken: 0, flushed: Instant::now() })
    }

    /// Takes in an event. Says what can no longer be written.
    fn see(&mut self, at: f64, event: &Event) -> Vec<String> {
        match event {
            Event::Started { trial, spec } => {
                self.trials.insert(*trial, TrackedTrial { spec: spec.clone(), val_loss: None });
                self.each(|sink| sink.begin(at, *trial, spec))
            }
            Event::Step { trial, step, lr, loss } => {
                let mut lost = self.each(|sink| sink.point(at, *trial, *step, &[("loss", *loss), ("lr", *lr)]));
                if self.flushed.elapsed() > LATEST {
                    self.flushed = Instant::now();
                    lost.extend(self.each(|sink| sink.flush()));
                }
                lost
            }
            Event::Eval { trial, step, val_loss, score, .. } => {
                if let Some(known) = self.trials.get_mut(trial) {
                    known.val_loss = Some(*val_loss);
                }
                let all = [("val_loss", *val_loss), ("score", score.unwrap_or_default())];
                let shown = if score.is_some() { &all[..] } else { &all[..1] };
                self.each(|sink| sink.point(at, *trial, *step, shown))
            }
            Event::Ended { trial, end, steps, .. } => {
                let Some(known) = self.trials.remove(trial) else { return Vec::new() };
                self.taken += steps;
                let (lr, val_loss) = (known.spec.lr.get(), known.val_loss);
                let cost = self.taken as f64 / self.steps as f64;
                let ended = TrackedEnd { end, lr, val_loss, taken: self.taken, cost };
                let mut lost = self.each(|sink| sink.end(at, *trial, &ended));
                lost.extend(self.each(|sink| sink.flush()));
                lost
            }
            Event::Concluded { estimate } => {
                let taken = self.taken;
                let mut lost = self.each(|sink| sink.concluded(at, taken, estimate));
                lost.extend(self.each(|sink| sink.flush()));
                lost
            }
            Event::Study { .. }
            | Event::Submitted { .. }
            | Event::Asked { .. }
            | Event::Acted { .. }
            | Event::Followed { .. } => Vec::new(),
        }
    }

    /// Does the same to all sinks; one that fails is dropped, with what to say of it.
    fn each(&mut self, mut act: impl FnMut(&mut dyn TrialSink) -> Result<()>) -> Vec<String> {
        let mut lost = Vec::new();
        self.sinks.retain_mut(|(place, sink)| match act(sink.as_mut()) {
            Ok(()) => true,
            Err(why) => {
                lost.push(format!("trials are no longer written to {place}: {why}"));
                false
            }
        });
        lost
    }
}

fn sink(place: &TrackTo, question: &Question) -> Result<Box<dyn TrialSink>> {
    Ok(match place {
        TrackTo::TensorBoard(folder) => Box::new(boards::Boards::open(folder)?),
        TrackTo::Mlflow(folder) => Box::new(mlruns::Mlruns::open(folder, question)?),
        TrackTo::WandbOffline(folder) => Box::new(offline::OfflineRuns::open(folder)?),
    })
}

/// The name of a trial, for people.
fn name(trial: TrialId, spec: &TrialSpec) -> String {
    format!("trial {}, lr {}, {} steps", trial.0, spec.lr, spec.steps)
}

/// The word for an end.
fn word(end: &End) -> &'static str {
    match end {
        End::Finished => "finished",
        End::Diverged { .. } => "diverged",
        End::Pruned { .. } => "pruned",
        End::Stopped => "stopped",
        End::Failed { .. } => "failed",
    }
}

/// Makes a folder, and says which one could not be made.
fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io("make the folder", folder, e))
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// Letters and digits that name a run: from the clock, the process and a count, so that two
/// searches at once differ.
fn unique(length: usize) -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let mut text = String::new();
    while text.len() < length {
        // Every state is seeded at random by the operating system.
        let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
        hasher.write_u64(now().to_bits());
        text += &format!("{:016x}", hasher.finish());
    }
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests;
