//! Slides of an OpenDocument presentation: a page each, its title as heading, the speaker's notes at its end.

use super::writer::Writer;
use crate::builder::prose;
use crate::formats::xml::{NodeId, Xml};

pub fn write(xml: &Xml, show: NodeId, writer: &mut Writer<'_>) {
    for (number, slide) in (1..).zip(xml.children_named(show, "page")) {
        write_slide(xml, slide, number, writer);
        if writer.out.is_full() {
            break;
        }
    }
}

fn write_slide(xml: &Xml, slide: NodeId, number: u32, writer: &mut Writer<'_>) {
    let is_title = |node: &NodeId| xml.attribute(*node, "presentation:class") == Some("title");
    let title_frame = xml.children(slide).find(is_title);
    let title = title_frame
        .map(|frame| prose(&lines(xml, frame)).replace('\n', " "))
        .filter(|title| !title.is_empty());
    writer.out.page(number, Some(&title.clone().unwrap_or_else(|| format!("Slide {number}"))));
    if let Some(title) = title {
        writer.out.heading(1, &title);
    }
    for shape in xml.children(slide).filter(|shape| Some(*shape) != title_frame) {
        match xml.name(shape) {
            "notes" => write_notes(xml, shape, writer),
            "frame" | "custom-shape" | "g" => writer.blocks(shape),
            _ => {}
        }
    }
}

fn write_notes(xml: &Xml, notes: NodeId, writer: &mut Writer<'_>) {
    for frame in
        xml.children(notes).filter(|frame| xml.attribute(*frame, "presentation:class") == Some("notes"))
    {
        let text = prose(&lines(xml, frame));
        if !text.is_empty() {
            writer.out.paragraph(&format!("Notes: {text}"));
        }
    }
}

fn lines(xml: &Xml, frame: NodeId) -> String {
    let lines = xml.descendants(frame).filter(|node| matches!(xml.name(*node), "p" | "h"));
    lines.map(|line| xml.text_of(line)).collect::<Vec<_>>().join("\n")
}
