//! The words by which sums and questions for the time are known.
//!
//! Keeps true: lists are in lower case; where one entry begins with another, the longer one comes first.

use crate::talk::Tongue;

pub(super) const POLITE: &[&str] =
    &["please ", "can you ", "could you ", "hey ", "bitte ", "kannst du ", "tell me "];

/// What stands before a sum, its language, and whether it orders to compute something.
pub(super) const ASKING: &[(&str, Tongue, bool)] = &[
    ("what is", Tongue::En, false),
    ("what's", Tongue::En, false),
    ("what’s", Tongue::En, false),
    ("how much is", Tongue::En, true),
    ("how much are", Tongue::En, true),
    ("calculate", Tongue::En, true),
    ("compute", Tongue::En, true),
    ("was ist", Tongue::De, false),
    ("was sind", Tongue::De, false),
    ("wie viel ist", Tongue::De, true),
    ("wieviel ist", Tongue::De, true),
    ("wie viel sind", Tongue::De, true),
    ("berechne", Tongue::De, true),
    ("combien font", Tongue::Fr, true),
    ("combien fait", Tongue::Fr, true),
    ("calcule", Tongue::Fr, true),
    ("cuánto es", Tongue::Es, true),
    ("cuanto es", Tongue::Es, true),
    ("calcula", Tongue::Es, true),
];

pub(super) const PERCENT: &[&str] = &["percent", "prozent", "pourcent"];
pub(super) const OF: &[&str] = &["of", "von", "vom", "de"];
pub(super) const ROOTS: &[&str] =
    &["the square root of", "square root of", "sqrt", "die wurzel aus", "wurzel aus", "la racine carrée de"];

pub(super) const SPOKEN: &[(&str, &str)] = &[
    ("plus", "+"),
    ("minus", "-"),
    ("times", "*"),
    ("multiplied by", "*"),
    ("divided by", "/"),
    ("to the power of", "^"),
    ("squared", "^2"),
    ("cubed", "^3"),
    ("x", "*"),
    ("mal", "*"),
    ("geteilt durch", "/"),
    ("durch", "/"),
    ("hoch", "^"),
    ("fois", "*"),
    ("moins", "-"),
    ("divisé par", "/"),
    ("más", "+"),
    ("menos", "-"),
    ("por", "*"),
    ("dividido por", "/"),
];

pub(super) const TIME_ASKED: &[&str] = &[
    "what time is it now|currently? right? now?",
    "what's|whats the current|local? time now|please?",
    "what is the current|local? time now|please?",
    "current|local time now?",
    "what's|whats today's|todays date|day",
    "what is today's|todays date|day",
    "what's|whats the date|day today",
    "what is the date|day today",
    "what is the current date",
    "what|which day|date|year is it today|now?",
    "what day of the week is it today?",
    "wie spät ist es jetzt|gerade?",
    "wie viel uhr ist es jetzt|gerade?",
    "wieviel uhr ist es jetzt|gerade?",
    "welcher tag ist heute",
    "welches datum ist heute",
    "welchen tag|datum haben wir heute?",
    "quelle heure est il maintenant?",
    "quel jour sommes nous aujourd'hui?",
    "quelle est la date d'aujourd'hui",
    "qué|que hora es ahora?",
    "qué|que día|dia es hoy",
];

pub(super) const PLACE_BEFORE: &[&str] = &["in", "à", "en"];
pub(super) const NOT_PLACE: &[&str] =
    &["now", "currently", "right", "please", "the", "jetzt", "gerade", "maintenant", "ahora"];

pub(super) const SUM_HINTS: &[&str] = &[
    "percent",
    "prozent",
    "pourcent",
    "plus",
    "minus",
    "times",
    "divided",
    "multiplied",
    "sum",
    "calculate",
    "compute",
    "average",
    "convert",
    "mal",
    "geteilt",
    "berechne",
    "summe",
    "fois",
    "calcule",
    "calcula",
];
pub(super) const TIME_HINTS: &[&str] =
    &["time", "date", "day", "o'clock", "year", "uhr", "datum", "tag", "heure", "jour", "hora", "día"];
pub(super) const NOW_HINTS: &[&str] =
    &["now", "today", "current", "currently", "is", "jetzt", "heute", "ist", "aujourd'hui", "ahora", "hoy"];

/// Places that people name and zones do not.
pub(super) const ZONES: &[(&str, &str)] = &[
    ("germany|munich|münchen|hamburg|frankfurt|cologne|köln|deutschland|allemagne|alemania", "Europe/Berlin"),
    ("france|lyon|marseille|frankreich", "Europe/Paris"),
    ("uk|united kingdom|england|britain|manchester|londres", "Europe/London"),
    ("portugal|porto|lissabon|lisboa|lisbonne", "Europe/Lisbon"),
    ("spain|barcelona|spanien|españa", "Europe/Madrid"),
    ("italy|milan|italien|italia|rom", "Europe/Rome"),
    ("switzerland|geneva|basel|schweiz", "Europe/Zurich"),
    ("austria|wien|österreich", "Europe/Vienna"),
    ("netherlands|rotterdam", "Europe/Amsterdam"),
    ("poland|krakow", "Europe/Warsaw"),
    ("india|mumbai|delhi|new delhi|bangalore|chennai|hyderabad", "Asia/Kolkata"),
    ("china|beijing|peking|shenzhen", "Asia/Shanghai"),
    ("japan|osaka|kyoto|tokio", "Asia/Tokyo"),
    ("korea|south korea", "Asia/Seoul"),
    ("vietnam|hanoi|saigon", "Asia/Ho_Chi_Minh"),
    ("uae|abu dhabi", "Asia/Dubai"),
    ("nyc|new york city|boston|miami|atlanta|washington|washington dc|philadelphia", "America/New_York"),
    ("dallas|houston|austin", "America/Chicago"),
    ("san francisco|seattle|san diego|las vegas|california|la", "America/Los_Angeles"),
    ("montreal|ottawa", "America/Toronto"),
    ("rio|rio de janeiro|brasilia", "America/Sao_Paulo"),
    ("canberra", "Australia/Sydney"),
    ("utc|gmt", "UTC"),
];
