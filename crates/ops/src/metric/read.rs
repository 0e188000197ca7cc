//! Reading the text format of Prometheus back, as commands do that look at a server.

use crate::series::Key;

/// Every series with its value; lines that are none are left out. Buckets are as in the text: added up.
#[must_use]
pub fn read_text(text: &str) -> Vec<(Key, f64)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(read_line).collect()
}

fn read_line(line: &str) -> Option<(Key, f64)> {
    let name_end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(name_end);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => read_labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = value.trim().split(' ').next()?.parse().ok()?;
    Some((Key { name: name.to_owned(), labels }, value))
}

/// The labels, and what follows the brace that ends them.
fn read_labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches(',');
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (label, quoted) = rest.split_once("=\"")?;
        let (value, after) = read_value(quoted)?;
        labels.push((label.to_owned(), value));
        rest = after;
    }
}

/// A value up to its closing quote, with what a backslash means.
fn read_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Registry, list};

    #[test]
    fn what_was_written_is_read() {
        let registry = Registry::new();
        registry.grow(&list::FEEDBACK, ["a, \"b\"}\\\n"], 2.5);
        registry.set(&list::INDEX_LAG, [], 7.0);
        registry.observe(&list::HTTP_DURATION, ["/v1/ask"], 0.3);
        let read = read_text(&registry.text());
        let value = |key: &Key| read.iter().find(|(of, _)| of == key).map(|(_, value)| *value);
        assert_eq!(value(&Key::new("ibid_chat_feedback_total", &[("rating", "a, \"b\"}\\\n")])), Some(2.5));
        assert_eq!(value(&Key::new("ibid_index_lag_entries", &[])), Some(7.0));
        let bucket = [("route", "/v1/ask"), ("le", "0.5")];
        assert_eq!(value(&Key::new("ibid_http_request_duration_seconds_bucket", &bucket)), Some(1.0));
    }

    #[test]
    fn what_is_no_line_is_left_out() {
        assert!(read_text("a\na{b\na{b=\"c\na{b=\"c\"} x\n# a 1\n").is_empty());
    }
}
