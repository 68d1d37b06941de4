//! Files that a verb writes at its end. Their places are tried before anything runs, and a file is
//! whole or not there.

use crate::args::FilesArgs;
use crate::done::Fault;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Tries the places of the files that `args` asks for.
pub fn try_files(args: &FilesArgs) -> Result<(), Fault> {
    let kinds = [("png", &args.png), ("svg", &args.svg)];
    let pictures = ["png", "svg", "jpg", "jpeg", "gif", "pdf", "webp", "html"];
    for (kind, path) in kinds.into_iter().filter_map(|(kind, path)| Some((kind, path.as_ref()?))) {
        let end = path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default();
        if end != kind && pictures.contains(&end.as_str()) {
            return Err(Fault::usage(format!("--{kind} {} would be a {kind} file; name it so", path.display())));
        }
    }
    try_places([&args.report, &args.png, &args.svg])
}

/// Tries to write beside each file that was asked for, and leaves nothing there.
///
/// # Errors
/// A wrong argument, for the first place that cannot be written.
pub fn try_places<'a>(paths: impl IntoIterator<Item = &'a Option<PathBuf>>) -> Result<(), Fault> {
    for path in paths.into_iter().flatten() {
        try_place(path).map_err(|why| {
            Fault::usage(format!("cannot write {}: {why}; name another place. Nothing has run", path.display()))
        })?;
    }
    Ok(())
}

fn try_place(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    if special(path) {
        return fs::OpenOptions::new().write(true).open(path).map(drop);
    }
    let beside = beside(path);
    fs::write(&beside, [0; 4096])?;
    fs::remove_file(&beside)
}

/// Writes a file in one move: a reader finds the old one or the new one.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let written = if special(path) { fs::write(path, bytes) } else { replace(path, bytes) };
    written.map_err(|e| Fault::failure(format!("cannot write {}: {e}", path.display())))
}

/// Makes the file anew. On the disk before it takes the place of the old one, so that a power
/// failure leaves one of them whole.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let (path, beside) = (target(path), beside(path));
    let write = || {
        let mut file = fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// Whether `path` is there and no regular file: a device or a pipe, which cannot be replaced.
fn special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir())
}

/// The file itself where `path` is a link to it.
fn target(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The temporary file, in the directory of the file itself.
fn beside(path: &Path) -> PathBuf {
    let mut name = target(path).into_os_string();
    name.push(".part");
    name.into()
}
