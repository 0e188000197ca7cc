//! `next`: where a path goes on, under which condition, or along several ways at once.
//!
//! Keeps true: an edge behind one without a condition is told, for it is never taken.

use super::keys;
use super::model::{Edge, Next};
use super::parse::Reader;
use super::reader::{At, Fields};
use super::yaml::Data;

impl Reader<'_> {
    pub fn next(&mut self, at: &At<'_>) -> Next {
        if at.tree.text() == Some(keys::END) {
            return Next::End;
        }
        if at.tree.find("all").is_some() {
            return self.all(at);
        }
        let Some(items) = at.items() else {
            return Next::First(self.edge(at).into_iter().collect());
        };
        if items.is_empty() {
            at.error(&mut self.problems, "this list is empty; take `next` out to end the path here");
        }
        let edges: Vec<_> = items.iter().filter_map(|item| Some((item, self.edge(item)?))).collect();
        let behind_else = edges.iter().skip_while(|(_, edge)| edge.condition.is_some()).skip(1);
        for (item, _) in behind_else {
            item.error(
                &mut self.problems,
                "this is never reached: an edge before it has no `if`; put that one last",
            );
        }
        Next::First(edges.into_iter().map(|(_, edge)| edge).collect())
    }

    fn all(&mut self, at: &At<'_>) -> Next {
        let Some(fields) = at.fields(&mut self.problems, "a map with `all`", &["all"]) else {
            return Next::End;
        };
        let Some(all) = fields.find("all") else { return Next::End };
        match all.items() {
            Some(items) => Next::All(self.distinct_nodes(&all, &items)),
            None => {
                self.edges_are_sound = false;
                all.wrong_type(&mut self.problems, "a list of nodes that run side by side: `{all: [a, b]}`");
                Next::End
            }
        }
    }

    fn edge(&mut self, at: &At<'_>) -> Option<Edge> {
        if at.tree.entries().is_none() {
            return self.target(at).map(|to| Edge { condition: None, to });
        }
        let fields = at.fields(&mut self.problems, "a node, or `{if: condition, to: node}`", keys::NEXT)?;
        let to = self.edge_target(&fields)?;
        let condition = fields.find("if").map(|at| self.condition(&at));
        Some(Edge { condition, to })
    }

    fn edge_target(&mut self, fields: &Fields<'_>) -> Option<Option<usize>> {
        let advice = "say where the edge leads: `{if: condition, to: node}`; `end` ends the path";
        let Some(at) = fields.require("to", &mut self.problems, advice) else {
            self.edges_are_sound = false;
            return None;
        };
        self.target(&at)
    }

    /// `Some(None)` is the end.
    fn target(&mut self, at: &At<'_>) -> Option<Option<usize>> {
        if at.tree.text() == Some(keys::END) {
            return Some(None);
        }
        self.node_named(at).map(Some)
    }

    fn condition(&mut self, at: &At<'_>) -> String {
        match at.tree.data {
            Data::Boolean(value) => value.to_string(),
            _ => self.expression(at, &[]).unwrap_or_default(),
        }
    }
}
