//! Events of editors: all are kept, those that say something are read.
#![allow(clippy::unwrap_used)]

mod support;

use ibid_memory::{Event, NewEpisode, Observed};
use ibid_types::memory::{Consent, Episode, EpisodeKind, Owner};

use support::Home;

fn event(text: &str, name: Option<&str>, says_something: bool) -> Event {
    let name = name.map(str::to_owned);
    Event { told: NewEpisode { kind: EpisodeKind::Event, name, ..NewEpisode::note(text) }, says_something }
}

fn observe(home: &Home, events: Vec<Event>) -> Observed {
    home.memory.observe(home.workspace, Owner::Machine, events).unwrap()
}

fn kept(home: &Home) -> Vec<Episode> {
    let owners = vec![Owner::Machine];
    let query = ibid_store::EpisodesQuery { owners, limit: 500, ..ibid_store::EpisodesQuery::default() };
    home.store.episode_list(home.workspace, &query).unwrap().items
}

#[test]
fn what_says_nothing_is_kept_and_not_read() {
    let home = Home::new();
    let noise = (0..300).map(|number| event(&format!("save src/file{number}.rs"), None, false)).collect();
    assert_eq!(observe(&home, noise), Observed { new: 300, to_read: 0 });
    assert_eq!(home.memory.work().unwrap(), 0, "there is no job");
    assert_eq!(kept(&home).len(), 300);
    assert!(kept(&home).iter().all(|episode| episode.importance.is_some_and(|importance| importance < 0.1)));
    assert!(kept(&home).iter().all(|episode| episode.archived_at.is_some()), "it is no part of recall");
}

#[test]
fn what_says_something_is_read_behind_it() {
    let home = Home::new();
    let said = event("The billing service depends on Redis.", None, true);
    let observed = observe(&home, vec![event("save a.rs", None, false), said]);
    assert_eq!(observed, Observed { new: 2, to_read: 1 });
    assert_eq!(home.facts(), [], "nothing is read in front of whoever sends it");
    while home.memory.work().unwrap() > 0 {}
    assert!(home.facts().iter().any(|fact| fact.stated.relation == "DEPENDS_ON"), "{:?}", home.facts());
}

#[test]
fn a_flood_is_read_in_parts() {
    let home = Home::new();
    let told = (0..450).map(|number| event(&format!("The service {number} is fine."), None, true)).collect();
    assert_eq!(observe(&home, told).to_read, 450);
    assert_eq!(home.memory.work().unwrap(), 3);
    assert!(kept(&home).iter().all(|episode| episode.importance.is_some()));
}

#[test]
fn sending_twice_is_sending_once_also_in_one_batch() {
    let home = Home::new();
    let one = || event("save a.rs", Some("1"), false);
    assert_eq!(observe(&home, vec![one(), one(), event("save b.rs", None, false)]).new, 2);
    assert_eq!(observe(&home, vec![one()]).new, 0);
    assert_eq!(kept(&home).len(), 2);
}

#[test]
fn of_who_allows_nothing_nothing_is_kept() {
    let home = Home::new();
    home.store.consent_set(Owner::Machine, Consent::Off).unwrap();
    let refused = home.memory.observe(home.workspace, Owner::Machine, vec![event("save a.rs", None, false)]);
    assert_eq!((refused.unwrap_err().code, kept(&home).len()), ("memory_consent", 0));
}
