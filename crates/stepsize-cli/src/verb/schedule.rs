//! Not built in yet.
use crate::args::ScheduleArgs;
use crate::done::{Done, Fault};
use crate::show::Style;
/// Not built in yet.
pub fn run(_args: &ScheduleArgs, _style: Style) -> Result<Done, Fault> {
    Err(Fault::usage("not built in yet"))
}
