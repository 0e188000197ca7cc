//! Flows that runs need, read once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ibid_store::Store;
use ibid_types::{Error, Result};
use parking_lot::RwLock;

use crate::definition::{Problem, Severity};
use crate::machine::{Definitions, sub_flows};
use crate::{Definition, FlowHash, Registry};

/// Definitions by hash, from the store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Flows {
    store: Store,
    registry: Registry,
    known: Arc<RwLock<HashMap<FlowHash, Arc<Definition>>>>,
}

impl Flows {
    #[must_use]
    pub fn new(store: Store, registry: Registry) -> Self {
        Self { store, registry, known: Arc::default() }
    }

    /// Reads a flow and keeps it, if it is valid: its name means this version from now on.
    ///
    /// # Errors
    /// `flow_invalid` with the first problem, and those of the store.
    pub fn save(&self, source: &str) -> Result<Arc<Definition>> {
        let definition = Arc::new(self.read(source)?);
        self.store.flow_save(definition.hash.into(), &definition.name, source)?;
        self.known.write().insert(definition.hash, Arc::clone(&definition));
        Ok(definition)
    }

    /// The flow that the name means now.
    ///
    /// # Errors
    /// `flow_unknown`, and those of the store.
    pub fn newest(&self, name: &str) -> Result<FlowHash> {
        match self.store.flow_newest(name)? {
            Some(flow) => Ok(flow.hash.into()),
            None => Err(unknown(&format!("named '{name}'"))),
        }
    }

    /// The versions of all sub-flows that a run of the flow that begins now can come to.
    pub fn versions(&self, flow: &FlowHash) -> Result<BTreeMap<String, FlowHash>> {
        sub_flows(self, &|name| self.newest(name), flow)
    }

    fn read(&self, source: &str) -> Result<Definition> {
        // Whether sub-flows are there is seen when a run starts, so that flows can be saved in any order.
        Definition::parse(source, &self.registry, &|_| true).map_err(|problems| invalid(&problems))
    }
}

impl Definitions for Flows {
    fn definition(&self, hash: &FlowHash) -> Result<Arc<Definition>> {
        if let Some(known) = self.known.read().get(hash) {
            return Ok(Arc::clone(known));
        }
        let found = self.store.flow_find((*hash).into())?;
        let found = found.ok_or_else(|| unknown(&format!("with the hash {hash}")))?;
        let definition = Arc::new(self.read(&found.source)?);
        self.known.write().insert(*hash, Arc::clone(&definition));
        Ok(definition)
    }
}

fn unknown(which: &str) -> Error {
    Error::not_found("flow_unknown", format!("there is no flow {which}; save it first"))
}

fn invalid(problems: &[Problem]) -> Error {
    let errors: Vec<&Problem> =
        problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    let first = errors.first().map_or_else(String::new, |problem| problem.to_string());
    let more = errors.len().saturating_sub(1);
    let what = if more == 0 { first } else { format!("{first} (and {more} more)") };
    Error::bad_request("flow_invalid", what)
}
