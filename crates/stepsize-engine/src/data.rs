//! Data: where it comes from ([`DataSource`]) and what training uses of it ([`Dataset`]).
//!
//! Data is loaded, split and scaled once; engines share it. All statistics (means, deviations,
//! categories, constant columns) come from the training rows only, so nothing leaks from the
//! validation rows into training.

mod builtin;
mod cell;
mod csv;
mod file;
mod idx;
#[cfg(feature = "parquet")]
mod parquet;
mod prepare;
mod table;
mod text;

use crate::rng::Rng;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use stepsize::{Error, Result};

/// Data sets inside the library. They need no file and no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    /// UCI handwritten digits: 1797 images of 8 x 8, 10 classes.
    Digits,
    /// Diabetes progression (Efron et al. 2004): 442 rows, 10 features, regression.
    Diabetes,
    /// UCI wine: 178 rows, 13 features, 3 classes.
    Wine,
    /// UCI breast cancer Wisconsin: 569 rows, 30 features, 2 classes.
    BreastCancer,
    /// Descriptions of data sets in English, about 44 000 characters, for the next-character model.
    Text,
}

/// Where the data comes from.
///
/// As text: `digits`, `diabetes`, `wine`, `breast_cancer`, `text`, or a path. The name of the file
/// gives the format: `.csv`, `.tsv`, `.parquet`, `.txt`, or a name with `idx` for IDX images (the
/// labels have the same name with `labels` for `images`). `.gz` may follow, except after
/// `.parquet`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataSource {
    /// Part of the library.
    Builtin(Builtin),
    /// A table as text. Comma, semicolon or tab; with or without a header row.
    ///
    /// The target is a class if it holds text, or whole numbers of at most 20 different values;
    /// else it is regressed. Missing features (empty, `NA`, `nan`, `inf`, `null`, `?` ...) get the
    /// mean of the training rows. Rows without a target are dropped. A text column becomes one
    /// column for each category (at most 32). Columns that are constant in the training rows are
    /// dropped. Amounts of money, percentages and dates that begin with the year are numbers.
    /// [`Task::warnings`](crate::Task::warnings) lists what was done.
    Csv {
        /// The file.
        path: PathBuf,
        /// Name of the target column, or its one-based number; the last column if `None`.
        target: Option<String>,
    },
    /// A Parquet file of plain columns, read like a CSV file with a header.
    #[cfg(feature = "parquet")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Name of the target column; the last column if `None`.
        target: Option<String>,
    },
    /// Images and labels in the IDX format (as MNIST), unsigned bytes.
    Idx {
        /// `n x height x width`.
        images: PathBuf,
        /// `n`.
        labels: PathBuf,
    },
    /// A plain UTF-8 text for the next-character model.
    Text {
        /// The file.
        path: PathBuf,
    },
}

impl DataSource {
    /// The same source with another target column.
    ///
    /// # Errors
    /// When the source has no columns to choose from.
    pub fn with_target(self, name: impl Into<String>) -> Result<Self> {
        match self {
            Self::Csv { path, .. } => Ok(Self::Csv { path, target: Some(name.into()) }),
            #[cfg(feature = "parquet")]
            Self::Parquet { path, .. } => Ok(Self::Parquet { path, target: Some(name.into()) }),
            other => {
                let name = name.into();
                Err(Error::invalid(format!("target '{name}' was given, but {other} has no columns to choose from")))
            }
        }
    }
}

impl fmt::Display for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digits => "digits",
            Self::Diabetes => "diabetes",
            Self::Wine => "wine",
            Self::BreastCancer => "breast_cancer",
            Self::Text => "text",
        })
    }
}

impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(name) => name.fmt(f),
            Self::Csv { path, .. } | Self::Text { path } | Self::Idx { images: path, .. } => path.display().fmt(f),
            #[cfg(feature = "parquet")]
            Self::Parquet { path, .. } => path.display().fmt(f),
        }
    }
}

impl FromStr for DataSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let builtin = match text {
            "digits" => Some(Builtin::Digits),
            "diabetes" => Some(Builtin::Diabetes),
            "wine" => Some(Builtin::Wine),
            "breast_cancer" => Some(Builtin::BreastCancer),
            "text" => Some(Builtin::Text),
            _ => None,
        };
        if let Some(name) = builtin {
            return Ok(Self::Builtin(name));
        }
        let path = PathBuf::from(text);
        let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        let extension = Path::new(plain).extension().map(|e| e.to_string_lossy().into_owned());
        match extension.as_deref() {
            Some("csv" | "tsv") => Ok(Self::Csv { path, target: None }),
            Some("txt" | "text" | "md") => Ok(Self::Text { path }),
            #[cfg(feature = "parquet")]
            Some("parquet") => Ok(Self::Parquet { path, target: None }),
            #[cfg(not(feature = "parquet"))]
            Some("parquet") => Err(Error::invalid(format!(
                "'{text}' is a Parquet file, which this build cannot read; build with `--features parquet` or give a CSV file"
            ))),
            _ if plain.contains("idx") => idx::labels_beside(&path).map(|labels| Self::Idx { images: path, labels }),
            _ => Err(Error::invalid(format!(
                "'{text}' is not known data: give digits, diabetes, wine, breast_cancer, text, or a file that ends in \
                 .csv, .tsv, .txt, .parquet or is named like train-images-idx3-ubyte"
            ))),
        }
    }
}

/// What the target of a table is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// A number, by squared error.
    Regression,
    /// A class, by cross-entropy.
    Classification,
}

/// What the model sees of an example.
#[derive(Debug)]
pub(crate) enum Inputs {
    /// `rows x width`, row by row.
    Rows { values: Vec<f32>, width: usize },
    /// Example `i` is `tokens[i..i + context]`.
    Text { tokens: Vec<u32>, context: usize, vocabulary: usize },
}

/// What the model is to say.
#[derive(Debug)]
pub(crate) enum Targets {
    /// One class an example, `0..count`.
    Classes { ids: Vec<u32>, count: usize },
    /// One number an example, standardised with the training rows.
    Values(Vec<f32>),
}

/// Loaded, split and scaled data.
#[derive(Debug)]
pub(crate) struct Dataset {
    pub(crate) inputs: Inputs,
    pub(crate) targets: Targets,
    /// Examples to train on.
    pub(crate) train: Vec<u32>,
    /// Examples to validate on, at most [`VALIDATION_CAP`].
    pub(crate) validation: Vec<u32>,
    /// Height and width, when examples are images of one channel.
    pub(crate) image: Option<[usize; 2]>,
    /// What was repaired or left out, for the user.
    pub(crate) warnings: Vec<String>,
    /// Size in words: `1797 rows, 64 features, 10 classes`.
    pub(crate) summary: String,
}

/// How the rows are shared out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split {
    /// Share of the rows to validate on, in `0..1`.
    pub(crate) fraction: f64,
    /// Seed of the choice.
    pub(crate) seed: u64,
}

/// Validation rows above this are left out: the standard error of a mean over 2048 rows is small
/// against the spread between seeds, and evaluation must stay cheap against training.
pub(crate) const VALIDATION_CAP: usize = 2048;

/// With fewer rows neither training nor validation says anything.
pub(crate) const FEWEST_ROWS: usize = 20;

impl Split {
    /// Shares out `rows` examples at random: training, then validation.
    pub(crate) fn rows(self, rows: usize) -> Result<(Vec<u32>, Vec<u32>)> {
        if rows < FEWEST_ROWS {
            return Err(Error::invalid(format!("the data has {rows} usable rows; at least {FEWEST_ROWS} are needed")));
        }
        let mut order: Vec<u32> =
            (0..u32::try_from(rows).map_err(|_| Error::invalid(format!("{rows} rows are too many")))?).collect();
        Rng::new(self.seed, 0).shuffle(&mut order);
        let held_out = ((rows as f64 * self.fraction).round() as usize).clamp(1, rows - 1);
        let mut validation = order.split_off(rows - held_out);
        validation.truncate(VALIDATION_CAP);
        Ok((order, validation))
    }
}

impl Dataset {
    /// Loads `source`; `context` is the number of characters that a next-character model sees.
    pub(crate) fn load(
        source: &DataSource,
        split: Split,
        context: Option<usize>,
        kind: Option<TargetKind>,
    ) -> Result<Self> {
        match (source, context) {
            (DataSource::Builtin(Builtin::Text), Some(context)) => text::examples(&builtin::text()?, context, split),
            (DataSource::Text { path }, Some(context)) => text::examples(&file::text(path)?, context, split),
            (DataSource::Builtin(Builtin::Text) | DataSource::Text { .. }, None) => {
                Err(Error::invalid(format!("{source} is a text: train the model charlm on it")))
            }
            (_, Some(_)) => Err(Error::invalid(format!(
                "charlm learns from a text, which {source} is not: give --data text or a .txt file"
            ))),
            (DataSource::Builtin(Builtin::Digits), None) => builtin::digits(split),
            (DataSource::Builtin(name), None) => builtin::table(*name)?.prepare(None, split, kind),
            (DataSource::Csv { path, target }, None) => {
                csv::read(path, target.as_deref())?.prepare(target.as_deref(), split, kind)
            }
            #[cfg(feature = "parquet")]
            (DataSource::Parquet { path, target }, None) => {
                parquet::read(path)?.prepare(target.as_deref(), split, kind)
            }
            (DataSource::Idx { images, labels }, None) => idx::read(images, labels, split),
        }
    }

    /// Number of outputs that the task needs: one a class, or one for regression.
    pub(crate) fn outputs(&self) -> usize {
        match self.targets {
            Targets::Classes { count, .. } => count,
            Targets::Values(_) => 1,
        }
    }
}
