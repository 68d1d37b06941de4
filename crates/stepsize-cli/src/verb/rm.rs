//! `stepsize rm`: removes a study.

use crate::args::NamedArgs;
use crate::done::{Done, Fault};
use stepsize_study::Studies;

/// Removes it.
pub fn run(args: &NamedArgs) -> Result<Done, Fault> {
    // So that a misspelt --db does not create a file.
    Studies::look(&args.file.db)?;
    Studies::open(&args.file.db)?.remove(&args.name)?;
    Ok(Done::answer(format!("removed study {}\n", args.name)))
}
