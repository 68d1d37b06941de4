//! [`Together`]: several controllers at once, their factors multiplied:
//! `rewind * plateau(patience=10)`.
//!
//! Each receives the metric that it watches. When several ask for something after one report, the
//! order is: going back, stopping, a branch. A second branch is dropped.

use super::{Controller, Gradient, Metric, Needs, Observation, Request, State};
use crate::{Error, Result};

pub(super) struct Together {
    parts: Vec<Box<dyn Controller>>,
    /// Index of the part that waits for its branches. Never saved, because the loop reports them
    /// before it does anything else.
    asked: usize,
}

impl Together {
    pub(super) fn new(parts: Vec<Box<dyn Controller>>) -> Self {
        Self { parts, asked: 0 }
    }

    fn each(&mut self, mut tell: impl FnMut(&mut dyn Controller) -> Result<Request>) -> Result<Request> {
        let rank = |request: &Request| match request {
            Request::Go => 0,
            Request::Branch { .. } => 1,
            Request::Stop(_) => 2,
            Request::Rewind { .. } => 3,
        };
        let (mut worst, mut fault) = (Request::Go, None);
        for (i, part) in self.parts.iter_mut().enumerate() {
            match tell(part.as_mut()) {
                Ok(request) if rank(&request) > rank(&worst) => {
                    self.asked = i;
                    worst = request;
                }
                Ok(_) => {}
                Err(error) => fault = Some(error),
            }
        }
        // A part may fail on a loss that another part repairs by going back, so that comes first.
        match (worst, fault) {
            (worst @ Request::Rewind { .. }, _) | (worst, None) => Ok(worst),
            (_, Some(error)) => Err(error),
        }
    }
}

impl Controller for Together {
    fn metric(&self) -> Metric {
        self.parts.first().map_or(Metric::ValLoss, |p| p.metric())
    }

    fn needs(&self) -> Needs {
        self.parts.iter().map(|p| p.needs()).fold(Needs::default(), |a, b| Needs {
            gradient: a.gradient || b.gradient,
            keep: a.keep.into_iter().chain(b.keep).min(),
            branch: a.branch || b.branch,
        })
    }

    fn factor(&self) -> f64 {
        self.parts.iter().map(|p| p.factor()).product()
    }

    fn observe(&mut self, seen: &Observation) -> Result<Request> {
        let metric = self.metric();
        self.report(metric, seen)
    }

    fn report(&mut self, metric: Metric, seen: &Observation) -> Result<Request> {
        self.each(|part| part.report(metric, seen))
    }

    fn heed(&mut self, gradient: &Gradient) -> Result<()> {
        self.parts.iter_mut().filter(|p| p.needs().gradient).try_for_each(|part| part.heed(gradient))
    }

    fn judged(&mut self, losses: &[f64]) -> Result<String> {
        match self.parts.get_mut(self.asked) {
            Some(part) => part.judged(losses),
            None => Err(Error::invalid("no controller asked for branches")),
        }
    }

    fn save(&self) -> State {
        let states = self.parts.iter().map(|part| part.save()).enumerate();
        states
            .flat_map(|(i, state)| state.into_iter().map(move |(name, value)| (format!("{i}.{name}"), value)))
            .collect()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut states = vec![State::new(); self.parts.len()];
        for (name, value) in state {
            let place = name.split_once('.').and_then(|(i, rest)| Some((i.parse::<usize>().ok()?, rest)));
            match place.and_then(|(i, rest)| Some((states.get_mut(i)?, rest))) {
                Some((own, rest)) => own.insert(rest.to_owned(), *value),
                None => {
                    return Err(Error::state(format!("this is not a state of these controllers: {name:?} is unknown")));
                }
            };
        }
        let before: Vec<State> = self.parts.iter().map(|p| p.save()).collect();
        for (i, state) in states.iter().enumerate() {
            if let Err(error) = self.parts[i].restore(state) {
                // All or nothing: every part can read what it saved itself.
                for (part, state) in self.parts.iter_mut().zip(&before).take(i) {
                    part.restore(state)?;
                }
                return Err(error);
            }
        }
        Ok(())
    }
}
