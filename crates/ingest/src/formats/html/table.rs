//! The cells of an HTML table as a grid.

use super::tree::{NodeId, Tree};

/// Wider spans are those of layout or of hostile pages.
const SPAN_MAX: usize = 64;
const ROWS_MAX: usize = 200_000;

/// Whether a table holds data: no table inside, more than one column, not declared as layout.
pub fn is_data(tree: &Tree, table: NodeId) -> bool {
    let role = tree.attribute(table, "role");
    let has_inner =
        tree.descendants(table).skip(1).any(|node| matches!(tree.name(node), "table" | "h1" | "h2" | "h3"));
    !has_inner && !matches!(role, Some("presentation" | "none")) && widest(tree, table) > 1
}

fn widest(tree: &Tree, table: NodeId) -> usize {
    let rows = tree.descendants(table).filter(|node| tree.name(*node) == "tr");
    rows.take(ROWS_MAX).map(|row| cells(tree, row).count()).max().unwrap_or(0)
}

fn cells(tree: &Tree, row: NodeId) -> impl Iterator<Item = NodeId> {
    tree.children(row).iter().copied().filter(|cell| matches!(tree.name(*cell), "td" | "th"))
}

/// The texts of the cells. A cell that spans rows is repeated in each, so that a row says all by itself; one that
/// spans columns is followed by empty cells.
pub fn grid(tree: &Tree, table: NodeId, text_of: &dyn Fn(NodeId) -> String) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut carried: Vec<(usize, String)> = Vec::new();
    for row in tree.descendants(table).filter(|node| tree.name(*node) == "tr").take(ROWS_MAX) {
        let mut line: Vec<String> = Vec::new();
        for cell in cells(tree, row) {
            fill_carried(&mut line, &mut carried);
            let text = text_of(cell);
            let rows_left = span(tree, cell, "rowspan") - 1;
            for column in 0..span(tree, cell, "colspan") {
                let shown = if column == 0 { text.clone() } else { String::new() };
                carry(&mut carried, line.len(), rows_left, &shown);
                line.push(shown);
            }
        }
        fill_carried(&mut line, &mut carried);
        rows.push(line);
    }
    rows
}

fn span(tree: &Tree, cell: NodeId, name: &str) -> usize {
    tree.attribute(cell, name).and_then(|value| value.trim().parse().ok()).unwrap_or(1).clamp(1, SPAN_MAX)
}

fn carry(carried: &mut Vec<(usize, String)>, column: usize, rows_left: usize, text: &str) {
    if rows_left > 0 {
        if carried.len() <= column {
            carried.resize(column + 1, (0, String::new()));
        }
        if let Some(slot) = carried.get_mut(column) {
            *slot = (rows_left, text.to_owned());
        }
    }
}

/// Takes over cells from rows above that reach into the columns that come next.
fn fill_carried(line: &mut Vec<String>, carried: &mut [(usize, String)]) {
    while let Some((rows_left, text)) = carried.get_mut(line.len()).filter(|(rows_left, _)| *rows_left > 0) {
        *rows_left -= 1;
        line.push(text.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::ROOT;
    use super::*;

    fn check(html: &str, expected: &[&str]) {
        let tree = Tree::parse(html);
        let table = tree.find(ROOT, "table").unwrap();
        let rows = grid(&tree, table, &|cell| tree.text_of(cell));
        assert_eq!(rows.iter().map(|row| row.join("|")).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn spans_keep_columns_aligned() {
        check("<table><tr><td rowspan=2>a<td>b<tr><td>c<tr><td>d<td>e</table>", &["a|b", "a|c", "d|e"]);
        check("<table><tr><th colspan=2>a<th>b<tr><td>1<td>2<td>3</table>", &["a||b", "1|2|3"]);
    }

    #[test]
    fn layout_tables_are_told_apart() {
        let is_data = |html: &str| {
            let tree = Tree::parse(html);
            super::is_data(&tree, tree.find(ROOT, "table").unwrap())
        };
        assert!(is_data("<table><tr><td>a<td>b</table>"));
        assert!(!is_data("<table><tr><td><h1>a</h1><td>b</table>"));
        assert!(!is_data("<table><tr><td>only</table>"));
    }
}
