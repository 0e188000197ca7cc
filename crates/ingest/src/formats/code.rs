//! Source code: the text as it is, with its items as sections.

/// The language of a source file by its name, as code fences spell it. `None` where the name is not one of code.
#[must_use]
pub fn language_of_name(name: &str) -> Option<&'static str> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    let extension = file.rsplit('.').next().unwrap_or(&file);
    LANGUAGES.iter().find(|(_, extensions)| extensions.contains(&extension)).map(|(language, _)| *language)
}

const LANGUAGES: &[(&str, &[&str])] = &[
    ("rust", &["rs"]),
    ("python", &["py", "pyi"]),
    ("javascript", &["js", "mjs", "cjs", "jsx"]),
    ("typescript", &["ts", "tsx", "mts"]),
    ("go", &["go"]),
    ("java", &["java"]),
    ("kotlin", &["kt", "kts"]),
    ("scala", &["scala"]),
    ("c", &["c", "h"]),
    ("cpp", &["cpp", "cc", "cxx", "hpp", "hh", "hxx"]),
    ("csharp", &["cs"]),
    ("swift", &["swift"]),
    ("php", &["php"]),
    ("ruby", &["rb"]),
    ("perl", &["pl", "pm"]),
    ("lua", &["lua"]),
    ("r", &["r"]),
    ("julia", &["jl"]),
    ("haskell", &["hs"]),
    ("elixir", &["ex", "exs"]),
    ("erlang", &["erl", "hrl"]),
    ("clojure", &["clj", "cljs"]),
    ("ocaml", &["ml", "mli"]),
    ("zig", &["zig"]),
    ("dart", &["dart"]),
    ("sql", &["sql"]),
    ("sh", &["sh", "bash", "zsh", "fish"]),
    ("powershell", &["ps1", "psm1"]),
    ("vue", &["vue"]),
    ("svelte", &["svelte"]),
    ("css", &["css", "scss", "sass", "less"]),
    ("yaml", &["yaml", "yml"]),
    ("toml", &["toml"]),
    ("ini", &["ini", "cfg", "conf", "properties"]),
    ("hcl", &["tf", "hcl"]),
    ("proto", &["proto"]),
    ("graphql", &["graphql", "gql"]),
    ("make", &["makefile", "mk"]),
    ("dockerfile", &["dockerfile"]),
    ("cmake", &["cmake"]),
    ("tex", &["tex"]),
];
