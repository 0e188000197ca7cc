//! `input` and `state`: the channels of a flow, their types, defaults and reducers.
//!
//! Keeps true: a default has the type of its channel, and a reducer makes sense for it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::keys;
use super::model::{Channel, ChannelType, Reducer};
use super::parse::{Reader, json};
use super::problem::suggestion;
use super::reader::{At, Fields};

pub(super) const TYPES: &[(&str, ChannelType)] = &[
    ("text", ChannelType::Text),
    ("number", ChannelType::Number),
    ("integer", ChannelType::Integer),
    ("boolean", ChannelType::Boolean),
    ("list", ChannelType::List),
    ("object", ChannelType::Object),
    ("any", ChannelType::Any),
];

/// What other languages call them.
const TYPES_ELSEWHERE: &[(&str, &str)] = &[
    ("string", "text"),
    ("str", "text"),
    ("int", "integer"),
    ("float", "number"),
    ("bool", "boolean"),
    ("array", "list"),
    ("map", "object"),
    ("dict", "object"),
];

pub(super) const REDUCERS: &[(&str, Reducer)] = &[
    ("set", Reducer::Set),
    ("append", Reducer::Append),
    ("merge", Reducer::Merge),
    ("add", Reducer::Add),
    ("max", Reducer::Max),
    ("min", Reducer::Min),
];

impl ChannelType {
    /// What a channel of this type holds before anything was written.
    #[must_use]
    pub fn empty(self) -> Value {
        match self {
            Self::Text => json!(""),
            Self::Number | Self::Integer => json!(0),
            Self::Boolean => json!(false),
            Self::List => json!([]),
            Self::Object => json!({}),
            Self::Any => Value::Null,
        }
    }

    /// Whether a value can be in a channel of this type. A whole number is a number too.
    #[must_use]
    pub fn takes(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
            Self::Any => true,
        }
    }

    /// As a flow file writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        TYPES.iter().find(|(_, kind)| *kind == self).map_or("any", |(name, _)| name)
    }
}

impl Reducer {
    fn fits(self, kind: ChannelType) -> bool {
        match self {
            Self::Set => true,
            Self::Append => matches!(kind, ChannelType::List | ChannelType::Text | ChannelType::Any),
            Self::Merge => matches!(kind, ChannelType::Object | ChannelType::Any),
            Self::Add | Self::Max | Self::Min => {
                matches!(kind, ChannelType::Number | ChannelType::Integer | ChannelType::Any)
            }
        }
    }

    fn takes(self) -> &'static str {
        match self {
            Self::Set => "any channel",
            Self::Append => "lists and texts",
            Self::Merge => "objects",
            Self::Add | Self::Max | Self::Min => "numbers and integers",
        }
    }
}

impl Reader<'_> {
    /// The channels under `input` or `state`. Those of `input` must be told before.
    pub fn declared(&mut self, fields: &Fields<'_>, key: &str) -> BTreeMap<String, Channel> {
        let Some(at) = fields.find(key) else { return BTreeMap::new() };
        let Some(entries) = at.entries(&mut self.problems, "a map from names to types: `{question: text}`")
        else {
            return BTreeMap::new();
        };
        if key == "state"
            && let Some(inputs) = fields.find("input")
        {
            self.tell_shared(&inputs, &entries);
        }
        entries.iter().map(|entry| (entry.key.to_owned(), self.channel(entry, key == "input"))).collect()
    }

    fn tell_shared(&mut self, inputs: &At<'_>, entries: &[At<'_>]) {
        for entry in entries.iter().filter(|entry| inputs.tree.find(entry.key).is_some()) {
            let message = format!(
                "`{}` is an input already, and so a channel; take it out here or rename it",
                entry.key
            );
            entry.error_at_key(&mut self.problems, message);
        }
    }

    fn channel(&mut self, at: &At<'_>, is_input: bool) -> Channel {
        self.check_channel_name(at);
        let any = Channel {
            kind: ChannelType::Any,
            reducer: Reducer::Set,
            default: Value::Null,
            required: is_input,
        };
        if at.tree.entries().is_some() {
            return self.channel_in_full(at, is_input).unwrap_or(any);
        }
        let Some(word) =
            at.text(&mut self.problems, "a type such as `text`, or `{type: list, reducer: append}`")
        else {
            return any;
        };
        let (word, is_optional) = without_mark(word);
        let kind = self.channel_type(at, word).unwrap_or(ChannelType::Any);
        Channel { kind, default: kind.empty(), required: is_input && !is_optional, ..any }
    }

    fn channel_in_full(&mut self, at: &At<'_>, is_input: bool) -> Option<Channel> {
        let fields = at.fields(&mut self.problems, "a map with `type`", keys::CHANNEL)?;
        let advice = "say what the channel holds: `type: text`";
        let type_at = fields.require("type", &mut self.problems, advice)?;
        let (word, is_optional) = without_mark(type_at.text(&mut self.problems, "a type")?);
        let kind = self.channel_type(&type_at, word)?;
        let reducer = fields.find("reducer").and_then(|at| self.reducer(&at, kind)).unwrap_or_default();
        let default_at = fields.find("default");
        let default = default_at.as_ref().map_or_else(|| kind.empty(), json);
        if let Some(at) = default_at.as_ref().filter(|_| !kind.takes(&default)) {
            at.wrong_type(&mut self.problems, &format!("a default of the type `{}`", kind.name()));
        }
        self.optional_text(&fields, "description");
        Some(Channel { kind, reducer, default, required: is_input && !is_optional && default_at.is_none() })
    }

    fn channel_type(&mut self, at: &At<'_>, word: &str) -> Option<ChannelType> {
        let found = TYPES.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
        if found.is_none() {
            let elsewhere = TYPES_ELSEWHERE.iter().find(|(name, _)| *name == word.to_lowercase());
            let advice = match elsewhere {
                Some((_, here)) => format!("; it is called `{here}` here"),
                None => suggestion(word, TYPES.iter().map(|(name, _)| *name)),
            };
            at.error(&mut self.problems, format!("there is no type `{word}`{advice}"));
        }
        found
    }

    fn reducer(&mut self, at: &At<'_>, kind: ChannelType) -> Option<Reducer> {
        let word = at.text(&mut self.problems, "a reducer such as `append`")?;
        let Some(&(_, reducer)) = REDUCERS.iter().find(|(name, _)| *name == word) else {
            let names = REDUCERS.iter().map(|(name, _)| *name);
            at.error(&mut self.problems, format!("there is no reducer `{word}`{}", suggestion(word, names)));
            return None;
        };
        if !reducer.fits(kind) {
            let message =
                format!("`{word}` is for {}; this channel is of the type `{}`", reducer.takes(), kind.name());
            at.error(&mut self.problems, message);
        }
        Some(reducer)
    }

    fn check_channel_name(&mut self, at: &At<'_>) {
        let name = at.key;
        let message = if name.ends_with('?') {
            format!("the question mark belongs behind the type: `{}: text?`", name.trim_end_matches('?'))
        } else if keys::CHANNELS_RESERVED.contains(&name) {
            format!("no channel can be named `{name}`: the word has a meaning in expressions; choose another")
        } else if !keys::is_name(name, &['_']) {
            format!(
                "`{name}` is no name for a channel; use small letters, digits and `_`, beginning with a letter, at most 64"
            )
        } else {
            return;
        };
        at.error_at_key(&mut self.problems, message);
    }

    /// A channel that a node writes; told if there is none.
    pub fn check_channel(&mut self, at: &At<'_>, name: &str, at_key: bool) {
        if self.channels.contains_key(name) {
            return;
        }
        let advice = match super::problem::nearest(name, self.channels.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare it under `state`: `{name}: any`"),
        };
        let place = if at_key { at.key_place } else { at.tree.place };
        self.problems.error(place, &at.path, format!("there is no channel `{name}`; {advice}"));
    }
}

fn without_mark(word: &str) -> (&str, bool) {
    word.strip_suffix('?').map_or((word, false), |word| (word, true))
}
