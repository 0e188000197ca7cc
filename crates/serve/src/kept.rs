//! Kept answers, as the answering side sees them: rows of the store, counted; and what the clean-up takes of them.
//!
//! Keeps true: a store that cannot be read or written costs nobody an answer; what was asked is in no log.

use ibid_chat::kept::{AnswerShelf, COMPARED_MAX, Keeping, KeptAnswer, Look, NewAnswer, Place};
use ibid_config::Config;
use ibid_ops::metric::list;
use ibid_store::{KeptPlace, KeptRow, NewKept, Store};
use ibid_types::{ChunkId, ContentHash, Error, Result};

use crate::metrics::Metrics;

const HOUR_MS: i64 = 3_600_000;

/// See the head of this file.
#[derive(Debug)]
struct Shelf {
    store: Store,
    metrics: Metrics,
    count_max: usize,
    age_ms_max: i64,
}

/// How answers are kept; not at all where none may be.
pub fn keeping(config: &Config, store: &Store, metrics: &Metrics) -> Option<Keeping> {
    let answer = &config.answer;
    let shelf = Shelf {
        store: store.clone(),
        metrics: metrics.clone(),
        count_max: answer.kept_max,
        age_ms_max: age_ms_max(config),
    };
    let settings = format!("{} {:?} {:?}", env!("CARGO_PKG_VERSION"), config.chat, config.guard);
    let keeping = Keeping { shelf: std::sync::Arc::new(shelf), settings, reworded: answer.kept_reworded };
    (answer.kept_max > 0).then_some(keeping)
}

fn age_ms_max(config: &Config) -> i64 {
    i64::from(config.answer.kept_hours_max) * HOUR_MS
}

/// Erases what is too old or too much, and what nobody will find again. Says how many answers went.
pub fn clean_up(config: &Config, store: &Store) -> Result<usize> {
    store.kept_cleanup(store.now().plus_ms(-age_ms_max(config)), config.answer.kept_max)
}

impl Shelf {
    fn place(&self, place: &Place) -> KeptPlace {
        KeptPlace {
            workspace: place.workspace,
            shape: place.shape,
            not_before: self.store.now().plus_ms(-self.age_ms_max),
        }
    }

    fn save(&self, new: &NewAnswer<'_>) -> Result<()> {
        let answer = serde_json::to_string(new.answer).map_err(|error| {
            Error::internal("kept_unwritable", "an answer cannot be written to be kept").caused_by(error)
        })?;
        let row = NewKept {
            workspace: new.place.workspace,
            shape: new.place.shape,
            evidence: new.evidence,
            passages: new.passages,
            run: new.run,
            question: new.question,
            answer: &answer,
            replaces: new.replaces,
        };
        self.store.kept_save(&row, self.count_max).map(drop)
    }

    fn used(&self, kept: &KeptAnswer) {
        let _ = told(self.store.kept_used(kept.id, kept.used_at));
    }
}

impl AnswerShelf for Shelf {
    fn of_evidence(&self, place: &Place, evidence: ContentHash) -> Vec<KeptAnswer> {
        read(self.store.kept_of_evidence(&self.place(place), evidence, COMPARED_MAX))
    }

    fn of_passage(&self, place: &Place, chunk: ChunkId) -> Vec<KeptAnswer> {
        read(self.store.kept_of_passage(&self.place(place), chunk, COMPARED_MAX))
    }

    fn keep(&self, new: &NewAnswer<'_>) -> bool {
        told(self.save(new)).is_some()
    }

    fn looked(&self, look: Look<'_>) {
        let found = match look {
            Look::Same(kept) => {
                self.used(kept);
                "same"
            }
            Look::Reworded(kept) => {
                self.used(kept);
                "reworded"
            }
            Look::Nothing => "nothing",
        };
        self.metrics.registry().count(&list::KEPT_LOOKS, [found]);
    }
}

/// Rows as answers. One that a former version of the program wrote in another form is not there.
fn read(rows: Result<Vec<KeptRow>>) -> Vec<KeptAnswer> {
    let answer = |row: KeptRow| {
        Some(KeptAnswer {
            id: row.id,
            answer: serde_json::from_str(&row.answer).ok()?,
            question: row.question,
            evidence: row.evidence,
            made_at: row.made_at,
            used_at: row.used_at,
        })
    };
    told(rows).into_iter().flatten().filter_map(answer).collect()
}

/// What came of the store; a failure is told to the log, and to nobody else.
fn told<T>(outcome: Result<T>) -> Option<T> {
    outcome
        .inspect_err(|error| {
            tracing::warn!(code = error.code, reason = error.chain(), "kept answers cannot be used");
        })
        .ok()
}
