//! The bill of materials: what is built into the program, and with which the page is made, as CycloneDX 1.6.
//!
//! Keeps true: the same lock files give the same bill, byte for byte; what is for tests only is not in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

/// The bill of `cargo metadata`, `Cargo.lock` and npm's `package-lock.json`.
#[must_use]
pub fn bill(metadata: &Value, cargo_lock: &str, npm_lock: &Value) -> Value {
    let sums = checksums(cargo_lock);
    let packages: BTreeMap<&str, &Value> =
        list(metadata, "packages").map(|one| (text(one, "id"), one)).collect();
    let edges = edges(metadata);
    let root = packages.values().find(|one| text(one, "name") == "ibid").map_or("", |one| text(one, "id"));
    let built_in = reached(&edges, root);
    let crates = built_in.iter().filter(|id| **id != root).filter_map(|id| packages.get(id));
    let mut components: Vec<Value> = crates.map(|package| of_crate(package, &sums)).collect();
    components.extend(of_npm(npm_lock));
    components.sort_by_key(|one| text(one, "bom-ref").to_owned());
    let reference = |id: &str| packages.get(id).map_or_else(String::new, |package| purl("cargo", package));
    let dependencies: Vec<Value> = built_in
        .iter()
        .map(|id| {
            let on: BTreeSet<String> = edges.get(id).into_iter().flatten().map(|on| reference(on)).collect();
            json!({ "ref": reference(id), "dependsOn": on })
        })
        .collect();
    let program = packages.get(root).copied().unwrap_or(&Value::Null);
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": {
            "type": "application", "bom-ref": reference(root), "name": "ibid", "version": text(program, "version"),
            "licenses": licenses(program), "purl": reference(root),
        } },
        "components": components,
        "dependencies": dependencies,
    })
}

/// Name and version to the SHA-256 of the archive.
fn checksums(cargo_lock: &str) -> BTreeMap<(String, String), String> {
    let mut sums = BTreeMap::new();
    for package in cargo_lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
            Some(line.trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(sum)) = (value("name"), value("version"), value("checksum")) {
            sums.insert((name, version), sum);
        }
    }
    sums
}

/// Package to the packages that it is built with: dependencies of the program and of build scripts, not of tests.
fn edges(metadata: &Value) -> BTreeMap<&str, Vec<&str>> {
    let is_built_in =
        |dependency: &&Value| list(dependency, "dep_kinds").any(|kind| text(kind, "kind") != "dev");
    let nodes = metadata.get("resolve").into_iter().flat_map(|resolve| list(resolve, "nodes"));
    nodes
        .map(|node| {
            let on = list(node, "deps").filter(is_built_in).map(|one| text(one, "pkg")).collect();
            (text(node, "id"), on)
        })
        .collect()
}

fn reached<'a>(edges: &BTreeMap<&'a str, Vec<&'a str>>, root: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut next) = (BTreeSet::from([root]), VecDeque::from([root]));
    while let Some(id) = next.pop_front() {
        for on in edges.get(id).into_iter().flatten() {
            if seen.insert(on) {
                next.push_back(on);
            }
        }
    }
    seen
}

fn of_crate(package: &Value, sums: &BTreeMap<(String, String), String>) -> Value {
    let mut component = json!({
        "type": "library", "bom-ref": purl("cargo", package), "name": text(package, "name"),
        "version": text(package, "version"), "licenses": licenses(package), "purl": purl("cargo", package),
    });
    let key = (text(package, "name").to_owned(), text(package, "version").to_owned());
    if let Some(sum) = sums.get(&key) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    let repository = text(package, "repository");
    if repository.starts_with("https://") {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}

/// What the page is made with. Svelte and what it needs are in the page; the rest only builds and tests it.
fn of_npm(lock: &Value) -> Vec<Value> {
    let Some(packages) = lock.get("packages").and_then(Value::as_object) else { return Vec::new() };
    let name = |path: &str| path.rsplit("node_modules/").next().unwrap_or(path).to_owned();
    let edges: BTreeMap<String, Vec<String>> =
        packages.iter().map(|(path, package)| (name(path), keys(package, "dependencies"))).collect();
    let borrowed =
        edges.iter().map(|(from, to)| (from.as_str(), to.iter().map(String::as_str).collect())).collect();
    let in_page = reached(&borrowed, "svelte");
    let named = packages.iter().filter(|(path, _)| !path.is_empty());
    named
        .map(|(path, package)| {
            let name = name(path);
            let scope = if in_page.contains(name.as_str()) { "required" } else { "excluded" };
            let mut described = package.clone();
            described["name"] = json!(name);
            json!({
                "type": "library", "bom-ref": format!("{}#{path}", purl("npm", &described)), "name": name,
                "version": text(package, "version"), "scope": scope, "licenses": licenses(package),
                "purl": purl("npm", &described),
            })
        })
        .collect()
}

/// The package's address (<https://github.com/package-url/purl-spec>); the `@` of npm's scopes is escaped.
fn purl(kind: &str, package: &Value) -> String {
    format!("pkg:{kind}/{}@{}", text(package, "name").replace('@', "%40"), text(package, "version"))
}

fn licenses(package: &Value) -> Value {
    match text(package, "license") {
        "" => json!([]),
        // Crates of some age write a slash where SPDX has a word.
        expression => json!([{ "expression": expression.replace('/', " OR ") }]),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn keys(value: &Value, key: &str) -> Vec<String> {
    value.get(key).and_then(Value::as_object).into_iter().flat_map(|map| map.keys().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Value {
        let package =
            |name: &str| json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0" });
        let on = |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [package("ibid"), package("used"), package("deep"), package("tests")],
            "resolve": { "nodes": [
                { "id": "ibid", "deps": [on("used", Value::Null), on("tests", json!("dev"))] },
                { "id": "used", "deps": [on("deep", json!("build"))] },
                { "id": "deep", "deps": [] }, { "id": "tests", "deps": [] },
            ] },
        });
        let npm = json!({ "packages": {
            "": {}, "node_modules/svelte": { "version": "5.0.0", "license": "MIT", "dependencies": { "@a/b": "1" } },
            "node_modules/@a/b": { "version": "1.0.0", "license": "ISC" }, "node_modules/vite": { "version": "8.0.0" },
        } });
        bill(&metadata, "[[package]]\nname = \"deep\"\nversion = \"1.0.0\"\nchecksum = \"ab\"\n", &npm)
    }

    #[test]
    fn what_is_built_in_is_listed_and_what_only_tests_is_not() {
        let bill = example();
        let names: Vec<&str> = list(&bill, "components").map(|one| text(one, "name")).collect();
        assert_eq!(names, ["deep", "used", "@a/b", "svelte", "vite"]);
        assert_eq!(bill["components"][0]["hashes"][0]["content"], "ab");
        assert_eq!(bill["components"][0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["components"][2]["purl"], "pkg:npm/%40a/b@1.0.0");
    }

    #[test]
    fn what_is_in_the_page_is_required() {
        let scopes: Vec<String> =
            list(&example(), "components").skip(2).map(|one| text(one, "scope").to_owned()).collect();
        assert_eq!(scopes, ["required", "required", "excluded"]);
    }
}
