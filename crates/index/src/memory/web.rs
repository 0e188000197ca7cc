//! The facts between entities of a workspace as a graph: derived from rows when somebody asks, kept until something changes.
//!
//! Keeps true: an edge is a state of a fact and shown to nobody to whom its owner is not named; numbers of nodes and edges lead back to rows.

use std::collections::HashMap;
use std::sync::Arc;

use ibid_graph::{ALWAYS, Edge, EdgeId, FOREVER, Graph, GraphBuilder, NodeId, RelationId, Times};
use ibid_store::Store;
use ibid_types::memory::{Entity, Fact, Owner, Span};
use ibid_types::{EntityId, FactId, Result, Timestamp, WorkspaceId};
use parking_lot::Mutex;

const PAGE: usize = 2000;
/// An edge counts a little even where nobody is sure of it.
const WEIGHT_MIN: f32 = 0.01;

/// A graph with the way back to its rows.
#[derive(Debug, Default)]
pub struct Web {
    pub graph: Graph,
    position: i64,
    entities: Vec<Entity>,
    nodes: HashMap<EntityId, NodeId>,
    edges: Vec<Strand>,
    relations: Vec<String>,
}

/// What an edge stands for.
#[derive(Clone, Debug)]
pub struct Strand {
    pub fact: FactId,
    owner: Owner,
    pub importance: f32,
    /// Whether the fact is a row.
    pub is_row: bool,
}

/// What stands in a graph beside rows.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    pub entities: Vec<Entity>,
    pub bonds: Vec<Bond>,
}

/// An edge that is no fact's.
#[derive(Clone, Debug)]
pub struct Bond {
    pub fact: FactId,
    pub from: EntityId,
    pub to: EntityId,
    pub relation: &'static str,
    pub owner: Owner,
    pub valid: Span,
    pub recorded_at: Timestamp,
    pub weight: f32,
}

impl Web {
    /// The rows of a workspace, and what `beside` gives for their entities.
    fn read_with(
        store: &Store,
        workspace: WorkspaceId,
        beside: impl FnOnce(&[Entity]) -> Result<Beside>,
    ) -> Result<Self> {
        let mut web = Self { position: store.feed_head()?, ..Self::default() };
        let mut builder = GraphBuilder::default();
        web.add_entities(store, workspace, &mut builder)?;
        let Beside { entities, bonds } = beside(&web.entities)?;
        for entity in entities {
            web.nodes.insert(entity.id, builder.node(0.5)?);
            web.entities.push(entity);
        }
        let mut relations = HashMap::new();
        web.add_facts(store, workspace, &mut builder, &mut relations)?;
        for bond in &bonds {
            web.tie(&mut builder, &mut relations, bond)?;
        }
        web.graph = builder.build();
        Ok(web)
    }

    fn tie(
        &mut self,
        builder: &mut GraphBuilder,
        relations: &mut HashMap<String, RelationId>,
        bond: &Bond,
    ) -> Result<()> {
        let (Some(from), Some(to)) = (self.node(bond.from), self.node(bond.to)) else { return Ok(()) };
        let relation = self.number(relations, bond.relation);
        let times = Times {
            valid_from: bond.valid.from.map_or(ALWAYS, |at| at.0),
            valid_to: bond.valid.to.map_or(FOREVER, |at| at.0),
            recorded_at: bond.recorded_at.0,
            retracted_at: FOREVER,
        };
        let weight = bond.weight.max(WEIGHT_MIN);
        builder.edge(Edge::new(from, to, relation).with_weight(weight).with_times(times))?;
        let is_row = false;
        self.edges.push(Strand { fact: bond.fact, owner: bond.owner, importance: weight, is_row });
        Ok(())
    }

    fn number(&mut self, relations: &mut HashMap<String, RelationId>, name: &str) -> RelationId {
        let next = RelationId(u16::try_from(self.relations.len()).unwrap_or(u16::MAX));
        let relation = *relations.entry(name.to_owned()).or_insert(next);
        if relation == next && self.relations.len() <= usize::from(u16::MAX) {
            self.relations.push(name.to_owned());
        }
        relation
    }

    fn read(store: &Store, workspace: WorkspaceId) -> Result<Self> {
        Self::read_with(store, workspace, |_| Ok(Beside::default()))
    }

    fn add_entities(
        &mut self,
        store: &Store,
        workspace: WorkspaceId,
        builder: &mut GraphBuilder,
    ) -> Result<()> {
        let mut after = None;
        loop {
            let page = store.entities_after(workspace, after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for entity in page {
                self.nodes.insert(entity.id, builder.node(0.5)?);
                self.entities.push(entity);
            }
        }
    }

    fn add_facts(
        &mut self,
        store: &Store,
        workspace: WorkspaceId,
        builder: &mut GraphBuilder,
        relations: &mut HashMap<String, RelationId>,
    ) -> Result<()> {
        let mut after = None;
        loop {
            let page = store.facts_after(workspace, after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.version);
            for fact in &page {
                self.add(builder, relations, fact)?;
            }
        }
    }

    fn add(
        &mut self,
        builder: &mut GraphBuilder,
        relations: &mut HashMap<String, RelationId>,
        fact: &Fact,
    ) -> Result<()> {
        let ends = (self.nodes.get(&fact.subject), fact.object.and_then(|object| self.nodes.get(&object)));
        let (Some(from), Some(to)) = ends else { return Ok(()) };
        if fact.stated.negated || fact.archived_at.is_some() {
            return Ok(());
        }
        let (from, to) = (*from, *to);
        let relation = self.number(relations, &fact.stated.relation);
        let weight = (fact.confidence * fact.importance).max(WEIGHT_MIN);
        builder.edge(Edge::new(from, to, relation).with_weight(weight).with_times(times(fact)))?;
        let is_row = true;
        self.edges.push(Strand { fact: fact.id, owner: fact.owner, importance: fact.importance, is_row });
        Ok(())
    }

    #[must_use]
    pub fn node(&self, entity: EntityId) -> Option<NodeId> {
        self.nodes.get(&entity).copied()
    }

    #[must_use]
    pub fn entity(&self, node: NodeId) -> Option<&Entity> {
        self.entities.get(node.index())
    }

    #[must_use]
    pub fn strand(&self, edge: EdgeId) -> Option<&Strand> {
        self.edges.get(edge.index())
    }

    #[must_use]
    pub fn relation_name(&self, relation: RelationId) -> &str {
        self.relations.get(relation.index()).map_or("", String::as_str)
    }

    #[must_use]
    pub fn relation(&self, name: &str) -> Option<RelationId> {
        let place = self.relations.iter().position(|known| known == name)?;
        u16::try_from(place).ok().map(RelationId)
    }

    #[must_use]
    pub fn shows_edge(&self, edge: u32, owners: &[Owner]) -> bool {
        self.edges.get(edge as usize).is_some_and(|strand| owners.contains(&strand.owner))
    }

    #[must_use]
    pub fn shows_node(&self, node: u32, owners: &[Owner]) -> bool {
        self.entities.get(node as usize).is_some_and(|entity| owners.contains(&entity.owner))
    }
}

fn times(fact: &Fact) -> Times {
    let at = |time: Option<Timestamp>, open: i64| time.map_or(open, |time| time.0);
    Times {
        valid_from: at(fact.valid.from, ALWAYS),
        valid_to: at(fact.valid.to, FOREVER),
        recorded_at: fact.recorded_at.0,
        retracted_at: at(fact.retracted_at, FOREVER),
    }
}

/// The graphs of the workspaces that somebody asked for.
#[derive(Debug)]
pub struct Webs {
    store: Store,
    held: Mutex<HashMap<WorkspaceId, Arc<Web>>>,
    joined: Mutex<HashMap<WorkspaceId, (u64, Arc<Web>)>>,
}

impl Webs {
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, held: Mutex::default(), joined: Mutex::default() }
    }

    /// A workspace's graph as it is now; it is read anew where its memory has changed.
    pub fn of(&self, workspace: WorkspaceId) -> Result<Arc<Web>> {
        let known = self.held.lock().get(&workspace).cloned();
        if let Some(known) = known
            && self.store.memory_changes(workspace, known.position)?.0.is_empty()
        {
            return Ok(known);
        }
        let web = Arc::new(Web::read(&self.store, workspace)?);
        self.held.lock().insert(workspace, Arc::clone(&web));
        Ok(web)
    }

    /// The same with what stands beside the rows, which `stamp` tells apart from what stood there before.
    pub fn joined(
        &self,
        workspace: WorkspaceId,
        stamp: u64,
        beside: impl FnOnce(&[Entity]) -> Result<Beside>,
    ) -> Result<Arc<Web>> {
        let known = self.joined.lock().get(&workspace).cloned();
        if let Some((of, web)) = known
            && of == stamp
            && self.store.memory_changes(workspace, web.position)?.0.is_empty()
        {
            return Ok(web);
        }
        let web = Arc::new(Web::read_with(&self.store, workspace, beside)?);
        self.joined.lock().insert(workspace, (stamp, Arc::clone(&web)));
        Ok(web)
    }
}
