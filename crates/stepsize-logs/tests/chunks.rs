//! Any bytes in any pieces: no panic, and the same outcome as in one piece.

#![allow(clippy::unwrap_used, missing_docs)]

use proptest::prelude::*;
use stepsize_logs::{Format, LogReader, detect};

const FORMATS: [Format; 11] = [
    Format::Csv,
    Format::Tsv,
    Format::JsonLines,
    Format::TrainerState,
    Format::KerasHistory,
    Format::JsonArrays,
    Format::TensorBoard,
    Format::DetectronJson,
    Format::MlflowFile,
    Format::Wandb,
    Format::Text,
];

/// Everything that comes out, errors too.
fn outcome(format: Format, bytes: &[u8], cuts: &[usize]) -> String {
    let mut reader = LogReader::new(format, "x");
    let mut rest = bytes;
    let mut error = None;
    for cut in cuts {
        let (head, tail) = rest.split_at((*cut).min(rest.len()));
        error = error.or(reader.push(head).err());
        reader.runs();
        rest = tail;
    }
    error = error.or(reader.push(rest).err());
    match error {
        Some(error) => format!("{error}"),
        None => format!("{:?}", reader.finish().map_err(|e| e.to_string())),
    }
}

/// Text made of what logs are made of.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"step",
        b"loss",
        b"val_loss",
        b"epoch",
        b"lr",
        b"run_id",
        b"metric",
        b"value",
        b"State",
        b"mode",
        b"nan",
        b"inf",
        b"1",
        b"2.5",
        b"-3e-4",
        b"99999999999999999999",
        b",",
        b";",
        b"\t",
        b"|",
        b" ",
        b"\n",
        b"\r\n",
        b"\r",
        b"\"",
        b"'",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b": ",
        b"\\",
        b"\0",
        b"\xEF\xBB\xBF",
        b"\xFF\xFE",
        b"{\"step\": 1, \"loss\": 2}\n",
        b"step,loss\n",
        b"1,2\n",
        b"\xC3\xA9",
        b"=",
        b"#",
        b" - ",
        b"Epoch 1/3",
        b"null",
        b"0:01:30",
        b"1700000000000 2.5 3\n",
    ];
    prop::collection::vec(prop::sample::select(words), 0..60).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), cuts in prop::collection::vec(0usize..20, 0..30)) {
        detect(&bytes, "x");
        for format in FORMATS {
            prop_assert_eq!(outcome(format, &bytes, &cuts), outcome(format, &bytes, &[]), "{:?}", format);
        }
    }

    #[test]
    fn any_text(bytes in pieces(), cuts in prop::collection::vec(0usize..9, 0..60)) {
        detect(&bytes, "x.csv");
        for format in FORMATS {
            prop_assert_eq!(outcome(format, &bytes, &cuts), outcome(format, &bytes, &[]), "{:?}", format);
        }
    }

    #[test]
    fn any_change_of_an_event_file(at in 0usize..2000, byte: u8, cuts in prop::collection::vec(0usize..200, 0..20)) {
        for (name, format) in [("torch.tfevents", Format::TensorBoard), ("run.wandb", Format::Wandb)] {
            let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
            let mut bytes = std::fs::read(path).unwrap();
            let at = at % bytes.len();
            bytes[at] = byte;
            prop_assert_eq!(outcome(format, &bytes, &cuts), outcome(format, &bytes, &[]));
        }
    }
}

/// What the fuzzer found once (`fuzz/README.md`).
#[test]
fn what_was_found_by_fuzzing() {
    let path = format!("{}/tests/fixtures/found/broken_in_the_middle.tfevents", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let whole = outcome(Format::TensorBoard, &bytes, &[]);
    assert!(whole.contains("what comes after it is not read"), "{whole}");
    for size in [1, 7, 64] {
        assert_eq!(outcome(Format::TensorBoard, &bytes, &vec![size; bytes.len() / size]), whole);
    }
}

/// Large blocks of a table are read by two threads, small ones row by row.
#[test]
fn a_table_is_the_same_in_large_and_in_small_blocks() {
    let row = |i: usize| match i {
        9_000 | 21_500 => format!("{i},,0.25,nan\n"),
        13_000 => "step,loss,lr,grad_norm\n".to_owned(),
        17_000 => format!("{i}, 1.5 ,0.1,word\n"),
        18_000 => "40,2.5,0.1,1\n".to_owned(),
        _ => format!("{i},{},{},{}\n", 2.0 / (1.0 + i as f64), 0.1 * (i % 7) as f64, i % 10),
    };
    let bytes: Vec<u8> =
        "step,loss,lr,grad_norm\n".bytes().chain((0..40_000).flat_map(|i| row(i).into_bytes())).collect();
    let whole = outcome(Format::Csv, &bytes, &[]);
    for size in [999, 10_000, 150_000, 300_000, 1 << 20] {
        assert_eq!(outcome(Format::Csv, &bytes, &vec![size; bytes.len() / size]), whole, "blocks of {size}");
    }
}
