//! Columns of text.

use std::iter;

/// Rows under their titles, each column as wide as its widest cell.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(titles: &[&str]) -> Self {
        Self { rows: vec![titles.iter().map(|title| (*title).to_owned()).collect()] }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(super) fn to_text(&self, indent: &str) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().chain(iter::repeat(&EMPTY)).zip(&widths);
            let text: Vec<String> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
            format!("{indent}{}\n", text.join("  ").trim_end())
        };
        self.rows.iter().map(line).collect()
    }
}

static EMPTY: String = String::new();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_in_characters_not_bytes() {
        let mut table = Table::new(&["A", "B"]);
        table.row(["größe".to_owned(), "1".to_owned()]);
        table.row(["x".to_owned()]);
        assert_eq!(table.to_text(" "), " A      B\n größe  1\n x\n");
    }
}
