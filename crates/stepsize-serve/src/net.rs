//! Sockets: binds, accepts, and serves HTTP/1 on each connection.
//!
//! The accept loop of axum would bring four more packages, so that hyper is used as it is.

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::rt::{ReadBufCursor, Sleep, Timer};
use std::future::Future;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use stepsize::{Error, Result};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Semaphore;
use tower_service::Service;

/// Connections at once. A page holds one for its events and up to five for requests.
const MOST: usize = 400;
/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(10);

/// A listener on `port` of `address`, or on a free port where that one is taken.
pub fn listen(address: IpAddr, port: u16) -> Result<(TcpListener, SocketAddr)> {
    let wanted = SocketAddr::new(address, port);
    let failed = |e: std::io::Error| Error::invalid(format!("cannot listen on {wanted}: {e}")).with_source(e);
    let listener = match TcpListener::bind(wanted) {
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse && port != 0 => {
            TcpListener::bind(SocketAddr::new(address, 0)).map_err(failed)?
        }
        other => other.map_err(failed)?,
    };
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Serves `router` until `stop` completes.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) -> Result<()> {
    let failed = |e: std::io::Error| Error::invalid(format!("cannot serve: {e}")).with_source(e);
    let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
    let room = Arc::new(Semaphore::new(MOST));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = std::future::poll_fn(|context| match stop.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => listener.poll_accept(context).map(Some),
        });
        let (socket, _) = match accepted.await {
            None => return Ok(()),
            Some(Ok(accepted)) => accepted,
            // Out of files, or a peer that left at once: the next one may be well.
            Some(Err(_)) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else { continue };
        let router = router.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
                router.clone().call(request.map(Body::new))
            });
            let mut http = hyper::server::conn::http1::Builder::new();
            // A browser that goes away in the middle of an answer is not an error.
            let _ =
                http.timer(ServeClock).header_read_timeout(HEAD).serve_connection(ServeSocket(socket), service).await;
            drop(permit);
        });
    }
}

/// A socket of tokio as hyper reads and writes it.
struct ServeSocket(tokio::net::TcpStream);

impl hyper::rt::Read for ServeSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut to: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let mut bytes = [0; 8192];
        let most = to.remaining().min(bytes.len());
        let mut buffer = ReadBuf::new(&mut bytes[..most]);
        std::task::ready!(Pin::new(&mut self.0).poll_read(context, &mut buffer))?;
        to.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for ServeSocket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// The clock of tokio, for the time that a head may take.
#[derive(Debug, Clone, Copy)]
struct ServeClock;

struct ServeSleep(Pin<Box<tokio::time::Sleep>>);

impl Future for ServeSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl Sleep for ServeSleep {}

impl Timer for ServeClock {
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(ServeSleep(Box::pin(tokio::time::sleep(time))))
    }

    fn sleep_until(&self, until: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(ServeSleep(Box::pin(tokio::time::sleep_until(until.into()))))
    }
}
