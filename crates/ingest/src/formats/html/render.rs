//! Walks a tree and writes what a reader sees.

use super::table;
use super::tree::{NodeId, Tree};
use crate::builder::Builder;

/// Whether navigation, page headers and footers and side notes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Furniture {
    Keep,
    Drop,
}

pub struct Renderer<'a> {
    tree: &'a Tree,
    out: &'a mut Builder,
    furniture: Furniture,
    depth_left: usize,
    /// Inline text of the open block.
    line: String,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// The marker of an item that has no text yet.
    marker: Option<String>,
    quotes: usize,
    /// Inside an article or main part, headers and footers are content.
    articles: usize,
}

impl<'a> Renderer<'a> {
    pub fn new(tree: &'a Tree, out: &'a mut Builder, furniture: Furniture, depth_max: usize) -> Self {
        Self {
            tree,
            out,
            furniture,
            depth_left: depth_max,
            line: String::new(),
            lists: Vec::new(),
            marker: None,
            quotes: 0,
            articles: 0,
        }
    }

    pub fn render(&mut self, node: NodeId) {
        self.walk(node);
        self.end_block();
    }

    fn walk(&mut self, node: NodeId) {
        if let Some(text) = self.tree.text(node) {
            push_text(&mut self.line, text);
            return;
        }
        if self.out.is_full() || self.is_skipped(node) {
            return;
        }
        if self.depth_left == 0 {
            let text = visible_text(self.tree, node);
            push_text(&mut self.line, &text);
            return;
        }
        self.depth_left -= 1;
        self.element(node);
        self.depth_left += 1;
    }

    fn children(&mut self, node: NodeId) {
        let tree = self.tree;
        for child in tree.children(node) {
            self.walk(*child);
        }
    }

    fn element(&mut self, node: NodeId) {
        match self.tree.name(node) {
            "br" => self.line.push('\n'),
            "hr" => self.end_block(),
            "img" => self.image(node),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.heading(node),
            "ul" | "ol" | "menu" | "dir" => self.list(node),
            "li" => self.item(node),
            "dd" => self.definition(node),
            "blockquote" => self.quote(node),
            "pre" | "listing" | "xmp" => self.code(node),
            "table" => self.table(node),
            "td" | "th" => self.block(node),
            "article" | "main" => {
                self.articles += 1;
                self.block(node);
                self.articles -= 1;
            }
            name if is_inline(name) => self.children(node),
            _ => self.block(node),
        }
    }

    fn block(&mut self, node: NodeId) {
        self.end_block();
        self.children(node);
        self.end_block();
    }

    /// Writes the open inline text as what it stands in.
    fn end_block(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.trim().is_empty() {
            return;
        }
        if let Some(marker) = self.marker.take() {
            self.out.list_item(self.lists.len().saturating_sub(1), &marker, &line);
        } else if self.quotes > 0 {
            self.out.quote(&line);
        } else {
            self.out.paragraph(&line);
        }
    }

    fn heading(&mut self, node: NodeId) {
        self.end_block();
        let level = self.tree.name(node).as_bytes().get(1).map_or(1, |digit| digit.saturating_sub(b'0'));
        let text = visible_text(self.tree, node);
        self.out.heading(level, text.trim().trim_end_matches(['¶', '#', '§']));
    }

    fn list(&mut self, node: NodeId) {
        self.end_block();
        let first =
            self.tree.attribute(node, "start").and_then(|start| start.trim().parse().ok()).unwrap_or(1);
        self.lists.push((self.tree.name(node) == "ol").then_some(first));
        self.children(node);
        self.end_block();
        self.lists.pop();
    }

    fn item(&mut self, node: NodeId) {
        self.end_block();
        self.marker = Some(match self.lists.last_mut() {
            Some(Some(number)) => {
                *number = number.saturating_add(1);
                format!("{}.", number.saturating_sub(1))
            }
            _ => "-".to_owned(),
        });
        self.children(node);
        self.end_block();
        self.marker = None;
    }

    fn definition(&mut self, node: NodeId) {
        self.end_block();
        self.marker = Some("-".to_owned());
        self.children(node);
        self.end_block();
        self.marker = None;
    }

    fn quote(&mut self, node: NodeId) {
        self.end_block();
        self.quotes += 1;
        self.children(node);
        self.end_block();
        self.quotes -= 1;
    }

    fn code(&mut self, node: NodeId) {
        self.end_block();
        let language = self.tree.descendants(node).take(3).find_map(|child| language_of(self.tree, child));
        let text = self.tree.text_of(node);
        self.out.code(&language.unwrap_or_default(), &text);
    }

    fn table(&mut self, node: NodeId) {
        self.end_block();
        if !table::is_data(self.tree, node) {
            return self.block(node);
        }
        if let Some(caption) = self.tree.find(node, "caption") {
            let caption = visible_text(self.tree, caption);
            self.out.paragraph(&caption);
        }
        let tree = self.tree;
        let rows = table::grid(tree, node, &|cell| visible_text(tree, cell));
        self.out.table(&rows);
    }

    /// A picture's text, if it says more than a name.
    fn image(&mut self, node: NodeId) {
        const WORDS_MIN: usize = 3;
        if let Some(text) = self.tree.attribute(node, "alt")
            && text.split_whitespace().count() >= WORDS_MIN
        {
            self.line.push(' ');
            push_text(&mut self.line, text);
            self.line.push(' ');
        }
    }

    fn is_skipped(&self, node: NodeId) -> bool {
        is_unseen(self.tree, node) || (self.furniture == Furniture::Drop && self.is_furniture(node))
    }

    fn is_furniture(&self, node: NodeId) -> bool {
        let role = self.tree.attribute(node, "role");
        match self.tree.name(node) {
            "nav" | "aside" => true,
            "header" | "footer" => self.articles == 0 && self.tree.find(node, "h1").is_none(),
            _ => matches!(role, Some("navigation" | "banner" | "contentinfo" | "search" | "complementary")),
        }
    }
}

/// Scripts, controls and what is hidden.
fn is_unseen(tree: &Tree, node: NodeId) -> bool {
    let name = tree.name(node);
    let is_machinery = matches!(
        name,
        "head"
            | "script"
            | "style"
            | "noscript"
            | "template"
            | "svg"
            | "iframe"
            | "object"
            | "canvas"
            | "audio"
            | "video"
            | "select"
            | "textarea"
            | "button"
            | "input"
            | "datalist"
            | "annotation"
            | "annotation-xml"
            | "rt"
            | "rp"
    );
    let is_hidden = || {
        let style = tree.attribute(node, "style").unwrap_or_default().replace(' ', "");
        tree.attribute(node, "hidden").is_some()
            || tree.attribute(node, "aria-hidden") == Some("true")
            || style.contains("display:none")
            || style.contains("visibility:hidden")
    };
    is_machinery || (!name.is_empty() && is_hidden())
}

/// All text below a node that a reader sees, with a space where a block or cell ends.
fn visible_text(tree: &Tree, node: NodeId) -> String {
    let mut line = String::new();
    let mut stack = vec![(node, false)];
    while let Some((node, is_end)) = stack.pop() {
        if is_end || (tree.name(node) == "br") {
            line.push(' ');
        } else if let Some(text) = tree.text(node) {
            push_text(&mut line, text);
        } else if !is_unseen(tree, node) {
            if !is_inline(tree.name(node)) {
                stack.push((node, true));
            }
            stack.extend(tree.children(node).iter().rev().map(|child| (*child, false)));
        }
    }
    line
}

/// Adds text, its white space as single spaces.
fn push_text(line: &mut String, text: &str) {
    for c in text.chars() {
        let is_space = c.is_whitespace() && c != '\u{A0}';
        if !is_space {
            line.push(c);
        } else if !line.ends_with([' ', '\n']) {
            line.push(' ');
        }
    }
}

fn is_inline(name: &str) -> bool {
    const INLINE: [&str; 44] = [
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "center",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "label",
        "mark",
        "math",
        "mi",
        "mn",
        "mo",
        "mrow",
        "msub",
        "msup",
        "nobr",
        "q",
        "ruby",
        "s",
        "samp",
        "semantics",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
    ];
    INLINE.binary_search(&name).is_ok()
}

/// `rust` from `class="language-rust"`, `"highlight-rust notranslate"` or `"brush: rust"`.
fn language_of(tree: &Tree, node: NodeId) -> Option<String> {
    let classes = tree.attribute(node, "class")?;
    let named = |class: &str| {
        let prefixes = ["language-", "lang-", "highlight-", "sourceCode "];
        prefixes.iter().find_map(|prefix| class.strip_prefix(prefix)).map(str::to_owned)
    };
    classes.split_whitespace().find_map(named)
}

#[cfg(test)]
mod tests {
    use ibid_types::parsed::{BlockKind, Parsed};

    use super::super::tree::ROOT;
    use super::*;
    use crate::parse::Limits;

    fn check(html: &str, expected: &str) -> Parsed {
        let tree = Tree::parse(html);
        let mut out = Builder::new(&Limits::default());
        Renderer::new(&tree, &mut out, Furniture::Keep, 100).render(ROOT);
        let parsed = out.finish();
        parsed.check().unwrap();
        assert_eq!(parsed.text, expected);
        parsed
    }

    #[test]
    fn inline_elements_join_and_blocks_part() {
        check("<p>a<b>b</b>c <i>d</i><div>e<div>f</div>g</div>", "abc d\n\ne\n\nf\n\ng");
        check("one<br>two", "one\ntwo");
    }

    #[test]
    fn lists_nest() {
        check("<ol start=3><li>a<ul><li><p>b</p><p>c</p></ul><li>d</ol>", "3. a\n  - b\n\nc\n\n4. d");
        check("<dl><dt>Term<dd>Meaning</dl>", "Term\n\n- Meaning");
    }

    #[test]
    fn code_tables_quotes_and_headings() {
        let parsed = check(
            "<h2>T <a href=#t>¶</a></h2><pre class=language-c>int  x;\n\n</pre><table><tr><th>a<th>b<tr><td>1<td>2</table><blockquote><p>q</blockquote>",
            "T\n\nint  x;\n\na | b\n1 | 2\n\nq",
        );
        assert_eq!(parsed.blocks[0].kind, BlockKind::Heading { level: 2 });
        assert_eq!(parsed.blocks[1].kind, BlockKind::Code { language: "c".into() });
    }

    #[test]
    fn what_is_not_seen_is_left_out() {
        check("<p hidden>x<p style='display: none'>y<script>z</script><select><option>o</select><p>ok", "ok");
        check("<img alt='a chart of three rising lines'><img alt=logo>", "a chart of three rising lines");
    }

    #[test]
    fn inline_names_are_sorted() {
        assert!(
            is_inline("a") && is_inline("wbr") && is_inline("code") && is_inline("samp") && !is_inline("p")
        );
    }
}
