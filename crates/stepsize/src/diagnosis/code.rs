//! [`Code`]: the stable name of each kind of finding, with its title, its severity and its page.
//!
//! `docs/diagnose.md` has the same table with what to do about each; a test holds the two together.
//! A code is never used again for something else.

use std::fmt;

/// How much a finding matters; the levels of SARIF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The run is lost.
    Error,
    /// Something should be changed.
    Warning,
    /// For information.
    Note,
}

impl Severity {
    /// The level in SARIF.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Makes [`Code`] from one list: key, text, title, severity.
macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $key:ident $text:literal $title:literal $severity:ident)+) => {
        /// What kind of finding it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $meaning])+ $key,)+
        }

        impl Code {
            /// All codes, in the order of their texts.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$key),+];

            /// The stable text, such as `LR001`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$key => $text,)+ }
            }

            /// What it is, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$key => $title,)+ }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$key => concat!($($meaning),+).trim(),)+ }
            }

            /// How much it matters.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$key => Severity::$severity,)+ }
            }
        }
    };
}

codes! {
    /// The log does not show where the rate lies.
    CannotTell "LR000" "cannot tell" Note
    /// The loss became NaN or infinite, exploded, or ended clearly above the untrained loss.
    Diverged "LR001" "diverged" Error
    /// A higher rate would have trained better.
    TooLow "LR002" "rate too low" Warning
    /// A lower rate would have trained better.
    TooHigh "LR003" "rate too high" Warning
    /// The rate is within a factor of 2 of the best, or of 4 with a loss as good.
    AboutRight "LR004" "rate about right" Note
    /// The last quarter of the run gained nothing over the quarter before.
    Plateau "LR010" "plateau" Warning
    /// Neighbouring losses alternate between high and low.
    Oscillation "LR011" "oscillation" Warning
    /// Single losses lie far above their neighbours.
    Spikes "LR012" "spikes" Warning
    /// Nearly all of the fall came in the first sixteenth of the run.
    Quick "LR013" "learned too quickly" Warning
    /// The validation loss rose from its best while the training loss kept falling.
    Overfit "LR014" "overfit" Warning
    /// The loss rose at the beginning, and the rate was not warmed up.
    Warmup "LR015" "warm-up missing or too short" Warning
    /// The rate reached its end long before the run did.
    ScheduleTooShort "LR016" "schedule shorter than the run" Warning
    /// The run ended while the rate was still falling.
    ScheduleTooLong "LR017" "schedule longer than the run" Warning
    /// The rate jumped in mid-run.
    Jump "LR018" "rate jumped" Warning
    /// The loss ended where it began.
    Idle "LR019" "learned nothing" Warning
    /// The first loss is far above that of guessing.
    HighStart "LR020" "starts above guessing" Warning
    /// The loss fell when the rate was lowered; that is no reason to lower the base rate.
    DecayPaid "LR021" "the decay paid" Note
    /// The gradient norm grew tenfold, or rose to a hundred times its median.
    GradientExplodes "LR022" "gradient norm explodes" Warning
    /// The rate was not decayed: the loss is not comparable with that of decayed runs.
    NotAnnealed "LR023" "not annealed" Note
    /// The loss came down, jumped up and stayed there.
    Collapsed "LR024" "lost what it learned" Error
    /// The loss stands at that of guessing.
    Dead "LR025" "stuck at guessing" Error
    /// Several runs of one job were compared: the best rate lies among them.
    Sweep "LR030" "best rate of the sweep" Note
    /// Several runs of one job were compared: the best rate is the outermost that trained.
    SweepEdge "LR031" "best rate at the edge of the sweep" Warning
    /// Several runs of one job were compared, and none of them learned.
    SweepDead "LR032" "no rate of the sweep learned" Warning
    /// Runs that lie side by side could not be compared.
    NoSweep "LR033" "runs not compared" Note
}

impl Code {
    /// The place in the documentation, as a path in the repository with an anchor.
    pub fn page(self) -> String {
        format!("docs/diagnose.md#{}", self.as_str().to_ascii_lowercase())
    }

    /// Whether it says where the rate lies, as read off the curve of a single run that trained.
    pub const fn is_place(self) -> bool {
        matches!(self, Self::CannotTell | Self::TooLow | Self::TooHigh | Self::AboutRight)
    }

    /// Whether it is a rule that decides the verdict on a run by itself.
    pub const fn decides(self) -> bool {
        matches!(self, Self::Diverged | Self::Collapsed | Self::Dead)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(Code::ALL.windows(2).all(|w| w[0].as_str() < w[1].as_str()));
        let published = "LR000 LR001 LR002 LR003 LR004 LR010 LR011 LR012 LR013 LR014 LR015 LR016 LR017 LR018 LR019 \
                         LR020 LR021 LR022 LR023 LR024 LR025 LR030 LR031 LR032 LR033";
        assert_eq!(Code::ALL.map(Code::as_str).join(" "), published);
    }

    #[test]
    fn every_code_stands_in_the_documentation_with_its_title_and_severity() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/diagnose.md");
        let page = std::fs::read_to_string(path).unwrap();
        for code in Code::ALL {
            let (title, level) = (code.title(), code.severity().as_str());
            let anchor = code.page().replace("docs/diagnose.md#", "");
            let row = format!("| <a id=\"{anchor}\"></a>`{code}` | {title} | {level} |");
            assert_eq!(page.matches(&row).count(), 1, "docs/diagnose.md has no row {row:?}");
        }
        assert_eq!(page.matches("| <a id=\"lr").count(), Code::ALL.len());
    }
}
