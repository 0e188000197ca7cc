//! PowerPoint presentations (PresentationML, ECMA-376 part 1, clause 19): a page a slide, its title as heading, lists,
//! tables, diagrams and the speaker's notes.

use std::collections::HashMap;

use ibid_types::parsed::Parsed;
use ibid_types::{Error, Result};

use super::archive::Archive;
use super::chart;
use super::office::{Relation, core_properties, part, relations};
use super::xml::{NodeId, ROOT, Xml};
use crate::builder::{Builder, prose};
use crate::parse::Limits;

const MAIN: &str = "ppt/presentation.xml";

/// Errors: those of `Archive`, and `document_damaged` if there is no main part.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Parsed> {
    let mut archive = Archive::open(bytes, limits)?;
    let mut out = Builder::new(limits);
    *out.metadata() = core_properties(&mut archive, limits)?;
    for (number, name) in (1..).zip(slide_names(&mut archive, limits)?) {
        let Some(slide) = part(&mut archive, &name, limits)? else {
            out.warn(format!("slide {number} is missing from the file"));
            continue;
        };
        let related = relations(&mut archive, &name, limits)?;
        write_slide(&slide, number, &mut out);
        write_related(&mut archive, &related, limits, &mut out)?;
        if out.is_full() {
            break;
        }
    }
    Ok(out.finish())
}

/// The slides in the order of the show.
fn slide_names(archive: &mut Archive<'_>, limits: &Limits) -> Result<Vec<String>> {
    let Some(main) = part(archive, MAIN, limits)? else {
        let what = "the file has no presentation inside; save or send it again";
        return Err(Error::bad_request("document_damaged", what));
    };
    let related = relations(archive, MAIN, limits)?;
    let ids = main.descendants(ROOT).filter(|node| main.name(*node) == "sldId");
    let ids = ids.filter_map(|node| main.attribute(node, "r:id"));
    Ok(ids.filter_map(|id| related.get(id)).map(|relation| relation.target.clone()).collect())
}

fn write_slide(slide: &Xml, number: u32, out: &mut Builder) {
    let shapes: Vec<NodeId> =
        slide.descendants(ROOT).filter(|node| matches!(slide.name(*node), "sp" | "graphicFrame")).collect();
    let is_title = |shape: &&NodeId| matches!(role(slide, **shape), Some("title" | "ctrTitle"));
    let title_shape = shapes.iter().find(is_title).copied();
    let title = title_shape
        .map(|shape| prose(&shape_text(slide, shape)).replace('\n', " "))
        .filter(|title| !title.is_empty());
    let label = title.clone().unwrap_or_else(|| format!("Slide {number}"));
    out.page(number, Some(&label));
    if let Some(title) = title {
        out.heading(1, &title);
    }
    for shape in shapes.into_iter().filter(|shape| Some(*shape) != title_shape) {
        write_shape(slide, shape, out);
    }
}

fn write_shape(slide: &Xml, shape: NodeId, out: &mut Builder) {
    if let Some(table) = slide.find(shape, "tbl") {
        out.table(&rows(slide, table));
        return;
    }
    let role = role(slide, shape);
    if matches!(role, Some("sldNum" | "dt" | "ftr" | "hdr")) {
        return;
    }
    let is_outline = matches!(role, Some("body" | "obj"));
    let mut numbers = [0u32; 10];
    for line in slide.descendants(shape).filter(|node| slide.name(*node) == "p") {
        write_line(slide, line, is_outline, &mut numbers, out);
    }
}

/// The part that the slide's layout gives a shape (`ph`): `obj` where it does not say which, `None` without one.
fn role(slide: &Xml, shape: NodeId) -> Option<&str> {
    let holder = slide.children(shape).find(|child| slide.name(*child).starts_with("nv"))?;
    let mark = slide.find(holder, "ph")?;
    Some(slide.attribute(mark, "type").unwrap_or("obj"))
}

fn write_line(slide: &Xml, line: NodeId, is_outline: bool, numbers: &mut [u32; 10], out: &mut Builder) {
    let text = line_text(slide, line);
    if text.trim().is_empty() {
        return;
    }
    let properties = slide.child(line, "pPr");
    let has = |name: &str| properties.is_some_and(|properties| slide.child(properties, name).is_some());
    let level = properties
        .and_then(|properties| slide.attribute(properties, "lvl"))
        .and_then(|level| level.parse().ok());
    let depth = level.unwrap_or(0usize).min(numbers.len() - 1);
    if has("buAutoNum") {
        numbers[depth] += 1;
        numbers[depth + 1..].fill(0);
        out.list_item(depth, &format!("{}.", numbers[depth]), &text);
    } else if has("buChar") || (is_outline && !has("buNone")) {
        out.list_item(depth, "-", &text);
    } else {
        out.paragraph(&text);
    }
}

fn line_text(slide: &Xml, line: NodeId) -> String {
    let mut text = String::new();
    for node in slide.descendants(line) {
        match slide.name(node) {
            "t" => text.push_str(&slide.text_of(node)),
            "br" => text.push('\n'),
            "tab" => text.push(' '),
            _ => {}
        }
    }
    text
}

fn shape_text(slide: &Xml, shape: NodeId) -> String {
    let lines = slide.descendants(shape).filter(|node| slide.name(*node) == "p");
    lines.map(|line| line_text(slide, line)).collect::<Vec<_>>().join("\n")
}

fn rows(slide: &Xml, table: NodeId) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for row in slide.children_named(table, "tr") {
        let mut cells: Vec<String> = Vec::new();
        for cell in slide.children_named(row, "tc") {
            let above = rows.last().and_then(|row| row.get(cells.len()));
            let continues_above = slide.attribute(cell, "vMerge").is_some();
            cells.push(if continues_above {
                above.cloned().unwrap_or_default()
            } else {
                shape_text(slide, cell)
            });
        }
        rows.push(cells);
    }
    rows
}

/// Diagrams, charts and notes, which are parts of their own.
fn write_related(
    archive: &mut Archive<'_>,
    related: &HashMap<String, Relation>,
    limits: &Limits,
    out: &mut Builder,
) -> Result<()> {
    let mut targets: Vec<&Relation> = related.values().collect();
    targets.sort_by(|a, b| a.target.cmp(&b.target));
    for relation in targets {
        match relation.kind.as_str() {
            "diagramData" => {
                if let Some(diagram) = part(archive, &relation.target, limits)? {
                    diagram.descendants(ROOT).filter(|node| diagram.name(*node) == "p").for_each(|line| {
                        out.list_item(0, "-", &line_text(&diagram, line));
                    });
                }
            }
            "chart" => {
                if let Some(chart) = part(archive, &relation.target, limits)? {
                    chart::write(&chart, out);
                }
            }
            "notesSlide" => {
                if let Some(notes) = part(archive, &relation.target, limits)? {
                    write_notes(&notes, out);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn write_notes(notes: &Xml, out: &mut Builder) {
    let shapes = notes.descendants(ROOT).filter(|node| notes.name(*node) == "sp");
    for shape in shapes.filter(|shape| role(notes, *shape) == Some("body")) {
        let text = prose(&shape_text(notes, shape));
        if !text.is_empty() {
            out.paragraph(&format!("Notes: {text}"));
        }
    }
}
