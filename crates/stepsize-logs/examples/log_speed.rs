//! Reads one log as the command line does and prints what it cost, as JSON: bytes, points, seconds,
//! peak memory.
//!
//!     cargo run --release -p stepsize-logs --example log_speed -- FILE

use std::fs::File;
use std::io::Read;
use std::time::Instant;
use stepsize_logs::{HEAD, LogReader, detect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a file")?;
    let begin = Instant::now();
    let mut file = File::open(&path)?;
    let mut block = vec![0; 1 << 20];
    let mut reader: Option<LogReader> = None;
    let mut bytes = 0u64;
    loop {
        let count = file.read(&mut block)?;
        if count == 0 {
            break;
        }
        let read = block.get(..count).unwrap_or(&[]);
        bytes += count as u64;
        let name = path.rsplit('/').next().unwrap_or("");
        let head = read.get(..HEAD).unwrap_or(read);
        reader.get_or_insert_with(|| LogReader::new(detect(head, name), name)).push(read)?;
    }
    let reader = reader.ok_or("an empty file")?;
    let format = reader.format().name();
    let runs = reader.finish()?;
    let seconds = begin.elapsed().as_secs_f64();
    let points: u64 = runs.iter().flat_map(|r| &r.series).map(|s| s.seen).sum();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).and_then(|l| l.split_whitespace().next());
    let peak: u64 = peak.and_then(|p| p.parse().ok()).unwrap_or(0);
    println!(
        "{{\"format\": \"{format}\", \"bytes\": {bytes}, \"points\": {points}, \"runs\": {}, \"seconds\": {seconds}, \"peak_mb\": {}}}",
        runs.len(),
        peak / 1024
    );
    Ok(())
}
