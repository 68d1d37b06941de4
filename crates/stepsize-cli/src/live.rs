//! `--live`: a page in the browser that shows a command while it runs. The server is a thread of
//! this process and reads the study file as any other reader does.

use crate::args::{LiveArgs, StudyArgs};
use crate::done::Fault;
use crate::remedy::{StudyName, Wording};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use stepsize::{Question, Remedy};
use stepsize_serve::{LiveBoard, ServeOptions, Served, Server, study_path};

/// How long a page has to take in the end.
const LAST_LOOK: Duration = Duration::from_millis(800);

/// A page that is served while this lives.
pub struct LivePage {
    _served: Served,
}

impl Drop for LivePage {
    fn drop(&mut self) {
        std::thread::sleep(LAST_LOOK);
    }
}

/// Serves the page of a search, if it was asked for.
pub fn of_search(args: &LiveArgs, kept: &StudyArgs, price: Option<f64>) -> Result<Option<LivePage>, Fault> {
    if !args.live {
        return Ok(None);
    }
    let Some(name) = &kept.study else {
        return Err(Fault::usage("--live shows a search that is kept; give it a name with --study NAME"));
    };
    let options =
        ServeOptions { port: args.live_port, price_per_hour: price, words, ..ServeOptions::new(&kept.file.db) };
    serve(options, &study_path(name)).map(Some)
}

/// Serves the page of something that is not a study, if it was asked for.
pub fn of_run(args: &LiveArgs) -> Result<Option<(LivePage, Arc<LiveBoard>)>, Fault> {
    if !args.live {
        return Ok(None);
    }
    let board = Arc::new(LiveBoard::new(std::process::id().to_string()));
    let live = Some(Arc::clone(&board));
    let options = ServeOptions { port: args.live_port, live, words, ..ServeOptions::new(crate::args::DB) };
    Ok(Some((serve(options, "/live")?, board)))
}

fn serve(options: ServeOptions, path: &str) -> Result<LivePage, Fault> {
    let server = Server::bind(options)?;
    eprintln!("live page: open {}", server.url(path));
    Ok(LivePage { _served: server.spawn()? })
}

/// The words of a remedy on a page: those of the command line.
pub fn words(remedy: &Remedy, question: &Question, name: &str, db: &Path) -> String {
    Wording::new(question, Some(StudyName { name, db })).words(remedy)
}
