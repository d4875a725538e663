//! Reader of HAProxy's `show stat` in its CSV form.
//!
//! Columns are found by the name in the header, because versions only agree on names: they append columns, and
//! what stands behind the column `-` has no fixed order. Everything else is strict, since the text comes from a
//! process that may be replaced by anybody who owns the member: bounded in size, rows and columns, each row as
//! wide as the header, numbers that are numbers. A text that breaks a rule is refused whole; half a table would
//! show servers as missing that are there.
//!
//! [`Table`] borrows from the text and allocates nothing per field, so that the summary for the heartbeat stays
//! cheap with hundreds of servers; [`rows`] builds the typed rows for a status screen.

use std::borrow::Cow;

mod row;
mod summary;
#[cfg(test)]
mod tests;

pub use row::{Check, Responses, Row, RowKind, ServerStatus, Times, rows};
pub use summary::summarise;

/// Longest text that is read.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Most rows that are read.
pub const ROWS_MAX: usize = 10_000;
/// Most columns that a header may have.
pub const COLUMNS_MAX: usize = 256;

/// Why a `show stat` text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatError {
    /// The text is longer than [`TEXT_BYTES_MAX`].
    #[error("the show stat text has {size_bytes} bytes, more than {TEXT_BYTES_MAX}")]
    TooLong {
        /// Length of the text.
        size_bytes: usize,
    },
    /// The first line is not the header; the line is kept, for HAProxy answers refusals in words.
    #[error("the show stat text does not begin with a header but with: {line}")]
    NoHeader {
        /// The beginning of the first line.
        line: String,
    },
    /// The header has more than [`COLUMNS_MAX`] columns.
    #[error("the show stat header has more than {COLUMNS_MAX} columns")]
    TooManyColumns,
    /// There are more than [`ROWS_MAX`] rows.
    #[error("the show stat text has more than {ROWS_MAX} rows")]
    TooManyRows,
    /// A column that every version has is missing.
    #[error("the show stat header has no column {column}")]
    MissingColumn {
        /// Its name.
        column: &'static str,
    },
    /// A row is narrower or wider than the header.
    #[error("row {row} of show stat has {fields} fields, the header has {columns}")]
    Width {
        /// Number of the row, from 1.
        row: usize,
        /// Fields in that row.
        fields: usize,
        /// Columns in the header.
        columns: usize,
    },
    /// A quoted field is not closed, or something follows its closing quote.
    #[error("row {row} of show stat has a broken quote")]
    Quote {
        /// Number of the row, from 1.
        row: usize,
    },
    /// A numeric column holds something else.
    #[error("row {row} of show stat has no number in column {column}")]
    Number {
        /// Number of the row, from 1.
        row: usize,
        /// Name of the column.
        column: &'static str,
    },
    /// The object type is none of the four.
    #[error("row {row} of show stat has an unknown object type")]
    Kind {
        /// Number of the row, from 1.
        row: usize,
    },
}

/// The table as text: a header and a cursor over its records.
#[derive(Debug)]
pub struct Table<'a> {
    columns: Vec<&'a str>,
    rest: &'a str,
    row: usize,
    fields: Vec<Cow<'a, str>>,
}

/// The position of a column, or its absence in this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    name: &'static str,
    index: Option<usize>,
}

/// One record, valid until the next one is read.
#[derive(Debug, Clone, Copy)]
pub struct Record<'t, 'a> {
    row: usize,
    fields: &'t [Cow<'a, str>],
}

impl<'a> Table<'a> {
    /// Reads the header of a `show stat` answer.
    ///
    /// # Errors
    /// The text does not begin with a header of bounded width.
    pub fn open(text: &'a str) -> Result<Self, StatError> {
        let text = text.trim_start_matches(['\n', '\r']);
        let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
        let line = line.strip_suffix('\r').unwrap_or(line);
        let Some(header) = line.strip_prefix("# ") else {
            return Err(StatError::NoHeader { line: line.chars().take(120).collect() });
        };
        let header = header.strip_suffix(',').unwrap_or(header);
        if header.split(',').count() > COLUMNS_MAX {
            return Err(StatError::TooManyColumns);
        }
        let columns: Vec<&str> = header.split(',').collect();
        let fields = Vec::with_capacity(columns.len());
        Ok(Self { columns, rest, row: 0, fields })
    }

    /// Finds a column that every version has.
    ///
    /// # Errors
    /// The header does not have it.
    pub fn require(&self, name: &'static str) -> Result<Column, StatError> {
        let column = self.column(name);
        if column.index.is_none() {
            return Err(StatError::MissingColumn { column: name });
        }
        Ok(column)
    }

    /// Finds a column that some versions have.
    #[must_use]
    pub fn column(&self, name: &'static str) -> Column {
        Column { name, index: self.columns.iter().position(|column| *column == name) }
    }

    /// Reads the next record; `None` at the end, which is the end of the text or an empty line.
    ///
    /// # Errors
    /// The record breaks the rules of this module.
    pub fn next_record(&mut self) -> Result<Option<Record<'_, 'a>>, StatError> {
        if self.rest.is_empty() || self.rest.starts_with('\n') || self.rest.starts_with("\r\n") {
            return Ok(None);
        }
        if self.row == ROWS_MAX {
            return Err(StatError::TooManyRows);
        }
        self.row += 1;
        self.fields.clear();
        self.read_fields()?;
        // Each line ends with a comma, so the last field is an empty one that no column stands for.
        if self.fields.len() == self.columns.len() + 1
            && self.fields.last().is_some_and(|last| last.is_empty())
        {
            self.fields.pop();
        }
        if self.fields.len() != self.columns.len() {
            return Err(StatError::Width {
                row: self.row,
                fields: self.fields.len(),
                columns: self.columns.len(),
            });
        }
        Ok(Some(Record { row: self.row, fields: &self.fields }))
    }

    fn read_fields(&mut self) -> Result<(), StatError> {
        loop {
            if self.fields.len() > self.columns.len() {
                return Err(StatError::Width {
                    row: self.row,
                    fields: self.fields.len() + 1,
                    columns: self.columns.len(),
                });
            }
            let field = if let Some(quoted) = self.rest.strip_prefix('"') {
                let (field, rest) = unquote(quoted).ok_or(StatError::Quote { row: self.row })?;
                self.rest = rest;
                field
            } else {
                let bytes = self.rest.as_bytes();
                let end = bytes.iter().position(|byte| matches!(byte, b',' | b'\n')).unwrap_or(bytes.len());
                let (field, rest) = self.rest.split_at(end);
                self.rest = rest;
                Cow::Borrowed(if rest.starts_with(',') { field } else { field.trim_end_matches('\r') })
            };
            self.fields.push(field);
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
            } else {
                let rest = self.rest.strip_prefix('\r').unwrap_or(self.rest);
                if rest.is_empty() {
                    self.rest = rest;
                    return Ok(());
                }
                self.rest = rest.strip_prefix('\n').ok_or(StatError::Quote { row: self.row })?;
                return Ok(());
            }
        }
    }
}

impl<'t> Record<'t, '_> {
    /// The text of a column, empty when it is unset or this version has no such column.
    #[must_use]
    pub fn text(&self, column: Column) -> &'t str {
        column.index.and_then(|index| self.fields.get(index)).map_or("", AsRef::as_ref)
    }

    /// The number in a column, `None` when it is unset or this version has no such column.
    ///
    /// # Errors
    /// The column holds something that is not a number.
    pub fn number(&self, column: Column) -> Result<Option<u64>, StatError> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| StatError::Number { row: self.row, column: column.name })
    }

    /// The same for a column in which HAProxy writes -1 for "never".
    ///
    /// # Errors
    /// The column holds something that is not a number.
    pub fn number_or_never(&self, column: Column) -> Result<Option<u64>, StatError> {
        if self.text(column) == "-1" { Ok(None) } else { self.number(column) }
    }

    /// Number of the row, from 1.
    #[must_use]
    pub fn row(&self) -> usize {
        self.row
    }
}

/// Takes the answer's bytes for text. What a health check answered may hold any byte, so bytes that are not UTF-8
/// are replaced and not refused: one odd server must not hide all others.
fn bounded_text(answer: &[u8]) -> Result<Cow<'_, str>, StatError> {
    if answer.len() > TEXT_BYTES_MAX {
        return Err(StatError::TooLong { size_bytes: answer.len() });
    }
    Ok(String::from_utf8_lossy(answer))
}

/// Takes a quoted field whose opening quote is gone; answers it with what follows the closing quote.
fn unquote(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut owned: Option<String> = None;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find('"')?;
        let piece = text.get(from..at)?;
        let after = text.get(at + 1..)?;
        if let Some(rest) = after.strip_prefix('"') {
            let owned = owned.get_or_insert_default();
            owned.push_str(piece);
            owned.push('"');
            from = text.len() - rest.len();
            continue;
        }
        let field = match owned {
            None => Cow::Borrowed(piece),
            Some(mut owned) => {
                owned.push_str(piece);
                Cow::Owned(owned)
            }
        };
        return Some((field, after));
    }
}
