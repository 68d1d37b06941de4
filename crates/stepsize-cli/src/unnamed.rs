//! Searches of a command that were given no `--study`: kept under a name of ours while they run, so
//! that a crash or Ctrl-C costs no finished trial. `stepsize resume last` continues the newest. One
//! that ends with an answer or a refusal is removed.

use crate::args::{Cli, NamedArgs, StudyArgs, Verb};
use crate::done::{Done, Fault};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use stepsize_study::Studies;

/// What stands for the newest of them on the command line.
pub const LAST: &str = "last";
/// As many are kept.
const MOST: usize = 20;

/// A search that is kept until it ends well.
pub struct Unnamed {
    name: String,
    db: PathBuf,
}

/// Their study file: below `$XDG_STATE_HOME` or `~/.local/state`.
fn file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    state.is_absolute().then(|| state.join("stepsize/unnamed.db"))
}

/// Where the search of `cli` is kept; `None` for a search of the built-in engine, which lasts
/// seconds (unless a live page is to show it), and for one on a cluster, whose directories are
/// named by its study.
fn of_command(cli: &mut Cli) -> Option<&mut StudyArgs> {
    let (command, live, kept) = match &mut cli.verb {
        Verb::Find(args) => (&args.command, args.output.live.live, &mut args.output.kept),
        Verb::Sweep(args) => (&args.command, args.output.live.live, &mut args.output.kept),
        Verb::RangeTest(args) => (&args.command, args.output.live.live, &mut args.output.kept),
        Verb::Compare(args) => (&args.command, args.live.live, &mut args.kept),
        _ => return None,
    };
    ((live || !command.argv.is_empty()) && command.cluster.on.is_none()).then_some(kept)
}

impl Unnamed {
    /// Gives the search of `cli` a study, in its arguments and in the `words` that are recorded. A
    /// search that cannot be kept runs as it is.
    pub fn keep(cli: &mut Cli, words: &mut Vec<OsString>) -> Option<Self> {
        let db = file()?;
        let kept = of_command(cli)?;
        match &kept.study {
            Some(name) => return (kept.file.db == db).then(|| Self { name: name.clone(), db }), // resumed
            None if words.iter().any(|word| word.to_str().is_none()) => return None,
            None => {}
        }
        std::fs::create_dir_all(db.parent()?).ok()?;
        let mut studies = Studies::open(&db).ok()?;
        let older = studies.list().ok()?;
        for study in older.iter().rev().skip(MOST - 1) {
            let _ = studies.remove(&study.name); // one that runs is locked, and stays
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let name = format!("{LAST}-{}-{}", since.as_secs(), std::process::id());
        let at = words.iter().position(|word| word == "--").unwrap_or(words.len());
        words.splice(at..at, ["--study".into(), name.clone().into(), "--db".into(), db.clone().into()]);
        kept.study = Some(name.clone());
        kept.file.db.clone_from(&db);
        Some(Self { name, db })
    }

    /// Removes the study if the search ended well or before a trial did; else says how to continue
    /// it.
    pub fn end(self, result: &Result<Done, Fault>) {
        let Ok(mut studies) = Studies::open(&self.db) else { return };
        let well = result.as_ref().is_ok_and(Done::is_whole);
        let ended = studies.list().is_ok_and(|all| all.iter().any(|s| s.name == self.name && s.ended > 0));
        if well || !ended {
            let _ = studies.remove(&self.name);
        } else {
            eprintln!("note: the trials so far are kept; `stepsize resume {LAST}` continues this search");
        }
    }
}

/// The study that `named` means: `last` is the newest of the unnamed ones, unless the study file
/// holds one of that name.
pub fn resolved(named: NamedArgs) -> Result<NamedArgs, Fault> {
    let holds = |path: &Path, name: &str| {
        let all = Studies::look(path).and_then(|studies| studies.list());
        all.is_ok_and(|all| all.iter().any(|study| study.name == name))
    };
    if named.name != LAST || holds(&named.file.db, LAST) {
        return Ok(named);
    }
    let newest = file().filter(|path| path.exists()).and_then(|path| {
        let all = Studies::look(&path).and_then(|studies| studies.list()).ok()?;
        Some((path, all.last()?.name.clone()))
    });
    let Some((db, name)) = newest else {
        return Err(Fault::failure(
            "no search without a name is kept: all have ended, or ran on the built-in engine or a cluster; \
             `stepsize studies` lists those with a name",
        ));
    };
    Ok(NamedArgs { name, file: crate::args::FileArgs { db } })
}
