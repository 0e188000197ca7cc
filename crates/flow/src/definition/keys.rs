//! The words of a flow file: every key, by the place where it may stand.
//!
//! Keeps true: reading and the JSON Schema for editors know the same keys (a test compares them).

pub(super) const FLOW: &[&str] =
    &["name", "description", "input", "state", "tools", "limits", "start", "nodes", "output"];
pub(super) const CHANNEL: &[&str] = &["type", "default", "reducer", "description"];
pub(super) const LIMITS: &[&str] = &["steps", "seconds", "tokens", "money", "visits"];
pub(super) const NODE_LIMITS: &[&str] = &["tokens", "money"];
pub(super) const RETRY: &[&str] = &["attempts", "first_seconds", "factor", "most_seconds"];
pub(super) const COMPENSATE: &[&str] = &["kind", "with"];
pub(super) const NEXT: &[&str] = &["if", "to", "all"];

/// Kinds that the engine itself performs.
pub(super) const ENGINE_KINDS: &[&str] = &["set", "wait", "human", "map", "flow"];

pub(super) const NODE_SET: &[&str] = &["kind", "with", "on_error", "next"];
pub(super) const NODE_WAIT: &[&str] = &["kind", "with", "next"];
pub(super) const NODE_HUMAN: &[&str] = &["kind", "with", "into", "next"];
pub(super) const NODE_MAP: &[&str] =
    &["kind", "over", "as", "flow", "with", "concurrency", "into", "limits", "on_error", "next"];
pub(super) const NODE_FLOW: &[&str] = &["kind", "flow", "with", "into", "limits", "on_error", "next"];
pub(super) const NODE_EFFECT: &[&str] = &[
    "kind",
    "with",
    "into",
    "retry",
    "timeout_seconds",
    "limits",
    "on_interrupt",
    "compensate",
    "on_error",
    "next",
];

pub(super) const WITH_WAIT: &[&str] = &["seconds"];
pub(super) const WITH_HUMAN: &[&str] = &["prompt", "schema", "expires_seconds", "on_expiry"];

/// What a node of a kind may say; of an unknown kind, what an effect may.
pub(super) fn of_node(kind: &str) -> &'static [&'static str] {
    match kind {
        "set" => NODE_SET,
        "wait" => NODE_WAIT,
        "human" => NODE_HUMAN,
        "map" => NODE_MAP,
        "flow" => NODE_FLOW,
        _ => NODE_EFFECT,
    }
}

/// Every key of every kind of node.
pub(super) fn of_any_node() -> Vec<&'static str> {
    let mut keys: Vec<_> = [NODE_EFFECT, NODE_MAP].concat();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// `next: end` ends a path.
pub(super) const END: &str = "end";

/// Names that nodes cannot have: `end` is a target, `start` is drawn.
pub(super) const NODES_RESERVED: &[&str] = &[END, "start"];

/// What an expression means by these words is settled already.
pub(super) const CHANNELS_RESERVED: &[&str] = &[
    "and", "else", "false", "if", "in", "is", "item", "loop", "none", "not", "null", "or", "output", "self",
    "true",
];

/// Letters, digits and `-` (or `_`), beginning with a letter, at most 64: what names of flows, nodes and channels are.
pub(super) fn is_name(name: &str, also: &[char]) -> bool {
    let is_allowed =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || also.contains(&letter);
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_with_a_letter_and_are_short() {
        assert!(is_name("answer-one", &['-']));
        assert!(!is_name("answer-one", &['_']));
        assert!(!is_name("1st", &[]));
        assert!(!is_name("", &[]));
        assert!(!is_name(&"a".repeat(65), &[]));
    }
}
