//! The cells of a spreadsheet's sheet, and how they are written: blank rows part tables, empty columns are dropped,
//! and a line with one cell above a table is its title.
//!
//! Keeps true: work and memory follow the cells that hold text, never the extent that a file claims.

use std::collections::{BTreeMap, BTreeSet};

use crate::builder::Builder;

#[derive(Debug, Default)]
pub struct Sheet {
    rows: BTreeMap<u32, BTreeMap<u32, String>>,
}

type Row<'s> = &'s BTreeMap<u32, String>;

impl Sheet {
    /// Sets a cell; blank text is no cell.
    pub fn put(&mut self, row: u32, column: u32, text: String) {
        if !text.trim().is_empty() {
            self.rows.entry(row).or_default().insert(column, text);
        }
    }

    /// Writes the sheet as page `number` under its name; a sheet without text is left out.
    pub fn write(&self, number: u32, name: &str, out: &mut Builder) {
        if self.rows.is_empty() {
            return;
        }
        out.page(number, Some(name));
        out.heading(1, name);
        for region in self.regions() {
            write_region(&region, out);
        }
    }

    /// Runs of rows without a blank one between them.
    fn regions(&self) -> Vec<Vec<Row<'_>>> {
        let mut regions: Vec<Vec<Row<'_>>> = Vec::new();
        let mut next = None;
        for (number, row) in &self.rows {
            match regions.last_mut() {
                Some(region) if next == Some(*number) => region.push(row),
                _ => regions.push(vec![row]),
            }
            next = number.checked_add(1);
        }
        regions
    }
}

fn write_region(region: &[Row<'_>], out: &mut Builder) {
    let is_wide = region.iter().any(|row| row.len() > 1);
    let titles = region.iter().take_while(|row| is_wide && row.len() == 1).count();
    let (titles, table) = region.split_at(titles);
    let texts = |rows: &[Row<'_>]| rows.iter().flat_map(|row| row.values().cloned()).collect::<Vec<_>>();
    for title in texts(titles) {
        out.paragraph(&title);
    }
    if !is_wide && is_prose(table) {
        texts(table).iter().for_each(|text| out.paragraph(text));
    } else {
        out.table(&grid(table));
    }
}

/// One line, or lines too long for a column of values.
fn is_prose(rows: &[Row<'_>]) -> bool {
    const VALUE_BYTES: usize = 60;
    let bytes: usize = rows.iter().flat_map(|row| row.values()).map(String::len).sum();
    rows.len() == 1 || bytes > rows.len() * VALUE_BYTES
}

/// Rows with a cell for each column that any of them uses; without the empty ones if those would be too many.
fn grid(rows: &[Row<'_>]) -> Vec<Vec<String>> {
    const CELLS_MAX: usize = 8_000_000;
    let columns: BTreeSet<u32> = rows.iter().flat_map(|row| row.keys().copied()).collect();
    let is_sparse = rows.len().saturating_mul(columns.len()) > CELLS_MAX;
    let all =
        |row: &Row<'_>| columns.iter().map(|column| row.get(column).cloned().unwrap_or_default()).collect();
    rows.iter().map(|row| if is_sparse { row.values().cloned().collect() } else { all(row) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Limits;

    fn check(cells: &[(u32, u32, &str)], expected: &str) {
        let mut sheet = Sheet::default();
        cells.iter().for_each(|(row, column, text)| sheet.put(*row, *column, (*text).to_owned()));
        let mut out = Builder::new(&Limits::default());
        sheet.write(1, "S", &mut out);
        let parsed = out.finish();
        parsed.check().unwrap();
        assert_eq!(parsed.text, expected);
    }

    #[test]
    fn blank_rows_part_tables_and_empty_columns_go() {
        check(
            &[(0, 0, "a"), (0, 5, "b"), (1, 5, "2"), (3, 0, "c"), (3, 1, "d")],
            "S\n\na | b\n | 2\n\nc | d",
        );
    }

    #[test]
    fn a_lone_cell_above_a_table_is_its_title() {
        check(&[(0, 0, "Title"), (1, 0, "a"), (1, 1, "b")], "S\n\nTitle\n\na | b");
    }

    #[test]
    fn far_cells_cost_nothing() {
        check(&[(0, 0, "a"), (u32::MAX, u32::MAX, "b")], "S\n\na\n\nb");
        check(&[(0, 0, " ")], "");
    }
}
