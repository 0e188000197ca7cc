//! Equations (Office MathML, ECMA-376 part 1, clause 22.1) on one line: `(-b ± √(b^2-4ac))/(2a)`.
//!
//! Recursion follows the tree, whose depth is bounded.

use crate::formats::xml::{NodeId, Xml};

pub fn linear(xml: &Xml, node: NodeId) -> String {
    let part = |name: &str| xml.child(node, name).map(|part| children(xml, part)).unwrap_or_default();
    match xml.name(node) {
        "t" => xml.text_of(node),
        "sSup" => format!("{}^{}", grouped(part("e")), grouped(part("sup"))),
        "sSub" => format!("{}_{}", part("e"), grouped(part("sub"))),
        "sSubSup" => format!("{}_{}^{}", part("e"), grouped(part("sub")), grouped(part("sup"))),
        "limLow" => format!("{}_{} ", part("e"), grouped(part("lim"))),
        "limUpp" => format!("{}^{} ", part("e"), grouped(part("lim"))),
        "f" => format!("{}/{}", grouped(part("num")), grouped(part("den"))),
        "rad" if part("deg").is_empty() => format!("√{}", grouped(part("e"))),
        "rad" => format!("root {} of {}", grouped(part("deg")), grouped(part("e"))),
        "func" => format!("{} {}", part("fName"), part("e")),
        "nary" => sum(xml, node, &part("sub"), &part("sup"), &part("e")),
        "d" => fenced(xml, node),
        "mr" => format!("{}; ", each(xml, node, "e").join(", ")),
        name if name.ends_with("Pr") => String::new(),
        _ => children(xml, node),
    }
}

fn children(xml: &Xml, node: NodeId) -> String {
    xml.children(node).map(|child| linear(xml, child)).collect()
}

fn each(xml: &Xml, node: NodeId, name: &str) -> Vec<String> {
    xml.children_named(node, name).map(|part| children(xml, part)).collect()
}

/// A sum, product or integral with its bounds.
fn sum(xml: &Xml, node: NodeId, sub: &str, sup: &str, body: &str) -> String {
    let mark = property(xml, node, "naryPr", "chr").unwrap_or("∫");
    let bound = |mark: &str, text: &str| {
        if text.is_empty() { String::new() } else { format!("{mark}{}", grouped(text.to_owned())) }
    };
    format!("{mark}{}{} {body}", bound("_", sub), bound("^", sup))
}

fn fenced(xml: &Xml, node: NodeId) -> String {
    let mark = |name, usual| property(xml, node, "dPr", name).unwrap_or(usual);
    format!(
        "{}{}{}",
        mark("begChr", "("),
        each(xml, node, "e").join(mark("sepChr", "|")),
        mark("endChr", ")")
    )
}

fn property<'x>(xml: &'x Xml, node: NodeId, properties: &str, name: &str) -> Option<&'x str> {
    let properties = xml.child(node, properties)?;
    xml.child(properties, name).and_then(|property| xml.attribute(property, "val"))
}

/// In parentheses, unless it is one sign, a number, or has them.
fn grouped(text: String) -> String {
    let text = text.trim();
    let is_sign = text.chars().nth(1).is_none();
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let is_fenced = inner.is_some_and(|inner| !inner.contains(['(', ')']));
    if is_sign || is_number || is_fenced { text.to_owned() } else { format!("({text})") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::xml::ROOT;
    use crate::parse::Limits;

    fn check(xml: &str, expected: &str) {
        let xml = Xml::parse(xml, &Limits::default()).unwrap();
        assert_eq!(linear(&xml, ROOT), expected);
    }

    #[test]
    fn powers_fractions_and_roots_keep_their_meaning() {
        check("<sSup><e><t>r</t></e><sup><t>2</t></sup></sSup>", "r^2");
        check("<f><num><t>a+b</t></num><den><t>2</t></den></f>", "(a+b)/2");
        check("<rad><deg/><e><t>4ac</t></e></rad>", "√(4ac)");
        check(
            "<nary><naryPr><chr val='∑'/></naryPr><sub><t>n=1</t></sub><sup><t>∞</t></sup><e><t>x</t></e></nary>",
            "∑_(n=1)^∞ x",
        );
        check("<d><e><t>x</t></e></d>", "(x)");
    }
}
