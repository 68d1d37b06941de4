//! The live page of Stepsize: a small web server on loopback that shows the studies of a file while
//! they run, and the playground.
//!
//! | module | holds |
//! |---|---|
//! | [`Server`] | binds, prints nothing, serves until it is told to stop |
//! | `api` | the pages of the studies and their requests |
//! | `feed`, `board` | a study as parts that change, and who is sent what |
//! | `guard` | who may ask: the names in `Host`, the `Origin`, the token; the headers of every answer |
//! | `shell` | the HTML around a page, its script and its style |
//! | `playground` | schedules, a small network and the range test |

mod api;
mod board;
mod feed;
mod guard;
mod log;
mod net;
pub mod playground;
pub mod shell;

pub use board::{LiveBoard, News};
pub use guard::ServeToken;

use axum::Router;
use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use stepsize::{Error, Question, Remedy, Result};

/// The port of the live page; another process that has it makes the next server take a free one.
pub const PORT: u16 = 7473;

/// What a server shows and who may see it.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The file of studies that is shown.
    pub db: PathBuf,
    /// The address to listen on. Reading needs the token as well where it is not loopback.
    pub address: IpAddr,
    /// Whether reading needs the token on loopback too: other users of this machine can reach it.
    pub private: bool,
    /// The port; a free one where it is taken or 0.
    pub port: u16,
    /// The token for changes; a random one where it is `None`.
    pub token: Option<ServeToken>,
    /// Price of one hour of one running trial.
    pub price_per_hour: Option<f64>,
    /// Words a remedy for the study of this name in this file; what can be typed in backticks.
    pub words: RemedyWords,
    /// A run of this process that is no study: what the page `/live` shows.
    pub live: Option<Arc<LiveBoard>>,
}

/// Words a remedy: of which question, of the study of which name, in which file.
pub type RemedyWords = fn(&Remedy, &Question, &str, &Path) -> String;

impl ServeOptions {
    /// Shows the studies of `db` on loopback.
    pub fn new(db: impl Into<PathBuf>) -> Self {
        Self {
            db: db.into(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            private: false,
            port: PORT,
            token: None,
            price_per_hour: None,
            words: |remedy, _, _, _| remedy.to_string(),
            live: None,
        }
    }
}

/// What every request can see.
#[derive(Debug)]
pub struct Site {
    /// What is shown.
    pub options: ServeOptions,
    /// Where the server listens.
    pub bound: SocketAddr,
    token: ServeToken,
    feeds: Mutex<HashMap<String, Arc<feed::Feed>>>,
    /// When the list of studies was made, how long it holds, and the list.
    listed: Mutex<Option<(Instant, Duration, String)>>,
}

impl Site {
    /// The command that continues the study `name`.
    fn resume(&self, question: &Question, name: &str) -> String {
        let text = (self.options.words)(&Remedy::Resume, question, name, &self.options.db);
        let typed = || format!("stepsize resume {}", stepsize_study::executor::typed(name));
        text.split('`').nth(1).map_or_else(typed, str::to_owned)
    }
}

/// The state of the routers.
pub type Shared = Arc<Site>;

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    site: Shared,
}

impl Server {
    /// Listens. The address is known when this returns.
    ///
    /// # Errors
    /// When nothing can listen at that address.
    pub fn bind(options: ServeOptions) -> Result<Self> {
        let (listener, bound) = net::listen(options.address, options.port)?;
        let token = match &options.token {
            Some(token) => token.clone(),
            None => ServeToken::random()?,
        };
        Ok(Self {
            listener,
            site: Arc::new(Site { options, bound, token, feeds: Mutex::default(), listed: Mutex::default() }),
        })
    }

    /// The address for a browser of the page at `path` (`/`, `/playground`), with the token:
    /// opening it once lets the browser make changes.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}?token={}", self.site.bound, self.site.token.text())
    }

    /// Serves until `stop` completes, in this thread.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn run(self, stop: impl Future<Output = ()>) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Error::invalid(format!("cannot start the server: {e}")).with_source(e))?;
        let served = runtime.block_on(net::serve(self.listener, router(self.site), stop));
        // A page that waits for an answer must not hold the end.
        runtime.shutdown_background();
        served
    }
}

/// A server in a thread of its own; it ends when this is dropped.
#[derive(Debug)]
pub struct Served {
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<Result<()>>>,
}

impl Server {
    /// Serves in a thread of its own.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn spawn(self) -> Result<Served> {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let work = move || {
            self.run(async {
                let _ = stopped.await;
            })
        };
        let thread = std::thread::Builder::new().name("serve".to_owned()).spawn(work);
        let thread = thread.map_err(|e| Error::io("start a thread", "", e))?;
        Ok(Served { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The path of the page of a study.
pub fn study_path(name: &str) -> String {
    let mut path = "/study/".to_owned();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => path.push(char::from(byte)),
            _ => path += &format!("%{byte:02X}"),
        }
    }
    path
}

/// All pages and requests.
fn router(site: Shared) -> Router {
    let pages = api::router();
    pages
        .merge(playground::router())
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&site), guard::guard))
        .with_state(site)
}
