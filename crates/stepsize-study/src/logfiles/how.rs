//! [`How`]: how files are read, as far as the user says it.

use crate::executor::{LogOptions, MetricReader};
use std::path::Path;
use std::sync::Arc;
use stepsize::Result;
use stepsize_logs::text::Tables;
use stepsize_logs::{Format, LogReader, detect};

/// How files are read; by their own look unless the user says more.
#[derive(Debug, Clone, Default)]
pub(super) struct How {
    step: Option<String>,
    pattern: Option<Arc<MetricReader>>,
}

impl How {
    /// As these options say.
    pub fn new(options: &LogOptions) -> Result<Self> {
        let pattern = match options.regex {
            Some(_) => Some(Arc::new(MetricReader::new(options, None)?)),
            None => None,
        };
        Ok(Self { step: options.step.clone(), pattern })
    }

    /// A reader for a file that begins with `head`.
    pub fn reader(&self, head: &[u8], path: &Path) -> LogReader {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let reader = match self.pattern.clone() {
            Some(pattern) => {
                LogReader::new(Format::Text, &name).with_lines(move |line| pattern.pairs(line, &mut Tables::new()))
            }
            None => LogReader::new(detect(head, &name), &name),
        };
        match &self.step {
            Some(step) => reader.with_step(step),
            None => reader,
        }
    }
}
