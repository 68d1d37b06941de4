//! [`LiveBoard`]: what a page shows, as named parts that change one by one. Each has the place of
//! the last event that changed it, so that a page which saw the events up to some place is sent
//! what has changed since, also by another process that read the same events.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The parts of one page.
#[derive(Debug)]
pub struct LiveBoard {
    state: Mutex<BoardState>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct BoardState {
    /// Which log the places are of; a page of another one begins anew.
    log: String,
    /// Events seen.
    place: u64,
    parts: BTreeMap<String, (u64, String)>,
    /// What no event changes: whether a process runs, and the time.
    status: String,
    /// The last answer, for the many pages that are at the same place.
    last: Option<(u64, Arc<str>)>,
}

/// What a page is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// `LOG.PLACE`, what a browser gives back as `Last-Event-ID`.
    pub id: String,
    /// `{"whole": bool, "parts": {...}}`; `None` when nothing has changed.
    pub parts: Option<Arc<str>>,
    /// The status.
    pub status: String,
}

impl AsRef<LiveBoard> for LiveBoard {
    fn as_ref(&self) -> &LiveBoard {
        self
    }
}

impl LiveBoard {
    /// An empty one for the log of this name.
    pub fn new(log: impl Into<String>) -> Self {
        let state = BoardState { log: log.into(), status: "{}".to_owned(), ..BoardState::default() };
        Self { state: Mutex::new(state), changed: watch::Sender::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, BoardState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets parts as the events up to `place` made them; a part that is as it was stays unsent.
    pub fn set(&self, place: u64, parts: impl IntoIterator<Item = (String, Value)>) {
        let mut state = self.state();
        for (name, value) in parts {
            let text = value.to_string();
            if state.parts.get(&name).is_none_or(|(_, old)| *old != text) {
                state.parts.insert(name, (place, text));
                state.last = None;
            }
        }
        state.place = place;
        drop(state);
        self.changed.send_modify(|n| *n += 1);
    }

    /// Sets the status; it is sent to all pages when it differs.
    pub fn set_status(&self, status: &Value) {
        let text = status.to_string();
        let mut state = self.state();
        if state.status != text {
            state.status = text;
            drop(state);
            self.changed.send_modify(|n| *n += 1);
        }
    }

    /// Wakes whoever waits for a change.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What has changed since `id`; everything without one, or with one of another log.
    pub fn since(&self, id: Option<&str>) -> News {
        let mut state = self.state();
        let seen = id.and_then(|id| {
            let (log, place) = id.rsplit_once('.')?;
            place.parse::<u64>().ok().filter(|place| log == state.log && *place <= state.place)
        });
        let id = format!("{}.{}", state.log, state.place);
        let status = state.status.clone();
        if seen == Some(state.place) {
            return News { id, parts: None, status };
        }
        let from = seen.map_or(0, |place| place + 1);
        if let Some((at, text)) = &state.last
            && *at == from
        {
            return News { id, parts: Some(Arc::clone(text)), status };
        }
        let mut text = format!("{{\"whole\":{},\"parts\":{{", seen.is_none());
        let mut first = true;
        for (name, (_, part)) in state.parts.iter().filter(|(_, (place, _))| *place >= from) {
            let _ = write!(text, "{}{}:{part}", if first { "" } else { "," }, Value::from(name.as_str()));
            first = false;
        }
        text += "}}";
        let text: Arc<str> = text.into();
        state.last = Some((from, Arc::clone(&text)));
        News { id, parts: Some(text), status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parts(news: &News) -> Vec<String> {
        let Some(text) = &news.parts else { return Vec::new() };
        let value: Value = serde_json::from_str(text).unwrap();
        value["parts"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn a_page_is_sent_what_changed_since_its_place_and_no_more() {
        let board = LiveBoard::new("7");
        board.set(3, [("a".to_owned(), json!(1)), ("b".to_owned(), json!(1))]);
        let all = board.since(None);
        assert_eq!((parts(&all), all.id.as_str()), (vec!["a".to_owned(), "b".to_owned()], "7.3"));
        board.set(5, [("a".to_owned(), json!(1)), ("b".to_owned(), json!(2))]);
        assert_eq!(parts(&board.since(Some("7.3"))), ["b"]);
        assert_eq!(board.since(Some("7.5")).parts, None);
    }

    #[test]
    fn a_place_of_another_log_or_of_the_future_begins_anew() {
        let board = LiveBoard::new("7");
        board.set(3, [("a".to_owned(), json!(1))]);
        for id in ["8.3", "7.9", "", "x", "7.", "7.-1", ".3"] {
            let news = board.since(Some(id));
            assert!(news.parts.is_some_and(|text| text.starts_with("{\"whole\":true")), "{id}");
        }
    }
}
