//! The pages of the studies, and the requests of those pages.

use crate::board::LiveBoard;
use crate::feed::{Feed, SHARE};
use crate::shell::{self, json, refusal};
use crate::{Shared, Site, log};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use stepsize::{Event, Result, Wish};
use stepsize_draw::diagnosis;
use stepsize_logs::judgement::{Judgement, RunsRead};
use stepsize_logs::meaning::Asked;
use stepsize_study::Studies;
use stepsize_study::executor::LogOptions;
use stepsize_study::store::sqlite::{StudyStatus, Summary};

/// A log that is dropped on the page: at most this many bytes.
const LOG: usize = 64 << 20;
/// A wish is short.
const WISH: usize = 4096;
/// A comment keeps proxies and tunnels from closing a stream that has nothing to say.
const SILENCE: Duration = Duration::from_secs(15);

/// Pages and requests.
pub fn router() -> Router<Shared> {
    Router::new()
        .route("/", get(|| async { page("Stepsize: studies", "studies") }))
        .route(
            "/study/{name}",
            get(|Path(name): Path<String>| async move { page(&format!("Stepsize: {name}"), "study") }),
        )
        .route("/live", get(live_page))
        .route("/api/live/events", get(live_events))
        .route("/diagnose", get(|| async { page("Stepsize: diagnose", "diagnose") }))
        .route("/api/studies", get(studies))
        .route("/api/study/{name}", get(snapshot))
        .route("/api/study/{name}/events", get(events))
        .route("/api/study/{name}/log/{trial}", get(log_of))
        .route("/api/study/{name}/wish", post(wish))
        .route("/api/diagnose", post(diagnose))
        .route("/assets/page.js", get(|| async { shell::script(stepsize_draw::page::SCRIPT) }))
        .route("/assets/page.css", get(|| async { shell::style(stepsize_draw::page::STYLE) }))
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "there is no such page; `/` lists the studies") })
}

fn page(title: &str, kind: &str) -> Html<String> {
    let body = "<main><div id=\"page\"><p class=\"loading\" role=\"status\">Loading\u{2026}</p>\
                <noscript><p>The live page needs its script. `stepsize show NAME --report FILE.html` writes a page that \
                does not.</p></noscript></div></main>";
    Html(shell::document(title, "/assets/page.css", "/assets/page.js", body, &json!({ "page": kind })))
}

/// Runs `work`, which may wait for a disk, beside the thread that serves.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T, Response> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if error.is_io() || error.is_internal() => {
            Err(refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))
        }
        Ok(Err(error)) => Err(refusal(StatusCode::NOT_FOUND, &error.to_string())),
        Err(_) => Err(refusal(StatusCode::INTERNAL_SERVER_ERROR, "the server failed at this request")),
    }
}

async fn studies(State(site): State<Shared>) -> Result<Response, Response> {
    let text = aside(move || site.list()).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

impl Site {
    /// The studies of the file, as JSON. However many pages ask, they are read again only after a
    /// rest of some times as long as reading them took.
    fn list(&self) -> Result<String> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, rest, text)) = &*listed
            && made.elapsed() < *rest
        {
            return Ok(text.clone());
        }
        let (begin, db) = (Instant::now(), &self.options.db);
        let all = if db.exists() { Studies::look(db)?.list()? } else { Vec::new() };
        let text = json!({ "file": db, "studies": all.iter().map(brief).collect::<Vec<Value>>() }).to_string();
        *listed = Some((Instant::now(), begin.elapsed() * SHARE, text.clone()));
        Ok(text)
    }
}

fn brief(study: &Summary) -> Value {
    let state = match study.state {
        StudyStatus::Running => "running",
        StudyStatus::Unfinished => "unfinished",
        StudyStatus::Concluded => "concluded",
    };
    let rate = study.estimate.as_ref().and_then(|e| match &e.answer {
        stepsize::Answer::Rate(rate) => Some(rate),
        stepsize::Answer::Refused(_) => None,
    });
    let interval = rate.and_then(|r| r.interval);
    json!({
        "name": study.name, "state": state, "ended": study.ended, "written": study.written,
        "path": crate::study_path(&study.name),
        "question": study.question.as_ref().map(ToString::to_string),
        "task": study.question.as_ref().map(|q| &q.task),
        "lr": rate.map(|r| r.lr), "low": interval.map(|i| i.0), "high": interval.map(|i| i.1),
        "diverges_from": study.estimate.as_ref().and_then(|e| e.divergence_lr),
        "runs": study.estimate.as_ref().map(|e| e.cost_runs),
        "refused": study.estimate.as_ref().and_then(|e| e.refusal()).map(|r| &r.because),
    })
}

async fn feed(site: Shared, name: String) -> Result<Arc<Feed>, Response> {
    aside(move || site.feed(&name)).await
}

async fn snapshot(State(site): State<Shared>, Path(name): Path<String>) -> Result<Response, Response> {
    let news = feed(site, name).await?.board.since(None);
    let parts = news.parts.as_deref().unwrap_or("null");
    let text = format!("{{\"id\":{},\"news\":{parts},\"status\":{}}}", Value::from(news.id.as_str()), news.status);
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

async fn live_page(State(site): State<Shared>) -> Response {
    match &site.options.live {
        Some(_) => page("Stepsize: live", "live").into_response(),
        None => refusal(StatusCode::NOT_FOUND, "this server shows no run; `/` lists the studies"),
    }
}

async fn live_events(State(site): State<Shared>, headers: HeaderMap) -> Response {
    match &site.options.live {
        Some(board) => sse(Arc::clone(board), &headers),
        None => refusal(StatusCode::NOT_FOUND, "this server shows no run"),
    }
}

async fn events(
    State(site): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    Ok(sse(feed(site, name).await?, &headers))
}

/// Server-sent events: `parts` with the place in the log as its id, and `status`. A browser that
/// comes back names the last id, and is sent what it missed.
fn sse<B: AsRef<LiveBoard> + Send + Sync + 'static>(of: Arc<B>, headers: &HeaderMap) -> Response {
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let watch = (*of).as_ref().watch();
    let first = Some(":\n\nretry: 1000\n\n".to_owned());
    let stream = futures_util::stream::unfold((of, watch, seen, String::new(), first), |state| async move {
        let (of, mut watch, mut seen, mut status, mut first) = state;
        loop {
            watch.mark_unchanged();
            let news = (*of).as_ref().since(seen.as_deref());
            let mut text = first.take().unwrap_or_default();
            if let Some(parts) = &news.parts {
                text += &format!("event: parts\nid: {}\ndata: {parts}\n\n", news.id);
            }
            if news.status != status {
                text += &format!("event: status\ndata: {}\n\n", news.status);
                status = news.status;
            }
            seen = Some(news.id);
            if !text.is_empty() {
                let state = (of, watch, seen, status, first);
                return Some((Ok::<Bytes, std::convert::Infallible>(Bytes::from(text)), state));
            }
            match tokio::time::timeout(SILENCE, watch.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => first = Some(":\n\n".to_owned()),
            }
        }
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(stream)).into_response()
}

async fn log_of(State(site): State<Shared>, Path((name, trial)): Path<(String, u32)>) -> Result<Response, Response> {
    let found = aside(move || {
        let studies = Studies::look(&site.options.db)?;
        Ok((log::command(&studies, &name, trial)?, log::tail(&studies, &name, trial)?))
    });
    let (command, tail) = found.await?;
    let (file, text) = tail.unzip();
    Ok(json(&json!({ "command": command, "file": file, "text": text.unwrap_or_default() })))
}

/// Asks something of the process that runs the study.
async fn wish(State(site): State<Shared>, Path(name): Path<String>, request: Request) -> Result<Response, Response> {
    let body = axum::body::to_bytes(request.into_body(), WISH).await;
    let body = body.map_err(|_| refusal(StatusCode::PAYLOAD_TOO_LARGE, "a wish has at most 4096 bytes"))?;
    let wish: Wish = serde_json::from_slice(&body).map_err(|e| {
        refusal(
            StatusCode::BAD_REQUEST,
            &format!("not a wish: {e}; one is {{\"wish\":\"stop\"}} or {{\"wish\":\"budget\",\"runs\":2}}"),
        )
    })?;
    let asked = aside(move || {
        let studies = Studies::open(&site.options.db)?;
        let running = studies.is_running(&name)?;
        let question = studies.facts(&name)?.iter().find_map(Event::question).cloned();
        let resume = question.as_ref().map_or_else(|| "stepsize resume".to_owned(), |q| site.resume(q, &name));
        if let (Wish::Stop | Wish::StopTrial { .. }, false) = (&wish, running) {
            return Ok(Err(format!("no process runs this search; `{resume}` continues it")));
        }
        if let Some(question) = question {
            let granted = match &wish {
                Wish::Budget { runs } => question.with_budget(*runs).map(|_| ()),
                Wish::Rate { lr, steps } => question.added_trial(*lr, *steps).map(|_| ()),
                Wish::Stop | Wish::StopTrial { .. } => Ok(()),
            };
            if let Err(error) = granted {
                return Ok(Err(error.to_string()));
            }
        }
        studies.wish(&name, &wish)?;
        let text = if running { "asked".to_owned() } else { format!("kept; `{resume}` continues the search with it") };
        Ok(Ok(json!({ "asked": wish, "text": text })))
    });
    match asked.await? {
        Ok(answer) => Ok(json(&answer)),
        Err(why) => Err(refusal(StatusCode::CONFLICT, &why)),
    }
}

/// Judges a log: the body is the file, `x-file-name` its name (percent-encoded), for the words and
/// the format.
async fn diagnose(headers: HeaderMap, request: Request) -> Result<Response, Response> {
    let name = headers.get("x-file-name").and_then(|name| name.to_str().ok()).map_or("log".to_owned(), decoded);
    let body = axum::body::to_bytes(request.into_body(), LOG).await;
    let body = body.map_err(|_| {
        refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "a log has at most 64 MiB here; `stepsize diagnose FILE` reads larger ones",
        )
    })?;
    let judged = aside(move || {
        let runs = stepsize_study::logfiles::read_bytes(&body, &name, &LogOptions::default());
        let mut found = RunsRead::default();
        found.take((&name, true), runs, &Asked::default(), |argument| format!("--{argument}"));
        Ok(diagnosis::page_object(&Judgement::new(found, false)))
    });
    Ok(json(&judged.await?))
}

/// Percent-decoded, as far as it is UTF-8; no path.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |range: &[u8]| std::str::from_utf8(range).ok().and_then(|h| u8::from_str_radix(h, 16).ok());
        match (first, after.get(..2).and_then(hex)) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(200).collect()
}
