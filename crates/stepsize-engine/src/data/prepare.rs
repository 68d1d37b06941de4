//! From a [`DataTable`] or images to a [`Dataset`]: split, fill missing values, code categories,
//! drop constants, standardise.

use super::table::{DataColumn, DataTable};
use super::{Dataset, Inputs, Split, TargetKind, Targets};
use std::collections::{BTreeMap, BTreeSet};
use stepsize::{Error, Result};

/// A target of whole numbers with at most this many values is taken for classes.
const CLASS_CAP: usize = 20;

/// A text column with more categories than this is dropped: it is most likely a name or an
/// identifier.
const CATEGORY_CAP: usize = 32;

/// More classes than this are taken for a wrong target column.
const MOST_CLASSES: usize = 1000;

impl DataTable {
    /// Splits, cleans and scales. Without a `kind` the target's is known from its values.
    pub(super) fn prepare(mut self, target: Option<&str>, split: Split, kind: Option<TargetKind>) -> Result<Dataset> {
        let target = self.column(target)?;
        let name = self.names[target].clone();
        let kept: Vec<usize> =
            (0..self.columns[target].rows()).filter(|row| !self.columns[target].is_gap(*row)).collect();
        let lost = self.columns[target].rows() - kept.len();
        if lost > 0 {
            self.warnings.push(format!("{lost} rows without a value in the target '{name}' were dropped"));
            self.columns = self.columns.iter().map(|column| column.select(&kept)).collect();
        }
        let (train, validation) = split.rows(kept.len())?;
        let target_column = self.columns.remove(target);
        self.names.remove(target);
        let targets = read_target(&target_column, &name, &train, kind)?;

        let mut features = Vec::new();
        for (name, column) in self.names.iter().zip(&self.columns) {
            features.extend(code(name, column, &train, &mut self.warnings));
        }
        if features.is_empty() {
            return Err(Error::invalid(format!(
                "no usable feature is left beside the target '{name}': {}",
                self.warnings.join("; ")
            )));
        }
        let (rows, width) = (kept.len(), features.len());
        let mut values = vec![0.0; rows * width];
        for (c, feature) in features.iter().enumerate() {
            for (r, value) in feature.iter().enumerate() {
                values[r * width + c] = *value;
            }
        }
        let kind = match &targets {
            Targets::Classes { count, .. } => format!("{count} classes"),
            Targets::Values(_) => "regression".to_owned(),
        };
        Ok(Dataset {
            inputs: Inputs::Rows { values, width },
            targets,
            train,
            validation,
            image: None,
            warnings: self.warnings,
            summary: format!("{rows} rows, {width} features, {kind}"),
        })
    }
}

/// Classes or standardised numbers; `DataSource::Csv` has the rule.
fn read_target(column: &DataColumn, name: &str, train: &[u32], kind: Option<TargetKind>) -> Result<Targets> {
    let classes: Vec<String> = match column {
        DataColumn::Numbers(values) => {
            let whole = values.iter().all(|v| v.fract() == 0.0);
            let different: BTreeSet<u64> = values.iter().map(|v| v.to_bits()).collect();
            if different.len() < 2 {
                let value = values.first().copied().unwrap_or_default();
                return Err(Error::invalid(format!("the target '{name}' is {value} in every row: nothing to learn")));
            }
            let number = match kind {
                None => !whole || different.len() > CLASS_CAP,
                Some(kind) => kind == TargetKind::Regression,
            };
            if number {
                return standardised_target(values, name, train);
            }
            values.iter().map(f64::to_string).collect()
        }
        DataColumn::Texts(values) if kind == Some(TargetKind::Regression) => {
            let seen = values.iter().flatten().next().map_or("", String::as_str);
            return Err(Error::invalid(format!(
                "the target '{name}' holds texts such as '{seen}': no numbers to regress"
            )));
        }
        DataColumn::Texts(values) => values.iter().flatten().cloned().collect(),
    };
    let different: BTreeSet<&String> = classes.iter().collect();
    match different.len() {
        0 | 1 => {
            let value = classes.first().cloned().unwrap_or_default();
            Err(Error::invalid(format!("the target '{name}' is '{value}' in every row: nothing to learn")))
        }
        count if count > MOST_CLASSES || count * 2 > classes.len() => Err(Error::invalid(format!(
            "the target '{name}' has {count} different values in {} rows: not a class; choose another target",
            classes.len()
        ))),
        count => {
            let number: BTreeMap<&String, u32> = different.into_iter().zip(0..).collect();
            Ok(Targets::Classes { ids: classes.iter().map(|c| number[c]).collect(), count })
        }
    }
}

fn standardised_target(values: &[f64], name: &str, train: &[u32]) -> Result<Targets> {
    let (mean, deviation) = moments(train.iter().map(|r| values[*r as usize]));
    if deviation > 0.0 && deviation.is_finite() {
        return Ok(Targets::Values(values.iter().map(|v| ((v - mean) / deviation) as f32).collect()));
    }
    let seen = if deviation == 0.0 { "does not vary" } else { "is too large to be scaled" };
    Err(Error::invalid(format!("the target '{name}' {seen} in the training rows; choose another target or split seed")))
}

/// The standardised feature columns that come from one column of the table.
fn code(name: &str, column: &DataColumn, train: &[u32], warnings: &mut Vec<String>) -> Vec<Vec<f32>> {
    match column {
        DataColumn::Numbers(values) => {
            let gaps = values.iter().filter(|v| v.is_nan()).count();
            let present = train.iter().map(|r| values[*r as usize]).filter(|v| !v.is_nan());
            let (mean, deviation) = moments(present);
            if gaps > 0 && mean.is_finite() {
                warnings.push(format!(
                    "column '{name}': {gaps} missing values were set to the mean of the training rows, {mean:.6}"
                ));
            }
            let filled = values.iter().map(|v| if v.is_nan() { mean } else { *v });
            match standardise(filled, mean, deviation) {
                Some(feature) => vec![feature],
                None => {
                    let why = if mean.is_nan() {
                        "empty"
                    } else if deviation > 0.0 {
                        "too large"
                    } else {
                        "constant"
                    };
                    warnings.push(format!("column '{name}' is {why} in the training rows and was dropped"));
                    Vec::new()
                }
            }
        }
        DataColumn::Texts(values) => one_hot(name, values, train, warnings),
    }
}

/// One column for each category in the training rows. A missing value, or a category seen only in
/// validation, is zero in all of them.
fn one_hot(name: &str, values: &[Option<String>], train: &[u32], warnings: &mut Vec<String>) -> Vec<Vec<f32>> {
    let categories: BTreeSet<&String> = train.iter().filter_map(|r| values[*r as usize].as_ref()).collect();
    if categories.len() > CATEGORY_CAP {
        warnings.push(format!(
            "column '{name}' has {} different texts (at most {CATEGORY_CAP} are coded) and was dropped",
            categories.len()
        ));
        return Vec::new();
    }
    let mut features = Vec::new();
    // with two categories the second column would mirror the first
    let coded = if categories.len() == 2 { 1 } else { categories.len() };
    for category in categories.iter().take(coded) {
        let hot = |value: &Option<String>| f64::from(u8::from(value.as_ref() == Some(category)));
        let (mean, deviation) = moments(train.iter().map(|r| hot(&values[*r as usize])));
        features.extend(standardise(values.iter().map(hot), mean, deviation));
    }
    if features.is_empty() {
        warnings.push(format!("column '{name}' is constant in the training rows and was dropped"));
    }
    let gaps = values.iter().filter(|v| v.is_none()).count();
    if gaps > 0 && !features.is_empty() {
        warnings.push(format!("column '{name}': {gaps} missing texts count as no category"));
    }
    features
}

/// Greyscale images to a dataset: one mean and deviation for all pixels, as is usual for images.
pub(super) fn images(pixels: Vec<f32>, shape: [usize; 2], labels: Vec<u32>, split: Split) -> Result<Dataset> {
    let (rows, width) = (labels.len(), shape[0] * shape[1]);
    let (train, validation) = split.rows(rows)?;
    let training = train.iter().flat_map(|r| &pixels[*r as usize * width..(*r as usize + 1) * width]);
    let (mean, deviation) = moments(training.map(|v| f64::from(*v)));
    let Some(values) = standardise(pixels.iter().map(|v| f64::from(*v)), mean, deviation) else {
        return Err(Error::invalid(format!("every pixel of the training images is {mean}: nothing to learn")));
    };
    let count = labels.iter().max().map_or(0, |most| *most as usize + 1);
    if count < 2 {
        return Err(Error::invalid("all images have the label 0: nothing to learn"));
    }
    Ok(Dataset {
        inputs: Inputs::Rows { values, width },
        targets: Targets::Classes { ids: labels, count },
        train,
        validation,
        image: Some(shape),
        warnings: Vec::new(),
        summary: format!("{rows} rows, {width} features, {count} classes"),
    })
}

/// `(value - mean) / deviation`; `None` when the deviation is zero, not finite, or no larger than
/// rounding.
fn standardise(values: impl Iterator<Item = f64>, mean: f64, deviation: f64) -> Option<Vec<f32>> {
    let varies = deviation.is_finite() && deviation > 1e-12 * mean.abs() && deviation > 0.0;
    varies.then(|| values.map(|v| ((v - mean) / deviation) as f32).collect())
}

/// Mean and population deviation in two passes; NaN for no values. Values are first divided by the
/// largest one, so that squares of huge or tiny ones neither overflow nor vanish.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let scale = values.clone().fold(f64::MIN_POSITIVE, |most, v| most.max(v.abs()));
    let scaled = values.map(|v| v / scale);
    let mean = scaled.clone().sum::<f64>() / count;
    let deviation = (scaled.map(|v| (v - mean) * (v - mean)).sum::<f64>() / count).sqrt();
    (mean * scale, deviation * scale)
}
