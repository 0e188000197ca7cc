//! The text of a Word paragraph.

use super::math::linear;
use crate::formats::xml::{NodeId, Xml};

/// What stands in a paragraph.
#[derive(Debug, Default)]
pub struct Line {
    pub text: String,
    /// Text boxes anchored in the paragraph.
    pub boxes: Vec<NodeId>,
    /// Relations of the charts in it.
    pub charts: Vec<String>,
    /// Page breaks ahead of the text, and within or behind it, as Word last saw them.
    pub rendered_breaks: (usize, usize),
    /// The same, as the author set them.
    pub set_breaks: (usize, usize),
}

/// Reads the runs of a paragraph, in links, fields and insertions too. Of alternatives the first is taken.
pub fn line_of(xml: &Xml, paragraph: NodeId) -> Line {
    let mut line = Line::default();
    let mut stack: Vec<NodeId> = vec![paragraph];
    while let Some(node) = stack.pop() {
        match xml.name(node) {
            "t" => line.text.push_str(&boxes_as_text(&xml.text_of(node))),
            "oMath" => push_equation(&mut line.text, &linear(xml, node)),
            "chart" => line.charts.extend(xml.attribute(node, "r:id").map(str::to_owned)),
            "tab" | "ptab" => line.text.push(' '),
            "cr" => line.text.push('\n'),
            "br" if xml.attribute(node, "type") == Some("page") => count(&mut line.set_breaks, &line.text),
            "br" => line.text.push('\n'),
            "lastRenderedPageBreak" => count(&mut line.rendered_breaks, &line.text),
            "noBreakHyphen" => line.text.push('-'),
            "footnoteReference" | "endnoteReference" => {
                let id = xml.attribute(node, "id").unwrap_or_default();
                line.text.push_str(&format!("[{id}]"));
            }
            "txbxContent" => line.boxes.push(node),
            "checkBox" => line.text.push_str(if is_checked(xml, node) { "[x] " } else { "[ ] " }),
            "pPr" | "rPr" | "sdtPr" | "del" | "moveFrom" | "instrText" | "delText" | "Fallback" => {}
            _ => push_children(xml, node, &mut stack),
        }
    }
    line
}

/// The signs that content controls show for a box.
fn boxes_as_text(text: &str) -> String {
    text.replace(['☒', '☑'], "[x]").replace('☐', "[ ]")
}

/// Equations that follow one another stay apart.
fn push_equation(line: &mut String, equation: &str) {
    if !line.is_empty() && !line.ends_with(char::is_whitespace) {
        line.push(' ');
    }
    line.push_str(equation.trim());
}

fn count(breaks: &mut (usize, usize), text: &str) {
    if text.trim().is_empty() { breaks.0 += 1 } else { breaks.1 += 1 }
}

fn is_checked(xml: &Xml, node: NodeId) -> bool {
    let checked = xml.child(node, "checked").or_else(|| xml.child(node, "default"));
    checked.is_some_and(|checked| !matches!(xml.attribute(checked, "val"), Some("0" | "false")))
}

fn push_children(xml: &Xml, node: NodeId, stack: &mut Vec<NodeId>) {
    let from = stack.len();
    stack.extend(xml.children(node));
    stack[from..].reverse();
}

/// Breaks anywhere below a node.
pub fn rendered_breaks(xml: &Xml, node: NodeId) -> usize {
    xml.descendants(node).filter(|node| xml.name(*node) == "lastRenderedPageBreak").count()
}
