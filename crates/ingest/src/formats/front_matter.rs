//! The block of `key: value` lines (YAML between `---`) or `key = value` lines (TOML between `+++`) at the head of a text.
//!
//! Of YAML it reads what front matter uses: scalars, quoted or plain, and lists, inline or one item a line. Deeper
//! values are passed over.

use ibid_types::parsed::Metadata;

use crate::dates::parse_date;

/// The metadata and the text behind them; the whole text if it has no front matter.
#[must_use]
pub fn split(text: &str) -> (Metadata, &str) {
    let marks = [("---", pairs_of_yaml as fn(&str) -> Vec<Pair>), ("+++", pairs_of_toml)];
    for (mark, read) in marks {
        if let Some((head, rest)) = fenced(text, mark) {
            return (metadata(read(head)), rest);
        }
    }
    (Metadata::default(), text)
}

/// A key with its values; a scalar is one value.
type Pair = (String, Vec<String>);

fn fenced<'t>(text: &'t str, mark: &str) -> Option<(&'t str, &'t str)> {
    const HEAD_BYTES_MAX: usize = 64 * 1024;
    let body = text.strip_prefix(mark)?.trim_start_matches([' ', '\t', '\r']).strip_prefix('\n')?;
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        let is_end = line.trim_end() == mark || (mark == "---" && line.trim_end() == "...");
        if is_end {
            return Some((&body[..at], &body[at + line.len()..]));
        }
        at += line.len();
        if at > HEAD_BYTES_MAX {
            return None;
        }
    }
    None
}

fn pairs_of_yaml(head: &str) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    for line in head.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let inner = line.trim();
        if let Some(item) = inner.strip_prefix("- ") {
            let item = item.strip_prefix("name:").unwrap_or(item);
            if let Some((_, values)) = pairs.last_mut() {
                values.push(scalar(item));
            }
        } else if !line.starts_with([' ', '\t'])
            && let Some((key, value)) = inner.split_once(':')
        {
            pairs.push((key.trim().to_lowercase(), values(value)));
        } else if let (Some((_, values)), true) = (pairs.last_mut(), line.starts_with(' ')) {
            continue_scalar(values, inner);
        }
    }
    pairs
}

/// A folded scalar (`>` or `|`) goes on over indented lines.
fn continue_scalar(values: &mut [String], line: &str) {
    match values.last_mut() {
        Some(open) if matches!(open.as_str(), ">" | "|" | ">-" | "|-") => line.clone_into(open),
        Some(open) => {
            open.push(' ');
            open.push_str(line);
        }
        None => {}
    }
}

fn values(value: &str) -> Vec<String> {
    let value = value.trim();
    match value.strip_prefix('[').and_then(|value| value.strip_suffix(']')) {
        Some(list) => list.split(',').map(scalar).filter(|item| !item.is_empty()).collect(),
        None if value.is_empty() => Vec::new(),
        None => vec![scalar(value)],
    }
}

/// Without quotes, or without the comment behind a plain value.
fn scalar(text: &str) -> String {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    text.split(" #").next().unwrap_or(text).trim().to_owned()
}

fn pairs_of_toml(head: &str) -> Vec<Pair> {
    let Ok(table) = head.parse::<toml::Table>() else { return Vec::new() };
    table.into_iter().map(|(key, value)| (key.to_lowercase(), values_of_toml(value))).collect()
}

fn values_of_toml(value: toml::Value) -> Vec<String> {
    match value {
        toml::Value::String(text) => vec![text],
        toml::Value::Array(items) => {
            items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        }
        toml::Value::Datetime(time) => vec![time.to_string()],
        toml::Value::Integer(number) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

fn metadata(pairs: Vec<Pair>) -> Metadata {
    let mut found = Metadata::default();
    for (key, values) in pairs {
        set(&mut found, &key, values);
    }
    found
}

/// Sets what a key of common use stands for; other keys are passed over.
pub fn set(metadata: &mut Metadata, key: &str, values: Vec<String>) {
    let first = || values.iter().map(|value| value.trim()).find(|value| !value.is_empty()).map(str::to_owned);
    match key {
        "title" => metadata.title = metadata.title.take().or_else(first),
        "author" | "authors" | "by" | "creator" => {
            let joined = values.join(", ");
            metadata.author =
                metadata.author.take().or_else(|| Some(joined).filter(|names| !names.is_empty()));
        }
        "lang" | "language" | "locale" => {
            metadata.language = first().as_deref().and_then(crate::language::code_of)
        }
        "date" | "created" | "published" | "pubdate" | "publishdate" => {
            metadata.created = metadata.created.or_else(|| first().as_deref().and_then(parse_date));
        }
        "modified" | "updated" | "lastmod" | "last_modified" | "last-modified" => {
            metadata.modified = metadata.modified.or_else(|| first().as_deref().and_then(parse_date));
        }
        "tags" | "tag" | "keywords" | "categories" | "category" => add_tags(metadata, &values),
        _ => {}
    }
}

/// Adds tags, split at commas, without `#` and repetition.
pub fn add_tags(metadata: &mut Metadata, values: &[String]) {
    const TAGS_MAX: usize = 64;
    for tag in values.iter().flat_map(|value| value.split([',', ';'])) {
        let tag = tag.trim().trim_start_matches('#');
        let is_new = !tag.is_empty() && tag.len() <= 100 && !metadata.tags.iter().any(|known| known == tag);
        if is_new && metadata.tags.len() < TAGS_MAX {
            metadata.tags.push(tag.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_front_matter() {
        let text = "---\ntitle: \"A: b\"\nauthors:\n  - name: Ann\n  - Bob\ntags: [x, 'y z']\ndate: 2026-11-21 # soon\nlang: en-GB\n---\nBody";
        let (found, rest) = split(text);
        assert_eq!((found.title.as_deref(), found.author.as_deref()), (Some("A: b"), Some("Ann, Bob")));
        assert_eq!(
            (found.tags, found.language.as_deref(), rest),
            (vec!["x".to_owned(), "y z".to_owned()], Some("en"), "Body")
        );
        assert!(found.created.is_some());
    }

    #[test]
    fn toml_front_matter() {
        let (found, rest) = split("+++\ntitle = 'T'\ndate = 2026-11-21\ntags = ['a']\n+++\nBody");
        assert_eq!((found.title.as_deref(), found.tags.len(), rest), (Some("T"), 1, "Body"));
        assert!(found.created.is_some());
    }

    #[test]
    fn a_rule_is_no_front_matter() {
        for text in ["--- \nno end", "text\n---\n", "----\na: b\n----\n", ""] {
            assert_eq!(split(text), (Metadata::default(), text));
        }
    }
}
