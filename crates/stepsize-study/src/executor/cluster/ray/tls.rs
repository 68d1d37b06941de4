//! TLS to a dashboard, for requests and for the websocket. Certificates must be signed by an
//! authority that this machine trusts: the system's store, or what `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` name.

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Error, Result};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

pub(super) type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// The authorities, read once. One that cannot be read is left out: a dashboard that needs it is
/// then refused by name.
fn authorities() -> &'static [CertificateDer<'static>] {
    static READ: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    READ.get_or_init(|| rustls_native_certs::load_native_certs().certs)
}

/// How requests check the dashboard's certificate.
pub(super) fn for_requests() -> TlsConfig {
    let roots: Vec<Certificate<'static>> = authorities().iter().map(|c| Certificate::from_der(c).to_owned()).collect();
    TlsConfig::builder().root_certs(RootCerts::from(roots)).build()
}

/// TLS over a connection to `host:port`. The handshake takes place at the first write.
pub(super) fn connect(stream: TcpStream, address: &str) -> Result<TlsStream> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities().iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(Error::other)?;
    Ok(StreamOwned::new(ClientConnection::new(Arc::new(config), name).map_err(Error::other)?, stream))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::super::http::Http;
    use super::super::socket::{Came, Socket};
    use std::io::{BufRead, BufReader};
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    const ADDRESS: &str = "STEPSIZE_TEST_TLS";

    /// `openssl s_server` on loopback, which answers `GET /NAME` with the file of that name; and
    /// its address.
    fn server(dir: &Path) -> (Child, String) {
        let openssl = |words: &str| {
            let mut command = Command::new("openssl");
            command.args(words.split(' ').filter(|w| !w.is_empty())).current_dir(dir).stdin(Stdio::null());
            command.stdout(Stdio::piped()).stderr(Stdio::null());
            command
        };
        // An authority and a certificate that it signs, as behind a company's ingress.
        std::fs::write(dir.join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
        for words in [
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority",
            "req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=dashboard",
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -extfile names",
        ] {
            assert!(openssl(words).status().expect("the test needs openssl").success(), "{words}");
        }
        let mut child = openssl("s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -HTTP").spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.into_iter().find_map(|l| Some(l.strip_prefix("ACCEPT ")?.to_owned())).unwrap();
        (child, address)
    }

    fn http() -> Http {
        let address = std::env::var(ADDRESS).unwrap();
        Http::new(&address, true, Some("token".into()), Duration::from_secs(10))
    }

    #[test]
    fn requests_and_the_websocket_go_over_tls_and_a_stranger_is_refused() {
        let dir = std::env::temp_dir().join(format!("stepsize-tls-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("api")).unwrap();
        std::fs::write(dir.join("api/version"), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap();
        let frames = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi\x88\x02\x03\xe8";
        std::fs::write(dir.join("api/tail"), frames).unwrap();
        let (mut server, address) = server(&dir);
        // The authorities are read once in a process, from its environment.
        let client = |test: &str, authority: &Path| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", &format!("executor::cluster::ray::tls::tests::{test}"), "--ignored", "--nocapture"])
                .env(ADDRESS, &address)
                .env("SSL_CERT_FILE", authority)
                .env_remove("SSL_CERT_DIR")
                .output()
                .unwrap()
        };
        let known = client("a_client_that_knows_the_authority", &dir.join("ca.pem"));
        let stranger = client("a_client_that_does_not", &dir.join("none.pem"));
        server.kill().unwrap();
        server.wait().unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        for output in [known, stranger] {
            let text = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
        }
    }

    #[test]
    #[ignore = "the process that another test starts"]
    fn a_client_that_knows_the_authority() {
        assert_eq!(http().request("/api/version", None).unwrap(), (200, "hello".into()));
        let mut socket = Socket::open(http().connect().unwrap(), "host", "/api/tail", "").unwrap();
        assert_eq!(socket.read().unwrap(), Came::Text(b"hi".to_vec()));
        assert_eq!(socket.read().unwrap(), Came::Closed);
    }

    #[test]
    #[ignore = "the process that another test starts"]
    fn a_client_that_does_not() {
        let error = http().request("/api/version", None).unwrap_err().to_string();
        assert!(error.contains("UnknownIssuer") || error.contains("certificate"), "{error}");
        assert!(Socket::open(http().connect().unwrap(), "host", "/api/tail", "").is_err());
    }
}
