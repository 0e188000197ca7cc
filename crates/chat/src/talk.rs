//! Small talk: what asks nothing of the documents, and the plain reply to it.
//!
//! Keeps true: a message is small talk only if all of it is; one word too many and it is a question for the
//! documents. The reply is in the language of the message.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::phrases::{Phrase, words};

/// Longest small talk, in words.
const WORDS_MAX: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Talk {
    Greeting,
    Thanks,
    Goodbye,
    /// Who or what are you?
    Identity,
    /// What can you do?
    Ability,
    /// How are you?
    Wellbeing,
}

/// A language that Ibid itself can speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tongue {
    #[default]
    En,
    De,
    Fr,
    Es,
}

impl Tongue {
    pub const ALL: [Self; 4] = [Self::En, Self::De, Self::Fr, Self::Es];

    /// ISO 639-1.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
        }
    }
}

/// What kind of small talk a message is; `None` where it may ask something.
#[must_use]
pub fn read(text: &str) -> Option<(Talk, Tongue)> {
    let words = words(text);
    if words.is_empty() || words.len() > WORDS_MAX {
        return None;
    }
    let greeted =
        words.iter().take_while(|word| tongue_of_greeting(word).is_some() || is_filler(word)).count();
    let tongue = words.iter().find_map(|word| tongue_of_greeting(word));
    if greeted == words.len() {
        return tongue.filter(|_| !text.contains('?')).map(|tongue| (Talk::Greeting, tongue));
    }
    let rows = rows();
    let whole = |words: &[String]| {
        rows.iter().find(|(phrase, _, _)| phrase.is_whole(words)).map(|(_, talk, tongue)| (*talk, *tongue))
    };
    whole(&words).or_else(|| whole(&words[greeted..]))
}

/// The plain reply.
#[must_use]
pub const fn reply(talk: Talk, tongue: Tongue) -> &'static str {
    let [en, de, fr, es] = match talk {
        Talk::Greeting => GREETING,
        Talk::Thanks => THANKS,
        Talk::Goodbye => GOODBYE,
        Talk::Identity => IDENTITY,
        Talk::Ability => ABILITY,
        Talk::Wellbeing => WELLBEING,
    };
    match tongue {
        Tongue::En => en,
        Tongue::De => de,
        Tongue::Fr => fr,
        Tongue::Es => es,
    }
}

fn rows() -> &'static [(Phrase, Talk, Tongue)] {
    static ROWS: OnceLock<Vec<(Phrase, Talk, Tongue)>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let read =
            |(phrase, talk, tongue): &(&str, Talk, Tongue)| Some((Phrase::read(phrase)?, *talk, *tongue));
        PHRASES.iter().filter_map(read).collect()
    })
}

fn tongue_of_greeting(word: &str) -> Option<Tongue> {
    GREETINGS.iter().position(|words| words.contains(&word)).and_then(|at| Tongue::ALL.get(at).copied())
}

fn is_filler(word: &str) -> bool {
    ["there", "dear", "all", "everyone", "ibid", "again", "zusammen", "à", "tous", "a", "todos"]
        .contains(&word)
}

/// Words of which a greeting may be made, in the order of `Tongue::ALL`.
const GREETINGS: [&[&str]; 4] = [
    &[
        "hello",
        "hi",
        "hey",
        "good",
        "morning",
        "evening",
        "afternoon",
        "greetings",
        "ok",
        "okay",
        "test",
        "howdy",
    ],
    &["hallo", "servus", "moin", "guten", "tag", "abend", "morgen", "grüezi", "grüß", "gott"],
    &["bonjour", "salut", "bonsoir", "coucou"],
    &["hola", "buenos", "buenas", "días", "dias", "tardes", "noches"],
];

const GREETING: [&str; 4] = [
    "Hello. Ask me something about your documents.",
    "Hallo. Fragen Sie mich etwas über Ihre Dokumente.",
    "Bonjour. Posez-moi une question sur vos documents.",
    "Hola. Pregúnteme algo sobre sus documentos.",
];

const THANKS: [&str; 4] = ["You are welcome.", "Gern geschehen.", "Je vous en prie.", "De nada."];

const GOODBYE: [&str; 4] = ["Goodbye.", "Auf Wiedersehen.", "Au revoir.", "Adiós."];

const IDENTITY: [&str; 4] = [
    "I am Ibid. I answer questions from your own documents and show the source of each sentence.",
    "Ich bin Ibid. Ich beantworte Fragen aus Ihren eigenen Dokumenten und zeige zu jedem Satz die Quelle.",
    "Je suis Ibid. Je réponds aux questions à partir de vos propres documents et j'indique la source de chaque phrase.",
    "Soy Ibid. Respondo preguntas a partir de sus propios documentos y muestro la fuente de cada frase.",
];

const ABILITY: [&str; 4] = [
    "I look for the answer in your documents, quote the passages that carry it, and say so when they do not hold it. \
     Ask in your own words; you can ask follow-up questions.",
    "Ich suche die Antwort in Ihren Dokumenten, zitiere die Stellen, die sie tragen, und sage es, wenn sie dort nicht \
     steht. Fragen Sie mit eigenen Worten; Sie können auch nachfragen.",
    "Je cherche la réponse dans vos documents, je cite les passages qui la portent et je dis quand elle n'y est pas. \
     Posez vos questions avec vos propres mots ; vous pouvez les approfondir ensuite.",
    "Busco la respuesta en sus documentos, cito los pasajes que la contienen y digo cuando no está. Pregunte con sus \
     propias palabras; puede seguir preguntando después.",
];

const WELLBEING: [&str; 4] = [
    "All is well here, thank you. What would you like to know from your documents?",
    "Hier ist alles in Ordnung, danke. Was möchten Sie aus Ihren Dokumenten wissen?",
    "Tout va bien ici, merci. Que voulez-vous savoir de vos documents ?",
    "Aquí todo va bien, gracias. ¿Qué quiere saber de sus documentos?",
];

const PHRASES: &[(&str, Talk, Tongue)] = &[
    ("thanks|thx|cheers", Talk::Thanks, Tongue::En),
    ("thanks|thank a|you lot|much", Talk::Thanks, Tongue::En),
    ("many|great|perfect|ok|okay|super thanks", Talk::Thanks, Tongue::En),
    ("thank you", Talk::Thanks, Tongue::En),
    ("thank you so|very much", Talk::Thanks, Tongue::En),
    ("great|perfect|ok|okay thank you", Talk::Thanks, Tongue::En),
    ("thanks|thank you for your|the help", Talk::Thanks, Tongue::En),
    ("thank you for your|the help", Talk::Thanks, Tongue::En),
    ("that|this was|is helpful|great thanks|thank", Talk::Thanks, Tongue::En),
    ("danke|dankeschön|merci", Talk::Thanks, Tongue::De),
    ("danke schön|sehr|dir|ihnen", Talk::Thanks, Tongue::De),
    ("vielen|besten|herzlichen|super|ok dank|danke", Talk::Thanks, Tongue::De),
    ("merci beaucoup|bien", Talk::Thanks, Tongue::Fr),
    ("je vous|te remercie", Talk::Thanks, Tongue::Fr),
    ("gracias", Talk::Thanks, Tongue::Es),
    ("muchas|mil gracias", Talk::Thanks, Tongue::Es),
    ("bye|goodbye|farewell", Talk::Goodbye, Tongue::En),
    ("good bye|night", Talk::Goodbye, Tongue::En),
    ("bye bye", Talk::Goodbye, Tongue::En),
    ("see you later|soon|tomorrow", Talk::Goodbye, Tongue::En),
    ("have a nice|good day|evening|weekend", Talk::Goodbye, Tongue::En),
    ("tschüss|tschüs|ciao", Talk::Goodbye, Tongue::De),
    ("auf wiedersehen|wiederschauen", Talk::Goodbye, Tongue::De),
    ("bis bald|später|morgen", Talk::Goodbye, Tongue::De),
    ("gute nacht", Talk::Goodbye, Tongue::De),
    ("au revoir", Talk::Goodbye, Tongue::Fr),
    ("à bientôt|demain", Talk::Goodbye, Tongue::Fr),
    ("bonne journée|soirée|nuit", Talk::Goodbye, Tongue::Fr),
    ("adiós|adios|chao", Talk::Goodbye, Tongue::Es),
    ("hasta luego|pronto|mañana", Talk::Goodbye, Tongue::Es),
    ("who|what are you", Talk::Identity, Tongue::En),
    ("what|who is your name", Talk::Identity, Tongue::En),
    ("what's your name", Talk::Identity, Tongue::En),
    ("are you a|an bot|robot|human|person|ai|machine", Talk::Identity, Tongue::En),
    ("are you human|real", Talk::Identity, Tongue::En),
    ("who am i talking to", Talk::Identity, Tongue::En),
    ("wer|was bist du", Talk::Identity, Tongue::De),
    ("wer|was sind sie", Talk::Identity, Tongue::De),
    ("wie heißt|heisst du", Talk::Identity, Tongue::De),
    ("wie heißen|heissen sie", Talk::Identity, Tongue::De),
    ("bist du ein bot|mensch|roboter", Talk::Identity, Tongue::De),
    ("qui es tu", Talk::Identity, Tongue::Fr),
    ("qui êtes vous", Talk::Identity, Tongue::Fr),
    ("tu es qui", Talk::Identity, Tongue::Fr),
    ("comment t'appelles tu", Talk::Identity, Tongue::Fr),
    ("comment vous appelez vous", Talk::Identity, Tongue::Fr),
    ("quién|quien|qué eres", Talk::Identity, Tongue::Es),
    ("quién|quien es usted", Talk::Identity, Tongue::Es),
    ("cómo|como te llamas", Talk::Identity, Tongue::Es),
    ("cómo|como se llama usted", Talk::Identity, Tongue::Es),
    ("what can|do you do", Talk::Ability, Tongue::En),
    ("what can you do for me", Talk::Ability, Tongue::En),
    ("how can|do you help me", Talk::Ability, Tongue::En),
    ("what can you help me with", Talk::Ability, Tongue::En),
    ("can you help me", Talk::Ability, Tongue::En),
    ("how do you work", Talk::Ability, Tongue::En),
    ("help", Talk::Ability, Tongue::En),
    ("was kannst du", Talk::Ability, Tongue::De),
    ("was kannst du tun|alles", Talk::Ability, Tongue::De),
    ("was können sie|sie tun", Talk::Ability, Tongue::De),
    ("was kannst du für mich tun", Talk::Ability, Tongue::De),
    ("kannst du mir helfen", Talk::Ability, Tongue::De),
    ("können sie mir helfen", Talk::Ability, Tongue::De),
    ("hilfe", Talk::Ability, Tongue::De),
    ("que peux tu faire", Talk::Ability, Tongue::Fr),
    ("que pouvez vous faire", Talk::Ability, Tongue::Fr),
    ("qu'est ce que tu peux|sais faire", Talk::Ability, Tongue::Fr),
    ("peux tu m'aider", Talk::Ability, Tongue::Fr),
    ("pouvez vous m'aider", Talk::Ability, Tongue::Fr),
    ("aide", Talk::Ability, Tongue::Fr),
    ("qué|que puedes hacer", Talk::Ability, Tongue::Es),
    ("qué|que puede hacer usted", Talk::Ability, Tongue::Es),
    ("puedes|puede ayudarme", Talk::Ability, Tongue::Es),
    ("ayuda", Talk::Ability, Tongue::Es),
    ("how are you", Talk::Wellbeing, Tongue::En),
    ("how are you doing|today", Talk::Wellbeing, Tongue::En),
    ("how are you doing today", Talk::Wellbeing, Tongue::En),
    ("how do you do", Talk::Wellbeing, Tongue::En),
    ("what's up", Talk::Wellbeing, Tongue::En),
    ("wie geht's|gehts", Talk::Wellbeing, Tongue::De),
    ("wie geht es dir|ihnen", Talk::Wellbeing, Tongue::De),
    ("comment ça|ca va", Talk::Wellbeing, Tongue::Fr),
    ("ça|ca va", Talk::Wellbeing, Tongue::Fr),
    ("comment allez vous", Talk::Wellbeing, Tongue::Fr),
    ("comment vas tu", Talk::Wellbeing, Tongue::Fr),
    ("cómo|como estás|estas", Talk::Wellbeing, Tongue::Es),
    ("cómo|como está usted", Talk::Wellbeing, Tongue::Es),
    ("qué|que tal", Talk::Wellbeing, Tongue::Es),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(Talk, Tongue)>) {
        assert_eq!(read(text), expected, "{text}");
    }

    #[test]
    fn small_talk_is_read_in_four_languages() {
        check("Hello there!", Some((Talk::Greeting, Tongue::En)));
        check("Guten Morgen", Some((Talk::Greeting, Tongue::De)));
        check("Merci beaucoup !", Some((Talk::Thanks, Tongue::Fr)));
        check("¿Quién eres?", Some((Talk::Identity, Tongue::Es)));
        check("Hi, who are you?", Some((Talk::Identity, Tongue::En)));
        check("Was kannst du?", Some((Talk::Ability, Tongue::De)));
        check("Danke", Some((Talk::Thanks, Tongue::De)));
        check("ça va ?", Some((Talk::Wellbeing, Tongue::Fr)));
        check("Buenas noches", Some((Talk::Greeting, Tongue::Es)));
    }

    #[test]
    fn what_may_ask_something_is_not() {
        for text in
            ["hello?", "Hello, how many days?", "who are you to ask for refunds", "good morning America"]
        {
            check(text, None);
        }
        check("What do you do with old batteries?", None);
        check("Wie heißt du auf Englisch refund", None);
    }

    #[test]
    fn every_phrase_can_be_read() {
        assert_eq!(rows().len(), PHRASES.len());
    }
}
