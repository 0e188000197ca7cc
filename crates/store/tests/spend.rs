//! Sums of what chat models cost.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_store::{Spend, SpendBy, SpendKey, SpendOf, Sqlite, SqliteConfig, Store, spend_add};
use ibid_types::{Day, Timestamp, WorkspaceId};

fn store(dir: &tempfile::TempDir) -> Store {
    let db = Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap();
    Store::new(Arc::new(db), Clock::manual(Timestamp(1_000_000)))
}

fn key(day: i64, workspace: WorkspaceId, owner: &str, model: &str) -> SpendKey {
    SpendKey { day: Day(day), workspace, owner: owner.to_owned(), model: model.to_owned() }
}

fn call(nano_usd: u64) -> Spend {
    Spend { calls: 1, prompt_tokens: 7, completion_tokens: 5, nano_usd }
}

fn named(sums: Vec<(SpendOf, Spend)>) -> Vec<(SpendOf, u64, u64)> {
    sums.into_iter().map(|(of, spend)| (of, spend.calls, spend.nano_usd)).collect()
}

#[test]
fn what_is_added_is_summed_by_whatever_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let (ours, theirs) = (WorkspaceId::new(), WorkspaceId::new());
    let keys = [
        (key(10, ours, "user:a", "small"), call(1)),
        (key(10, ours, "user:a", "small"), call(2)),
        (key(10, theirs, "", "large"), call(40)),
        (key(11, ours, "key:b", "large"), call(500)),
    ];
    store.spend_note(keys.iter().map(|(key, spend)| (key, spend))).unwrap();
    let by = |by| named(store.spend_by(by, Day(10), Day(12)).unwrap());
    assert_eq!(by(SpendBy::Day), [(SpendOf::Day(Day(10)), 3, 43), (SpendOf::Day(Day(11)), 1, 500)]);
    let models = [("large", 2, 540), ("small", 2, 3)];
    assert_eq!(
        by(SpendBy::Model),
        models.map(|(name, calls, sum)| (SpendOf::Model(name.to_owned()), calls, sum))
    );
    assert_eq!(by(SpendBy::Workspace)[0], (SpendOf::Workspace(ours), 3, 503));
    assert_eq!(by(SpendBy::Owner)[2], (SpendOf::Owner("user:a".to_owned()), 2, 3));
    let before = store.spend_by(SpendBy::Day, Day(10), Day(11)).unwrap();
    assert_eq!(before[0].1, Spend { calls: 3, prompt_tokens: 21, completion_tokens: 15, nano_usd: 43 });
    assert_eq!(store.spend_by_payer(Day(11)).unwrap(), [(ours, "key:b".to_owned(), 500)]);
}

#[test]
fn a_sum_goes_with_the_batch_that_it_is_in() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let key = key(10, WorkspaceId::new(), "", "small");
    let fails = ibid_store::Statement::new("UPDATE spend SET calls = 0 WHERE day = 99", vec![]).expecting(1);
    assert!(store.db().batch(vec![spend_add(&key, call(1)), fails]).is_err());
    assert!(store.spend_by(SpendBy::Day, Day(0), Day(99)).unwrap().is_empty());
    store.spend_note([]).unwrap();
}

#[test]
fn what_no_column_can_hold_is_the_most() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let key = key(10, WorkspaceId::new(), "", "small");
    store.spend_note([(&key, &call(u64::MAX))]).unwrap();
    assert_eq!(store.spend_by(SpendBy::Day, Day(0), Day(99)).unwrap()[0].1.nano_usd, i64::MAX.unsigned_abs());
}
