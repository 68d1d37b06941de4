#![no_main]

use libfuzzer_sys::fuzz_target;
use stepsize_fuzz::read;
use stepsize_logs::Format;

fuzz_target!(|data: &[u8]| read(Format::JsonLines, data));
