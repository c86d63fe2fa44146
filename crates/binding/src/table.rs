//! CSV text to columns, for the facade to make a data set of.

use crate::failure::{Failure, guard};
use kanode_engine::Program;
use kanode_table::{Column, CsvOptions, Table};
use napi::bindgen_prelude::Float64ArraySlice;
use napi_derive::napi;

/// A parsed CSV file.
#[napi]
pub struct NativeTable {
    table: Table,
}

#[napi]
impl NativeTable {
    /// Parses UTF-8 text; `options` is JSON of the parser's options.
    #[napi(factory)]
    pub fn parse(bytes: &[u8], options: String) -> napi::Result<Self> {
        guard(|| {
            let options: CsvOptions =
                serde_json::from_str(&options).map_err(|e| Failure::option(format!("CSV options: {e}")))?;
            Ok(Self { table: Table::parse(bytes, &options)? })
        })
    }

    /// Names of the columns.
    #[napi]
    pub fn names(&self) -> napi::Result<Vec<String>> {
        guard(|| Ok(self.table.names.clone()))
    }

    /// Number of rows.
    #[napi]
    pub fn rows(&self) -> napi::Result<u32> {
        guard(|| u32::try_from(self.table.rows).map_err(|_| Failure::memory("rows", self.table.rows)))
    }

    /// Whether a column holds text rather than numbers.
    #[napi]
    pub fn is_text(&self, column: u32) -> napi::Result<bool> {
        guard(|| Ok(matches!(self.column(column)?, Column::Text(_))))
    }

    /// Writes a column of numbers to `out`; missing cells are NaN.
    #[napi]
    #[allow(
        unsafe_code,
        reason = "napi hands out an array that JavaScript allocated only through an unsafe call"
    )]
    pub fn numbers(&self, column: u32, mut out: Float64ArraySlice<'_>) -> napi::Result<()> {
        guard(|| {
            // SAFETY: JavaScript is stopped in this call, and the facade allocated `out` for it alone.
            let out = unsafe { out.as_mut() };
            match self.column(column)? {
                Column::Numbers(numbers) => {
                    Program::check_length("out", numbers.len(), out.len())?;
                    out.copy_from_slice(numbers);
                    Ok(())
                }
                Column::Text(_) => Err(Failure::option(format!("column {column} holds text"))),
            }
        })
    }

    /// The cells of a column of text; missing cells are null.
    #[napi]
    pub fn text(&self, column: u32) -> napi::Result<Vec<Option<String>>> {
        guard(|| match self.column(column)? {
            Column::Text(cells) => Ok(cells.clone()),
            Column::Numbers(_) => Err(Failure::option(format!("column {column} holds numbers"))),
        })
    }

    /// Frees the cells at once; what is asked for afterwards does not exist.
    #[napi]
    pub fn dispose(&mut self) -> napi::Result<()> {
        guard(|| {
            self.table = Table { names: Vec::new(), columns: Vec::new(), rows: 0 };
            Ok(())
        })
    }

    fn column(&self, column: u32) -> Result<&Column, Failure> {
        let columns = &self.table.columns;
        columns
            .get(column as usize)
            .ok_or_else(|| Failure::option(format!("column {column} of {} does not exist", columns.len())))
    }
}
