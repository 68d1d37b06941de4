//! The binary: the command line with the allocator that suits it.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(stepsize_cli::main(std::env::args_os()))
}
