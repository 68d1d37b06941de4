//! What the words of a log line are beside the names that [`names`](crate::names) knows: units,
//! filler, qualifiers.

use crate::names::{DataSplit, is_counter};

fn among(word: &str, list: &[&str]) -> bool {
    list.iter().any(|w| word.eq_ignore_ascii_case(w))
}

/// Splits a counter with its number attached: `epoch3`, `step-100`.
pub(crate) fn counted(word: &str) -> Option<(&str, f64)> {
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let count = word.get(name.len()..)?.parse().ok()?;
    let name = name.trim_end_matches(['-', '_', '#']);
    (name.len() > 1 && is_counter(name)).then_some((name, count))
}

/// Whether the word names a split of the data.
pub(crate) fn is_split(word: &str) -> bool {
    DataSplit::of_word(word).is_some()
}

/// Whether the word names a split that is not trained on.
pub(crate) fn is_held_out(word: &str) -> bool {
    DataSplit::of_word(word).is_some_and(DataSplit::is_held_out)
}

/// Whether a word after the name of a split adds nothing to it: `Validation results`.
pub(crate) fn is_of_split(word: &str) -> bool {
    among(
        word,
        &[
            "set",
            "result",
            "results",
            "metrics",
            "summary",
            "stats",
            "phase",
            "performance",
            "error",
            "epoch",
            "loop",
            "end",
            "ended",
            "done",
            "finished",
            "complete",
            "completed",
        ],
    )
}

/// Whether the word, before a name in parentheses, says how its readings are summed up.
pub(crate) fn is_mean(word: &str) -> bool {
    among(word, &["avg", "average", "mean", "median", "sum", "std", "min", "max"])
}

/// Whether a word belongs to the name after it.
pub(crate) fn is_qualifier(word: &str) -> bool {
    is_split(word)
        || among(
            word,
            &[
                "learning", "grad", "gradient", "global", "avg", "average", "mean", "lm", "best", "running",
                "smoothed", "weight", "total", "mini", "final", "current", "cross", "entropy", "top1", "top5", "top-1",
                "top-5", "balanced", "moving",
            ],
        )
}

/// Whether a word is not part of a name when it stands last before a number.
pub(crate) fn is_filler(word: &str) -> bool {
    // Asked of every name: many begin with another letter.
    if !matches!(
        word.as_bytes().first().map_or(0, |b| b | 0x20),
        b'a'..=b'c' | b'f' | b'i' | b'n' | b'o' | b's' | b't' | b'w'
    ) {
        return false;
    }
    among(
        word,
        &[
            "is",
            "of",
            "to",
            "was",
            "are",
            "in",
            "on",
            "from",
            "for",
            "with",
            "and",
            "the",
            "a",
            "an",
            "than",
            "by",
            "so",
            "far",
            "now",
            "currently",
        ],
    )
}

/// Whether a word before a number joins it to what stands before, so that no name is left.
pub(crate) fn joins(word: &str) -> bool {
    among(word, &["with", "and", "for", "from", "by", "than", "of"])
}

/// Whether a word says that a rate is changed, as messages of schedules do.
pub(crate) fn is_change(word: &str) -> bool {
    if !matches!(word.as_bytes().first().map(u8::to_ascii_lowercase), Some(b'r' | b'd' | b'l' | b'c')) {
        return false;
    }
    let begins = |w: &&str| word.get(..w.len()).is_some_and(|start| start.eq_ignore_ascii_case(w));
    ["reduc", "decreas", "lower", "dropp", "decay", "chang"].iter().any(begins)
}

/// Whether a word stands between a metric and the count at which it was seen.
pub(crate) fn is_at(word: &str) -> bool {
    among(word, &["at", "after", "@", "on", "for"])
}

/// Whether a word is a whole value, of which the next name has no part.
pub(crate) fn is_literal(word: &str) -> bool {
    matches!(word, "True" | "False" | "None" | "true" | "false" | "null")
}

/// Whether a word after a number and a dot makes it the name of a file: `10043785.jpg`.
pub(crate) fn is_file_ending(word: &str) -> bool {
    among(word, &["jpg", "jpeg", "png", "bmp", "tif", "tiff", "npy", "npz", "wav", "flac", "mp3", "mp4", "avi", "nii"])
}

/// Whether a word is a log level as loggers print it.
pub(crate) fn is_level(word: &str) -> bool {
    ["INFO", "DEBUG", "WARNING", "WARN", "ERROR", "TRACE", "CRITICAL", "NOTICE"].contains(&word)
}

/// Whether a word after a number is a unit of time, size or speed.
pub(crate) fn is_unit(word: &str) -> bool {
    let mut small = [0; 8];
    let length = word.len();
    if let Some(small) = small.get_mut(..length) {
        small.copy_from_slice(word.as_bytes());
        small.make_ascii_lowercase();
        // Asked of every word that follows a number.
        let known = matches!(
            &*small,
            b"s" | b"sec"
                | b"secs"
                | b"second"
                | b"seconds"
                | b"ms"
                | b"us"
                | b"ns"
                | b"min"
                | b"mins"
                | b"minute"
                | b"minutes"
                | b"h"
                | b"hr"
                | b"hrs"
                | b"hour"
                | b"hours"
                | b"day"
                | b"days"
                | b"kb"
                | b"mb"
                | b"gb"
                | b"kib"
                | b"mib"
                | b"gib"
                | b"bytes"
                | b"files"
                | b"gpus"
                | b"gpu"
                | b"it/s"
        );
        if known {
            return true;
        }
    }
    memchr::memchr(b'/', word.as_bytes()).is_some() && (word.contains("/s") || word.ends_with("/it"))
}

/// Whether a name is that of a share: `9833/10000` after it is a ratio, not a count.
pub(crate) fn is_share(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    ["acc", "correct", "precision", "recall"].iter().any(|w| lower.contains(w))
}

/// What logs in Chinese, Japanese, Korean and Russian call what is read, and the name here; the
/// longer of two words comes first. Words may be written together.
const FOREIGN: [(&str, &str); 36] = [
    ("训练", "train_"),
    ("訓練", "train_"),
    ("学習率", "learning_rate"),
    ("学习率", "learning_rate"),
    ("学習", "train_"),
    ("验证", "val_"),
    ("驗證", "val_"),
    ("検証", "val_"),
    ("测试", "test_"),
    ("平均", "mean_"),
    ("总", "total_"),
    ("损失值", "loss"),
    ("损失", "loss"),
    ("損失", "loss"),
    ("误差", "error"),
    ("准确率", "accuracy"),
    ("準確率", "accuracy"),
    ("正解率", "accuracy"),
    ("精度", "accuracy"),
    ("轮次", "epoch"),
    ("步数", "step"),
    ("集", ""),
    ("학습률", "learning_rate"),
    ("학습", "train_"),
    ("훈련", "train_"),
    ("검증", "val_"),
    ("테스트", "test_"),
    ("손실", "loss"),
    ("정확도", "accuracy"),
    ("에포크", "epoch"),
    ("эпоха", "epoch"),
    ("Эпоха", "epoch"),
    ("потери", "loss"),
    ("Потери", "loss"),
    ("точность", "accuracy"),
    ("Точность", "accuracy"),
];

/// The name in English, where all of it is known.
pub(crate) fn translated(name: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = name.trim();
    while let Some(first) = rest.chars().next() {
        if let Some((word, english)) = FOREIGN.iter().find(|(word, _)| rest.starts_with(word)) {
            out.push_str(english);
            rest = rest.get(word.len()..)?;
        } else if first.is_ascii() {
            out.push(first);
            rest = rest.get(1..)?;
        } else {
            return None;
        }
    }
    Some(out.trim_end_matches('_').replace("__", "_"))
}

/// Whether a word is the name of a source file, as in `solver.cpp:239`.
pub(crate) fn is_source(word: &str) -> bool {
    let ending = word.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|e| {
        among(e, &["py", "cpp", "cc", "c", "cu", "h", "rs", "go", "java", "jl", "js", "ts", "pyx", "ipynb"])
    })
}

/// Whether a word is a call that wraps a number: `tensor(0.3)`.
pub(crate) fn is_wrapper(word: &str) -> bool {
    let last = word.rsplit('.').next().unwrap_or(word);
    among(
        last,
        &["tensor", "array", "float", "float16", "float32", "float64", "bfloat16", "int32", "int64", "devicearray"],
    )
}
