//! The live page of Stepsize: a small web server on loopback that shows the studies of a file while
//! they run, and the playground.
//!
//! | module | holds |
//! |---|---|
//! | [`Server`] | binds, prints nothing, serves until it is told to stop |
//! | `guard` | who may ask: the names in `Host`, the `Origin`, the token; the headers of every answer |
//! | `shell` | the HTML around a page, its script and its style |
//! | `playground` | schedules, a small network and the range test |

mod guard;
mod net;
pub mod playground;
pub mod shell;

pub use guard::Token;

use axum::Router;
use axum::routing::get;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use stepsize::{Error, Result};

/// The port of the live page; another process that has it makes the next server take a free one.
pub const PORT: u16 = 7473;

/// What a server shows and who may see it.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The file of studies that is shown.
    pub db: PathBuf,
    /// The address to listen on. Reading needs the token as well where it is not loopback.
    pub address: IpAddr,
    /// The port; a free one where it is taken or 0.
    pub port: u16,
    /// The token for changes; a random one where it is `None`.
    pub token: Option<Token>,
}

impl ServeOptions {
    /// Shows the studies of `db` on loopback.
    pub fn new(db: impl Into<PathBuf>) -> Self {
        Self { db: db.into(), address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: PORT, token: None }
    }
}

/// What every request can see.
#[derive(Debug)]
pub struct Site {
    /// What is shown.
    pub options: ServeOptions,
    /// Where the server listens.
    pub bound: SocketAddr,
    token: Token,
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
            None => Token::random()?,
        };
        Ok(Self { listener, site: Arc::new(Site { options, bound, token }) })
    }

    /// The address for a browser, with the token: opening it once lets the browser make changes.
    pub fn url(&self) -> String {
        format!("http://{}/?token={}", self.site.bound, self.site.token.text())
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

/// All pages and requests.
fn router(site: Shared) -> Router {
    let pages = Router::new()
        .route("/", get(shell::home))
        .route("/assets/page.js", get(|| async { shell::script(stepsize_draw::page::SCRIPT) }))
        .route("/assets/page.css", get(|| async { shell::style(stepsize_draw::page::STYLE) }));
    pages
        .merge(playground::router())
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&site), guard::guard))
        .with_state(site)
}
