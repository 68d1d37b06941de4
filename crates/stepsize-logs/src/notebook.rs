//! [`Notebook`]: what the cells of a Jupyter notebook printed, as text.
//!
//! Streams are read as they stand. Of what a cell shows, tables are read that HTML holds (fastai,
//! `Trainer` of transformers), and texts without such a form. A table with an index, as pandas
//! shows its data, is not one of a training. Source code and pictures are passed over.

use crate::gather::Gather;
use crate::json::tokens::{JsonToken, Tokens};
use crate::prose::Prose;
use stepsize::Result;

/// Reads a notebook.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notebook {
    tokens: Tokens,
    shape: NotebookPlace,
}

/// The place in the notebook that is being read.
#[derive(Debug, Clone, Default)]
struct NotebookPlace {
    prose: Prose,
    /// The last key in each open object, or nothing in a list.
    keys: Vec<String>,
    /// The stream of the last output, `stdout` or `stderr`.
    stream: String,
    /// HTML so far of the output that is shown, and its text.
    html: String,
    plain: String,
    /// How an exception is called.
    error: String,
    /// The last table that this cell showed.
    table: String,
}

/// The most that is kept of what an output shows.
const SHOWN: usize = 1 << 20;

impl Notebook {
    /// For a file of this name.
    pub fn new(file: &str) -> Self {
        Self { shape: NotebookPlace { prose: Prose::new(file), ..NotebookPlace::default() }, ..Self::default() }
    }

    pub fn push(&mut self, bytes: &[u8], gather: &mut Gather) -> Result<()> {
        let shape = &mut self.shape;
        self.tokens.push(bytes, &mut |token, _| shape.token(token, gather))
    }

    pub fn finish(&mut self, gather: &mut Gather) -> Result<()> {
        let shape = &mut self.shape;
        let cut = self.tokens.finish(&mut |token, _| shape.token(token, gather))?;
        if cut {
            gather.note("the notebook is cut; what came before is read".to_owned());
        }
        shape.prose.finish(gather);
        Ok(())
    }

    /// Reads lines by a pattern of the user.
    pub fn prose(&mut self) -> &mut Prose {
        &mut self.shape.prose
    }
}

impl NotebookPlace {
    fn token(&mut self, token: JsonToken<'_>, gather: &mut Gather) {
        match token {
            JsonToken::Open(_) => self.keys.push(String::new()),
            JsonToken::Close => self.close(gather),
            JsonToken::Key(key) => {
                if let Some(last) = self.keys.last_mut() {
                    last.clear();
                    last.push_str(key);
                }
            }
            JsonToken::Text(text) => self.text(text, gather),
            JsonToken::Number(_) | JsonToken::Null | JsonToken::Nothing => {}
        }
    }

    /// Whether the open object is, or is in, an output; and the last key that stands in it.
    fn output(&self) -> Option<&str> {
        let at = self.keys.iter().position(|key| key == "outputs")?;
        self.keys.get(at + 2..)?.iter().rev().find(|key| !key.is_empty()).map(String::as_str)
    }

    fn text(&mut self, text: &str, gather: &mut Gather) {
        match self.output() {
            // `stream` in notebooks of format 3
            Some("name" | "stream") if self.stream != text => {
                self.end_stream(gather);
                self.stream.push_str(text);
            }
            Some("text") => self.prose.push(text.as_bytes(), gather),
            Some("text/html" | "html") if self.html.len() < SHOWN => self.html.push_str(text),
            Some("text/plain") if self.plain.len() < SHOWN => self.plain.push_str(text),
            Some("ename") => text.clone_into(&mut self.error),
            Some("evalue") => {
                let line = format!("\n{}: {text}\n", std::mem::take(&mut self.error));
                self.prose.push(line.as_bytes(), gather);
            }
            _ => {}
        }
    }

    fn end_stream(&mut self, gather: &mut Gather) {
        if !self.stream.is_empty() {
            self.prose.push(b"\n", gather);
            self.stream.clear();
        }
    }

    fn close(&mut self, gather: &mut Gather) {
        self.keys.pop();
        match self.keys.last().map(String::as_str) {
            // The outputs of a cell: a counter that goes back after them is of another run.
            Some("outputs") => {
                self.end_stream(gather);
                gather.cell_ended();
                self.prose.cell_ended();
                self.table.clear();
            }
            Some("data") => {}
            _ if self.html.is_empty() && self.plain.is_empty() => {}
            // Within the lists of lines of one output.
            Some("text/html" | "text/plain" | "html") => {}
            _ => self.show(gather),
        }
    }

    /// Reads what an output shows.
    fn show(&mut self, gather: &mut Gather) {
        self.end_stream(gather);
        let (html, plain) = (std::mem::take(&mut self.html), std::mem::take(&mut self.plain));
        let text = match html.contains("<table") {
            true => rows(&html).map(|table| self.beyond(table, gather)),
            // A history that was the value of a cell.
            false => Some(plain).filter(|text| text.contains("loss")),
        };
        if let Some(text) = text {
            self.prose.push(b"\n", gather);
            self.prose.push(text.as_bytes(), gather);
            self.prose.push(b"\n", gather);
        }
    }
}

impl NotebookPlace {
    /// What a table tells beyond its last showing in this cell: it is shown again when it has
    /// grown, below what was printed in between.
    fn beyond(&mut self, table: String, gather: &mut Gather) -> String {
        let more = table.strip_prefix(self.table.trim_end()).filter(|_| self.table.lines().count() > 1);
        let names = table.lines().next().unwrap_or("");
        if more.is_none() && !self.table.is_empty() {
            // Another table in one cell: `fine_tune` trains twice.
            gather.started();
        }
        let told = more.map(|more| format!("{names}{more}"));
        self.table.clone_from(&table);
        told.unwrap_or(table)
    }
}

/// The rows of a table as lines with bars between the cells; `None` if its first column has no
/// name, as that of an index, or if it is a summary of Weights & Biases.
fn rows(html: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = html.get(html.find("<table")?..)?;
    if rest.get(..rest.find('>')?)?.contains("wandb") {
        return None;
    }
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        // Spaces around what stands in a cell are no part of it.
        out.push_str(text.trim());
        let end = tag.find('>')?;
        let name = tag.get(1..end)?.split_whitespace().next().unwrap_or("");
        match name {
            "/td" | "/th" => out.push('|'),
            "/tr" | "/p" | "br" | "br/" | "/div" | "/table" => out.push('\n'),
            _ => {}
        }
        rest = tag.get(end + 1..)?;
    }
    let out = out.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let first = out.lines().find(|line| line.contains('|'))?;
    (!first.starts_with('|')).then_some(out)
}

#[cfg(test)]
mod tests {
    use crate::{LogReader, Run, detect};

    fn read(json: &str) -> Vec<Run> {
        let whole = LogReader::new(detect(json.as_bytes(), "a.ipynb"), "a.ipynb");
        let cut = |size: usize| {
            let mut reader = whole.clone();
            json.as_bytes().chunks(size).for_each(|piece| reader.push(piece).unwrap());
            reader.finish().unwrap()
        };
        let runs = cut(1 << 20);
        assert_eq!(format!("{:?}", cut(3)), format!("{runs:?}"));
        runs
    }

    fn notebook(outputs: &[&str]) -> String {
        let cells: Vec<String> = outputs
            .iter()
            .map(|o| {
                format!(r#"{{"cell_type": "code", "execution_count": 3, "outputs": [{o}], "source": ["loss = 4.0"]}}"#)
            })
            .collect();
        format!(r#"{{"cells": [{}], "metadata": {{"id": 4}}, "nbformat": 4}}"#, cells.join(","))
    }

    #[test]
    fn streams_of_cells_are_runs_of_their_own_where_counters_begin_again() {
        let stream = |values: &[f64]| {
            let lines: Vec<String> =
                values.iter().enumerate().map(|(i, v)| format!(r#""Epoch {i}/9: loss {v}\n""#)).collect();
            format!(r#"{{"name": "stdout", "output_type": "stream", "text": [{}]}}"#, lines.join(","))
        };
        let runs = read(&notebook(&[&stream(&[2.0, 1.5, 1.0]), &stream(&[3.0, 2.5, 2.0, 1.5])]));
        let points: Vec<usize> = runs.iter().map(|r| r.series("loss").unwrap().points.len()).collect();
        assert_eq!(points, [3, 4]);
        // A line that two outputs of one stream share.
        let part = |text: &str| format!(r#"{{"name": "stderr", "output_type": "stream", "text": "{text}"}}"#);
        let cut = format!("{},{}", part(r"Epoch 1 loss 0.5\nEpoch 2 loss 0."), part(r"25\nEpoch 3 loss 0.125\n"));
        let runs = read(&notebook(&[&cut]));
        assert_eq!(runs[0].series("loss").unwrap().points, [(1.0, 0.5), (2.0, 0.25), (3.0, 0.125)]);
    }

    #[test]
    fn tables_that_are_shown_are_read_and_those_of_data_are_not() {
        let shown = |head: &str, rows: &str| {
            format!(
                r#"{{"output_type": "display_data", "data": {{"text/html": ["<table border=\"1\"><thead><tr>{head}</tr></thead>\n", "{rows}</table>"], "text/plain": ["a table of 0.5 loss"]}}, "metadata": {{}}}}"#
            )
        };
        let rows: String = (1..5)
            .map(|i| format!("<tr>\\n      <td>{i}</td>\\n <td>{}</td><td>0.5</td></tr>", 2.0 / f64::from(i)))
            .collect();
        let head = "<th>Epoch</th><th>Training Loss</th><th>Validation Loss</th>";
        let runs = read(&notebook(&[&shown(head, &rows)]));
        assert_eq!(runs[0].counter, "Epoch");
        assert_eq!(runs[0].series("Training_Loss").unwrap().points.len(), 4);
        assert!(read(&notebook(&[&shown("<th></th><th>loss</th><th>error</th>", &rows)])).is_empty());
    }
}
