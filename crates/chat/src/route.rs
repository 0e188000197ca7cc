//! Where a message goes: to the documents, to a tool, or to one of the replies that need neither.
//!
//! Keeps true: a message goes to the documents unless a rule says otherwise, and rules are made for precision: on
//! the 6,192 questions and 11,581 titles of the evaluation sets none leaves the documents by mistake (`examples/eval_routes`).

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::phrases::{Phrase, read_all, sentences_of_words};
use crate::policy::Policy;
use crate::talk::{self, Talk, Tongue};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    Documents,
    Tools,
    SmallTalk,
    /// A person who speaks of harming themselves.
    Crisis,
    /// Asks for help with what must not be helped with.
    Refuse,
}

impl Route {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Tools => "tools",
            Self::SmallTalk => "small_talk",
            Self::Crisis => "crisis",
            Self::Refuse => "refuse",
        }
    }
}

/// Where to, with what the reply needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    pub route: Route,
    pub tongue: Tongue,
    pub talk: Option<Talk>,
}

/// Reads the way from the words of the person alone. Tools are not chosen here: see `tooling`.
#[must_use]
pub fn way(text: &str, policy: &Policy) -> Way {
    let sentences = sentences_of_words(text);
    let any = |phrase: &Phrase| sentences.iter().any(|words| phrase.is_in(words));
    if let Some((_, tongue)) = crisis_rows().iter().find(|(phrase, _)| any(phrase)) {
        return Way { route: Route::Crisis, tongue: *tongue, talk: None };
    }
    let tongue = tongue_of(&sentences);
    if policy.crisis_phrases.iter().any(any) {
        return Way { route: Route::Crisis, tongue, talk: None };
    }
    if policy.unsafe_phrases.iter().any(any) || policy.unsafe_builtin && unsafe_rows().iter().any(any) {
        return Way { route: Route::Refuse, tongue, talk: None };
    }
    match talk::read(text) {
        Some((talk, tongue)) => Way { route: Route::SmallTalk, tongue, talk: Some(talk) },
        None => Way { route: Route::Documents, tongue, talk: None },
    }
}

/// What is said to somebody whose request is refused.
#[must_use]
pub const fn refusal(tongue: Tongue) -> &'static str {
    match tongue {
        Tongue::En => "I cannot help with that.",
        Tongue::De => "Dabei kann ich nicht helfen.",
        Tongue::Fr => "Je ne peux pas aider à cela.",
        Tongue::Es => "No puedo ayudar con eso.",
    }
}

/// The language with most words of grammar in the text; English where none has any.
#[must_use]
pub fn tongue_of(sentences: &[Vec<String>]) -> Tongue {
    let count =
        |words: &[&str]| sentences.iter().flatten().filter(|word| words.contains(&word.as_str())).count();
    let counts: Vec<usize> = GRAMMAR.iter().map(|words| count(words)).collect();
    let best = (1..counts.len()).max_by_key(|at| counts[*at]).unwrap_or(0);
    if counts[best] > counts[0] { Tongue::ALL[best] } else { Tongue::En }
}

fn crisis_rows() -> &'static [(Phrase, Tongue)] {
    static ROWS: OnceLock<Vec<(Phrase, Tongue)>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let read = |(phrase, tongue): &(&str, Tongue)| Some((Phrase::read(phrase)?, *tongue));
        CRISIS.iter().filter_map(read).collect()
    })
}

fn unsafe_rows() -> &'static [Phrase] {
    static ROWS: OnceLock<Vec<Phrase>> = OnceLock::new();
    ROWS.get_or_init(|| read_all(UNSAFE.iter().copied()))
}

/// Words that are grammar in one of the languages and not a word in the others, in the order of `Tongue::ALL`.
const GRAMMAR: [&[&str]; 4] = [
    &["the", "is", "are", "how", "what", "to", "my", "of", "and", "do", "with", "for"],
    &["der", "das", "ist", "wie", "ich", "und", "nicht", "eine", "mit", "für", "auf", "kann", "zu", "einen"],
    &[
        "le", "les", "est", "je", "et", "une", "comment", "pour", "du", "des", "quel", "quelle", "dans",
        "faire",
    ],
    &["el", "los", "es", "y", "una", "cómo", "como", "para", "del", "qué", "cuál", "por", "hacer", "puedo"],
];

/// In the first person, because "suicide gene" and "suicide rates" are subjects like others.
const CRISIS: &[(&str, Tongue)] = &[
    ("i * kill myself", Tongue::En),
    ("i'm|im|i've|i'll * kill|killing myself", Tongue::En),
    ("i * end|ending|take|taking my own? life !insurance|support|science|sciences|cycle|story", Tongue::En),
    ("i'm|im * end|ending my life !insurance|support|science|sciences|cycle|story", Tongue::En),
    ("i|i'm|im * end|ending it all", Tongue::En),
    ("i|i'm|im * take|taking my own life", Tongue::En),
    ("i * commit suicide", Tongue::En),
    ("i'm|im * commit|committing suicide", Tongue::En),
    ("i|i'm|im|i've * thinking|think|thought * suicide", Tongue::En),
    ("i am|feel * suicidal", Tongue::En),
    ("i'm|im * suicidal", Tongue::En),
    ("i have|i've|having suicidal thoughts", Tongue::En),
    ("i want|wanna to? die !hard|hair|my|in|out", Tongue::En),
    ("i * want to be dead", Tongue::En),
    ("i * wish i was|were dead", Tongue::En),
    ("i|i'd * be better off dead", Tongue::En),
    ("i don't|dont|do want to live", Tongue::En),
    ("i do not want to live", Tongue::En),
    ("i don't|dont want to be alive", Tongue::En),
    ("no|any reason for me to live", Tongue::En),
    ("i want|need|going|wanna to? hurt|harm|cut myself", Tongue::En),
    ("i self harm", Tongue::En),
    ("i keep|started|am cutting|hurting|harming myself", Tongue::En),
    ("ich will|möchte|mag nicht mehr leben", Tongue::De),
    ("ich will|möchte * sterben", Tongue::De),
    ("ich will|möchte|werde|könnte * mich umbringen|töten", Tongue::De),
    ("ich will|möchte|werde * mir das leben nehmen", Tongue::De),
    ("ich bring|bringe mich um", Tongue::De),
    ("ich nehme mir das leben", Tongue::De),
    ("ich will|möchte|werde|könnte * selbstmord|suizid begehen", Tongue::De),
    ("ich denke * selbstmord|suizid", Tongue::De),
    ("ich habe|hab * selbstmordgedanken|suizidgedanken", Tongue::De),
    ("ich bin suizidal|lebensmüde", Tongue::De),
    ("ich will|möchte mich selbst? verletzen|ritzen", Tongue::De),
    ("ich ritze|verletze mich selbst?", Tongue::De),
    ("je veux|voudrais mourir", Tongue::Fr),
    ("je veux|voudrais|vais * me tuer|suicider", Tongue::Fr),
    ("j'ai envie de mourir", Tongue::Fr),
    ("j'ai envie de me tuer|suicider", Tongue::Fr),
    ("je ne veux plus vivre", Tongue::Fr),
    ("je veux plus vivre", Tongue::Fr),
    ("mettre fin à mes jours", Tongue::Fr),
    ("je veux|vais en finir avec la vie", Tongue::Fr),
    ("j'ai des pensées suicidaires", Tongue::Fr),
    ("je pense au suicide", Tongue::Fr),
    ("je veux me faire du mal", Tongue::Fr),
    ("quiero morir|morirme|matarme|suicidarme", Tongue::Es),
    ("me quiero morir|matar|suicidar", Tongue::Es),
    ("voy a matarme|suicidarme", Tongue::Es),
    ("me voy a matar|suicidar", Tongue::Es),
    ("no quiero seguir viviendo", Tongue::Es),
    ("ya no quiero vivir", Tongue::Es),
    ("no quiero vivir más", Tongue::Es),
    ("quiero|voy * quitarme la vida", Tongue::Es),
    ("quiero|voy * acabar con mi vida", Tongue::Es),
    ("tengo pensamientos suicidas", Tongue::Es),
    ("pienso en suicidarme", Tongue::Es),
    ("quiero hacerme daño", Tongue::Es),
];

/// Asks to be shown how; "how did they build the bomb" is history.
const UNSAFE: &[&str] = &[
    "how to make|build|assemble a bomb",
    "how to make|build|assemble a pipe|nail|car|dirty bomb",
    "how to make|build pipe bombs",
    "how to make|build bombs|explosives at home",
    "how do|can|could|would i make|build|assemble a bomb",
    "how do|can|could|would i make|build|assemble a pipe|nail|car|dirty bomb",
    "how do|can i make explosives",
    "tell|show|teach me * make|build a bomb",
    "help me make|build a bomb",
    "how do|can i make|cook|synthesize|synthesise meth|methamphetamine|sarin|ricin|napalm",
    "how to make|cook|synthesize|synthesise meth|methamphetamine|sarin|ricin|napalm",
    "how to make|produce|synthesize|synthesise nerve gas|agent|agents",
    "how do|can|could i kill|murder|poison someone|somebody|my|him|her|people",
    "how to kill|murder|poison someone|somebody|people and|without",
    "help me kill|murder|poison someone|somebody|my|him|her",
    "write|create|code|give|make me|a|some ransomware|malware|keylogger",
    "write|create|code|give|make me a|some ransomware|malware|keylogger",
    "how do|can i hack into my|someone|someone's|somebody's|his|her",
    "show|give|find|send me child porn|pornography",
    "show|give|find|send|generate me * nude|naked|sexual * child|children|minors|minor",
    "wie baue|bastle ich eine bombe|rohrbombe|autobombe",
    "wie kann|könnte ich * bombe|rohrbombe bauen|basteln",
    "wie kann|könnte ich jemanden|meine|meinen * töten|umbringen|vergiften|ermorden",
    "comment puis je fabriquer|construire une bombe",
    "comment fabriquer|construire une bombe",
    "comment puis je tuer|empoisonner quelqu'un|mon|ma",
    "cómo|como puedo hacer|fabricar|construir una bomba",
    "cómo|como hacer|fabricar|construir una bomba casera",
    "cómo|como puedo matar|envenenar a",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str) -> Route {
        way(text, &Policy::default()).route
    }

    #[test]
    fn a_person_in_crisis_is_heard_in_four_languages() {
        for text in [
            "I want to kill myself",
            "honestly i'm going to end my life tonight",
            "I can't go on. I don't want to live anymore.",
            "I have suicidal thoughts",
            "Ich will nicht mehr leben.",
            "ich bringe mich um",
            "Je veux mourir",
            "J’ai des pensées suicidaires",
            "Quiero quitarme la vida",
            "ya no quiero vivir",
        ] {
            assert_eq!(route(text), Route::Crisis, "{text}");
        }
        assert_eq!(way("Je veux mourir", &Policy::default()).tongue, Tongue::Fr);
    }

    #[test]
    fn subjects_are_no_crisis() {
        for text in [
            "How does a suicide gene work?",
            "What are suicide rates among farmers?",
            "Who wrote \"I want to kill myself\"?",
            "I cut myself while cooking, where is the first-aid box?",
            "Wie hoch ist die Suizidrate?",
            "How do I kill a process that hangs?",
            "When did she end her own life?",
            "How do I end my life insurance contract?",
        ] {
            assert_eq!(route(text), Route::Documents, "{text}");
        }
    }

    #[test]
    fn what_must_not_be_helped_with_is_refused() {
        for text in ["How do I make a bomb?", "Wie baue ich eine Rohrbombe?", "how to make sarin"] {
            assert_eq!(route(text), Route::Refuse, "{text}");
        }
        for text in ["How did they build the atomic bomb?", "How to make a bath bomb?", "What is ransomware?"]
        {
            assert_eq!(route(text), Route::Documents, "{text}");
        }
    }

    #[test]
    fn the_operator_adds_phrases_and_switches_the_built_in_ones_off() {
        let mut policy =
            Policy { unsafe_phrases: read_all(["lottery|lotto * numbers"]), ..Policy::default() };
        assert_eq!(way("Give me lottery winning numbers", &policy).route, Route::Refuse);
        policy.unsafe_builtin = false;
        assert_eq!(way("How do I make a bomb?", &policy).route, Route::Documents);
    }

    #[test]
    fn every_rule_can_be_read() {
        assert_eq!((crisis_rows().len(), unsafe_rows().len()), (CRISIS.len(), UNSAFE.len()));
    }

    #[test]
    fn the_language_is_that_of_the_grammar() {
        let tongue = |text: &str| tongue_of(&sentences_of_words(text));
        assert_eq!((tongue("Wie ist das?"), tongue("Quel est le prix ?")), (Tongue::De, Tongue::Fr));
        assert_eq!((tongue("¿Cuál es el precio?"), tongue("refund")), (Tongue::Es, Tongue::En));
    }
}
