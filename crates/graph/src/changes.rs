//! What changed between two times, and the timeline of one node.
//!
//! Keeps true: an event is in a span if its time is at or after the beginning and before the end, so spans that follow each
//! other tell each event once. What always was or never ended is no event. Of the view relations, nodes and edges count;
//! its times do not, since times are what is asked for.

use ibid_types::Result;

use crate::{ALWAYS, Direction, Edge, EdgeId, FOREVER, Graph, Limits, NodeId, View};

/// What happened to a fact: two events in the world, two in the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// It began to hold.
    Began,
    /// It ceased to hold.
    Ended,
    /// The system heard of it.
    Recorded,
    /// The system took it back.
    Retracted,
}

impl EventKind {
    pub const ALL: [Self; 4] = [Self::Began, Self::Ended, Self::Recorded, Self::Retracted];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Ended => "ended",
            Self::Recorded => "recorded",
            Self::Retracted => "retracted",
        }
    }

    /// When that happened to the edge, if it did.
    #[must_use]
    pub fn time(self, edge: &Edge) -> Option<i64> {
        let time = match self {
            Self::Began => edge.times.valid_from,
            Self::Ended => edge.times.valid_to,
            Self::Recorded => edge.times.recorded_at,
            Self::Retracted => edge.times.retracted_at,
        };
        (time != ALWAYS && time != FOREVER).then_some(time)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    pub time: i64,
    pub kind: EventKind,
    pub edge: EdgeId,
}

/// Events of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// The first `results_max`, oldest first.
    pub first: Vec<Event>,
    /// How many there were.
    pub count: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub began: Events,
    pub ended: Events,
    pub recorded: Events,
    pub retracted: Events,
}

impl Graph {
    /// The edges that began, ended, were recorded and were retracted from one time to before another.
    pub fn changes(&self, from: i64, to: i64, view: &View<'_>, limits: &Limits<'_>) -> Result<Changes> {
        let mut found: [Vec<Event>; 4] = Default::default();
        for (number, edge) in self.edges() {
            for (kind, events) in EventKind::ALL.into_iter().zip(&mut found) {
                let Some(time) = kind.time(&edge).filter(|time| (from..to).contains(time)) else { continue };
                if view.shows_timeless(number, &edge) {
                    events.push(Event { time, kind, edge: number });
                }
            }
        }
        limits.check()?;
        let [began, ended, recorded, retracted] = found.map(|events| first(events, limits.results_max));
        Ok(Changes { began, ended, recorded, retracted })
    }

    /// Everything that happened to a node's edges in a span, oldest first.
    pub fn timeline(
        &self,
        node: NodeId,
        from: i64,
        to: i64,
        view: &View<'_>,
        limits: &Limits<'_>,
    ) -> Result<Events> {
        self.check_node(node)?;
        let mut events = Vec::new();
        for link in self.every_link(node.0, Direction::Both) {
            let number = EdgeId(link.edge);
            let Some(edge) = self.edge(number).filter(|edge| view.shows_timeless(number, edge)) else {
                continue;
            };
            for kind in EventKind::ALL {
                let time = kind.time(&edge).filter(|time| (from..to).contains(time));
                events.extend(time.map(|time| Event { time, kind, edge: number }));
            }
        }
        limits.check()?;
        // A loop is a link of its node twice.
        events.sort_unstable();
        events.dedup();
        Ok(first(events, limits.results_max))
    }
}

fn first(mut events: Vec<Event>, results_max: usize) -> Events {
    let count = events.len();
    if results_max < count {
        events.select_nth_unstable(results_max);
        events.truncate(results_max);
    }
    events.sort_unstable();
    Events { first: events, count }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GraphBuilder, RelationId, Times};

    /// Anna lived in Bonn from 100 to 200 and lives in Kiel since; the first was recorded at 110, the second at 250, when
    /// a rumour of 120 about Rome was taken back.
    fn graph() -> Graph {
        let mut builder = GraphBuilder::default();
        let nodes: Vec<NodeId> = (0..4).map(|_| builder.node(1.0).unwrap()).collect();
        let rows =
            [(1, 100, 200, 110, FOREVER), (2, 200, FOREVER, 250, FOREVER), (3, ALWAYS, FOREVER, 120, 250)];
        for (place, valid_from, valid_to, recorded_at, retracted_at) in rows {
            let times = Times { valid_from, valid_to, recorded_at, retracted_at };
            builder.edge(Edge::new(nodes[0], nodes[place], RelationId(5)).with_times(times)).unwrap();
        }
        builder.build()
    }

    fn edges(events: &Events) -> Vec<u32> {
        events.first.iter().map(|event| event.edge.0).collect()
    }

    #[test]
    fn each_kind_of_change_is_told() {
        let found = graph().changes(200, 300, &View::default(), &Limits::default()).unwrap();
        assert_eq!(edges(&found.began), [1]);
        assert_eq!(edges(&found.ended), [0]);
        assert_eq!(edges(&found.recorded), [1]);
        assert_eq!(edges(&found.retracted), [2]);
    }

    #[test]
    fn a_span_ends_before_its_end() {
        let found = graph().changes(100, 200, &View::default(), &Limits::default()).unwrap();
        assert_eq!((found.began.count, found.ended.count, found.recorded.count), (1, 0, 2));
        let found =
            graph().changes(i64::MIN, i64::MAX, &View::default(), &Limits::default().results(1)).unwrap();
        assert_eq!((found.recorded.count, edges(&found.recorded)), (3, vec![0]));
        assert_eq!(found.began.count, 2, "what always was did not begin");
    }

    #[test]
    fn a_timeline_is_in_order_and_of_one_node() {
        let found = graph().timeline(NodeId(0), 0, 1000, &View::default(), &Limits::default()).unwrap();
        let told: Vec<(i64, &str, u32)> =
            found.first.iter().map(|event| (event.time, event.kind.name(), event.edge.0)).collect();
        let expected = [
            (100, "began", 0),
            (110, "recorded", 0),
            (120, "recorded", 2),
            (200, "began", 1),
            (200, "ended", 0),
            (250, "recorded", 1),
            (250, "retracted", 2),
        ];
        assert_eq!(told, expected);
        let bonn = graph().timeline(NodeId(1), 0, 150, &View::default(), &Limits::default()).unwrap();
        assert_eq!(bonn.count, 2);
        assert!(graph().timeline(NodeId(9), 0, 1, &View::default(), &Limits::default()).is_err());
    }

    #[test]
    fn relations_that_the_view_hides_are_not_told() {
        let view = View::at(0).with_relations([RelationId(6)]);
        let found = graph().changes(0, 1000, &view, &Limits::default()).unwrap();
        assert_eq!(found, Changes::default());
    }
}
