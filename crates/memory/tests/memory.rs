//! From what is told to what is known, and to its being forgotten.
#![allow(clippy::unwrap_used)]

mod support;

use ibid_memory::{FactChange, Forget, Named, NewEpisode, NewFact, Object};
use ibid_types::memory::{Cause, Consent, EntityKind, EpisodeKind, Owner, Sensitivity, Span};
use ibid_types::{FactId, Timestamp};

use support::{DAY, Home};

fn lives_in(place: &str, from: &str) -> NewFact {
    let object = Object::Entity(Named::new(place, EntityKind::Place));
    let said = Span::new(Some(from.parse().unwrap()), None);
    let statement = format!("Ada Marlow lives in {place}.");
    let subject = Named::new("Ada Marlow", EntityKind::Person);
    NewFact { said, single_valued: true, ..NewFact::new(subject, "LIVE_IN", object, statement) }
}

#[test]
fn every_fact_shows_the_words_it_came_from() {
    let home = Home::new();
    let text = "Ada Marlow works at Initech since 2019. The billing service depends on Redis.";
    let episode = home.note(text);
    let facts = home.facts();
    assert!(facts.len() >= 2, "{facts:?}");
    let ids: Vec<FactId> = facts.iter().map(|fact| fact.id).collect();
    for source in home.store.sources_of(&ids).unwrap() {
        assert_eq!(source.episode, episode);
        let said = &text[source.start..source.end];
        let fact = facts.iter().find(|fact| fact.id == source.fact).unwrap();
        assert!(said.contains(fact.stated.statement.as_str()), "{said} / {}", fact.stated.statement);
    }
    assert!(facts.iter().any(|fact| fact.stated.relation == "DEPENDS_ON"), "{facts:?}");
    let job = facts.iter().find(|fact| fact.stated.relation.starts_with("WORK")).unwrap();
    assert_eq!(job.valid, Span::new(Some("2019-01-01".parse().unwrap()), None));
}

#[test]
fn small_talk_leaves_no_facts() {
    let home = Home::new();
    for talk in ["Hi there! How are you today?", "Haha, thanks a lot, see you!", "Good morning."] {
        home.note(talk);
    }
    assert_eq!(home.facts(), []);
}

#[test]
fn a_newer_fact_ends_an_older_one_and_both_stay_to_be_asked_for() {
    let home = Home::new();
    home.memory.relate(home.scope(), vec![lives_in("Paris", "2020-01-01")]).unwrap();
    let before = home.clock.now();
    home.clock.advance_ms(DAY);
    home.memory.relate(home.scope(), vec![lives_in("Rome", "2026-01-01")]).unwrap();
    let said = |facts: Vec<ibid_types::memory::Fact>| {
        facts.into_iter().map(|fact| fact.stated.statement).collect::<Vec<_>>()
    };
    let at = |day: &str| Some(day.parse::<Timestamp>().unwrap());
    assert_eq!(said(home.facts_as_of(at("2026-03-01"), None)), ["Ada Marlow lives in Rome."]);
    assert_eq!(said(home.facts_as_of(at("2025-03-01"), None)), ["Ada Marlow lives in Paris."]);
    assert_eq!(said(home.facts_as_of(at("2026-03-01"), Some(before))), ["Ada Marlow lives in Paris."]);
    let conflicts = home.store.fact_conflicts(home.workspace, &[Owner::Machine], 10).unwrap();
    assert_eq!((conflicts.len(), conflicts[0].cause), (1, Cause::Closed));
}

#[test]
fn what_is_said_twice_is_one_fact_with_two_sources() {
    let home = Home::new();
    home.memory.relate(home.scope(), vec![lives_in("Paris", "2020-01-01")]).unwrap();
    let again = home.memory.relate(home.scope(), vec![lives_in("paris", "2021-01-01")]).unwrap();
    assert_eq!((again.merged, again.entities_new, home.facts().len()), (1, 0, 1));
    assert_eq!(home.store.sources_of(&again.facts).unwrap().len(), 2);
}

#[test]
fn what_says_the_same_in_other_words_is_one_fact_and_two_values_are_not() {
    let home = Home::new();
    home.note("The billing service depends on Redis.");
    home.note("The billing service really depends on Redis.");
    assert_eq!(home.facts().len(), 1, "{:?}", home.facts());
    assert_eq!(home.store.sources_of(&[home.facts()[0].id]).unwrap().len(), 2);
    home.note("The billing service depends on Kafka.");
    assert_eq!(home.facts().len(), 2);
}

#[test]
fn a_person_overrules_corrects_and_takes_back() {
    let home = Home::new();
    let day = "2026-01-01";
    let first =
        home.memory.relate(home.scope(), vec![lives_in("Paris", day), lives_in("Rome", day)]).unwrap().facts;
    let now =
        || home.facts_as_of(Some(home.clock.now()), None).into_iter().map(|fact| fact.id).collect::<Vec<_>>();
    assert_eq!(now(), [first[1]]);
    home.clock.advance_ms(DAY);
    home.memory.overrule(home.scope(), first[0]).unwrap();
    assert_eq!(now(), [first[0]]);
    home.clock.advance_ms(DAY);
    let change = FactChange { importance: Some(0.9), ..FactChange::default() };
    let changed = home.memory.change(home.scope(), first[0], change).unwrap();
    assert_eq!((changed.importance, changed.cause), (0.9, Cause::Edited));
    home.clock.advance_ms(DAY);
    home.memory.retract(home.scope(), first[0]).unwrap();
    assert_eq!(now(), [first[1]], "what it had ended goes on");
    assert_eq!(home.memory.retract(home.scope(), first[0]).unwrap_err().code, "fact_gone");
}

#[test]
fn what_is_not_theirs_is_not_there() {
    let home = Home::new();
    let fact = home.memory.relate(home.scope(), vec![lives_in("Paris", "2020-01-01")]).unwrap().facts[0];
    let other = ibid_memory::Scope { owner: Owner::Shared, ..home.scope() };
    assert_eq!(home.memory.retract(other, fact).unwrap_err().code, "fact_unknown");
    assert_eq!(home.memory.forget(other, Forget::Fact(fact), &()).unwrap_err().code, "fact_unknown");
}

#[test]
fn consent_is_honoured_at_once() {
    let home = Home::new();
    let turn = || NewEpisode { kind: EpisodeKind::Turn, ..NewEpisode::note("I work at Initech.") };
    let tell = |episode| home.memory.remember(home.workspace, Owner::Machine, vec![episode]);
    assert_eq!(tell(turn()).unwrap_err().code, "memory_consent", "nobody was asked");
    tell(NewEpisode::note("I work at Initech.")).unwrap();
    home.store.consent_set(Owner::Machine, Consent::Off).unwrap();
    while home.memory.work().unwrap() > 0 {}
    assert_eq!(home.facts(), [], "it was taken back before the note was read");
    assert_eq!(tell(NewEpisode::note("I like tea.")).unwrap_err().code, "memory_consent");
    home.store.consent_set(Owner::Machine, Consent::On).unwrap();
    home.tell(turn());
    assert!(!home.facts().is_empty());
}

#[test]
fn sending_twice_is_sending_once() {
    let home = Home::new();
    let named =
        || NewEpisode { name: Some("note-7".to_owned()), ..NewEpisode::note("The API depends on Redis.") };
    assert_eq!(home.tell(named()), home.tell(named()));
    assert_eq!(home.facts().len(), 1);
}

#[test]
fn what_is_wrong_is_refused() {
    let home = Home::new();
    let tell =
        |episode| home.memory.remember(home.workspace, Owner::Machine, vec![episode]).unwrap_err().code;
    assert_eq!(tell(NewEpisode::note("  ")), "episode_empty");
    assert_eq!(tell(NewEpisode::note("x".repeat(1 << 20))), "episode_too_large");
    assert_eq!(
        tell(NewEpisode { zone: Some("Mars/Base".to_owned()), ..NewEpisode::note("x") }),
        "zone_unknown"
    );
    let many = vec![NewEpisode::note("x"); 1001];
    assert_eq!(
        home.memory.remember(home.workspace, Owner::Machine, many).unwrap_err().code,
        "episodes_too_many"
    );
    let backwards = NewFact {
        said: Span::new(Some(Timestamp(5)), Some(Timestamp(4))),
        ..lives_in("Paris", "2020-01-01")
    };
    assert_eq!(home.memory.relate(home.scope(), vec![backwards]).unwrap_err().code, "fact_times");
}

#[test]
fn secrets_never_reach_a_row() {
    let home = Home::new();
    let secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    home.note(&format!("The deploy token is {secret}. The deploy depends on GitHub."));
    assert_eq!(home.files_with(secret), Vec::<String>::new());
    assert!(home.facts().iter().all(|fact| !fact.stated.statement.contains("ghp_")));
}

#[test]
fn what_a_life_is_about_is_marked() {
    let home = Home::new();
    home.note("Ada Marlow was diagnosed with diabetes. The billing service depends on Redis.");
    let of = |word: &str| {
        home.facts()
            .into_iter()
            .find(|fact| fact.stated.statement.contains(word))
            .map(|fact| fact.sensitivity)
    };
    assert_eq!((of("diabetes"), of("Redis")), (Some(Sensitivity::Sensitive), Some(Sensitivity::Ordinary)));
}

#[test]
fn forgetting_a_fact_leaves_no_byte_of_it() {
    let home = Home::new();
    home.note("Zebulon Quatermass works at Initech. The billing service depends on Redis.");
    let fact = home.facts().into_iter().find(|fact| fact.stated.statement.contains("Quatermass")).unwrap();
    assert!(!home.files_with("Quatermass").is_empty(), "it was there");
    let receipt = home.memory.forget(home.scope(), Forget::Fact(fact.id), &()).unwrap();
    assert_eq!(home.files_with("Quatermass"), Vec::<String>::new());
    assert!(
        !receipt.body.contains("Quatermass") && receipt.body.contains("\"what\":\"fact\""),
        "{}",
        receipt.body
    );
    assert!(
        home.facts().iter().any(|fact| fact.stated.relation == "DEPENDS_ON"),
        "the other sentence is still known"
    );
    let kept = home.store.receipt_list(home.workspace, &[Owner::Machine], 10).unwrap();
    assert_eq!(kept, [receipt]);
}

#[test]
fn forgetting_an_entity_takes_every_sentence_that_names_it() {
    let home = Home::new();
    home.note("Zebulon Quatermass works at Initech.");
    home.note("We met yesterday. Then zebulon quatermass laughed! It was late.");
    let entity = home.store.entities_of(home.workspace, &[Owner::Machine]).unwrap();
    let entity = entity.into_iter().find(|entity| entity.known.name.contains("Quatermass")).unwrap();
    home.memory.forget(home.scope(), Forget::Entity(entity.id), &()).unwrap();
    assert_eq!(home.files_with("quatermass"), Vec::<String>::new());
    assert!(home.files_with("It was late").len() == 1);
}

#[test]
fn forgetting_a_time_and_all() {
    let home = Home::new();
    home.note("Zebulon Quatermass works at Initech.");
    home.clock.advance_ms(2 * DAY);
    let from = home.clock.now();
    home.note("Yolanda Birdwhistle works at Initrode.");
    home.clock.advance_ms(DAY);
    home.memory.forget(home.scope(), Forget::Range(from, home.clock.now()), &()).unwrap();
    assert_eq!((home.files_with("Birdwhistle").len(), home.files_with("Quatermass").len()), (0, 1));
    home.memory.forget(home.scope(), Forget::Everything, &()).unwrap();
    assert_eq!(home.files_with("Quatermass"), Vec::<String>::new());
    assert_eq!(
        home.store.memory_counts(home.workspace, &[Owner::Machine]).unwrap(),
        ibid_store::Forgotten::default()
    );
    home.note("Zebulon Quatermass works at Initech.");
    assert_eq!(home.facts().len(), 1, "it may be told again");
}

#[test]
fn what_nobody_uses_leaves_recall_and_then_goes() {
    let home = Home::new();
    home.memory.relate(home.scope(), vec![lives_in("Paris", "2020-01-01")]).unwrap();
    home.store.consent_set(Owner::Machine, Consent::On).unwrap();
    home.tell(NewEpisode {
        kind: EpisodeKind::Turn,
        ..NewEpisode::note("The billing service depends on Redis.")
    });
    home.clock.advance_ms(31 * DAY);
    let faded = home.memory.fade().unwrap();
    assert_eq!((faded.archived, faded.episodes, faded.facts), (0, 1, 0), "turns are kept for 30 days");
    assert_eq!(home.facts().len(), 2, "what was found in one stays");
    home.clock.advance_ms(400 * DAY);
    assert_eq!(home.memory.fade().unwrap().archived, 2);
    assert_eq!(home.facts(), []);
    home.clock.advance_ms(91 * DAY);
    assert_eq!(home.memory.fade().unwrap().facts, 2);
    assert_eq!(
        home.files_with("Marlow lives"),
        [home.folder.path().join("ibid.db").display().to_string()],
        "the note itself was asked for"
    );
}

#[test]
fn taking_a_file_in_twice_is_taking_it_in_once() {
    let home = Home::new();
    let lines = "{\"text\": \"The API depends on Redis.\"}\n{\"subject\": \"Ada\", \"relation\": \"likes\", \"object_text\": \"tea\"}\n";
    let counts = || {
        let imported = home.memory.import(home.scope(), None, lines).unwrap();
        assert!(imported.rejected.is_empty(), "{imported:?}");
        while home.memory.work().unwrap() > 0 {}
        home.store.memory_counts(home.workspace, &[Owner::Machine]).unwrap()
    };
    let once = counts();
    assert_eq!((once.episodes, once.facts), (2, 2));
    assert_eq!(counts(), once);
}
