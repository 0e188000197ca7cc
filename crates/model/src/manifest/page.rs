//! A package's page on a simple index (PEP 503 as HTML, PEP 691 as JSON): which file carries the version.
//!
//! Keeps true: the page is data from outside; what is not understood is passed over.

use reqwest::Url;
use serde::Deserialize;

/// A file to download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub url: Url,
    pub file_name: String,
    /// As the index gives it, in hexadecimal.
    pub sha256: Option<String>,
}

/// A name as indexes compare it (PEP 503): lower case, runs of `-`, `_` and `.` as one `-`.
pub fn normalized(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            _ => normal.extend(c.to_lowercase()),
        }
    }
    normal
}

/// The wheel of `package` in `version` that every platform can use, if the page lists one.
pub fn find_wheel(page: &[u8], base: &Url, package: &str, version: &str) -> Option<Link> {
    let text = String::from_utf8_lossy(page);
    let links = if text.trim_start().starts_with('{') { json_links(&text) } else { html_links(&text) };
    let mut links = links.into_iter().filter_map(|(href, sha256)| link(base, &href, sha256));
    links.find(|link| is_wheel_of(&link.file_name, package, version))
}

fn is_wheel_of(file_name: &str, package: &str, version: &str) -> bool {
    let Some(stem) = file_name.strip_suffix(".whl") else { return false };
    let parts: Vec<&str> = stem.split('-').collect();
    let [name, found, .., "none", "any"] = parts[..] else { return false };
    normalized(name) == normalized(package) && found == version
}

fn link(base: &Url, href: &str, sha256: Option<String>) -> Option<Link> {
    let mut url = base.join(href).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let stated = url.fragment().and_then(|fragment| fragment.strip_prefix("sha256=")).map(str::to_owned);
    url.set_fragment(None);
    // The index's credentials are for its own files.
    if url.host_str() == base.host_str() && url.port() == base.port() && url.username().is_empty() {
        url.set_username(base.username()).ok()?;
        url.set_password(base.password()).ok()?;
    }
    let file_name = url.path_segments()?.next_back()?.to_owned();
    let plain = file_name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c));
    plain.then_some(Link { url, file_name, sha256: sha256.or(stated).map(|hash| hash.to_lowercase()) })
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    files: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    url: String,
    #[serde(default)]
    hashes: std::collections::BTreeMap<String, String>,
}

fn json_links(text: &str) -> Vec<(String, Option<String>)> {
    let listing: Option<Listing> = serde_json::from_str(text).ok();
    let files = listing.map_or_else(Vec::new, |listing| listing.files);
    files.into_iter().map(|mut file| (file.url, file.hashes.remove("sha256"))).collect()
}

/// The addresses of all anchors.
fn html_links(text: &str) -> Vec<(String, Option<String>)> {
    let lower = text.to_ascii_lowercase();
    let mut links = Vec::new();
    let mut at = 0;
    while let Some(found) = lower[at..].find("<a") {
        let start = at + found + 2;
        let end = lower[start..].find('>').map_or(lower.len(), |length| start + length);
        let is_anchor = lower[start..].starts_with(|c: char| c.is_ascii_whitespace());
        if is_anchor && let Some(href) = href(&text[start..end], &lower[start..end]) {
            links.push((unescaped(href), None));
        }
        at = end;
    }
    links
}

fn href<'a>(tag: &'a str, lower: &str) -> Option<&'a str> {
    let after = lower.find("href")? + "href".len();
    let value = tag[after..].trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split(quote).next()
}

fn unescaped(text: &str) -> String {
    text.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn find(page: &str) -> Option<Link> {
        let base = Url::parse("http://index.test/simple/my-model/").unwrap();
        find_wheel(page.as_bytes(), &base, "My.Model", "1.0")
    }

    #[test]
    fn a_page_of_anchors_is_read() {
        let page = r#"<!DOCTYPE html><html><body><abbr href="x"></abbr>
            <a href="../../f/my_model-0.9-py3-none-any.whl#sha256=00">old</a>
            <A class='x' HREF = '../../f/my_model-1.0-py3-none-any.whl?a=1&amp;b=2#sha256=AB'>new</A></body>"#;
        let link = find(page).unwrap();
        assert_eq!(link.url.as_str(), "http://index.test/f/my_model-1.0-py3-none-any.whl?a=1&b=2");
        assert_eq!(
            (link.file_name.as_str(), link.sha256.as_deref()),
            ("my_model-1.0-py3-none-any.whl", Some("ab"))
        );
    }

    #[test]
    fn a_page_of_json_is_read() {
        let page = r#"{"meta":{"api-version":"1.1"},"name":"my-model","files":[
            {"filename":"my_model-1.0.tar.gz","url":"my_model-1.0.tar.gz","hashes":{}},
            {"filename":"x","url":"http://files.test/My_Model-1.0-py3-none-any.whl","hashes":{"sha256":"cd"},"yanked":false}]}"#;
        let link = find(page).unwrap();
        assert_eq!((link.url.host_str(), link.sha256.as_deref()), (Some("files.test"), Some("cd")));
    }

    #[test]
    fn sources_other_platforms_and_other_packages_are_passed_over() {
        for name in [
            "my_model-1.0.tar.gz",
            "my_model-1.0-cp311-cp311-linux_x86_64.whl",
            "my_model_2-1.0-py3-none-any.whl",
            "my_model-1.0.1-py3-none-any.whl",
            "..%2fmy_model-1.0-py3-none-any.whl",
        ] {
            assert_eq!(find(&format!("<a href=\"{name}\">x</a>")), None, "{name}");
        }
        assert_eq!(find("<a href=\"file:///my_model-1.0-py3-none-any.whl\">x</a>"), None);
    }

    #[test]
    fn credentials_stay_with_their_host() {
        let base = Url::parse("http://user:pass@index.test/simple/my-model/").unwrap();
        let wheel = |href: &str| {
            let page = format!("<a href='{href}my_model-1.0-py3-none-any.whl'>x</a>");
            find_wheel(page.as_bytes(), &base, "my-model", "1.0").unwrap().url
        };
        assert_eq!(wheel("http://index.test/f/").username(), "user");
        assert_eq!(wheel("http://other.test/f/").username(), "");
    }

    #[test]
    fn names_are_compared_as_indexes_do() {
        assert_eq!(normalized("My__Model.-x"), "my-model-x");
    }

    proptest! {
        #[test]
        fn any_page_is_survived(page in "(<a|href|=|\"|'|>|&amp;|\\PC|\\{|ü| ){0,40}") {
            let _ = find(&page);
        }
    }
}
