//! [`Place`]: where cluster jobs run; [`Need`]: what one of them takes; [`On`]: both, and how we
//! use that place.

use super::queue::Queue;
use super::{ray, slurm};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use stepsize::{Error, Result};

/// Where cluster jobs run: `slurm`, `slurm:PARTITION`, `ray://HOST:PORT`, or `rays://HOST:PORT`
/// over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Slurm, through its commands on this machine.
    Slurm {
        /// The partition, where it is not the default one.
        partition: Option<String>,
    },
    /// A Ray cluster, through the dashboard of its head.
    Ray {
        /// `host:port`.
        address: String,
        /// Whether the dashboard is behind TLS (`rays://`), which needs the feature `tls`.
        secure: bool,
    },
}

impl FromStr for Place {
    type Err = Error;

    /// Reads a place. Without a port, `ray://` is port 8265 and `rays://` port 443.
    fn from_str(text: &str) -> Result<Self> {
        let fault = || {
            Error::invalid(format!(
                "`{text}` is not a place to run trials; give slurm, slurm:PARTITION, ray://HOST:PORT (the port of the \
                 dashboard, 8265) or rays://HOST:PORT (a dashboard behind https)"
            ))
        };
        match text.split_once(':') {
            None if text == "slurm" => Ok(Self::Slurm { partition: None }),
            Some(("slurm", partition)) if !partition.is_empty() => {
                Ok(Self::Slurm { partition: Some(partition.to_owned()) })
            }
            Some((scheme @ ("ray" | "rays"), rest)) => {
                let secure = scheme == "rays";
                let address = rest.strip_prefix("//").ok_or_else(fault)?.trim_end_matches('/');
                let usual = if secure { "443" } else { "8265" };
                let (host, port) = address.rsplit_once(':').unwrap_or((address, usual));
                if host.is_empty() || port.parse::<u16>().is_err() {
                    return Err(fault());
                }
                if secure && !cfg!(feature = "tls") {
                    return Err(Error::invalid(format!(
                        "`{text}` needs TLS, and this build of Stepsize has none; build it with the feature `tls`, or open a \
                         tunnel (ssh -L 8265:localhost:8265 HEAD) and give ray://localhost:8265"
                    )));
                }
                Ok(Self::Ray { address: format!("{host}:{port}"), secure })
            }
            _ => Err(fault()),
        }
    }
}

/// What one cluster job takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Need {
    /// Processors.
    pub cpus: u32,
    /// GPUs.
    pub gpus: u32,
    /// More words for `sbatch`, such as `--account=NAME`.
    pub arguments: Vec<String>,
}

/// A cluster and how we use it.
#[derive(Clone)]
pub struct On {
    /// Which one.
    pub place: Place,
    /// What one cluster job takes.
    pub need: Need,
    /// How often we list its cluster jobs; `None`: every 5 s on Slurm, every 2 s on Ray.
    pub pace: Option<Duration>,
    /// How long one call may take.
    pub patience: Duration,
    /// Ray's token.
    pub token: Option<String>,
    /// Gets one line for people whenever the cluster stops or resumes answering, or a trial runs
    /// again.
    pub notice: Arc<dyn Fn(&str) + Send + Sync>,
}

impl On {
    /// One processor for each cluster job, 20 s for each call; the token from `RAY_AUTH_TOKEN` or
    /// the file where Ray keeps it.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            need: Need { cpus: 1, ..Need::default() },
            pace: None,
            patience: Duration::from_secs(20),
            token: None,
            notice: Arc::new(|_| ()),
        }
    }

    pub(super) fn queue(&self) -> Box<dyn Queue> {
        let (need, patience) = (self.need.clone(), self.patience);
        match &self.place {
            Place::Slurm { partition } => Box::new(slurm::Slurm { partition: partition.clone(), need, patience }),
            Place::Ray { address, secure } => {
                Box::new(ray::Ray::new(address, *secure, need, self.token.clone().or_else(token), patience))
            }
        }
    }
}

/// Ray's token, from where Ray's own tools look for it.
fn token() -> Option<String> {
    let file = |path: PathBuf| std::fs::read_to_string(path).ok();
    let said = std::env::var("RAY_AUTH_TOKEN").ok().filter(|t| !t.is_empty());
    said.or_else(|| file(std::env::var_os("RAY_AUTH_TOKEN_PATH")?.into()))
        .or_else(|| file(PathBuf::from(std::env::var_os("HOME")?).join(".ray/auth_token")))
        .map(|token| token.trim().to_owned())
        .filter(|token| !token.is_empty())
}
