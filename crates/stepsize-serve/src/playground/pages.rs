//! The page of the playground and its requests: `/playground`, and `/playground/NAME?...` for an
//! [`Experiment`], answered as one JSON object a line while it is computed.

use super::Experiment;
use super::ask::Ask;
use super::desk::{Desk, Seat};
use crate::{Shared, shell};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;
use stepsize::{Error, Result};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The script of the page, built from `web/src/playground.ts`.
pub const SCRIPT: &str = include_str!("../../web/playground.js");
/// Its style.
pub const STYLE: &str = include_str!("../../web/playground.css");
/// What the script fills.
pub const BODY: &str = r#"<div id="playground"></div>
<noscript><main><h1>Playground</h1><p>The playground needs JavaScript. The command line computes the same:
<code>stepsize schedule</code>, <code>stepsize train</code>, <code>stepsize range-test</code>, <code>stepsize demo</code>.</p></main></noscript>"#;
/// Title of the page.
pub const TITLE: &str = "Stepsize playground";
/// Objects that wait for a slow reader before the computation does.
const WAITING: usize = 32;
/// Longest name of a client.
const LONGEST_CLIENT: usize = 40;

/// The pages and requests of the playground.
pub fn router() -> Router<Shared> {
    let desk = Desk::new();
    let answer = move |uri: Uri, headers: HeaderMap| {
        let desk = Arc::clone(&desk);
        async move { answer(desk, &uri, &headers).await }
    };
    Router::new()
        .route("/playground", get(page))
        .route("/assets/playground.js", get(|| async { shell::script(SCRIPT) }))
        .route("/assets/playground.css", get(|| async { shell::style(STYLE) }))
        .route("/playground/{name}", get(answer))
}

async fn page() -> Html<String> {
    Html(shell::document(TITLE, "/assets/playground.css", "/assets/playground.js", BODY, &Value::Null))
}

async fn answer(desk: Arc<Desk>, uri: &Uri, headers: &HeaderMap) -> Response {
    // A page of another site can send this request, although it cannot read the answer.
    let from = headers.get("sec-fetch-site").map(|value| value.as_bytes());
    if !matches!(from, None | Some(b"same-origin" | b"none")) {
        return shell::refusal(StatusCode::FORBIDDEN, "the playground computes for its own page only");
    }
    let (name, query) = (uri.path().trim_start_matches("/playground/"), uri.query().unwrap_or_default());
    let experiment = match Experiment::of(name, query) {
        Ok(Some(experiment)) => experiment,
        Ok(None) => return shell::refusal(StatusCode::NOT_FOUND, "the playground has no experiment of this name"),
        Err(error) => return (StatusCode::BAD_REQUEST, shell::json(&fault(&error))).into_response(),
    };
    if let Experiment::Told(value) = &experiment {
        return lines(Body::from(format!("{value}\n")));
    }
    let client = Ask::new(query).ok().and_then(|ask| ask.text("client").map(str::to_owned)).unwrap_or_default();
    if client.len() > LONGEST_CLIENT {
        return shell::refusal(StatusCode::BAD_REQUEST, "the name of a client has at most 40 characters");
    }
    let Some(seat) = desk.seat(client).await else {
        let message = "the playground computes for others; try again in a few seconds";
        return shell::refusal(StatusCode::SERVICE_UNAVAILABLE, message);
    };
    let (sender, receiver) = channel(WAITING);
    let thread = std::thread::Builder::new().name("playground".to_owned());
    match thread.spawn(move || compute(&experiment, &seat, &sender)) {
        Ok(_) => lines(Body::from_stream(stream(receiver))),
        Err(error) => shell::refusal(StatusCode::SERVICE_UNAVAILABLE, &format!("cannot start a computation: {error}")),
    }
}

/// Computes until it is done, or nobody listens.
fn compute(experiment: &Experiment, seat: &Seat, sender: &Sender<String>) {
    let send = |value: &Value| sender.blocking_send(format!("{value}\n")).is_ok() && !seat.is_left();
    let mut emit = |value: Value| if send(&value) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    // A defect ends this computation and not the server.
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| experiment.play(&mut emit)));
    let played: Result<()> = played.unwrap_or_else(|_| Err(Error::internal("the computation panicked")));
    if let Err(error) = played {
        send(&fault(&error));
    }
}

fn stream(receiver: Receiver<String>) -> impl futures_util::Stream<Item = std::result::Result<String, Infallible>> {
    futures_util::stream::unfold(receiver, |mut receiver| async move {
        let line = receiver.recv().await?;
        Some((Ok(line), receiver))
    })
}

fn lines(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

/// An error as the page shows it: in a line, with the column of a text that does not parse.
pub fn fault(error: &Error) -> Value {
    let text = error.to_string();
    json!({ "error": text.lines().next().unwrap_or_default(), "column": error.column() })
}
