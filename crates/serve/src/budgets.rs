//! Budgets of the configuration: what each has left, and whether a model that costs something may be asked.
//!
//! Keeps true: what is spent in one period never counts in another; within a period a budget that is used up stays so; who
//! began before that moment may go on to the end.

use std::collections::HashSet;

use ibid_config::Budget;
use ibid_store::Store;
use ibid_types::access::Holder;
use ibid_types::{Day, Error, Result, Timestamp, WorkspaceId};
use parking_lot::Mutex;

use crate::spend::{NANO, Payer};

/// All budgets, in the order of the configuration.
#[derive(Debug)]
pub struct Budgets {
    accounts: Mutex<Vec<Account>>,
}

/// How a budget stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub budget: Budget,
    pub spent_nano_usd: u64,
    pub state: State,
    /// The first day on which it is full again.
    pub until: Day,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Within,
    /// At its share of warning or above.
    Warning,
    UsedUp,
}

/// A budget with what was spent of it in the day or month that `period` begins.
#[derive(Debug)]
struct Account {
    budget: Budget,
    limit_nano_usd: u64,
    of: Of,
    period: Day,
    spent_nano_usd: u64,
    used_up_at: Option<Timestamp>,
}

/// Whose spending counts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Of {
    Everybody,
    Workspace(WorkspaceId),
    /// As owners of runs are written; empty where nobody has that name.
    Owners(HashSet<String>),
}

impl State {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Warning => "warning",
            Self::UsedUp => "used up",
        }
    }
}

impl Standing {
    /// Of what it grants, as a share.
    pub fn used(&self) -> f64 {
        self.spent_usd() / self.budget.usd()
    }

    pub fn spent_usd(&self) -> f64 {
        self.spent_nano_usd as f64 / NANO
    }
}

impl Budgets {
    pub fn new(budgets: &[Budget], now: Timestamp) -> Self {
        let accounts = budgets.iter().map(|budget| Account::new(budget.clone(), now)).collect();
        Self { accounts: Mutex::new(accounts) }
    }

    /// Learns anew whose each is, and what they spent by the store and by `unwritten`, which is not there yet.
    pub fn read(&self, store: &Store, unwritten: &[(Payer, u64)], now: Timestamp) -> Result<()> {
        let budgets: Vec<Budget> =
            self.accounts.lock().iter().map(|account| account.budget.clone()).collect();
        // Nobody who wants to ask a model waits for the store.
        for (place, budget) in budgets.iter().enumerate() {
            let of = Of::find(budget, store)?;
            let mut spent = store.spend_by_payer(period_at(budget, now))?;
            spent.extend(unwritten.iter().map(|(payer, nano)| (payer.workspace, payer.owner.clone(), *nano)));
            self.accounts.lock()[place].learn(of, &spent, now);
        }
        Ok(())
    }

    /// Counts what a payer spent.
    pub fn spend(&self, payer: &Payer, nano_usd: u64, now: Timestamp) {
        for account in self.accounts.lock().iter_mut().filter(|account| account.of.counts(payer)) {
            account.roll(now);
            account.set(account.spent_nano_usd.saturating_add(nano_usd), now);
        }
    }

    /// Whether a payer may ask what costs something. Error: `budget_used_up`.
    pub fn check(&self, payer: &Payer, now: Timestamp) -> Result<()> {
        let mut accounts = self.accounts.lock();
        let mut counting = accounts.iter_mut().filter(|account| account.of.counts(payer));
        counting.try_for_each(|account| account.check(payer, now))
    }

    pub fn standings(&self, now: Timestamp) -> Vec<Standing> {
        self.accounts.lock().iter_mut().map(|account| account.standing(now)).collect()
    }
}

impl Account {
    fn new(budget: Budget, now: Timestamp) -> Self {
        let limit_nano_usd = (budget.usd() * NANO) as u64;
        let of = Of::Everybody.unless(&budget);
        let mut account =
            Self { budget, limit_nano_usd, of, period: Day::default(), spent_nano_usd: 0, used_up_at: None };
        account.roll(now);
        account
    }

    /// Begins the period that `now` is in, if it has not begun.
    fn roll(&mut self, now: Timestamp) {
        let period = period_at(&self.budget, now);
        if period != self.period {
            (self.period, self.spent_nano_usd, self.used_up_at) = (period, 0, None);
        }
    }

    /// What is on its way to the store is in neither sum for a moment, so that of the same holder a sum does not shrink.
    fn learn(&mut self, of: Of, spent: &[(WorkspaceId, String, u64)], now: Timestamp) {
        self.roll(now);
        let own = spent.iter().filter(|(workspace, owner, _)| of.has(*workspace, owner));
        let sum = own.fold(0_u64, |sum, (_, _, nano)| sum.saturating_add(*nano));
        let is_same = of == self.of;
        self.of = of;
        if is_same {
            self.set(sum.max(self.spent_nano_usd), now);
        } else {
            self.used_up_at = None;
            self.set(sum, now);
        }
    }

    fn set(&mut self, spent_nano_usd: u64, now: Timestamp) {
        self.spent_nano_usd = spent_nano_usd;
        if spent_nano_usd >= self.limit_nano_usd {
            self.used_up_at.get_or_insert(now);
        }
    }

    fn check(&mut self, payer: &Payer, now: Timestamp) -> Result<()> {
        self.roll(now);
        let is_too_late = self.used_up_at.is_some_and(|used_up_at| payer.began_at >= used_up_at);
        if !self.budget.stop || !is_too_late {
            return Ok(());
        }
        let what = format!("the budget {} is used up until {}", self.budget.name, self.until());
        Err(Error::unavailable("budget_used_up", what))
    }

    fn until(&self) -> Day {
        if self.budget.is_monthly() { self.period.next_month() } else { self.period.plus(1) }
    }

    fn standing(&mut self, now: Timestamp) -> Standing {
        self.roll(now);
        let percent = self.spent_nano_usd as f64 * 100.0 / self.limit_nano_usd as f64;
        let state = match self.used_up_at {
            Some(_) => State::UsedUp,
            None if percent >= f64::from(self.budget.warn_percent) => State::Warning,
            None => State::Within,
        };
        let (spent_nano_usd, until) = (self.spent_nano_usd, self.until());
        Standing { budget: self.budget.clone(), spent_nano_usd, state, until }
    }
}

/// The day that begins the period that `now` is in.
fn period_at(budget: &Budget, now: Timestamp) -> Day {
    let today = Day::of(now);
    if budget.is_monthly() { today.month_start() } else { today }
}

impl Of {
    /// Nobody until it is known who, where it is not everybody's.
    fn unless(self, budget: &Budget) -> Self {
        if budget.holder().is_some() { Self::Owners(HashSet::new()) } else { self }
    }

    fn find(budget: &Budget, store: &Store) -> Result<Self> {
        let Some((kind, name)) = budget.holder() else { return Ok(Self::Everybody) };
        let owners = match kind {
            "workspace" => {
                let found = store.workspace_find(name)?;
                return Ok(found.map_or(Self::Owners(HashSet::new()), |found| Self::Workspace(found.id)));
            }
            "user" => store.user_named(name)?.map(|user| Holder::User(user.id)).into_iter().collect(),
            "group" => members(store, name)?,
            _ => keys(store, name)?,
        };
        Ok(Self::Owners(owners.iter().map(ToString::to_string).collect()))
    }

    fn counts(&self, payer: &Payer) -> bool {
        self.has(payer.workspace, &payer.owner)
    }

    fn has(&self, workspace: WorkspaceId, owner: &str) -> bool {
        match self {
            Self::Everybody => true,
            Self::Workspace(id) => *id == workspace,
            Self::Owners(owners) => owners.contains(owner),
        }
    }
}

fn members(store: &Store, name: &str) -> Result<Vec<Holder>> {
    let group = store.group_list()?.into_iter().find(|group| group.name == name);
    Ok(group.into_iter().flat_map(|group| group.members).map(Holder::User).collect())
}

fn keys(store: &Store, name: &str) -> Result<Vec<Holder>> {
    let named = store.key_list()?.into_iter().filter(|key| key.name == name);
    Ok(named.map(|key| Holder::Key(key.id)).collect())
}

#[cfg(test)]
mod tests {
    use ibid_runtime::Clock;

    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn monthly(usd: f64, stop: bool) -> Budget {
        let (name, of) = ("all".to_owned(), "everybody".to_owned());
        Budget { name, of, usd_per_month: usd, usd_per_day: 0.0, warn_percent: 80, stop }
    }

    fn clock(at: &str) -> Clock {
        Clock::manual(at.parse().unwrap())
    }

    fn payer(now: Timestamp) -> Payer {
        Payer { workspace: WorkspaceId::new(), owner: String::new(), run: None, began_at: now }
    }

    fn state(budgets: &Budgets, clock: &Clock) -> State {
        budgets.standings(clock.now())[0].state
    }

    #[test]
    fn a_budget_warns_is_used_up_and_is_full_again_next_month() {
        let clock = clock("2026-11-30T12:00:00Z");
        let budgets = Budgets::new(&[monthly(1.0, true)], clock.now());
        let check = |budgets: &Budgets| budgets.check(&payer(clock.now()), clock.now());
        budgets.spend(&payer(clock.now()), 790_000_000, clock.now());
        assert_eq!(state(&budgets, &clock), State::Within);
        budgets.spend(&payer(clock.now()), 10_000_000, clock.now());
        assert_eq!((state(&budgets, &clock), check(&budgets).is_ok()), (State::Warning, true));
        budgets.spend(&payer(clock.now()), 200_000_000, clock.now());
        let error = check(&budgets).unwrap_err();
        assert_eq!((error.code, state(&budgets, &clock)), ("budget_used_up", State::UsedUp));
        assert_eq!(error.message, "the budget all is used up until 2026-12-01");
        clock.advance_ms(DAY_MS / 2);
        assert_eq!((state(&budgets, &clock), check(&budgets).is_ok()), (State::Within, true));
        assert_eq!(budgets.standings(clock.now())[0].until.to_string(), "2027-01-01");
    }

    #[test]
    fn a_budget_of_a_day_lasts_until_midnight() {
        let clock = clock("2026-11-22T23:59:59Z");
        let daily = Budget { usd_per_month: 0.0, usd_per_day: 0.5, ..monthly(0.0, true) };
        let budgets = Budgets::new(&[daily], clock.now());
        budgets.spend(&payer(clock.now()), 600_000_000, clock.now());
        let standing = budgets.standings(clock.now()).remove(0);
        assert_eq!((standing.state, standing.until.to_string()), (State::UsedUp, "2026-11-23".to_owned()));
        assert!((standing.used() - 1.2).abs() < 1e-9);
        clock.advance_ms(1000);
        assert_eq!(state(&budgets, &clock), State::Within);
    }

    #[test]
    fn who_began_before_may_go_on_and_without_stop_everybody_may() {
        let clock = clock("2026-11-22T12:00:00Z");
        let before = payer(clock.now());
        clock.advance_ms(1);
        for stop in [true, false] {
            let budgets = Budgets::new(&[monthly(1.0, stop)], clock.now());
            budgets.spend(&before, 2_000_000_000, clock.now());
            assert!(budgets.check(&before, clock.now()).is_ok());
            assert_eq!(budgets.check(&payer(clock.now()), clock.now()).is_err(), stop);
        }
    }

    #[test]
    fn a_budget_is_of_its_holder_and_read_from_the_store() {
        let dir = tempfile::tempdir().unwrap();
        let clock = clock("2026-11-22T12:00:00Z");
        let db = ibid_store::Sqlite::open(ibid_store::SqliteConfig::new(dir.path().join("ibid.db"))).unwrap();
        let store = Store::new(std::sync::Arc::new(db), clock.clone());
        let (ada, ben) = (store.user_create("ada", None).unwrap(), store.user_create("ben", None).unwrap());
        let group = store.group_create("sales").unwrap();
        store.group_member(group.id, ada.id, true).unwrap();
        let legal = store.workspace_ensure("legal").unwrap();
        let of = |of: &str| Budget { name: of.to_owned(), of: of.to_owned(), ..monthly(1.0, true) };
        let all = ["user:ada", "user:ben", "group:sales", "workspace:legal", "user:nobody"].map(of);
        let budgets = Budgets::new(&all, clock.now());
        let owner = Holder::User(ada.id).to_string();
        let by_ada = Payer { workspace: legal.id, owner, ..payer(clock.now()) };
        budgets.read(&store, &[(by_ada.clone(), 2_000_000_000)], clock.now()).unwrap();
        let used_up = |budgets: &Budgets| {
            let standings = budgets.standings(clock.now());
            standings.iter().map(|standing| standing.state == State::UsedUp).collect::<Vec<_>>()
        };
        assert_eq!(used_up(&budgets), [true, false, true, true, false]);
        // What is on its way to the store is not forgotten; another member brings what they spent.
        budgets.read(&store, &[], clock.now()).unwrap();
        assert_eq!(used_up(&budgets), [true, false, true, true, false]);
        store.group_member(group.id, ada.id, false).unwrap();
        store.group_member(group.id, ben.id, true).unwrap();
        budgets.read(&store, &[], clock.now()).unwrap();
        assert_eq!(used_up(&budgets), [true, false, false, true, false]);
    }
}
