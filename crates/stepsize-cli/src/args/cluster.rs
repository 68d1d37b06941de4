//! Where a command's runs are made: this machine, or a cluster.

use super::FileArgs;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;
use stepsize_study::executor::{Need, On, Place};

/// A cluster, and what one run takes of it.
#[derive(Debug, Clone, Args)]
pub struct ClusterArgs {
    /// Run on a cluster: slurm, slurm:PARTITION, ray://HOST:8265, or rays://HOST:443 for a dashboard behind https (token in
    /// RAY_AUTH_TOKEN)
    #[arg(long, value_name = "PLACE", help_heading = "Cluster")]
    pub on: Option<Place>,
    /// Processors of one run; also its OMP_NUM_THREADS unless that is set
    #[arg(long, value_name = "N", default_value_t = 1, requires = "on", help_heading = "Cluster")]
    pub cpus: u32,
    /// GPUs of one run
    #[arg(long, value_name = "N", default_value_t = 0, requires = "on", help_heading = "Cluster")]
    pub gpus_per_run: u32,
    /// One more argument for sbatch, such as --submit-arg=--account=NAME; may be given several times
    #[arg(long, value_name = "ARG", allow_hyphen_values = true, requires = "on", help_heading = "Cluster")]
    pub submit_arg: Vec<String>,
    /// How often the cluster is asked [default: 5s for Slurm, 2s for Ray]
    #[arg(long, value_name = "TIME", value_parser = super::command::time, requires = "on", help_heading = "Cluster")]
    pub poll: Option<Duration>,
}

impl ClusterArgs {
    /// The cluster that was asked for; its notices go to standard error.
    pub fn on(&self) -> Option<On> {
        let mut on = On::new(self.on.clone()?);
        on.need = Need { cpus: self.cpus.max(1), gpus: self.gpus_per_run, arguments: self.submit_arg.clone() };
        on.pace = self.poll;
        on.notice = std::sync::Arc::new(|line| eprintln!("note: {line}"));
        Some(on)
    }
}

/// What is to be looked at.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Directory of the runs, which on a cluster all nodes must share [default: ./stepsize-trials]
    #[arg(long, value_name = "DIR")]
    pub trials: Option<PathBuf>,
    /// Print one JSON array
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub file: FileArgs,
}
