//! What chat models cost: who pays for a call is known by the thread that makes it, sums go into the store.
//!
//! Keeps true: every call of a route is booked once, on whoever its thread works for; what a run bought is written in the
//! commit that ends the run, or earlier with all that waits; no call waits for the disk.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use ibid_config::Config;
use ibid_model::{Attempt, CallReport, Observer, Price, Purse};
use ibid_runtime::{Clock, Shutdown, round};
use ibid_store::{Spend, SpendKey, Statement, Store, spend_add};
use ibid_types::access::Reader;
use ibid_types::{Day, Result, RunId, Timestamp, WorkspaceId};
use parking_lot::Mutex;

use crate::budgets::{Budgets, Standing};
use crate::policy;

/// Parts of a US dollar that sums are of.
pub const NANO: f64 = 1e9;
/// What a process that is killed loses is what was bought within this time by turns that were not over.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// Who a call is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payer {
    pub workspace: WorkspaceId,
    /// As of runs: `user:ID` or `key:ID`; empty for this machine.
    pub owner: String,
    pub run: Option<RunId>,
    /// When the work began that the call is for.
    pub began_at: Timestamp,
}

/// What was bought by some work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bought {
    pub calls: u64,
    pub nano_usd: u64,
}

thread_local! {
    static PAYING: RefCell<Option<(Payer, Bought)>> = const { RefCell::new(None) };
}

/// Does work on somebody's account, and says what it bought.
pub fn on_account_of<T>(payer: Payer, work: impl FnOnce() -> T) -> (T, Bought) {
    let account = Account(PAYING.replace(Some((payer, Bought::default()))));
    let done = work();
    let bought = PAYING.with_borrow(|paying| paying.as_ref().map(|(_, bought)| *bought));
    drop(account);
    (done, bought.unwrap_or_default())
}

/// Gives the thread back to whoever it worked for before, also where the work panics.
struct Account(Option<(Payer, Bought)>);

impl Drop for Account {
    fn drop(&mut self) {
        PAYING.set(self.0.take());
    }
}

impl Payer {
    /// Of what a run buys.
    pub fn of_run(run: RunId, workspace: WorkspaceId, reader: Reader) -> Self {
        Self { workspace, owner: owner(reader), run: Some(run), began_at: run.made_at() }
    }

    /// Of what a question buys that is of no run.
    pub fn of_question(workspace: WorkspaceId, reader: Reader, now: Timestamp) -> Self {
        Self { workspace, owner: owner(reader), run: None, began_at: now }
    }

    /// The server's own work: trying out a model, checking answers again.
    fn server(now: Timestamp) -> Self {
        Self::of_question(WorkspaceId::from_bytes([0; 16]), Reader::Machine, now)
    }
}

fn owner(reader: Reader) -> String {
    reader.holder().map_or_else(String::new, |holder| holder.to_string())
}

impl Bought {
    pub fn usd(self) -> f64 {
        self.nano_usd as f64 / NANO
    }
}

/// The books of a process.
#[derive(Debug)]
pub struct Ledger {
    store: Store,
    clock: Clock,
    /// By the model's name; one that is missing costs nothing.
    prices: HashMap<String, Price>,
    budgets: Budgets,
    /// By what bought it, so that a run's end can take its own along.
    unwritten: Mutex<HashMap<(Option<RunId>, SpendKey), Spend>>,
}

impl Ledger {
    pub fn open(config: &Config, store: &Store, clock: &Clock) -> Result<Self> {
        let ledger = Self {
            store: store.clone(),
            clock: clock.clone(),
            prices: policy::prices(&config.chat).collect(),
            budgets: Budgets::new(&config.budgets, clock.now()),
            unwritten: Mutex::default(),
        };
        ledger.read_budgets()?;
        Ok(ledger)
    }

    /// What a run bought, for the commit that ends it.
    pub fn take_of_run(&self, run: RunId) -> Vec<Statement> {
        let mut unwritten = self.unwritten.lock();
        let own = unwritten.extract_if(|(by, _), _| *by == Some(run));
        own.map(|((_, key), spend)| spend_add(&key, spend)).collect()
    }

    /// Writes all that waits; what cannot be written goes on waiting.
    pub fn write(&self) -> Result<usize> {
        let taken = std::mem::take(&mut *self.unwritten.lock());
        let written = self.store.spend_note(taken.iter().map(|((_, key), spend)| (key, spend)));
        let count = taken.len();
        if written.is_err() {
            let mut unwritten = self.unwritten.lock();
            taken.into_iter().for_each(|(key, spend)| *unwritten.entry(key).or_default() += spend);
        }
        written.map(|()| count)
    }

    /// Every budget, as it stands now.
    pub fn standings(&self) -> Vec<Standing> {
        self.budgets.standings(self.clock.now())
    }

    /// Who is in a group, and who has a name, may change.
    fn read_budgets(&self) -> Result<()> {
        let now = self.clock.now();
        let payer = |key: &SpendKey| Payer {
            workspace: key.workspace,
            owner: key.owner.clone(),
            run: None,
            began_at: now,
        };
        let unwritten: Vec<_> =
            self.unwritten.lock().iter().map(|((_, key), spend)| (payer(key), spend.nano_usd)).collect();
        self.budgets.read(&self.store, &unwritten, now)
    }

    fn book(&self, payer: &Payer, attempt: &Attempt) -> u64 {
        let (usage, now) = (attempt.usage, self.clock.now());
        let nano_usd = self.price(&attempt.model).nano_usd(usage);
        let key = SpendKey {
            day: Day::of(now),
            workspace: payer.workspace,
            owner: payer.owner.clone(),
            model: attempt.model.clone(),
        };
        let (prompt_tokens, completion_tokens) = (usage.prompt_tokens, usage.completion_tokens);
        let spend = Spend { calls: 1, prompt_tokens, completion_tokens, nano_usd };
        *self.unwritten.lock().entry((payer.run, key)).or_default() += spend;
        self.budgets.spend(payer, nano_usd, now);
        nano_usd
    }

    fn price(&self, model: &str) -> Price {
        self.prices.get(model).copied().unwrap_or_default()
    }

    fn payer(&self) -> Payer {
        let paying = PAYING.with_borrow(|paying| paying.as_ref().map(|(payer, _)| payer.clone()));
        paying.unwrap_or_else(|| Payer::server(self.clock.now()))
    }
}

impl Observer for Ledger {
    /// An attempt that used nothing was not answered.
    fn call(&self, report: &CallReport<'_>) {
        let payer = self.payer();
        let answered = report.attempts.iter().filter(|attempt| attempt.outcome == "done");
        let (mut calls, mut nano_usd) = (0, 0_u64);
        for attempt in answered {
            calls += 1;
            nano_usd = nano_usd.saturating_add(self.book(&payer, attempt));
        }
        PAYING.with_borrow_mut(|paying| {
            for (_, bought) in paying.iter_mut() {
                bought.calls += calls;
                bought.nano_usd = bought.nano_usd.saturating_add(nano_usd);
            }
        });
    }
}

impl Purse for Ledger {
    fn check(&self, model: &str) -> Result<()> {
        if self.price(model).is_free() {
            return Ok(());
        }
        self.budgets.check(&self.payer(), self.clock.now())
    }
}

/// Writes what waits every few seconds until the shutdown; what comes after that is written at the end of the process.
pub fn run(ledger: &Ledger, shutdown: &Shutdown) {
    while !shutdown.is_requested() {
        // A failure is noted and logged there; the next round tries again.
        let _ = round(&ledger.clock, "keep-spend", || {
            let count = ledger.write()?;
            ledger.read_budgets()?;
            Ok(format!("{count} sums of what models cost were written"))
        });
        shutdown.wait_timeout(WRITE_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ibid_config::Layers;
    use ibid_model::Kind;
    use ibid_store::{SpendBy, SpendOf, Sqlite, SqliteConfig};
    use ibid_types::answer::Usage;

    use super::*;

    const MODELS: &str = "chat.models=[{name='paid', provider='openai', url='http://h', model='m', \
        usd_per_million_prompt_tokens=1000.0, usd_per_million_completion_tokens=2000.0}, \
        {name='free', provider='openai', url='http://h', model='m'}]";
    const BUDGET: &str = "budgets=[{name='all', of='everybody', usd_per_month=0.03, stop=true}]";

    struct House {
        ledger: Ledger,
        clock: Clock,
        _dir: tempfile::TempDir,
    }

    fn house() -> House {
        let mut layers = Layers::defaults().unwrap();
        [MODELS, BUDGET].iter().for_each(|flag| layers.flag(flag));
        let (dir, clock) =
            (tempfile::tempdir().unwrap(), Clock::manual("2026-11-30T23:00:00Z".parse().unwrap()));
        let db = Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap();
        let store = Store::new(Arc::new(db), clock.clone());
        let ledger = Ledger::open(&layers.finish().unwrap().0, &store, &clock).unwrap();
        House { ledger, clock, _dir: dir }
    }

    impl House {
        /// A call that is answered by a model: 7 tokens read, 5 written.
        fn call(&self, model: &str) {
            let usage = Usage { prompt_tokens: 7, completion_tokens: 5 };
            let attempt = |model: &str, outcome, usage| Attempt {
                model: model.to_owned(),
                kind: Kind::Chat,
                outcome,
                usage,
                took: Duration::ZERO,
                first_token: None,
            };
            let attempts =
                [attempt("paid", "provider_busy", Usage::default()), attempt(model, "done", usage)];
            let report =
                CallReport { route: "r", model: Some(model), usage, attempts: &attempts, outcome: "done" };
            self.ledger.call(&report);
        }

        fn sums(&self, by: SpendBy) -> Vec<(SpendOf, Spend)> {
            self.ledger.store.spend_by(by, Day(0), Day(i64::MAX)).unwrap()
        }

        fn payer(&self, run: Option<RunId>) -> Payer {
            Payer { run, owner: "user:a".to_owned(), ..Payer::server(self.clock.now()) }
        }
    }

    #[test]
    fn the_model_that_answered_is_booked_on_whoever_asked() {
        let house = house();
        let ((), bought) = on_account_of(house.payer(None), || {
            house.call("paid");
            house.call("free");
        });
        assert_eq!(bought, Bought { calls: 2, nano_usd: 17_000_000 });
        house.call("free");
        assert_eq!(house.ledger.write().unwrap(), 3);
        let of_a = Spend { calls: 2, prompt_tokens: 14, completion_tokens: 10, nano_usd: 17_000_000 };
        assert_eq!(house.sums(SpendBy::Owner)[0], (SpendOf::Owner("user:a".to_owned()), of_a));
        assert_eq!(house.sums(SpendBy::Model)[1].1.nano_usd, 0);
        assert_eq!(house.ledger.write().unwrap(), 0);
    }

    #[test]
    fn what_a_run_bought_goes_with_its_end() {
        let house = house();
        let (run, other) = (RunId::new(), RunId::new());
        for run in [run, run, other] {
            on_account_of(house.payer(Some(run)), || house.call("paid"));
        }
        let statements = house.ledger.take_of_run(run);
        assert_eq!((statements.len(), house.ledger.take_of_run(run).len()), (1, 0));
        house.ledger.store.db().batch(statements).unwrap();
        assert_eq!(house.sums(SpendBy::Day)[0].1.calls, 2);
        house.ledger.write().unwrap();
        assert_eq!(house.sums(SpendBy::Day)[0].1.calls, 3);
    }

    #[test]
    fn only_what_costs_something_is_stopped_and_only_until_the_month_is_over() {
        let house = house();
        let check = |model| house.ledger.check(model).map_err(|error| error.code);
        house.call("paid");
        assert_eq!((check("paid"), check("free")), (Ok(()), Ok(())));
        house.call("paid");
        assert_eq!((check("paid"), check("free")), (Err("budget_used_up"), Ok(())));
        assert_eq!(house.ledger.standings()[0].spent_nano_usd, 34_000_000);
        house.clock.advance_ms(3_600_000);
        assert_eq!(check("paid"), Ok(()));
        assert_eq!(house.ledger.standings()[0].spent_nano_usd, 0);
    }

    #[test]
    fn a_process_that_starts_knows_what_was_spent() {
        let house = house();
        house.call("paid");
        house.call("paid");
        house.ledger.write().unwrap();
        let budget = house.ledger.standings().remove(0).budget;
        let anew = Budgets::new(&[budget], house.clock.now());
        anew.read(&house.ledger.store, &[], house.clock.now()).unwrap();
        assert!(anew.check(&Payer::server(house.clock.now()), house.clock.now()).is_err());
    }

    #[test]
    fn a_thread_goes_back_to_whoever_it_worked_for() {
        let house = house();
        let (outer, inner) = (house.payer(None), house.payer(Some(RunId::new())));
        let ((), bought) = on_account_of(outer, || {
            house.call("paid");
            assert_eq!(on_account_of(inner, || house.call("free")).1.calls, 1);
        });
        assert_eq!((bought.calls, house.ledger.payer().run), (1, None));
        let panics =
            std::panic::catch_unwind(|| on_account_of(Payer::server(Timestamp(0)), || panic!("a part")));
        assert!(panics.is_err());
        assert!(PAYING.with_borrow(Option::is_none));
    }
}
