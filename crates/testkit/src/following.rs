//! A client that follows a run's events by the rules of the manual, over as many connections as it takes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines};

use reqwest::blocking::Response;
use serde_json::Value;

/// A server-sent event.
#[derive(Clone, Debug)]
pub struct Told {
    pub id: String,
    pub name: String,
    pub data: Value,
}

/// The events of a stream, until it ends or is cut.
#[derive(Debug)]
pub struct Events(Lines<BufReader<Response>>);

impl Events {
    #[must_use]
    pub fn new(response: Response) -> Self {
        assert_eq!(response.status(), 200, "{:?}", response.text());
        Self(BufReader::new(response).lines())
    }
}

impl Iterator for Events {
    type Item = Told;

    fn next(&mut self) -> Option<Told> {
        let mut told = Told { id: String::new(), name: String::new(), data: Value::Null };
        loop {
            let line = self.0.next()?.ok()?;
            let Some((field, value)) = line.split_once(": ") else {
                if line.is_empty() && !told.name.is_empty() {
                    return Some(told);
                }
                continue;
            };
            match field {
                "id" => value.clone_into(&mut told.id),
                "event" => value.clone_into(&mut told.name),
                "data" => told.data = serde_json::from_str(value).unwrap(),
                _ => {}
            }
        }
    }
}

/// What a client knows that has seen some events.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// What to ask to go on after.
    pub last: String,
    pub events: Vec<Told>,
    /// The text of each node.
    pub texts: BTreeMap<String, String>,
    /// The data of `done` or `error`.
    pub end: Option<Value>,
}

impl View {
    /// Sees one event.
    pub fn take(&mut self, told: Told) {
        assert!(self.end.is_none(), "{told:?} came after the end");
        let node = told.data["node"].as_str().unwrap_or_default().to_owned();
        match (told.name.as_str(), told.data["state"].as_str()) {
            ("token", _) => {
                let text = self.texts.entry(node).or_default();
                if told.data["replace"] == true {
                    text.clear();
                }
                text.push_str(told.data["text"].as_str().unwrap());
            }
            ("step", Some("restarted")) => drop(self.texts.remove(&node)),
            ("done" | "error", _) => self.end = Some(told.data.clone()),
            _ => {}
        }
        if !told.id.is_empty() {
            self.last.clone_from(&told.id);
        }
        self.events.push(told);
    }

    /// Sees events until one is the last wanted; says whether it came.
    pub fn take_until(&mut self, events: &mut Events, is_last: impl Fn(&Self) -> bool) -> bool {
        for told in events.by_ref() {
            self.take(told);
            if is_last(self) {
                return true;
            }
        }
        false
    }

    /// Names of the events so far, repetitions taken out.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.events.iter().map(|told| told.name.as_str()).collect();
        names.dedup();
        names
    }
}
