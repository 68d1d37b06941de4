//! What SQLite reports, as a message that says what to do.

use rusqlite::ErrorCode;
use std::path::Path;
use stepsize::Error;

/// The fault of trying to `what` ("write to") the file at `path`.
pub(super) fn fault(path: &Path, what: &str, error: &rusqlite::Error) -> Error {
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            "the disk is full; what was stored before is kept: make room and run the same command again"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "the disk refused (full, a quota, or broken); what was stored before is kept: mend it and run the same \
             command again"
        }
        Some(ErrorCode::CannotOpen) => {
            "its directory must be there and this user must be allowed to write in it; name another study file"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            "this user must be allowed to write to it and to its directory; name another study file"
        }
        Some(ErrorCode::NotADatabase) => "it is not a SQLite file; name another study file",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process keeps it locked; end that one, or name another study file"
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            "the file is damaged; `sqlite3 FILE .recover` may save it, a copy of it should be kept first"
        }
        _ => "name another study file, or report this",
    };
    Error::invalid(format!("cannot {what} the studies in {}: {error}; {advice}", path.display()))
}
