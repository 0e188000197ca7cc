//! A memory index as its callers see it: what is found, by whom, and what is left after a removal.

use ibid_types::Timestamp;
use proptest::prelude::*;

use super::*;

const DIMENSIONS: usize = 4;
const HOUR_MS: i64 = 3600 * 1000;

fn id(number: u8) -> [u8; 16] {
    [number; 16]
}

fn fact(number: u8, owner: &str, text: &str) -> Item {
    Item::new(Key::new(Kind::Fact, id(number)), owner, text)
}

fn turn(ordinal: u8, speaker: &str, text: &str) -> Item {
    Item {
        speaker: Some(speaker.to_owned()),
        at: Some(Timestamp(i64::from(ordinal) * 1000)),
        place: Some(Place { series: id(9), ordinal: u32::from(ordinal) }),
        ..Item::new(Key::new(Kind::Episode, id(ordinal)), "ann", text)
    }
}

fn person(number: u8, name: &str) -> Item {
    Item {
        names: vec![name.to_owned()],
        class: "person".to_owned(),
        ..Item::new(Key::new(Kind::Entity, id(number)), "ann", "")
    }
}

fn memory(items: &[Item]) -> Memory {
    let memory = Memory::new(DIMENSIONS);
    memory.apply(&items.iter().map(|item| Change::Put(Box::new(item.clone()))).collect::<Vec<_>>());
    memory
}

fn of(owner: &str) -> Filter {
    Filter { owners: vec![owner.to_owned()], ..Filter::default() }
}

/// The ids of what is found by words, best first.
fn found(memory: &Memory, question: &str, filter: &Filter) -> Vec<u8> {
    let snapshot = memory.snapshot();
    let reading = snapshot.read(question, None, &snapshot.reachable(filter));
    let within = snapshot.eligible(filter);
    let statistics = snapshot.statistics(&reading, &within);
    let found = snapshot.lexical(&reading, &statistics, &within, 10);
    found.iter().filter_map(|scored| Some(snapshot.key(scored.slot)?.id[0])).collect()
}

fn measured(memory: &Memory, question: &str, vectors: Vectors<'_>, filter: &Filter) -> Vec<Measured> {
    let snapshot = memory.snapshot();
    let reading = snapshot.read(question, None, &snapshot.reachable(filter));
    let within = snapshot.eligible(filter);
    let slots: Vec<u32> = within.iter().collect();
    let statistics = snapshot.statistics(&reading, &within);
    snapshot.measure(&reading, &statistics, vectors, &slots, &within)
}

#[test]
fn words_are_stemmed_and_rare_ones_count_more() {
    let memory = memory(&[
        fact(1, "ann", "Ann paints sunsets"),
        fact(2, "ann", "Ann painted a barn"),
        fact(3, "ann", "Ann sleeps"),
    ]);
    assert_eq!(found(&memory, "painting a sunset", &of("ann"))[0], 1);
    assert_eq!(found(&memory, "nothing alike", &of("ann")), [] as [u8; 0]);
}

#[test]
fn an_owner_that_is_not_named_is_not_seen() {
    let memory = memory(&[fact(1, "ann", "the red door"), fact(2, "bob", "the red door")]);
    assert_eq!(found(&memory, "red door", &of("ann")), [1]);
    assert_eq!(found(&memory, "red door", &Filter::default()), [] as [u8; 0]);
    assert_eq!(found(&memory, "red door", &of("carl")), [] as [u8; 0]);
}

#[test]
fn scores_do_not_tell_of_what_others_remember() {
    let own = [fact(1, "ann", "red door"), fact(2, "ann", "blue door")];
    let alone = measured(&memory(&own), "red door", Vectors::default(), &of("ann"));
    let others: Vec<Item> = (3..40).map(|number| fact(number, "bob", "a red red door")).collect();
    let among = measured(&memory(&[&own[..], &others].concat()), "red door", Vectors::default(), &of("ann"));
    assert_eq!(alone, among);
}

#[test]
fn facts_are_found_as_they_were_believed() {
    let at = |ms| Some(Timestamp(ms));
    let old = Item {
        believed: Period { from: at(10), to: at(20) },
        valid: Period { from: at(1), to: None },
        ..fact(1, "ann", "works here")
    };
    let new = Item {
        believed: Period { from: at(20), to: None },
        valid: Period { from: at(5), to: at(9) },
        ..fact(2, "ann", "works here")
    };
    let memory = memory(&[old, new]);
    let ask = |filter: Filter| {
        let mut ids = found(&memory, "works", &filter);
        ids.sort_unstable();
        ids
    };
    assert_eq!(ask(of("ann")), [2]);
    assert_eq!(ask(Filter { believed_at: at(15), ..of("ann") }), [1]);
    assert_eq!(ask(Filter { believed_at: at(20), ..of("ann") }), [2]);
    assert_eq!(ask(Filter { believed_at: at(20), valid_at: at(9), ..of("ann") }), [] as [u8; 0]);
    assert_eq!(ask(Filter { believed_at: at(15), valid_at: at(9), ..of("ann") }), [1]);
    assert_eq!(ask(Filter { from: at(9), ..of("ann") }), [] as [u8; 0]);
    assert_eq!(ask(Filter { to: at(6), ..of("ann") }), [2]);
}

#[test]
fn filters_narrow_to_kind_class_speaker_entity_and_importance() {
    let liked = Item {
        class: "preference".to_owned(),
        entities: vec![id(7)],
        importance: 0.8,
        ..fact(1, "ann", "likes red")
    };
    let memory =
        memory(&[liked, turn(2, "Bob", "likes red"), Item { archived: true, ..fact(3, "ann", "likes red") }]);
    let ask = |filter: Filter| {
        let mut ids = found(&memory, "likes red", &filter);
        ids.sort_unstable();
        ids
    };
    assert_eq!(ask(of("ann")), [1, 2]);
    assert_eq!(ask(Filter { archived: true, ..of("ann") }), [1, 2, 3]);
    assert_eq!(ask(Filter { kinds: vec![Kind::Episode], ..of("ann") }), [2]);
    assert_eq!(ask(Filter { classes: vec!["preference".to_owned()], ..of("ann") }), [1]);
    assert_eq!(ask(Filter { classes: vec!["joke".to_owned()], ..of("ann") }), [] as [u8; 0]);
    assert_eq!(ask(Filter { speaker: Some("Bob".to_owned()), ..of("ann") }), [2]);
    assert_eq!(ask(Filter { speaker: Some("Eve".to_owned()), ..of("ann") }), [] as [u8; 0]);
    assert_eq!(ask(Filter { entity: Some(id(7)), ..of("ann") }), [1]);
    assert_eq!(ask(Filter { entity: Some(id(8)), ..of("ann") }), [] as [u8; 0]);
    assert_eq!(ask(Filter { importance_min: 0.5, ..of("ann") }), [1]);
}

#[test]
fn an_episode_counts_with_its_neighbours() {
    let memory = memory(&[
        turn(1, "Bob", "Which instrument?"),
        turn(2, "Ann", "The cello."),
        turn(3, "Bob", "Nice."),
        turn(4, "Ann", "Bye."),
    ]);
    let all = measured(&memory, "instrument", Vectors::default(), &of("ann"));
    let around: Vec<bool> = all.iter().map(|one| one.bm25_around.unwrap() > 0.0).collect();
    assert_eq!(around, [true, true, true, false]);
    assert_eq!(all.iter().filter(|one| one.bm25 > 0.0).count(), 1);
    let ann = Filter { speaker: Some("Ann".to_owned()), ..of("ann") };
    assert!(
        measured(&memory, "instrument", Vectors::default(), &ann).iter().all(|one| one.terms_around == 0)
    );
}

#[test]
fn a_long_pause_ends_a_window() {
    let late = Item { at: Some(Timestamp(7 * HOUR_MS)), ..turn(2, "Ann", "The cello.") };
    let memory = memory(&[turn(1, "Bob", "Which instrument?"), late]);
    let all = measured(&memory, "instrument", Vectors::default(), &of("ann"));
    assert_eq!(all[1].bm25_around, None);
}

#[test]
fn the_window_of_vectors_is_their_weighted_mean() {
    let with = |item: Item, vector: [f32; 4]| Item { vector: Some(vector.to_vec()), ..item };
    let memory = memory(&[
        with(turn(1, "Bob", "a"), [1.0, 0.0, 0.0, 0.0]),
        with(turn(2, "Ann", "b"), [0.0, 1.0, 0.0, 0.0]),
    ]);
    let vectors = Vectors { plain: Some(&[2.0, 0.0, 0.0, 0.0]), retold: None };
    let all = measured(&memory, "x", vectors, &of("ann"));
    assert_eq!((all[0].cosine, all[1].cosine), (1.0, 0.0));
    let expected = 0.5 / 1.25_f32.sqrt();
    assert!((all[1].cosine_around.unwrap() - expected).abs() < 1e-3, "{:?}", all[1]);
}

#[test]
fn what_somebody_said_is_compared_with_the_retold_question() {
    let with = |item: Item| Item { vector: Some(vec![0.0, 1.0, 0.0, 0.0]), ..item };
    let memory = memory(&[with(turn(1, "Ann", "a")), with(fact(2, "ann", "b"))]);
    let vectors = Vectors { plain: Some(&[1.0, 0.0, 0.0, 0.0]), retold: Some(&[0.0, 1.0, 0.0, 0.0]) };
    let snapshot = memory.snapshot();
    let within = snapshot.eligible(&of("ann"));
    let scores: Vec<f32> = snapshot.dense(vectors, &within, 5).iter().map(|scored| scored.score).collect();
    assert_eq!(scores, [1.0, 0.0]);
    drop(snapshot);
    let all = measured(&memory, "x", vectors, &of("ann"));
    assert_eq!((all[0].cosine, all[1].cosine), (1.0, 0.0));
}

#[test]
fn a_question_is_read_by_what_its_owner_may_see() {
    let about = Item { entities: vec![id(50)], ..fact(3, "ann", "plays the cello") };
    let memory = memory(&[turn(1, "Carla", "I play the cello"), person(50, "Dora"), about]);
    let read = |question: &str, owner: &str| {
        let snapshot = memory.snapshot();
        snapshot.read(question, None, &snapshot.reachable(&of(owner)))
    };
    let carla = read("What does Carla play?", "ann");
    assert_eq!(
        (carla.names.as_slice(), carla.retold.as_deref()),
        (&["Carla".to_owned()][..], Some("What does I play?"))
    );
    assert!(read("What does Carla play?", "bob").retold.is_none());
    let dora = read("What does Dora play?", "ann");
    assert!(dora.retold.is_none() && dora.names_somebody());
    let named = |question: &str| -> Vec<u8> {
        let all = measured(&memory, question, Vectors::default(), &of("ann"));
        let snapshot = memory.snapshot();
        all.iter().filter(|one| one.is_of_named).map(|one| snapshot.key(one.slot).unwrap().id[0]).collect()
    };
    assert_eq!((named("What does Carla play?"), named("What does Dora play?")), (vec![1], vec![50, 3]));
}

#[test]
fn whoever_asks_of_themselves_is_the_one_asked_of() {
    let memory = memory(&[turn(1, "Carla", "the cello"), turn(2, "Bob", "the flute")]);
    let snapshot = memory.snapshot();
    let named =
        |question| snapshot.read(question, Some("Carla"), &snapshot.reachable(&of("ann"))).names_somebody();
    assert!(named("What do I play?") && !named("What is played?"));
}

#[test]
fn links_lead_from_a_name_to_what_names_it_and_on() {
    let link = |number, entities: &[u8]| Item {
        entities: entities.iter().map(|entity| id(*entity)).collect(),
        ..fact(number, "ann", "x")
    };
    let items = [person(50, "Dora"), person(51, "Eve"), link(1, &[50, 51]), link(2, &[51]), link(3, &[52])];
    let hidden = Item { owner: "bob".to_owned(), ..link(4, &[50]) };
    let memory = memory(&[&items[..], &[hidden]].concat());
    let snapshot = memory.snapshot();
    let filter = Filter { kinds: vec![Kind::Fact], ..of("ann") };
    let reading = snapshot.read("Dora", None, &snapshot.reachable(&filter));
    let linked = snapshot.linked(&reading, &snapshot.reachable(&filter), &snapshot.eligible(&filter), 10);
    let ids: Vec<u8> = linked.iter().map(|scored| snapshot.key(scored.slot).unwrap().id[0]).collect();
    assert_eq!(ids, [1, 2]);
    assert!(linked[0].score > linked[1].score);
}

#[test]
fn what_was_removed_is_held_nowhere() {
    let memory = memory(&[turn(1, "Carla", "the cello"), turn(2, "Bob", "the flute"), person(50, "Dora")]);
    memory.apply(&[
        Change::Remove(Key::new(Kind::Episode, id(1))),
        Change::Remove(Key::new(Kind::Entity, id(50))),
        Change::Remove(Key::new(Kind::Entity, id(77))),
    ]);
    let held = format!("{memory:?}").to_lowercase();
    for word in ["carla", "cello", "dora"] {
        assert!(!held.contains(word), "{word} is still held");
    }
    assert!(held.contains("bob") && memory.snapshot().len() == 1);
}

#[test]
fn a_turn_that_goes_lets_its_neighbours_meet() {
    let memory =
        memory(&[turn(1, "Bob", "Which instrument?"), turn(2, "Eve", "Hm."), turn(3, "Ann", "The cello.")]);
    memory.apply(&[Change::Remove(Key::new(Kind::Episode, id(2)))]);
    let all = measured(&memory, "instrument", Vectors::default(), &of("ann"));
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|one| one.terms_around == 1), "{all:?}");
}

#[test]
fn days_can_be_asked_for() {
    let may = Item { at: Some("2023-05-08".parse().unwrap()), ..turn(1, "Ann", "the pier") };
    let memory = memory(&[may, turn(2, "Ann", "the pier")]);
    assert_eq!(found(&memory, "the pier on May 8, 2023", &of("ann"))[0], 1);
}

/// What a memory gives for each of some questions, by key.
fn answers(memory: &Memory) -> Vec<(Key, String)> {
    let mut answers = Vec::new();
    for question in ["red door", "blue cat on May 1", "Ann red", "Who is Bob?"] {
        let all = measured(
            memory,
            question,
            Vectors { plain: Some(&[1.0, 2.0, 0.0, 0.0]), retold: None },
            &of("ann"),
        );
        let snapshot = memory.snapshot();
        for one in all {
            let key = snapshot.key(one.slot).unwrap();
            answers.push((key, format!("{question} {:?}", Measured { slot: 0, ..one })));
        }
    }
    answers.sort();
    answers
}

fn any_item() -> impl Strategy<Value = Item> {
    let words = proptest::sample::select(vec!["red", "blue", "door", "cat", "Ann", "Bob", "May"]);
    let text = proptest::collection::vec(words, 0..5);
    (0..3_u8, 0..6_u8, text, proptest::option::of(0..4_u32), 0..3_u8).prop_map(
        |(kind, number, text, place, more)| {
            let kind = [Kind::Episode, Kind::Fact, Kind::Entity][kind as usize];
            Item {
                speaker: (kind == Kind::Episode && more > 0)
                    .then(|| ["Ann", "Bob"][more as usize - 1].to_owned()),
                names: if kind == Kind::Entity {
                    text.iter().map(|name| (*name).to_owned()).collect()
                } else {
                    Vec::new()
                },
                vector: (more > 0).then(|| vec![f32::from(more), 1.0, 0.0, f32::from(number)]),
                place: place
                    .filter(|_| kind == Kind::Episode)
                    .map(|ordinal| Place { series: id(9), ordinal: ordinal * 10 + u32::from(number) }),
                entities: vec![id(more)],
                at: Some(Timestamp(i64::from(number))),
                ..Item::new(
                    Key::new(kind, id(number)),
                    if more == 2 { "bob" } else { "ann" },
                    &text.join(" "),
                )
            }
        },
    )
}

proptest! {
    /// Whatever was put, replaced and removed on the way, the index answers as one that holds only what is left.
    #[test]
    fn the_way_does_not_matter(items in proptest::collection::vec((any_item(), any::<bool>()), 1..40)) {
        let walked = Memory::new(DIMENSIONS);
        let mut left = std::collections::BTreeMap::new();
        for (item, stays) in items {
            let key = item.key;
            left.insert(key, item.clone());
            walked.apply(&[Change::Put(Box::new(item))]);
            if !stays {
                left.remove(&key);
                walked.apply(&[Change::Remove(key)]);
            }
        }
        let fresh = memory(&left.into_values().collect::<Vec<_>>());
        prop_assert_eq!(answers(&walked), answers(&fresh));
    }
}
