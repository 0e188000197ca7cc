//! Charts in office files (DrawingML, ECMA-376 part 1, clause 21.2) as the table of what they show.

use super::xml::{NodeId, ROOT, Xml};
use crate::builder::Builder;

const SERIES_MAX: usize = 64;
const POINTS_MAX: usize = 10_000;

/// The title, and a row for each category with a column for each series.
pub fn write(xml: &Xml, out: &mut Builder) {
    if let Some(title) = xml.find(ROOT, "chart").and_then(|chart| xml.child(chart, "title")) {
        let texts: Vec<String> = xml
            .descendants(title)
            .filter(|node| xml.name(*node) == "t")
            .map(|node| xml.text_of(node))
            .collect();
        out.paragraph(&texts.concat());
    }
    let series: Vec<NodeId> =
        xml.descendants(ROOT).filter(|node| xml.name(*node) == "ser").take(SERIES_MAX).collect();
    let names = series.iter().map(|series| points(xml, *series, &["tx"]).concat());
    let labels = series.first().map(|series| points(xml, *series, &["cat", "xVal"])).unwrap_or_default();
    let columns: Vec<Vec<String>> =
        series.iter().map(|series| points(xml, *series, &["val", "yVal"])).collect();
    let mut rows = vec![std::iter::once(String::new()).chain(names).collect::<Vec<String>>()];
    for at in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
        let cell = |column: &Vec<String>| column.get(at).cloned().unwrap_or_default();
        rows.push(std::iter::once(cell(&labels)).chain(columns.iter().map(cell)).collect());
    }
    out.table(&rows);
}

/// The cached values of the first of these parts that a series has, each at its place.
fn points(xml: &Xml, series: NodeId, names: &[&str]) -> Vec<String> {
    let Some(part) = names.iter().find_map(|name| xml.child(series, name)) else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for point in xml.descendants(part).filter(|node| xml.name(*node) == "pt") {
        let at = xml.attribute(point, "idx").and_then(|at| at.parse().ok()).unwrap_or(found.len());
        if at < POINTS_MAX {
            found.resize(found.len().max(at + 1), String::new());
            found[at] = xml.text_of(point);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Limits;

    #[test]
    fn series_are_columns() {
        let points = |texts: &[&str]| -> String {
            (0..)
                .zip(texts)
                .map(|(at, text): (usize, &&str)| format!("<pt idx='{at}'><v>{text}</v></pt>"))
                .collect()
        };
        let series = |name, values: &[&str]| {
            format!(
                "<ser><tx>{}</tx><cat>{}</cat><val>{}</val></ser>",
                points(&[name]),
                points(&["x", "y"]),
                points(values)
            )
        };
        let chart = format!(
            "<chart><title><t>T</t></title>{}{}</chart>",
            series("A", &["1", "2"]),
            series("B", &["3"])
        );
        let mut out = Builder::new(&Limits::default());
        write(&Xml::parse(&chart, &Limits::default()).unwrap(), &mut out);
        assert_eq!(out.finish().text, "T\n\n | A | B\nx | 1 | 3\ny | 2 |");
    }
}
