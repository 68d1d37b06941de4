//! Not built in yet.
use crate::args::SweepArgs;
use crate::done::{Done, Fault};
use crate::show::Style;
/// Not built in yet.
pub fn run(_args: &SweepArgs, _style: Style) -> Result<Done, Fault> {
    Err(Fault::usage("not built in yet"))
}
