//! Lines of two tools whose numbers stand under words that are no names.

use super::{Mark, Pair};
use crate::number;

/// What a line of Kaldi or of the evaluation of COCO says; `None` if it is no such line.
pub(super) fn pairs(line: &str) -> Option<Vec<Pair>> {
    let trimmed = line.trim_start();
    match trimmed.as_bytes().first()? {
        b'A' => coco(trimmed),
        _ => kaldi(trimmed),
    }
}

fn pair(name: String, value: f64) -> Pair {
    Pair { name, value, whole: None, mark: Mark::Plain }
}

/// `Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.239` is the AP. What
/// is measured on objects of one size, and the recall, say less.
fn coco(line: &str) -> Option<Vec<Pair>> {
    let rest = line.strip_prefix("Average ")?;
    let (kind, rest) = rest.split_once("@[")?;
    let (inside, value) = rest.split_once(']')?;
    let value = number::whole(value.trim_start_matches([' ', '=']).trim().as_bytes())?;
    let after = |name: &str| inside.split_once(name).and_then(|(_, rest)| rest.split_whitespace().next());
    let whole = kind.contains("(AP)") && after("area=") == Some("all");
    let name = match after("IoU=").filter(|_| whole) {
        Some("0.50:0.95") => "AP",
        Some("0.50") => "AP50",
        Some("0.75") => "AP75",
        _ => return Some(Vec::new()),
    };
    Some(vec![pair(name.to_owned(), value)])
}

/// What Kaldi calls a mean over frames of the logarithm of a probability, and its accuracy.
const MEANS: [(&str, &str); 3] =
    [("objective function", "log-likelihood"), ("log-probability", "log-likelihood"), ("accuracy", "accuracy")];

/// `LOG (nnet3-train[5.5]:...) Overall average objective function for 'output' is -0.5 over 9
/// frames.` may follow the name of its file, `train.12.1.log:`, which has the iteration.
fn kaldi(line: &str) -> Option<Vec<Pair>> {
    let (file, line) = match line.strip_prefix("LOG (") {
        Some(rest) => ("", rest),
        None => line.split_once(':').and_then(|(file, rest)| Some((file, rest.strip_prefix("LOG (")?)))?,
    };
    let (before, rest) = line.split_once(" for '")?;
    let (output, rest) = rest.split_once('\'')?;
    let (_, mean) = MEANS.iter().find(|(words, _)| before.ends_with(words))?;
    let (counted, value) = rest.split_once(" is ")?;
    let value = number::whole(value.split_whitespace().next()?.as_bytes())?;
    let (stem, iteration) = iteration_of(file);
    let split = if stem.contains("valid") { "valid_" } else { "" };
    let batch = counted.rsplit_once('-').filter(|_| counted.contains("minibatches")).map(|(_, last)| last);
    let counter = [("batch", batch), ("iter", iteration)]
        .into_iter()
        .find_map(|(name, text)| Some(pair(name.to_owned(), number::whole(text?.as_bytes())?)));
    Some(counter.into_iter().chain([pair(format!("{split}{output}_{mean}"), value)]).collect())
}

/// `compute_prob_valid.12.log`: the name, and the iteration after it.
fn iteration_of(file: &str) -> (&str, Option<&str>) {
    let mut parts = file.rsplit('/').next().unwrap_or(file).split('.');
    (parts.next().unwrap_or(""), parts.next())
}

#[cfg(test)]
mod tests {
    use super::super::pairs;

    #[test]
    fn means_of_kaldi() {
        let log = "LOG (nnet3-train[5.5]:Print():nnet-training.cc:300)";
        assert_eq!(
            pairs(&format!(
                "{log} Average objective function for 'output' for minibatches 0-99 is -3.5 over 512 frames."
            )),
            [("batch".to_owned(), 99.0), ("output_log-likelihood".to_owned(), -3.5)]
        );
        assert_eq!(
            pairs(&format!(
                "log/train.12.1.log:{log} Overall average objective function for 'output' is -0.5 + -0.25 = -0.75 over 5 frames."
            )),
            [("iter".to_owned(), 12.0), ("output_log-likelihood".to_owned(), -0.5)]
        );
        assert_eq!(
            pairs(&format!(
                "compute_prob_valid.7.log:{log} Overall log-probability for 'output-xent' is -1.5 per frame, over 9 frames."
            )),
            [("iter".to_owned(), 7.0), ("valid_output-xent_log-likelihood".to_owned(), -1.5)]
        );
    }

    #[test]
    fn precision_of_coco() {
        let line = |kind: &str, iou: &str, area: &str| {
            pairs(&format!(" Average {kind} @[ IoU={iou} | area={area} | maxDets=100 ] = 0.25"))
        };
        assert_eq!(line("Precision  (AP)", "0.50:0.95", "   all"), [("AP".to_owned(), 0.25)]);
        assert_eq!(line("Precision  (AP)", "0.50     ", "   all"), [("AP50".to_owned(), 0.25)]);
        assert!(line("Precision  (AP)", "0.50:0.95", " small").is_empty());
        assert!(line("Recall     (AR)", "0.50:0.95", "   all").is_empty());
        assert_eq!(pairs("Average loss: 0.5"), [("Average_loss".to_owned(), 0.5)]);
    }
}
