//! Spreadsheets: XLSX, XLSB and XLS through calamine, ODS as OpenDocument. A sheet is a page.
//!
//! Keeps true: a container is unpacked once under `Limits` before calamine, which has none, sees it; cells are read
//! one by one, except in XLS, whose sheets have at most 65,536 rows and 256 columns.

use std::fmt::Display;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Cell, Data, DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xls, Xlsb, Xlsx};
use ibid_types::parsed::Parsed;
use ibid_types::{Error, Result};

use super::archive::Archive;
use super::office::core_properties;
use super::sheet::Sheet;
use crate::builder::Builder;
use crate::parse::Limits;

/// Errors: those of `Archive`, `document_encrypted`, and `document_damaged` if there is no workbook.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Parsed> {
    if !bytes.starts_with(b"PK") {
        return old(bytes, limits);
    }
    let mut archive = Archive::open(bytes, limits)?;
    let names = archive.names();
    if names.iter().any(|name| name == "content.xml") {
        return super::odf::parse(bytes, limits);
    }
    for name in names.iter().filter(|name| !name.starts_with("xl/media/")) {
        archive.read(name)?;
    }
    let mut out = Builder::new(limits);
    *out.metadata() = core_properties(&mut Archive::open(bytes, limits)?, limits)?;
    if names.iter().any(|name| name == "xl/workbook.bin") {
        binary(bytes, limits, &mut out)?;
    } else {
        open_xml(bytes, limits, &mut out)?;
    }
    Ok(out.finish())
}

fn open_xml(bytes: &[u8], limits: &Limits, out: &mut Builder) -> Result<()> {
    let mut book = guarded(|| Xlsx::new(Cursor::new(bytes))).map_err(damaged)?;
    for (number, name) in shown(book.sheets_metadata()) {
        let mut sheet = Sheet::default();
        let read = guarded(|| {
            let mut cells = book.worksheet_cells_reader(&name)?;
            collect(|| cells.next_cell(), &mut sheet, limits)
        });
        finish_sheet(read, &sheet, number, &name, out);
    }
    Ok(())
}

fn binary(bytes: &[u8], limits: &Limits, out: &mut Builder) -> Result<()> {
    let mut book = guarded(|| Xlsb::new(Cursor::new(bytes))).map_err(damaged)?;
    for (number, name) in shown(book.sheets_metadata()) {
        let mut sheet = Sheet::default();
        let read = guarded(|| {
            let mut cells = book.worksheet_cells_reader(&name)?;
            collect(|| cells.next_cell(), &mut sheet, limits)
        });
        finish_sheet(read, &sheet, number, &name, out);
    }
    Ok(())
}

fn old(bytes: &[u8], limits: &Limits) -> Result<Parsed> {
    super::compound::check(bytes)?;
    let mut book = guarded(|| Xls::new(Cursor::new(bytes))).map_err(damaged)?;
    let mut out = Builder::new(limits);
    for (number, name) in shown(book.sheets_metadata()) {
        let mut sheet = Sheet::default();
        let read = guarded(|| book.worksheet_range(&name)).map(|range| {
            let (row, column) = range.start().unwrap_or_default();
            for (down, right, value) in range.used_cells() {
                let at = |from: u32, by: usize| from.saturating_add(u32::try_from(by).unwrap_or(u32::MAX));
                sheet.put(at(row, down), at(column, right), shown_value(value));
            }
        });
        finish_sheet(read, &sheet, number, &name, &mut out);
    }
    Ok(out.finish())
}

/// Calls calamine, which trusts what records say of themselves: where it panics, the file is damaged.
fn guarded<T, E: Display>(read: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(_) => Err("a record says what cannot be".to_owned()),
    }
}

/// The sheets with cells that a reader can see, numbered as all are.
fn shown(sheets: &[calamine::Sheet]) -> Vec<(u32, String)> {
    let is_shown =
        |sheet: &calamine::Sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible;
    (1..)
        .zip(sheets)
        .filter(|(_, sheet)| is_shown(sheet))
        .map(|(number, sheet)| (number, sheet.name.clone()))
        .collect()
}

/// Cells one by one, up to the text that the limits allow.
fn collect<'a, E>(
    mut next: impl FnMut() -> Result<Option<Cell<DataRef<'a>>>, E>,
    sheet: &mut Sheet,
    limits: &Limits,
) -> Result<(), E> {
    let mut bytes_left = limits.text_bytes_max;
    while let Some(cell) = next()? {
        let (row, column) = cell.get_position();
        let text = shown_value(&Data::from(cell.get_value().clone()));
        let Some(left) = bytes_left.checked_sub(text.len()) else { break };
        bytes_left = left;
        sheet.put(row, column, text);
    }
    Ok(())
}

/// What was read of a sheet is kept, also if its end is damaged.
fn finish_sheet(read: Result<(), String>, sheet: &Sheet, number: u32, name: &str, out: &mut Builder) {
    if let Err(error) = read {
        out.warn(format!("sheet '{name}' is damaged and may be incomplete: {error}"));
    }
    sheet.write(number, name, out);
}

fn shown_value(value: &Data) -> String {
    match value {
        Data::Int(number) => number.to_string(),
        Data::Float(number) => shown_number(*number),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Bool(is_true) => is_true.to_string(),
        Data::DateTime(time) => shown_time(time),
        Data::Error(error) => error.to_string(),
        Data::Empty => String::new(),
    }
}

/// Without the last digits, in which sums of decimal fractions differ from what is meant: 0.3, not 0.30000000000000004.
fn shown_number(number: f64) -> String {
    if number.abs() < 1e15 && number.fract() != 0.0 && number.abs() >= 1e-6 {
        let text = format!("{number:.10}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    number.to_string()
}

/// A date, a time of day (a number below 1), both, or a duration in hours.
fn shown_time(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let clock = if second == 0 {
        format!("{hour:02}:{minute:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}")
    };
    let value = time.as_f64();
    if time.is_duration() {
        let minutes = (value * 24.0 * 60.0).round();
        format!("{}:{:02}", (minutes / 60.0).trunc(), (minutes % 60.0).abs())
    } else if (0.0..1.0).contains(&value) {
        clock
    } else if value.fract() == 0.0 {
        date
    } else {
        format!("{date} {clock}")
    }
}

fn damaged(cause: String) -> Error {
    if cause.contains("password") {
        let what = "the workbook is protected by a password; remove the protection and send it again";
        return Error::bad_request("document_encrypted", what);
    }
    let what = "the workbook cannot be read; it may be cut short or damaged, so save or send it again";
    Error::bad_request("document_damaged", what).caused_by(cause)
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    #[test]
    fn numbers_are_shown_as_meant() {
        for (number, text) in [(3.0, "3"), (0.1 + 0.2, "0.3"), (-1.25, "-1.25"), (1e-9, "0.000000001")] {
            assert_eq!(shown_number(number), text);
        }
    }

    #[test]
    fn times_are_shown_as_meant() {
        let shown = |value, kind| shown_time(&ExcelDateTime::new(value, kind, false));
        assert_eq!(shown(45_943.0, ExcelDateTimeType::DateTime), "2025-10-13");
        assert_eq!(shown(45_943.5, ExcelDateTimeType::DateTime), "2025-10-13 12:00");
        assert_eq!(shown(0.25, ExcelDateTimeType::DateTime), "06:00");
        assert_eq!(shown(1.5, ExcelDateTimeType::TimeDelta), "36:00");
    }
}
