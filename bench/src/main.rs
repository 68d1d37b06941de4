//! Truth tables and scores.
//!
//! `truth` trains every job of `tasks.rs` to the full horizon at 4 rates a decade with 3 seeds and
//! writes `bench/data/truth.csv`; `score` runs every search on the same jobs, for real, and prints
//! what its answers cost and how far they are from the best. `headlines` tries well-known claims at
//! our scale. `landscapes` replays the search on the tables of `bench/landscapes/make.py`, and
//! `anytime` compares it there with other searches. Run from the root of the repository:
//! `cargo run --release -p stepsize-bench -- score`.

mod cache;
mod diagnosis;
mod headlines;
mod landscapes;
mod score;
mod table;
mod tasks;
mod truth;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("truth") => truth::write(&args[1..]),
        Some("probes") => truth::probes(&args[1..]),
        Some("trials") => truth::trials(),
        Some("score") => score::print(&args[1..]),
        Some("diagnosis") => diagnosis::main(&args[1..]),
        Some("headlines") => headlines::write(),
        Some("landscapes") => landscapes::print(&args[1..]),
        Some("anytime") if args.get(1).is_some_and(|a| a == "picture") => landscapes::picture(),
        Some("anytime") => landscapes::anytime(&args[1..]),
        _ => Err("usage: stepsize-bench truth [JOB...] | probes [JOB...] | trials | score [METHOD...] | headlines | \
                  landscapes [--budget RUNS] [--family NAME] [--program no-start|epochs:N] [--quick] [-v] | \
                  anytime [--budget RUNS] | anytime picture | \
                  diagnosis runs|fit|score"
            .into()),
    }
}
