//! Large values: taken out of a checkpoint, stored once under their hash, and put back when it is read.
//!
//! Keeps true: what is put back is what was taken out, also where a value looks like a name of one itself. A value
//! counts after its own large parts were taken out, so a list that grows by a document at a time stores each once.

use std::collections::{BTreeMap, BTreeSet};

use ibid_types::{ContentHash, Result};
use serde_json::{Map, Value};

use super::{UNPACKED_BYTES_MAX, damaged};
use crate::machine::{Activity, Command, Outcome, RunState};

/// Values whose JSON is longer are taken out.
pub const LARGE_BYTES: usize = 1024;
/// In the place of a value that was taken out: `{"$value": "HASH"}`.
const NAME: &str = "$value";
/// Around an object that looks like one of these two by itself.
const LITERAL: &str = "$literal";
/// How long a name is in JSON.
const NAME_BYTES: usize = 80;
/// Values are nested no deeper, in each other or by name.
const DEPTH_MAX: usize = 256;
/// What one checkpoint may unfold to: the same value can be named many times.
const RESTORED_BYTES_MAX: usize = 4 * UNPACKED_BYTES_MAX;

/// JSON of values by hash.
pub type TakenOut = BTreeMap<ContentHash, Vec<u8>>;

type Hash<'a> = &'a dyn Fn(&[u8]) -> ContentHash;

type Fetch<'a> = &'a dyn Fn(&[ContentHash]) -> Result<Vec<(ContentHash, Vec<u8>)>>;

/// In how many lists and objects the innermost part of a value lies.
#[must_use]
pub fn depth_of(value: &Value) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 0)];
    while let Some((value, depth)) = open.pop() {
        deepest = deepest.max(depth);
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(fields) => open.extend(fields.values().map(|field| (field, depth + 1))),
            _ => {}
        }
    }
    deepest
}

/// Gives both to `write` as they are without their large values, which go to `taken` under the names that `hash`
/// makes. Afterwards both are as before: what is large was put aside meanwhile, not copied.
pub fn without_large<T>(
    command: &mut Command,
    state: &mut RunState,
    taken: &mut TakenOut,
    hash: Hash<'_>,
    write: impl FnOnce(&Command, &RunState) -> T,
) -> T {
    let mut aside = Vec::new();
    for (at, value) in all_values(command, state).into_iter().enumerate() {
        if is_changed(value) {
            let (short, _) = shrunk(value, taken, hash);
            aside.push((at, std::mem::replace(value, short)));
        }
    }
    let written = write(command, state);
    if !aside.is_empty() {
        let mut places = all_values(command, state);
        for (at, value) in aside {
            if let Some(place) = places.get_mut(at) {
                **place = value;
            }
        }
    }
    written
}

/// Undoes `without_large`. `fetch` gives the JSON of values; every one that is named must be there.
pub fn put_back(command: &mut Command, state: &mut RunState, fetch: Fetch<'_>) -> Result<()> {
    let mut values = all_values(command, state);
    let known = gather(&values, fetch)?;
    let mut budget = RESTORED_BYTES_MAX;
    for value in &mut values {
        restore(value, &known, 0, &mut budget)?;
    }
    Ok(())
}

/// Whether a value has a large part, or one that looks marked. Most have neither, and are written as they are.
fn is_changed(value: &Value) -> bool {
    length_or_change(value).is_none()
}

/// About as many bytes as the value's JSON has; nothing if it has to change.
fn length_or_change(value: &Value) -> Option<usize> {
    let length = match value {
        Value::Array(items) => {
            items.iter().try_fold(2, |sum, item| Some(sum + 1 + length_or_change(item)?))?
        }
        Value::Object(fields) => fields
            .iter()
            .try_fold(2, |sum, (name, field)| Some(sum + 4 + name.len() + length_or_change(field)?))?,
        Value::String(text) => 2 + text.len(),
        _ => 8,
    };
    (length <= LARGE_BYTES && mark_of(value).is_none()).then_some(length)
}

/// The value with what is large taken out, inner parts first, and the length of what is left.
fn shrunk(value: &Value, taken: &mut TakenOut, hash: Hash<'_>) -> (Value, usize) {
    let mut length = 2;
    let short = match value {
        Value::Array(items) => Value::Array(
            items.iter().map(|item| counted(shrunk(item, taken, hash), 1, &mut length)).collect(),
        ),
        Value::Object(fields) => {
            let field = |(name, field): (&String, &Value)| {
                (name.clone(), counted(shrunk(field, taken, hash), 4 + name.len(), &mut length))
            };
            Value::Object(fields.iter().map(field).collect())
        }
        Value::String(text) if text.len() + 2 > LARGE_BYTES => {
            return (named(value, taken, hash), NAME_BYTES);
        }
        Value::String(text) => {
            length += text.len();
            value.clone()
        }
        _ => {
            length = 8;
            value.clone()
        }
    };
    let short = if mark_of(&short).is_some() { marked(LITERAL, short) } else { short };
    if length > LARGE_BYTES { (named(&short, taken, hash), NAME_BYTES) } else { (short, length) }
}

/// The part itself; its length and that of what is around it are added.
fn counted((part, length): (Value, usize), around: usize, sum: &mut usize) -> Value {
    *sum += length + around;
    part
}

/// Keeps a value's JSON, and gives the name that stands for it.
fn named(value: &Value, taken: &mut TakenOut, hash: Hash<'_>) -> Value {
    let json = value.to_string().into_bytes();
    let name = hash(&json);
    taken.insert(name, json);
    marked(NAME, Value::String(name.to_string()))
}

/// Everything that the values name, and what that names.
fn gather(values: &[&mut Value], fetch: Fetch<'_>) -> Result<BTreeMap<ContentHash, (usize, Value)>> {
    let mut known = BTreeMap::new();
    let mut wanted = BTreeSet::new();
    values.iter().for_each(|value| names_in(value, &mut wanted));
    for _ in 0..DEPTH_MAX {
        wanted.retain(|name| !known.contains_key(name));
        if wanted.is_empty() {
            return Ok(known);
        }
        let hashes: Vec<ContentHash> = std::mem::take(&mut wanted).into_iter().collect();
        for (hash, json) in fetch(&hashes)? {
            let value = serde_json::from_slice(&json)
                .map_err(|error| damaged("a large value cannot be read").caused_by(error))?;
            names_in(&value, &mut wanted);
            known.insert(hash, (json.len(), value));
        }
        if let Some(lost) = hashes.iter().find(|hash| !known.contains_key(hash)) {
            return Err(damaged(&format!("the large value {lost} is not there")));
        }
    }
    Err(damaged("large values name each other without end"))
}

/// Names of values in a value, without those that are only quoted.
fn names_in(value: &Value, names: &mut BTreeSet<ContentHash>) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match (mark_of(value), value) {
            (Some((NAME, Value::String(name))), _) => names.extend(name.parse::<ContentHash>().ok()),
            (Some((LITERAL, Value::Object(fields))), _) | (None, Value::Object(fields)) => {
                open.extend(fields.values());
            }
            (_, Value::Array(items)) => open.extend(items),
            _ => {}
        }
    }
}

fn restore(
    value: &mut Value,
    known: &BTreeMap<ContentHash, (usize, Value)>,
    depth: usize,
    budget: &mut usize,
) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err(damaged("a value is nested too deep"));
    }
    match mark_of(value) {
        Some((NAME, Value::String(name))) => {
            let (bytes, found) = name
                .parse()
                .ok()
                .and_then(|name: ContentHash| known.get(&name))
                .ok_or_else(|| damaged("a large value is not there"))?;
            *budget = budget.checked_sub(*bytes).ok_or_else(|| damaged("large values unfold without end"))?;
            *value = found.clone();
            return restore(value, known, depth + 1, budget);
        }
        Some((LITERAL, Value::Object(inner))) => *value = Value::Object(inner.clone()),
        _ => {}
    }
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| restore(item, known, depth + 1, budget)),
        Value::Object(fields) => {
            fields.values_mut().try_for_each(|field| restore(field, known, depth + 1, budget))
        }
        _ => Ok(()),
    }
}

/// The mark and what it stands before, if the value is an object that looks marked.
fn mark_of(value: &Value) -> Option<(&'static str, &Value)> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    let (name, inner) = fields.iter().next()?;
    [NAME, LITERAL].into_iter().find(|mark| *mark == name).map(|mark| (mark, inner))
}

fn marked(mark: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(mark.to_owned(), value)]))
}

/// Every place of both where a value of a flow's author can stand.
fn all_values<'a>(command: &'a mut Command, state: &'a mut RunState) -> Vec<&'a mut Value> {
    let mut values = Vec::new();
    match command {
        Command::Start { input, .. } => values.push(input),
        Command::Performed { output, .. } => values.push(output),
        Command::Answer { value, .. } => values.push(value),
        Command::Adopt { state, .. } => values_of(state, &mut values),
        _ => {}
    }
    values_of(state, &mut values);
    values
}

fn values_of<'a>(state: &'a mut RunState, values: &mut Vec<&'a mut Value>) {
    for frame in state.frames.values_mut() {
        values.extend(frame.channels.values_mut());
        frame.active.values_mut().for_each(|activity| values_of_activity(activity, values));
    }
    values.extend(state.undo.iter_mut().map(|undo| &mut undo.input));
    values.extend(state.undoing.iter_mut().map(|undoing| &mut undoing.effect.input));
    for outcome in [&mut state.ending, &mut state.outcome] {
        if let Some(Outcome::Output(output)) = outcome {
            values.push(output);
        }
    }
}

fn values_of_activity<'a>(activity: &'a mut Activity, values: &mut Vec<&'a mut Value>) {
    match activity {
        Activity::Performing { effect } | Activity::Abandoned { effect } => values.push(&mut effect.input),
        Activity::Inside { queued, shared, results, .. } => {
            values.extend(queued.iter_mut().map(|(_, input)| input));
            values.extend(shared.values_mut());
            values.extend(results.values_mut());
        }
        Activity::Done { output } => values.push(output),
        Activity::Gave { effect: Some(effect), .. } => values.push(&mut effect.input),
        Activity::Asking(interrupt) => values.push(&mut interrupt.schema),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(bytes: &[u8]) -> ContentHash {
        ContentHash(*blake3::hash(bytes).as_bytes())
    }

    /// Out and back; gives what was taken out.
    fn there_and_back(value: &Value) -> TakenOut {
        let mut taken = TakenOut::new();
        let (mut changed, _) = shrunk(value, &mut taken, &name);
        assert_eq!(is_changed(value), changed != *value);
        assert!(changed.to_string().len() < 2 * LARGE_BYTES);
        let fetch = |hashes: &[ContentHash]| {
            Ok(hashes
                .iter()
                .filter_map(|hash| taken.get_key_value(hash))
                .map(|(h, j)| (*h, j.clone()))
                .collect())
        };
        let known = gather(&[&mut changed], &fetch).unwrap();
        restore(&mut changed, &known, 0, &mut RESTORED_BYTES_MAX.clone()).unwrap();
        assert_eq!(changed, *value);
        taken
    }

    #[test]
    fn small_values_stay() {
        assert!(there_and_back(&json!({"a": [1, "two", null, 1.5], "b": {}})).is_empty());
    }

    #[test]
    fn large_parts_are_taken_out_first() {
        let text = "x".repeat(LARGE_BYTES);
        assert_eq!(there_and_back(&json!({"a": text, "b": 1})).len(), 1);
        assert_eq!(there_and_back(&json!([text, text])).len(), 1);
        assert_eq!(there_and_back(&json!(vec!["y".repeat(100); 20])).len(), 1);
        let documents: Vec<String> = (0..40).map(|at| format!("{at}{text}")).collect();
        assert_eq!(there_and_back(&json!(documents)).len(), 41);
    }

    #[test]
    fn what_looks_like_a_name_is_quoted() {
        let text = "x".repeat(2000);
        for value in [
            json!({"$value": "00"}),
            json!({"$value": name(b"").to_string()}),
            json!({"$literal": {"$value": 1}}),
            json!({"$literal": 1}),
            json!({"$value": {"$literal": {"$value": text}}}),
            json!({"$literal": [text, {"$value": text}]}),
        ] {
            there_and_back(&value);
        }
    }

    #[test]
    fn a_lost_value_is_told() {
        let (mut changed, _) = shrunk(&json!("x".repeat(2000)), &mut TakenOut::new(), &name);
        assert_eq!(gather(&[&mut changed], &|_| Ok(Vec::new())).unwrap_err().code, "checkpoint_damaged");
    }

    #[test]
    fn depth_is_counted_without_recursion() {
        assert_eq!(depth_of(&json!(1)), 0);
        assert_eq!(depth_of(&json!([{"a": []}, 1])), 2);
    }
}
