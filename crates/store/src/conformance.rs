//! What every `Db` engine must do. An engine's tests call `check` with a way to make an empty one.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use ibid_types::Class;

use crate::{Db, Statement, Value};

/// Runs the suite; each part gets an engine of its own.
pub fn check(fresh: &dyn Fn() -> Arc<dyn Db>) {
    values_come_back(&*fresh());
    a_batch_is_all_or_nothing(&*fresh());
    a_wrong_row_count_is_a_conflict(&*fresh());
    a_failed_batch_fails_alone(&fresh());
    returning_gives_rows(&*fresh());
    parameters_go_by_number(&*fresh());
}

fn statement(sql: &'static str, params: Vec<Value>) -> Statement {
    Statement::new(sql, params)
}

fn set(key: &str, value: &str) -> Statement {
    statement("INSERT INTO settings (key, value) VALUES ($1, $2)", vec![key.into(), value.into()])
}

fn count(db: &dyn Db) -> i64 {
    db.query("SELECT COUNT(*) FROM settings", &[]).unwrap()[0].get(0).unwrap()
}

fn values_come_back(db: &dyn Db) {
    let values = [Value::Null, Value::Integer(i64::MIN), Value::Real(0.5), Value::Text("Größe".into())];
    for value in values {
        let row = db.query("SELECT $1", std::slice::from_ref(&value)).unwrap().remove(0);
        assert_eq!(row.0, [value]);
    }
}

fn a_batch_is_all_or_nothing(db: &dyn Db) {
    let twice = vec![set("a", "1"), set("a", "2")];
    assert_eq!(db.batch(twice).unwrap_err().class, Class::Conflict);
    assert_eq!(count(db), 0);
    db.batch(vec![set("a", "1"), set("b", "2")]).unwrap();
    assert_eq!(count(db), 2);
}

fn a_wrong_row_count_is_a_conflict(db: &dyn Db) {
    let update = statement("UPDATE settings SET value = $1 WHERE key = $2", vec!["x".into(), "none".into()]);
    let error = db.batch(vec![set("kept", "no"), update.expecting(1)]).unwrap_err();
    assert_eq!((error.class, error.code), (Class::Conflict, "store_conflict"));
    assert_eq!(count(db), 0);
}

/// Batches that wait together are committed together, and still fail each for itself.
fn a_failed_batch_fails_alone(db: &Arc<dyn Db>) {
    let threads: Vec<_> = (0..64)
        .map(|number| {
            let db = Arc::clone(db);
            std::thread::spawn(move || db.batch(vec![set(&format!("{}", number / 2), "x")]).is_ok())
        })
        .collect();
    let good = threads.into_iter().map(|thread| thread.join().unwrap()).filter(|ok| *ok).count();
    assert_eq!((good, count(&**db)), (32, 32));
}

fn returning_gives_rows(db: &dyn Db) {
    let insert = statement(
        "INSERT INTO settings (key, value) VALUES ($1, $2) RETURNING value",
        vec!["k".into(), "v".into()],
    );
    let outcome = db.batch(vec![insert]).unwrap();
    assert_eq!(outcome.rows_affected, [1]);
    assert_eq!(outcome.returned[0][0].0, [Value::Text("v".into())]);
}

fn parameters_go_by_number(db: &dyn Db) {
    let row = db.query("SELECT $2, $1, $2", &[Value::Integer(1), Value::Integer(2)]).unwrap().remove(0);
    assert_eq!(row.0, [Value::Integer(2), Value::Integer(1), Value::Integer(2)]);
}
