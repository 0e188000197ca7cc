//! What we know of relations: their common name, kind, weight, and whether a subject has one at a time.
//!
//! Keeps true: a relation that no list knows keeps its own name and is of the general kind.

use crate::found::{MemoryKind, RelationKind};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub name: String,
    pub kind: RelationKind,
    pub memory: MemoryKind,
    pub single_valued: bool,
    /// It holds for a while; others happen.
    pub is_state: bool,
    pub importance: f32,
    pub is_known: bool,
}

struct Row {
    forms: &'static str,
    /// Empty: each form keeps its name.
    name: &'static str,
    kind: RelationKind,
    memory: MemoryKind,
    single_valued: bool,
    is_state: bool,
    importance: f32,
}

pub(crate) fn rule(relation: &str) -> Rule {
    let row = ROWS.iter().find(|row| row.forms.split(' ').any(|form| form == relation));
    match row {
        Some(row) => Rule {
            name: if row.name.is_empty() { relation.to_owned() } else { row.name.to_owned() },
            kind: row.kind,
            memory: row.memory,
            single_valued: row.single_valued,
            is_state: row.is_state,
            importance: row.importance,
            is_known: true,
        },
        None => Rule {
            name: relation.to_owned(),
            kind: RelationKind::RelatesTo,
            memory: MemoryKind::Fact,
            single_valued: false,
            is_state: relation.starts_with("be_"),
            importance: 0.35,
            is_known: false,
        },
    }
}

/// What ends when this happens: "left Acme" ends working there.
pub(crate) fn ended_by(relation: &str) -> Option<&'static str> {
    ENDINGS.iter().find(|(forms, _)| forms.split(' ').any(|form| form == relation)).map(|(_, ended)| *ended)
}

const ENDINGS: &[(&str, &str)] = &[
    ("quit quit_from resign_from retire_from leave", "work_at"),
    ("move_out_of move_from move_away_from", "live_in"),
    ("sell donate give_away", "own"),
    ("divorce divorce_from split_from break_up_with split_up_with separate_from", "married_to"),
    ("cancel unsubscribe_from", "subscribe_to"),
];

const fn fact(
    forms: &'static str,
    name: &'static str,
    single_valued: bool,
    is_state: bool,
    importance: f32,
) -> Row {
    let (kind, memory) = (RelationKind::RelatesTo, MemoryKind::Fact);
    Row { forms, name, kind, memory, single_valued, is_state, importance }
}

const fn taste(forms: &'static str, importance: f32) -> Row {
    let (kind, memory) = (RelationKind::RelatesTo, MemoryKind::Preference);
    Row { forms, name: "", kind, memory, single_valued: false, is_state: true, importance }
}

const fn typed(forms: &'static str, name: &'static str, kind: RelationKind) -> Row {
    Row { forms, name, kind, memory: MemoryKind::Fact, single_valued: false, is_state: true, importance: 0.6 }
}

const fn insight(forms: &'static str) -> Row {
    let (kind, memory) = (RelationKind::RelatesTo, MemoryKind::Insight);
    Row { forms, name: "", kind, memory, single_valued: false, is_state: false, importance: 0.6 }
}

const fn concept(forms: &'static str, name: &'static str) -> Row {
    let (kind, memory) = (RelationKind::RelatesTo, MemoryKind::Concept);
    Row { forms, name, kind, memory, single_valued: false, is_state: true, importance: 0.55 }
}

const ROWS: &[Row] = &[
    fact("named be_called call_myself go_by", "named", true, true, 0.8),
    fact("work_at work_for employed_by employed_at start_at work_over_at", "work_at", true, true, 0.75),
    fact("work_as employed_as be_as", "work_as", true, true, 0.75),
    fact(
        "live_in live_at live_near reside_in move_to relocate_to settle_in based_in move_into",
        "live_in",
        true,
        true,
        0.75,
    ),
    fact("located_in situated_in", "located_in", true, true, 0.5),
    fact("married_to marry", "married_to", true, true, 0.8),
    fact("engaged_to", "", true, true, 0.75),
    fact("born_in born_on born_at", "", true, false, 0.75),
    fact("come_from be_from originate_from grow_up_in hail_from", "come_from", false, true, 0.65),
    fact("age", "", true, true, 0.6),
    fact("date", "", true, true, 0.6),
    fact("own", "", false, true, 0.6),
    fact("have have_got", "have", false, true, 0.4),
    fact("study_at study attend enroll_in enroll_at major_in", "", false, true, 0.6),
    fact("graduate_from graduate retire", "", false, false, 0.6),
    fact("join", "", false, false, 0.55),
    fact("work_in specialize_in specialise_in", "", false, true, 0.6),
    fact("be_to visit travel_to", "visit", false, false, 0.45),
    fact("manage supervise report_to responsible_for chair", "", false, true, 0.6),
    fact("found start create launch establish invent open", "", false, false, 0.5),
    fact("buy adopt purchase get receive rent", "", false, false, 0.45),
    fact(
        "want_to plan_to hope_to intend_to aim_to go_to_be plan want plan_on dream_of",
        "",
        false,
        true,
        0.5,
    ),
    fact("can_eat can_drink", "", false, true, 0.75),
    fact("need_to have_to must", "", false, true, 0.4),
    fact("allergic_to", "", false, true, 0.85),
    fact("suffer_from diagnosed_with recover_from", "", false, true, 0.75),
    fact("use speak", "", false, true, 0.5),
    fact("cost weigh expire_on due_on scheduled_for", "", true, true, 0.5),
    fact("is_a", "", false, true, 0.55),
    fact("be", "", false, true, 0.4),
    fact("win lose break hurt die pass_away", "", false, false, 0.5),
    taste("like love prefer hate dislike adore detest despise favor favour", 0.6),
    taste(
        "enjoy love_to like_to prefer_to hate_to fond_of into passionate_about interested_in keen_on addicted_to",
        0.55,
    ),
    taste("afraid_of scared_of good_at bad_at fan_of tired_of can_stand care_about", 0.5),
    typed("depend_on depend_upon rely_on require dependent_on", "depend_on", RelationKind::DependsOn),
    typed(
        "build_on build_upon based_on built_on extend derived_from built_with built_upon inspired_by",
        "",
        RelationKind::BuildsOn,
    ),
    typed(
        "contradict conflict_with incompatible_with disagree_with disprove refute inconsistent_with",
        "",
        RelationKind::Contradicts,
    ),
    typed("replace supersede deprecate override take_over_from", "", RelationKind::Supersedes),
    typed("part_of belong_to member_of included_in", "part_of", RelationKind::PartOf),
    typed("exception_to exempt_from excluded_from", "exception_to", RelationKind::ExceptionTo),
    typed("import invoke implement inherit_from", "", RelationKind::RelatesTo),
    insight(
        "learn realize realise discover conclude notice find_out figure_out decide decide_to learn_to turn_out agree_to agree_on learn_about",
    ),
    concept("mean stand_for refer_to defined_as known_as", ""),
];

/// "favourite colour", "job": what a person or thing has one of.
pub(crate) fn is_attribute(noun: &str) -> bool {
    ATTRIBUTES.contains(&noun)
}

const ATTRIBUTES: &[&str] = &[
    "name",
    "surname",
    "nickname",
    "job",
    "occupation",
    "profession",
    "birthday",
    "birthdate",
    "age",
    "address",
    "email",
    "phone",
    "number",
    "hometown",
    "nationality",
    "title",
    "status",
    "version",
    "deadline",
    "owner",
    "price",
    "color",
    "colour",
    "size",
    "employer",
    "major",
    "language",
    "timezone",
    "location",
    "role",
    "height",
    "weight",
    "pronouns",
    "goal",
    "dream",
    "hobby",
    "passion",
    "password",
    "diet",
    "budget",
    "capital",
    "host",
    "port",
    "branch",
    "license",
    "licence",
    "maintainer",
    "author",
    "salary",
    "username",
    "handle",
    "website",
    "religion",
];

/// Verbs that say little by themselves.
pub(crate) fn is_light(relation: &str) -> bool {
    let verb = relation.split('_').next().unwrap_or(relation);
    ["make", "give", "bring", "take", "put", "help", "find", "allow", "go", "come", "try", "add", "set"]
        .contains(&verb)
}

/// Verbs that say how somebody feels or speaks, not what is so.
pub(crate) fn is_small(lemma: &str) -> bool {
    SMALL.contains(&lemma)
}

const SMALL: &[&str] = &[
    "hope",
    "wish",
    "bet",
    "guess",
    "hear",
    "thank",
    "appreciate",
    "agree",
    "understand",
    "imagine",
    "wonder",
    "let",
    "sound",
    "seem",
    "think",
    "know",
    "say",
    "tell",
    "ask",
    "do",
    "see",
    "look",
    "feel",
    "believe",
    "suppose",
    "look_forward",
    "look_like",
    "seem_to",
    "wait",
    "wait_to",
    "apologize",
    "congratulate",
    "happen",
    "welcome",
    "bother",
    "talk",
    "chat",
    "try",
    "keep",
    "remember",
    "forget",
    "worry",
    "thank_for",
    "show",
    "matter",
    "blow",
    "touch",
    "inspire",
    "remind",
    "excite",
    "amaze",
    "impress",
    "count",
    "notice_that",
    "wonder_if",
    "hear_about",
    "agree_with",
    "admit",
    "expect",
    "like_that",
    "look_at",
    "check",
    "check_out",
    "hope_to",
    "send",
    "share",
    "go_on",
    "get_to",
    "mind",
];

/// What a verb in the passive is called, and whether who does it becomes the subject.
pub(crate) fn passive(lemma: &str, verb: &str, preposition: &str) -> (String, bool) {
    let name = match (lemma, preposition) {
        ("bear", _) => format!("born_{preposition}"),
        ("call" | "name", "") => "named".to_owned(),
        ("build", "on" | "upon" | "with") => format!("built_{preposition}"),
        (
            "own" | "use" | "write" | "found" | "build" | "create" | "manage" | "lead" | "replace"
            | "supersede" | "maintain" | "run" | "invent" | "paint" | "direct" | "design" | "develop"
            | "organize" | "call" | "override" | "make",
            "by",
        ) => {
            return (lemma.to_owned(), true);
        }
        ("marry", "") => "married".to_owned(),
        (_, "") => format!("be_{verb}"),
        _ => format!("{verb}_{preposition}"),
    };
    (name.trim_end_matches('_').to_owned(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_relation_have_one_name() {
        for (form, name) in
            [("work_for", "work_at"), ("move_to", "live_in"), ("rely_on", "depend_on"), ("zork", "zork")]
        {
            assert_eq!(rule(form).name, name);
        }
        assert!(rule("live_in").single_valued && !rule("like").single_valued);
        assert_eq!(rule("supersede").kind, RelationKind::Supersedes);
    }

    #[test]
    fn passives_are_named_or_turned() {
        assert_eq!(passive("bear", "born", "in"), ("born_in".to_owned(), false));
        assert_eq!(passive("replace", "replaced", "by"), ("replace".to_owned(), true));
        assert_eq!(passive("base", "based", "on"), ("based_on".to_owned(), false));
        assert_eq!(passive("diagnose", "diagnosed", "with"), ("diagnosed_with".to_owned(), false));
        assert_eq!(passive("delete", "deleted", ""), ("be_deleted".to_owned(), false));
    }
}
