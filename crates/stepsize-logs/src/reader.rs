//! [`LogReader`]: reads a log of any format, in bounded memory, as its bytes arrive.

use crate::clock::Again;
use crate::decode::Decoder;
use crate::document::Document;
use crate::format::Format;
use crate::gather::Gather;
use crate::labels::parted;
use crate::mlflow::MetricFile;
use crate::notebook::Notebook;
use crate::prose::Prose;
use crate::records::RecordReader;
use crate::run::Run;
use crate::table::TableReader;
use crate::tensorboard::read::Events;
use crate::wandb::Wandb;
use std::sync::Arc;
use stepsize::{Error, Result};

/// How single lines are read, where the user says it.
#[derive(Clone)]
pub(crate) struct LinePattern(Arc<ReadLine>);

type ReadLine = dyn Fn(&str) -> Vec<(String, f64)> + Send + Sync;

impl LinePattern {
    /// The names and numbers of a line.
    pub fn read(&self, line: &str) -> Vec<(String, f64)> {
        (self.0)(line)
    }
}

impl std::fmt::Debug for LinePattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinePattern")
    }
}

/// Reads one log.
///
/// ```
/// use stepsize_logs::{LogReader, detect};
/// let bytes = b"epoch,loss\n0,2.5\n1,1.25\n";
/// let mut reader = LogReader::new(detect(bytes, "metrics.csv"), "metrics.csv");
/// reader.push(bytes)?;
/// let runs = reader.finish()?;
/// assert_eq!(runs[0].series("loss").unwrap().points, [(0.0, 2.5), (1.0, 1.25)]);
/// # Ok::<(), stepsize::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LogReader {
    format: Format,
    decoder: Decoder,
    inner: FormatReader,
    gather: Gather,
}

#[derive(Debug, Clone)]
enum FormatReader {
    TableReader(TableReader),
    RecordReader(RecordReader),
    Document(Document),
    Events(Events),
    MetricFile(MetricFile),
    Wandb(Box<Wandb>),
    Prose(Prose),
    Notebook(Box<Notebook>),
    Other,
}

impl LogReader {
    /// A reader for a file of this format. `name` is the file name; it names a metric that the file
    /// itself does not name.
    pub fn new(format: Format, name: &str) -> Self {
        let inner = match format {
            Format::Csv | Format::Tsv => FormatReader::TableReader(TableReader::new(name)),
            Format::JsonLines | Format::DetectronJson => FormatReader::RecordReader(RecordReader::default()),
            Format::TrainerState | Format::KerasHistory | Format::JsonArrays => {
                FormatReader::Document(Document::default())
            }
            Format::TensorBoard => FormatReader::Events(Events::default()),
            Format::MlflowFile => FormatReader::MetricFile(MetricFile::new(name)),
            Format::Wandb => FormatReader::Wandb(Box::default()),
            Format::Text => FormatReader::Prose(Prose::new(name)),
            Format::Notebook => FormatReader::Notebook(Box::new(Notebook::new(name))),
            Format::Other => FormatReader::Other,
        };
        let text = matches!(format, Format::Text | Format::Notebook);
        let again = if text { Again::RunAfterStart } else { Again::Run };
        Self { format, decoder: Decoder::default(), inner, gather: Gather::new(again) }
    }

    /// Reads text by `line`, which gives the names and numbers of a line, instead of by its own
    /// rules. Counters among the names place the others.
    pub fn with_lines(mut self, line: impl Fn(&str) -> Vec<(String, f64)> + Send + Sync + 'static) -> Self {
        let pattern = Some(LinePattern(Arc::new(line)));
        match &mut self.inner {
            FormatReader::Prose(prose) => prose.pattern = pattern,
            FormatReader::Notebook(notebook) => notebook.prose().pattern = pattern,
            _ => {}
        }
        self
    }

    /// Takes the counter of this name, and no other, for the step.
    pub fn with_step(mut self, name: &str) -> Self {
        self.gather.count_by(name);
        if let FormatReader::Document(document) = &mut self.inner {
            document.count_by(name);
        }
        self
    }

    /// Also keeps single rows, for [`LogReader::rows`].
    pub fn with_rows(mut self) -> Self {
        self.gather.tap();
        self
    }

    /// The rows read since the last call: names and numbers as they stand, counters included. Empty
    /// without [`LogReader::with_rows`]. Readings that a document holds as lists come with
    /// [`LogReader::finish_rows`] only.
    pub fn rows(&mut self) -> Vec<Vec<(String, f64)>> {
        self.gather.take_rows()
    }

    /// At the end of the log: all rows that were not taken yet. Lists of numbers become rows of
    /// step and value.
    ///
    /// # Errors
    /// As [`LogReader::finish`].
    pub fn finish_rows(mut self) -> Result<Vec<Vec<(String, f64)>>> {
        self.end()?;
        let mut rows = self.gather.take_rows();
        if let FormatReader::Document(document) = &self.inner {
            for run in document.lists() {
                let counter = if run.counter.is_empty() { "step" } else { &run.counter };
                let mut steps: Vec<f64> = run.series.iter().flat_map(|s| s.points.iter().map(|p| p.0)).collect();
                steps.sort_by(f64::total_cmp);
                steps.dedup();
                let mut at = vec![0; run.series.len()];
                for step in steps {
                    let mut row = vec![(counter.to_owned(), step)];
                    for (series, at) in run.series.iter().zip(&mut at) {
                        if let Some((_, value)) = series.points.get(*at).filter(|p| p.0 == step) {
                            row.push((series.name.clone(), *value));
                            *at += 1;
                        }
                    }
                    rows.push(row);
                }
            }
        }
        Ok(rows)
    }

    /// Whether the log can end here. A JSON document that is half written cannot.
    pub fn is_whole(&self) -> bool {
        match &self.inner {
            FormatReader::Document(document) => document.is_whole(),
            _ => true,
        }
    }

    /// The configuration as far as it is known, even before the first reading.
    pub fn facts(&self) -> std::collections::BTreeMap<String, String> {
        self.gather.facts()
    }

    /// The format that the reader was made for.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// `is_invalid`, with the position, where the bytes cannot be of this format. What was read
    /// before stays.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let gather = &mut self.gather;
        match &mut self.inner {
            FormatReader::TableReader(table) => table.push(self.decoder.push(bytes), gather),
            FormatReader::RecordReader(records) => records.push(self.decoder.push(bytes), gather),
            FormatReader::Document(document) => return document.push(self.decoder.push(bytes), gather),
            FormatReader::Events(events) => return events.push(bytes, gather),
            FormatReader::MetricFile(metric) => metric.push(self.decoder.push(bytes), gather),
            FormatReader::Wandb(wandb) => return wandb.push(bytes, gather),
            FormatReader::Prose(prose) => prose.push(bytes, gather),
            FormatReader::Notebook(notebook) => return notebook.push(self.decoder.push(bytes), gather),
            FormatReader::Other => {
                return Err(Error::invalid("this is not a training log: it is not text and not in a known log format"));
            }
        }
        Ok(())
    }

    /// The runs so far; more bytes may follow.
    pub fn runs(&self) -> Vec<Run> {
        match &self.inner {
            FormatReader::Document(document) => document.runs(&self.gather),
            FormatReader::TableReader(table) => table.runs(&self.gather, false),
            FormatReader::Wandb(wandb) => {
                let mut gather = self.gather.clone();
                wandb.block_so_far(&mut gather);
                gather.runs(false)
            }
            _ => self.gather.runs(false),
        }
    }

    /// The runs at the end of the log.
    ///
    /// # Errors
    /// `is_invalid` if nothing could be read because the bytes are not of this format.
    pub fn finish(mut self) -> Result<Vec<Run>> {
        self.end()?;
        match &self.inner {
            FormatReader::Document(document) => Ok(parted(document.runs(&self.gather))),
            FormatReader::TableReader(table) => Ok(parted(table.runs(&self.gather, true))),
            FormatReader::RecordReader(_) => Ok(parted(self.gather.runs(true))),
            _ => Ok(self.gather.runs(true)),
        }
    }

    fn end(&mut self) -> Result<()> {
        let held = self.decoder.finish().to_vec();
        let gather = &mut self.gather;
        match &mut self.inner {
            FormatReader::TableReader(table) => {
                table.push(&held, gather);
                table.finish(gather);
            }
            FormatReader::RecordReader(records) => {
                records.push(&held, gather);
                records.finish(gather);
            }
            FormatReader::Document(document) => {
                document.push(&held, gather)?;
                document.finish(gather)?;
            }
            FormatReader::Events(events) => events.finish(gather)?,
            FormatReader::MetricFile(metric) => {
                metric.push(&held, gather);
                metric.finish(gather);
            }
            FormatReader::Wandb(wandb) => wandb.finish(gather)?,
            FormatReader::Prose(prose) => prose.finish(gather),
            FormatReader::Notebook(notebook) => {
                notebook.push(&held, gather)?;
                notebook.finish(gather)?;
            }
            FormatReader::Other => {}
        }
        Ok(())
    }
}
