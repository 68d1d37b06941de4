//! [`weight`]: whether a name is that of a whole loss or of a part of it.

use super::{DataSplit, flat, plain};

/// Words that say how a loss was averaged or logged, not of which part it is.
const NEUTRAL: &[&str] = &[
    "loss",
    "losses",
    "nll",
    "cost",
    "objective",
    "obj",
    "ce",
    "xent",
    "crossentropy",
    "cross",
    "entropy",
    "lm",
    "avg",
    "average",
    "mean",
    "running",
    "run",
    "smoothed",
    "smooth",
    "epoch",
    "epochs",
    "step",
    "iter",
    "batch",
    "full",
    "final",
    "global",
    "main",
    "weighted",
    "ema",
    "set",
    "data",
    "token",
    "tokens",
    "nats",
    "metrics",
    "metric",
    "scalar",
    "scalars",
    "log",
    "logs",
    "stats",
    "history",
    "logger",
    "mini",
    "current",
    "acc",
    "accuracy",
    "score",
    "reward",
    "rew",
    "return",
    "episode",
    "episodes",
    "ep",
    "l",
    // what is trained
    "vae",
    "ae",
    "model",
    "net",
    "network",
    "map",
    "miou",
    // other languages
    "verlust",
    "perte",
    "perdida",
    "perda",
    "perdita",
    "de",
    "genauigkeit",
    "exactitude",
    "exactitud",
    "acuracia",
];
/// Words of a sum over all parts.
const WHOLE: &[&str] = &["total", "overall", "all", "sum", "combined", "tot"];
/// Parts that are no measure of how good the model is: games between networks, penalties.
const GAMES: &[&str] = &[
    "disc",
    "discriminator",
    "d",
    "gen",
    "generator",
    "g",
    "adv",
    "real",
    "fake",
    "adversarial",
    "gan",
    "critic",
    "actor",
    "policy",
    "pg",
    "value",
    "vf",
    "kl",
    "kld",
    "fm",
    "aux",
    "l0",
    "reg",
    "regularization",
    "commit",
    "commitment",
    "penalty",
    "duration",
    "dur",
    "domain",
];
/// Parts that tell more of the model than others do.
const TELLING: &[&str] =
    &["mel", "rec", "recon", "reconstruction", "reconst", "pixel", "mse", "l1", "top1", "f1", "fscore"];
/// Scores of one side of the errors only.
const SIDES: &[&str] = &["precision", "recall", "top5", "auc", "psnr", "balanced", "50", "75"];

/// Whether a score is measured on held-out data even where its name does not say so.
pub(crate) fn is_evaluated(name: &str) -> bool {
    let word = |w: &str| {
        let w = w.trim_end_matches(char::is_numeric);
        matches!(w, "map" | "ap" | "miou" | "iou" | "iu" | "bleu" | "rouge" | "ndcg" | "mrr" | "dice" | "wer" | "cer")
    };
    // MMPretrain: `accuracy/top1`
    name.starts_with("accuracy/") || plain(name).split('_').any(word) || flat(name).split('_').any(word)
}

/// The direction of a loss with a short name, as restorers of images log it: `l_percep`, `l_pix`.
pub(super) fn short_loss(name: &str) -> Option<bool> {
    let part = name.strip_prefix("l_")?.split('_').next_back()?;
    (part.len() > 2 && part.bytes().all(|b| b.is_ascii_lowercase())).then_some(false)
}

/// Words of a share of cases that are right. Words that end with one count as well: `valacc`.
const RIGHT: &[&str] = &[
    "acc",
    "accuracy",
    "accuracies",
    "top1",
    "top_1",
    "prec_1",
    "correct",
    "genauigkeit",
    "exactitude",
    "exactitud",
    "acuracia",
    "accuratezza",
];

/// Whether a score is the share of cases that are right, and no other measure (a mean average
/// precision, BLEU, a reward).
pub(crate) fn is_accuracy(name: &str) -> bool {
    let has = |name: &str| {
        let starts = |at: usize| at == 0 || name.as_bytes()[at - 1] == b'_';
        let ends = |at: usize| name.as_bytes().get(at).is_none_or(|b| *b == b'_');
        let glued = |word: &str| word.len() > 2 && !word.contains('_');
        RIGHT
            .iter()
            .any(|word| name.match_indices(word).any(|(at, _)| ends(at + word.len()) && (starts(at) || glued(word))))
    };
    has(&plain(name)) || has(&flat(name))
}

/// How much a name lacks to be that of a whole metric: 0 for `total_loss`, 1 for `train_loss`, more
/// for every word that names a part (`loss_cls`), most for a part that is a game between networks
/// (`loss_disc`).
pub(crate) fn weight(name: &str) -> usize {
    if name.starts_with(crate::meaning::SUM) {
        return 0;
    }
    let plain = plain(name);
    let whole = plain.split('_').any(|word| WHOLE.contains(&word));
    let telling = plain.split('_').any(|word| TELLING.contains(&word));
    let of = |word: &str| {
        let bare = word.trim_end_matches(char::is_numeric);
        match () {
            // The distance of what a generator made from what it should be: `G_L1`.
            () if telling && matches!(word, "g" | "gen" | "generator") => 0,
            () if WHOLE.contains(&word) || NEUTRAL.contains(&word) => 0,
            () if SIDES.contains(&word) => 2,
            () if GAMES.contains(&word) => 8,
            () if TELLING.contains(&word) => 1,
            // `loss_scaled`, for its gradient only.
            () if word == "scaled" => 4,
            () if bare.is_empty() || NEUTRAL.contains(&bare) || DataSplit::of_word(bare).is_some() => 0,
            () => 3,
        }
    };
    match plain.split('_').map(of).sum() {
        0 => usize::from(!whole),
        parts => parts + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_accuracy, weight};

    #[test]
    fn the_whole_comes_before_its_parts_and_telling_parts_before_games() {
        let order = ["total_loss", "train/loss", "loss_mel", "loss_cls", "loss_box_reg", "val_loss_disc_gen"];
        let weights: Vec<usize> = order.iter().map(|n| weight(n)).collect();
        assert!(weights.is_sorted_by(|a, b| a < b), "{weights:?}");
        assert!(weight("loss_mel") < weight("loss_disc"));
        assert!(weight("train_loss") < weight("L0_loss"));
        assert!(weight("train_loss_epoch") < weight("dynamics_loss_epoch"));
        assert!(weight("val_accuracy") < weight("val_precision"));
        for name in
            ["val_acc", "valAcc", "accuracy/top1", "test Accuracy", "Acc@1", "Prec@1", "top-1", "valacc", "TAG_ACC"]
        {
            assert!(is_accuracy(name), "{name}");
        }
        for name in ["coco/bbox_mAP", "SCORE", "bleu", "f1", "reward", "R2", "top5", "mIoU", "account"] {
            assert!(!is_accuracy(name), "{name}");
        }
    }
}
