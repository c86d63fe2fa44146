//! The table itself and the two passes that make it: one reads every column as numbers until a cell is none, the
//! other reads the columns that turned out to be text. No cell is stored that isn't kept.

use crate::error::TableError;
use crate::lines::{line_at, line_of_row};
use crate::options::{CsvOptions, Dialect};
use crate::quoting;
use csv::{ReaderBuilder, StringRecord};
use std::collections::HashMap;
use std::io::Read;

/// A CSV file as columns of one kind each.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Names of the columns, in the file's order; distinct and not empty, without surrounding white space.
    pub names: Vec<String>,
    /// The columns; each has `rows` cells.
    pub columns: Vec<Column>,
    /// Number of rows, without the header; at least 1.
    pub rows: usize,
}

/// The cells of one column, top to bottom.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Every cell that isn't missing is a finite number; NaN stands for missing, and for nothing else.
    Numbers(Vec<f64>),
    /// At least one cell is no number. White space around the text is removed; `None` stands for missing.
    Text(Vec<Option<String>>),
}

impl Table {
    /// Reads a whole file. A byte order mark is skipped, blank lines are skipped, and every kind of line end is
    /// understood. Numbers are written as in `-1.5e3`; `1,000` and `1_000` are text.
    ///
    /// # Errors
    /// Any [`TableError`]; the first in the order: options, encoding, quotes, header, rows, infinite numbers.
    pub fn parse(bytes: &[u8], options: &CsvOptions) -> Result<Self, TableError> {
        let dialect = options.dialect()?;
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if let Err(error) = std::str::from_utf8(text) {
            return Err(TableError::Utf8 { line: line_at(text, error.valid_up_to()) });
        }
        quoting::check(text, dialect)?;
        let source = Source { text, dialect, options };
        let names = source.names()?;
        let missing = Missing::new(options);
        let mut drafts = vec![Draft::default(); names.len()];
        let mut rows = 0;
        source.each_row(|line, record| {
            if record.len() != names.len() {
                return Err(TableError::Ragged { line: line(), expected: names.len(), found: record.len() });
            }
            for (draft, cell) in drafts.iter_mut().zip(record) {
                draft.push(cell.trim(), &missing, &line);
            }
            rows += 1;
            Ok(())
        })?;
        if rows == 0 {
            return Err(TableError::NoRows { columns: names.len() });
        }
        for (index, (draft, name)) in drafts.iter_mut().zip(&names).enumerate() {
            if let (Some(_), Some((line, found))) = (&draft.numbers, draft.infinite.take()) {
                return Err(TableError::Infinite { line, column: index + 1, name: name.clone(), found });
            }
        }
        let columns = source.finish(drafts, rows, &missing)?;
        Ok(Self { names, columns, rows })
    }
}

/// The file, ready to be read more than once.
struct Source<'a> {
    text: &'a [u8],
    dialect: Dialect,
    options: &'a CsvOptions,
}

impl Source<'_> {
    /// Names of the columns, from the header or made up.
    fn names(&self) -> Result<Vec<String>, TableError> {
        let mut first = None;
        self.each_record(|line, record| {
            first.get_or_insert_with(|| (line(), record.clone()));
            Ok(false)
        })?;
        let (line, record) = first.ok_or(TableError::Empty)?;
        if !self.options.header {
            return Ok((1..=record.len()).map(|column| format!("column{column}")).collect());
        }
        let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
        let mut seen = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            let column = index + 1;
            if name.is_empty() {
                return Err(TableError::EmptyName { line, column });
            }
            if let Some(first) = seen.insert(name, column) {
                return Err(TableError::DuplicateName { line, name: name.clone(), first, second: column });
            }
        }
        Ok(names)
    }

    /// Calls `visit` for each row below the header.
    fn each_row(
        &self,
        mut visit: impl FnMut(&dyn Fn() -> usize, &StringRecord) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        let mut header = self.options.header;
        self.each_record(|line, record| {
            if !std::mem::take(&mut header) {
                visit(line, record)?;
            }
            Ok(true)
        })
    }

    /// Calls `visit` for each record, the header too, until it returns false; its first argument counts lines when
    /// asked to, since that is slow.
    fn each_record(
        &self,
        mut visit: impl FnMut(&dyn Fn() -> usize, &StringRecord) -> Result<bool, TableError>,
    ) -> Result<(), TableError> {
        let mut reader = ReaderBuilder::new()
            .delimiter(self.dialect.delimiter)
            .comment(self.dialect.comment)
            .has_headers(false)
            .flexible(true)
            // A comment that ends with the file and not with its line would come out as a row.
            .from_reader(self.text.chain(&b"\n"[..]));
        let mut record = StringRecord::new();
        loop {
            let offset = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
            let line = || line_of_row(self.text, offset, self.dialect);
            let more = reader
                .read_record(&mut record)
                .map_err(|error| TableError::Reader { line: line(), reason: error.to_string() })?;
            if !more || !visit(&line, &record)? {
                return Ok(());
            }
        }
    }

    /// Columns of numbers as they are; the others are read again, as text.
    fn finish(&self, drafts: Vec<Draft>, rows: usize, missing: &Missing) -> Result<Vec<Column>, TableError> {
        let mut columns: Vec<Column> = drafts
            .into_iter()
            .map(|draft| match draft.numbers {
                Some(numbers) => Column::Numbers(numbers),
                None => Column::Text(Vec::with_capacity(rows)),
            })
            .collect();
        if columns.iter().all(|column| matches!(column, Column::Numbers(_))) {
            return Ok(columns);
        }
        self.each_row(|_, record| {
            for (column, cell) in columns.iter_mut().zip(record) {
                if let Column::Text(cells) = column {
                    let cell = cell.trim();
                    cells.push((!missing.is_missing(cell)).then(|| cell.to_owned()));
                }
            }
            Ok(())
        })?;
        Ok(columns)
    }
}

/// The cells that stand for "no value".
struct Missing {
    markers: Vec<String>,
}

impl Missing {
    fn new(options: &CsvOptions) -> Self {
        Self { markers: options.missing_markers.iter().map(|marker| marker.trim().to_owned()).collect() }
    }

    fn is_missing(&self, cell: &str) -> bool {
        self.markers.iter().any(|marker| marker == cell)
    }
}

/// A column of which it is not known yet that it holds numbers.
#[derive(Clone)]
struct Draft {
    /// `None` once a cell was no number.
    numbers: Option<Vec<f64>>,
    /// The first infinite number: its line, and the cell as written.
    infinite: Option<(usize, String)>,
}

impl Default for Draft {
    fn default() -> Self {
        Self { numbers: Some(Vec::new()), infinite: None }
    }
}

impl Draft {
    fn push(&mut self, cell: &str, missing: &Missing, line: &dyn Fn() -> usize) {
        let Some(numbers) = &mut self.numbers else { return };
        if missing.is_missing(cell) {
            return numbers.push(f64::NAN);
        }
        // "nan" that is not a marker is a word like any other.
        match cell.parse::<f64>().ok().filter(|number| !number.is_nan()) {
            Some(number) => {
                if number.is_infinite() && self.infinite.is_none() {
                    self.infinite = Some((line(), cell.to_owned()));
                }
                numbers.push(number);
            }
            None => self.numbers = None,
        }
    }
}

#[cfg(test)]
mod tests;
