//! SQLite's errors as ours: an I/O error where the system refused, with the sentence that says what
//! to do.

use rusqlite::ErrorCode;
use std::io::ErrorKind;
use std::path::Path;
use stepsize::Error;

/// The error of a failed attempt to `what` (such as "write to") the studies in the file at `path`.
pub(super) fn fault(path: &Path, what: &str, error: rusqlite::Error) -> Error {
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            "the disk is full; what was stored before is kept: make room and run the same command again"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "the disk refused (full, a quota, or broken); what was stored before is kept: fix it and run the same command \
             again"
        }
        Some(ErrorCode::CannotOpen) => {
            "its directory must be there and this user must be allowed to write in it; choose another file (--db, in \
             Python db=)"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            "this user must be allowed to write to it and to its directory; choose another file (--db, in Python db=)"
        }
        Some(ErrorCode::NotADatabase) => "it is not a SQLite file; choose another file (--db, in Python db=)",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process keeps it locked; end that process, or choose another file (--db, in Python db=)"
        }
        Some(ErrorCode::DatabaseCorrupt) => "the file is damaged; keep a copy of it, then try `sqlite3 FILE .recover`",
        _ => "choose another file (--db, in Python db=), or report this",
    };
    let what = format!("{what} the studies in");
    match refusal(path, &error) {
        Some(kind) => Error::io(what, path, std::io::Error::new(kind, error)),
        None => Error::invalid(format!("cannot {what} {}: {error}", path.display())).with_source(error),
    }
    .with_advice(advice)
}

/// What the system refused about the file at `path`; `None` where SQLite objects to the content of
/// the file.
pub(crate) fn refusal(path: &Path, error: &rusqlite::Error) -> Option<ErrorKind> {
    // SQLite does not hand on the system's own error number, so these are the closest kinds.
    match error.sqlite_error_code()? {
        ErrorCode::DiskFull => Some(ErrorKind::StorageFull),
        ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed => Some(ErrorKind::Other),
        ErrorCode::CannotOpen if path.parent().is_some_and(|dir| dir.as_os_str().is_empty() || dir.is_dir()) => {
            Some(ErrorKind::PermissionDenied)
        }
        ErrorCode::CannotOpen => Some(ErrorKind::NotFound),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            Some(ErrorKind::PermissionDenied)
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Some(ErrorKind::ResourceBusy),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn of(code: i32) -> (Error, Option<ErrorKind>) {
        let error = fault(Path::new("/tmp/s.db"), "open", rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        let source = std::error::Error::source(&error).and_then(|s| s.downcast_ref::<std::io::Error>());
        let kind = source.map(std::io::Error::kind);
        (error, kind)
    }

    #[test]
    fn what_the_system_refuses_is_an_io_error_and_a_wrong_file_is_not() {
        let refused = [
            (ffi::SQLITE_FULL, ErrorKind::StorageFull, "make room"),
            (ffi::SQLITE_IOERR, ErrorKind::Other, "fix it"),
            (ffi::SQLITE_BUSY, ErrorKind::ResourceBusy, "locked"),
            (ffi::SQLITE_LOCKED, ErrorKind::ResourceBusy, "locked"),
            (ffi::SQLITE_READONLY, ErrorKind::PermissionDenied, "allowed to write"),
            (ffi::SQLITE_PERM, ErrorKind::PermissionDenied, "allowed to write"),
            (ffi::SQLITE_CANTOPEN, ErrorKind::PermissionDenied, "allowed to write"),
        ];
        for (code, kind, advice) in refused {
            let (error, seen) = of(code);
            assert!(error.is_io() && seen == Some(kind) && error.to_string().contains(advice), "{code}: {error}");
            assert_eq!(error.path(), Some(Path::new("/tmp/s.db")));
        }
        for code in [ffi::SQLITE_NOTADB, ffi::SQLITE_CORRUPT] {
            assert!(of(code).0.is_invalid());
        }
    }
}
