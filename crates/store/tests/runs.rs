//! Runs, checkpoints, values, threads, turns and feedback: what must go together, and what must not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_store::{
    RunChange, RunRow, RunsQuery, Sqlite, SqliteConfig, Store, ThreadsQuery, TurnEnd, TurnStart,
    checkpoint_insert, run_insert, run_update, turn_finish, turn_insert, value_insert,
};
use ibid_types::{ContentHash, RunId, ThreadId, Timestamp, TurnId, WorkspaceId};
use serde_json::json;

struct Fixture {
    store: Store,
    clock: Clock,
    workspace: WorkspaceId,
    dir: tempfile::TempDir,
}

fn open(dir: &std::path::Path, clock: &Clock) -> Store {
    let db = Arc::new(Sqlite::open(SqliteConfig::new(dir.join("ibid.db"))).unwrap());
    Store::new(db, clock.clone())
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp(1_000_000));
    let store = open(dir.path(), &clock);
    let workspace = store.workspace_ensure("default").unwrap().id;
    Fixture { store, clock, workspace, dir }
}

impl Fixture {
    fn row(&self) -> RunRow {
        let now = self.store.now();
        RunRow {
            id: RunId::new(),
            workspace: self.workspace,
            flow: ContentHash([1; 32]),
            flow_name: "triage".to_owned(),
            status: "running".to_owned(),
            idempotency_key: None,
            thread: None,
            forked_from: None,
            wake_at: None,
            asks: 0,
            failure_code: None,
            lease_owner: None,
            lease_until: None,
            created_at: now,
            updated_at: now,
            finished_at: None,
            owner: None,
        }
    }

    fn start(&self, change: impl FnOnce(&mut RunRow)) -> RunId {
        let mut row = self.row();
        change(&mut row);
        self.store.db().batch(vec![run_insert(&row)]).unwrap();
        row.id
    }

    fn finish(&self, run: RunId) {
        let change = RunChange {
            status: "finished",
            wake_at: None,
            asks: 0,
            failure_code: None,
            lease: None,
            finished_at: Some(self.store.now()),
            now: self.store.now(),
        };
        self.store.db().batch(vec![run_update(run, &change)]).unwrap();
    }

    fn checkpoint(&self, run: RunId, number: u32) -> ibid_types::Result<()> {
        let insert = checkpoint_insert(run, number, self.store.now(), "start", None, vec![7; 10]);
        self.store.db().batch(vec![insert]).map(|_| ())
    }

    fn ask(&self, thread: ThreadId, question: &str) -> RunId {
        let run = self.row();
        let turn = TurnStart {
            id: TurnId::new(),
            workspace: self.workspace,
            thread,
            run: run.id,
            question,
            options: &json!({"quality": "quick"}),
            now: self.store.now(),
        };
        let mut batch = turn_insert(&turn, self.store.sealer()).unwrap();
        batch.push(run_insert(&RunRow { thread: Some(thread), ..run.clone() }));
        self.store.db().batch(batch).unwrap();
        run.id
    }
}

#[test]
fn a_run_comes_back_as_it_went() {
    let f = fixture();
    let mut row = f.row();
    row.forked_from = Some((RunId::new(), 7));
    row.idempotency_key = Some("k".to_owned());
    row.lease_owner = Some("me".to_owned());
    row.lease_until = Some(Timestamp(5));
    f.store.db().batch(vec![run_insert(&row)]).unwrap();
    assert_eq!(f.store.run_find(row.id).unwrap().unwrap(), row);
    assert_eq!(f.store.run_by_key(f.workspace, "k").unwrap().unwrap().id, row.id);
    assert!(f.store.run_by_key(WorkspaceId::new(), "k").unwrap().is_none());
}

#[test]
fn a_key_is_taken_once_in_a_workspace() {
    let f = fixture();
    f.start(|row| row.idempotency_key = Some("k".to_owned()));
    let again = RunRow { idempotency_key: Some("k".to_owned()), ..f.row() };
    let error = f.store.db().batch(vec![run_insert(&again)]).unwrap_err();
    assert_eq!(error.code, "store_conflict");
    f.start(|row| row.workspace = WorkspaceId::new());
}

#[test]
fn pages_of_runs_are_newest_first_and_filtered() {
    let f = fixture();
    let runs: Vec<RunId> = (0..5).map(|at| f.start(|row| row.asks = at % 2)).collect();
    let query = RunsQuery { workspace: Some(f.workspace), limit: 3, ..RunsQuery::default() };
    let page = f.store.run_list(&query).unwrap();
    let ids: Vec<RunId> = page.items.iter().map(|run| run.id).collect();
    assert_eq!(ids, [runs[4], runs[3], runs[2]]);
    let rest = f.store.run_list(&RunsQuery { cursor: page.next, ..query.clone() }).unwrap();
    assert_eq!((rest.items.len(), rest.next), (2, None));
    let asking = f.store.run_list(&RunsQuery { is_asking: true, ..query.clone() }).unwrap();
    assert_eq!(asking.items.len(), 2);
    let none = RunsQuery { status: Some("failed".to_owned()), ..query };
    assert!(f.store.run_list(&none).unwrap().items.is_empty());
}

#[test]
fn a_lease_has_one_owner_until_it_passes() {
    let f = fixture();
    let run = f.start(|_| ());
    assert_eq!(f.store.runs_orphaned(f.store.now(), 9).unwrap(), [run]);
    let until = f.store.now().plus_ms(100);
    assert!(f.store.run_lease(run, "running", "a", until).unwrap());
    assert!(!f.store.run_lease(run, "running", "b", until).unwrap());
    assert!(f.store.runs_orphaned(f.store.now(), 9).unwrap().is_empty());
    assert_eq!(f.store.runs_renew("a", f.store.now().plus_ms(200)).unwrap(), 1);
    f.clock.advance_ms(150);
    assert!(!f.store.run_lease(run, "running", "b", until).unwrap());
    f.clock.advance_ms(100);
    assert_eq!(f.store.runs_orphaned(f.store.now(), 9).unwrap(), [run]);
    assert!(!f.store.run_lease(run, "waiting", "b", until).unwrap());
    assert!(f.store.run_lease(run, "running", "b", f.store.now().plus_ms(9)).unwrap());
    assert_eq!(f.store.runs_release("b").unwrap(), 1);
    assert_eq!(f.store.runs_orphaned(f.store.now(), 9).unwrap(), [run]);
}

#[test]
fn leases_of_a_former_process_are_void_when_the_database_is_opened() {
    let f = fixture();
    let run = f.start(|row| {
        row.lease_owner = Some("gone".to_owned());
        row.lease_until = Some(Timestamp(i64::MAX));
    });
    let Fixture { store, clock, dir, .. } = f;
    drop(store);
    let store = open(dir.path(), &clock);
    assert_eq!(store.runs_orphaned(store.now(), 9).unwrap(), [run]);
}

#[test]
fn runs_that_wait_are_found_when_their_time_has_come() {
    let f = fixture();
    let late = f.start(|row| row.wake_at = Some(Timestamp(1_000_200)));
    let soon = f.start(|row| row.wake_at = Some(Timestamp(1_000_100)));
    assert_eq!(f.store.runs_next_due(Timestamp(0)).unwrap(), Some(Timestamp(1_000_100)));
    assert!(f.store.runs_due(f.store.now(), 9).unwrap().is_empty());
    assert_eq!(f.store.runs_due(Timestamp(1_000_300), 9).unwrap(), [soon, late]);
}

#[test]
fn a_checkpoint_is_written_once() {
    let f = fixture();
    let run = f.start(|_| ());
    f.checkpoint(run, 0).unwrap();
    f.checkpoint(run, 1).unwrap();
    assert_eq!(f.checkpoint(run, 1).unwrap_err().code, "store_conflict");
    assert_eq!(f.store.checkpoint_last(run).unwrap().unwrap().number, 1);
    assert_eq!(f.store.checkpoint_heads(run, 0, 9).unwrap()[1].bytes, 10);
    assert_eq!(f.store.checkpoints_from(run, 1, 9).unwrap().len(), 1);
    assert_eq!(f.store.checkpoints_after(Some((run, 0)), 9).unwrap().len(), 1);
    assert!(f.store.checkpoint_find(run, 2).unwrap().is_none());
}

#[test]
fn deleting_a_run_deletes_the_values_that_nobody_else_uses() {
    let f = fixture();
    let (one, two) = (f.start(|_| ()), f.start(|_| ()));
    let (shared, own) = (ContentHash([2; 32]), ContentHash([3; 32]));
    let mut batch = value_insert(one, shared, vec![1]);
    batch.extend(value_insert(two, shared, vec![1]));
    batch.extend(value_insert(one, own, vec![2]));
    f.store.db().batch(batch).unwrap();
    assert!(!f.store.run_delete(one).unwrap(), "a run at work stays");
    assert_eq!(f.store.checkpoint_totals().unwrap().values, 2);
    f.finish(one);
    assert!(f.store.run_delete(one).unwrap());
    assert_eq!(f.store.values_find(&[shared, own]).unwrap(), [(shared, vec![1])]);
    assert_eq!(f.store.run_values(two).unwrap(), [shared]);
    assert_eq!(f.store.values_after(Some(shared), 9).unwrap(), []);
}

#[test]
fn thinning_keeps_the_first_and_the_last() {
    let f = fixture();
    let run = f.start(|_| ());
    (0..5).for_each(|number| f.checkpoint(run, number).unwrap());
    assert_eq!(f.store.runs_thin(Timestamp(i64::MAX), 9).unwrap(), 0);
    f.finish(run);
    assert_eq!(f.store.runs_thin(Timestamp(i64::MAX), 9).unwrap(), 1);
    let numbers: Vec<u32> =
        f.store.checkpoint_heads(run, 0, 9).unwrap().iter().map(|head| head.number).collect();
    assert_eq!(numbers, [0, 4]);
    assert_eq!(f.store.runs_thin(Timestamp(i64::MAX), 9).unwrap(), 0);
    assert_eq!(f.store.runs_ended(Timestamp(i64::MAX), 9).unwrap(), [run]);
}

#[test]
fn turns_are_numbered_and_end_with_their_run() {
    let f = fixture();
    let thread = f.store.thread_create(f.workspace, "About foxes", None).unwrap();
    let (one, two) = (f.ask(thread, "What is a fox?"), f.ask(thread, "And a vixen?"));
    let end = TurnEnd {
        run: one,
        status: "finished",
        answer: Some(&json!({"text": "A canid"})),
        failure: None,
        now: f.store.now(),
    };
    f.store.db().batch(turn_finish(&end, f.store.sealer()).unwrap()).unwrap();
    let turns = f.store.turn_list(thread, 0, 9).unwrap();
    assert_eq!(turns.iter().map(|turn| turn.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(turns[0].answer, Some(json!({"text": "A canid"})));
    assert_eq!((turns[0].status.as_str(), turns[1].status.as_str()), ("finished", "running"));
    assert_eq!(f.store.turn_of_run(two).unwrap().unwrap().question, "And a vixen?");
    assert_eq!(f.store.turns_before(thread, 2, 9).unwrap().len(), 1);
    assert_eq!(f.store.turn_find(turns[1].id).unwrap().unwrap(), turns[1]);
}

#[test]
fn threads_are_found_by_title_and_question() {
    let f = fixture();
    let foxes = f.store.thread_create(f.workspace, "About foxes", None).unwrap();
    f.clock.advance_ms(1);
    let other = f.store.thread_create(f.workspace, "100% cotton", None).unwrap();
    f.ask(other, "What about foxgloves?");
    let find = |text: &str, limit: usize, cursor: Option<String>| {
        let query = ThreadsQuery { text: Some(text.to_owned()), seen_by: None, limit, cursor };
        f.store.thread_list(f.workspace, &query).unwrap()
    };
    assert_eq!(find("FOX", 9, None).items.len(), 2);
    assert_eq!(find("0%", 9, None).items[0].id, other);
    assert_eq!(find("%", 9, None).items.len(), 1);
    let first = find("fox", 1, None);
    assert_eq!((first.items[0].id, first.items[0].turns), (other, 1));
    assert_eq!(find("fox", 1, first.next).items[0].id, foxes);
    assert_eq!(f.store.thread_find(WorkspaceId::new(), foxes).unwrap(), None);
}

#[test]
fn deleting_a_thread_deletes_all_of_it_once_its_runs_are_over() {
    let f = fixture();
    let thread = f.store.thread_create(f.workspace, "t", None).unwrap();
    let run = f.ask(thread, "q");
    f.checkpoint(run, 0).unwrap();
    f.store.thread_delete(f.workspace, thread).unwrap();
    assert!(f.store.thread_find(f.workspace, thread).unwrap().is_none());
    assert_eq!(f.store.threads_cleanup(9).unwrap(), 0);
    assert!(f.store.run_find(run).unwrap().is_some());
    f.finish(run);
    assert_eq!(f.store.threads_cleanup(9).unwrap(), 1);
    assert!(f.store.run_find(run).unwrap().is_none());
    assert!(f.store.checkpoint_last(run).unwrap().is_none());
    assert!(f.store.turn_of_run(run).unwrap().is_none());
    let error = f.store.thread_rename(f.workspace, thread, "x").unwrap_err();
    assert_eq!(error.code, "thread_unknown");
}

#[test]
fn the_last_feedback_counts() {
    let f = fixture();
    let run = f.start(|_| ());
    f.store.feedback_save(f.workspace, run, 1, None, None).unwrap();
    f.store.feedback_save(f.workspace, run, -1, Some("wrong"), Some("right")).unwrap();
    let found = f.store.feedback_find(run).unwrap().unwrap();
    assert_eq!((found.rating, found.correction.as_deref()), (-1, Some("right")));
    assert_eq!(f.store.feedback_list(f.workspace, Timestamp(i64::MAX), 9).unwrap(), [found]);
    let error = f.store.feedback_save(f.workspace, RunId::new(), 1, None, None).unwrap_err();
    assert_eq!(error.code, "run_unknown");
    assert_eq!(
        f.store.feedback_save(f.workspace, run, 2, None, None).unwrap_err().code,
        "value_out_of_range"
    );
}

#[test]
fn a_flow_version_stays_as_it_was() {
    let f = fixture();
    let hash = ContentHash([9; 32]);
    f.store.flow_save(hash, "triage", "first").unwrap();
    f.store.flow_save(hash, "triage", "second").unwrap();
    f.clock.advance_ms(1);
    f.store.flow_save(ContentHash([8; 32]), "triage", "newer").unwrap();
    assert_eq!(f.store.flow_find(hash).unwrap().unwrap().source, "first");
    assert_eq!(f.store.flow_newest("triage").unwrap().unwrap().source, "newer");
    assert_eq!(f.store.flow_as_of("triage", Timestamp(1_000_000)).unwrap().unwrap().source, "first");
    f.clock.advance_ms(1);
    f.store.flow_save(hash, "triage", "first").unwrap();
    assert_eq!(f.store.flow_newest("triage").unwrap().unwrap().source, "first");
    assert_eq!(f.store.flow_as_of("triage", Timestamp(1_000_001)).unwrap().unwrap().source, "newer");
    assert_eq!(f.store.flow_list(9).unwrap().len(), 2);
}

#[test]
fn a_deleted_workspace_leaves_its_ended_runs_and_threads_to_the_clean_up() {
    let f = fixture();
    let thread = f.store.thread_create(f.workspace, "title", None).unwrap();
    let (open, ended) = (f.start(|_| ()), f.start(|_| ()));
    f.finish(ended);
    assert_eq!(f.store.runs_open(f.workspace).unwrap(), [open]);
    assert_eq!(f.store.runs_of_deleted(9).unwrap(), []);
    f.store.workspace_delete(f.workspace).unwrap();
    assert_eq!(f.store.runs_of_deleted(9).unwrap(), [ended]);
    assert_eq!(f.store.threads_cleanup(9).unwrap(), 1);
    assert!(f.store.thread_find(f.workspace, thread).unwrap().is_none());
}
