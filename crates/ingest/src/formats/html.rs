//! HTML to readable text: the main content of a page without navigation, scripts and other furniture.
//!
//! Keeps true: recursion over the tree ends at `Limits::depth_max`; what lies deeper is taken as plain text.

use ibid_types::parsed::{Metadata, Parsed};

mod meta;
mod render;
mod table;
pub mod tree;

use crate::builder::Builder;
use crate::formats::text::decode_as;
use crate::parse::Limits;
use render::{Furniture, Renderer};
use tree::{NodeId, ROOT, Tree};

/// A page from its bytes, in the encoding that it names.
pub fn parse(bytes: &[u8], limits: &Limits) -> Parsed {
    parse_text(&decode_as(bytes, meta::charset(bytes).as_deref()), limits)
}

pub fn parse_text(html: &str, limits: &Limits) -> Parsed {
    let tree = Tree::parse(&closed(html));
    let mut parsed = main_content(&tree, limits);
    parsed.metadata = metadata(&tree);
    parsed
}

/// A piece of a page: everything that is text.
pub fn parse_fragment(html: &str, limits: &Limits) -> Parsed {
    rendered(&Tree::parse(html), ROOT, Furniture::Keep, limits)
}

pub fn metadata(tree: &Tree) -> Metadata {
    meta::metadata(tree)
}

/// The declared main part; else the page without its furniture; else, if that leaves hardly anything, all of it.
fn main_content(tree: &Tree, limits: &Limits) -> Parsed {
    const CONTENT_BYTES_MIN: usize = 200;
    if let Some(main) = main_part(tree) {
        let parsed = rendered(tree, main, Furniture::Keep, limits);
        if parsed.text.len() >= CONTENT_BYTES_MIN {
            return parsed;
        }
    }
    let body = tree.find(ROOT, "body").unwrap_or(ROOT);
    let parsed = rendered(tree, body, Furniture::Drop, limits);
    if parsed.text.len() >= CONTENT_BYTES_MIN {
        return parsed;
    }
    let whole = rendered(tree, body, Furniture::Keep, limits);
    if parsed.text.is_empty() || whole.text.len() > parsed.text.len() * 4 { whole } else { parsed }
}

fn main_part(tree: &Tree) -> Option<NodeId> {
    let is_main = |node: &NodeId| tree.name(*node) == "main" || tree.attribute(*node, "role") == Some("main");
    tree.descendants(ROOT).find(is_main)
}

fn rendered(tree: &Tree, node: NodeId, furniture: Furniture, limits: &Limits) -> Parsed {
    let mut out = Builder::new(limits);
    Renderer::new(tree, &mut out, furniture, limits.depth_max).render(node);
    out.finish()
}

/// XHTML may close any element in its tag (`<a id="x"/>`), which HTML reads as left open.
pub fn closed(html: &str) -> String {
    let is_xhtml = html.trim_start().starts_with("<?xml") || html.contains("http://www.w3.org/1999/xhtml");
    if is_xhtml { with_closing_tags(html) } else { html.to_owned() }
}

fn with_closing_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len() + 64);
    let mut rest = html;
    while let Some(end) = rest.find("/>") {
        let (tag, behind) = (&rest[..end], &rest[end + 2..]);
        let open = tag.rfind('<').map_or("", |at| &tag[at + 1..]);
        let name = open.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        text.push_str(tag);
        if is_name && !VOID.contains(&name) {
            text.push_str(&format!("></{name}>"));
        } else {
            text.push_str("/>");
        }
        rest = behind;
    }
    text.push_str(rest);
    text
}

/// Elements without content (HTML standard, 13.1.2).
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &str) -> Parsed {
        let parsed = parse_text(html, &Limits::default());
        parsed.check().unwrap();
        assert_eq!(parsed.text, expected);
        parsed
    }

    #[test]
    fn furniture_is_dropped_unless_there_is_nothing_else() {
        let text = "Long enough to be the content of a page. ".repeat(8);
        let page = format!("<nav>Menu</nav><script>x()</script><h1>T</h1><p>{text}</p><footer>Foot</footer>");
        check(&page, &format!("T\n\n{}", text.trim()));
        check("<nav>Only a menu</nav>", "Only a menu");
    }

    #[test]
    fn the_main_part_is_preferred() {
        let text = "Long enough to be the content of a page. ".repeat(8);
        check(
            &format!("<div>Ad</div><main><header><h1>T</h1></header>{text}</main>"),
            &format!("T\n\n{}", text.trim()),
        );
    }

    #[test]
    fn xhtml_self_closing_tags_stay_closed() {
        check(
            "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/></head><body><a id='x'/><p>Text</p></body></html>",
            "Text",
        );
    }

    #[test]
    fn encodings_are_read_from_the_page() {
        let parsed = parse(b"<meta charset=windows-1251><p>\xCF\xF0\xE8", &Limits::default());
        assert_eq!(parsed.text, "При");
    }

    #[test]
    fn deep_nesting_ends_as_text() {
        let html = format!("{}deep{}", "<div>".repeat(5000), "</div>".repeat(5000));
        check(&html, "deep");
    }
}
