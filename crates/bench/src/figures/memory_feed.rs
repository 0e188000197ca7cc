//! How fast episodes are remembered: taken in, read by the rules, settled and written; and what of it is the embedder's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_memory::{Memory, MemoryConfig, NewEpisode};
use ibid_model::{Embedder, EmbedderSpec, Purpose};
use ibid_runtime::Clock;
use ibid_store::{FactsQuery, Sqlite, SqliteConfig, Store};
use ibid_types::memory::Owner;
use ibid_types::{Error, Result};

use super::{Outcome, Row, Setup};

const EPISODES: usize = 2_000;
/// With the embedder, which is the slower part.
const EPISODES_EMBEDDED: usize = 300;
/// Episodes of one request.
const BATCH: usize = 20;
/// Issue 6.
const EPISODES_PER_SECOND: f64 = 200.0;

const PEOPLE: [&str; 8] = [
    "Ada Marlow",
    "Tom Birch",
    "Nora Quill",
    "Ivan Petrov",
    "Mei Lin",
    "Otto Kern",
    "Lea Rossi",
    "Sam Okoro",
];
const PLACES: [&str; 6] = ["Lisbon", "Oslo", "Kyoto", "Bern", "Quito", "Accra"];
const FIRMS: [&str; 5] = ["Initech", "Globex", "Hooli", "Acme", "Umbrella"];
const SERVICES: [&str; 6] = ["billing", "search", "mail", "login", "report", "export"];

/// An embedder that has nothing: what memory costs without one.
#[derive(Debug)]
struct Absent(EmbedderSpec);

impl Embedder for Absent {
    fn spec(&self) -> &EmbedderSpec {
        &self.0
    }

    fn embed(&self, _texts: &[&str], _purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        Err(Error::unavailable("model_missing", "measured without it"))
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len() / 4
    }
}

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let spec = EmbedderSpec { id: "none".to_owned(), dimensions: 384, tokens_max: 256 };
    let bare = fed(setup, Arc::new(Absent(spec)), EPISODES)?;
    let rate = EPISODES as f64 / bare.took.as_secs_f64();
    let ours = format!(
        "{rate:.0} episodes/s, {} facts, each batch of {BATCH} one durable commit and one job",
        bare.facts
    );
    let mut rows = vec![
        Row::new(
            format!("{EPISODES} episodes remembered without an embedder and without a chat model"),
            ours,
        )
        .judged(rate)
        .at_least(EPISODES_PER_SECOND),
    ];
    let model: Arc<dyn Embedder> = Arc::new(setup.embedder(0)?);
    let whole = fed(setup, Arc::clone(&model), EPISODES_EMBEDDED)?;
    let rate = EPISODES_EMBEDDED as f64 / whole.took.as_secs_f64();
    let without = bare.took.as_secs_f64() / EPISODES as f64 * EPISODES_EMBEDDED as f64;
    let share = 100.0 * (1.0 - without / whole.took.as_secs_f64());
    let ours = format!("{rate:.0} episodes/s, {} facts; the embedder's share {share:.0} %", whole.facts);
    rows.push(Row::new(format!("{EPISODES_EMBEDDED} of them with the embedder"), ours));
    Ok(rows)
}

struct Fed {
    took: Duration,
    facts: usize,
}

fn fed(setup: &Setup, embedder: Arc<dyn Embedder>, count: usize) -> Outcome<Fed> {
    let folder = setup.scratch()?;
    let sqlite = Sqlite::open(SqliteConfig::new(folder.path().join("ibid.db")))?;
    let store = Store::new(Arc::new(sqlite), Clock::system());
    let workspace = store.workspace_ensure("default")?.id;
    let memory = Memory::new(store.clone(), embedder, MemoryConfig::default());
    let episodes: Vec<NewEpisode> = (0..count).map(|number| NewEpisode::note(said(number))).collect();
    let started = Instant::now();
    for batch in episodes.chunks(BATCH) {
        memory.remember(workspace, Owner::Machine, batch.to_vec())?;
    }
    while memory.work()? > 0 {}
    let took = started.elapsed();
    let query = FactsQuery { owners: vec![Owner::Machine], limit: 100_000, ..FactsQuery::default() };
    let facts = store.fact_list(workspace, &query)?.items.len();
    Ok(Fed { took, facts })
}

/// Notes as people write them: half of them state something, the rest is talk.
fn said(number: usize) -> String {
    let (person, place) = (PEOPLE[number % PEOPLE.len()], PLACES[number / 3 % PLACES.len()]);
    let (firm, service) = (FIRMS[number / 5 % FIRMS.len()], SERVICES[number / 7 % SERVICES.len()]);
    match number % 6 {
        0 => format!("{person} moved to {place} last Friday. It was raining all day."),
        1 => format!("The {service} service depends on {firm} since March, and {person} owns it."),
        2 => format!("{person} works at {firm} and likes sailing number {number}."),
        3 => format!("Thanks {person}, see you tomorrow!"),
        4 => "Haha, good one. How was your weekend?".to_owned(),
        _ => format!("We met {person} in {place}. The weather was nice and the food too."),
    }
}
