//! Subtitles (WebVTT, SubRip): what is said, without times and numbers, as paragraphs that end with a sentence.

use ibid_types::parsed::Parsed;

use crate::builder::Builder;
use crate::parse::Limits;

/// A paragraph ends at the first sentence end behind this.
const PARAGRAPH_BYTES: usize = 400;

pub fn parse(text: &str, limits: &Limits) -> Parsed {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = Builder::new(limits);
    let mut spoken = Spoken::default();
    for block in text.split("\n\n") {
        for line in cue_lines(block) {
            spoken.add(line, &mut out);
        }
    }
    spoken.end(&mut out);
    out.finish()
}

/// The lines behind the times of a cue. Other blocks (head, notes, styles) have no times.
fn cue_lines(block: &str) -> impl Iterator<Item = &str> {
    let lines = block.lines().skip_while(|line| !line.contains("-->"));
    lines.skip(1).map(str::trim).filter(|line| !line.is_empty())
}

#[derive(Default)]
struct Spoken {
    text: String,
    speaker: String,
    last: String,
}

impl Spoken {
    /// Rolling captions repeat a line in the next cue; it is taken once.
    fn add(&mut self, line: &str, out: &mut Builder) {
        let (speaker, said) = plain(line);
        if said == self.last {
            return;
        }
        if speaker.as_ref().is_some_and(|speaker| *speaker != self.speaker) {
            self.end(out);
            self.speaker = speaker.unwrap_or_default();
            self.text = format!("{}:", self.speaker);
        }
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(&said);
        if self.text.len() > PARAGRAPH_BYTES && said.ends_with(['.', '!', '?', '…', '。', '"']) {
            self.end(out);
        }
        self.last = said;
    }

    fn end(&mut self, out: &mut Builder) {
        out.paragraph(&std::mem::take(&mut self.text));
    }
}

/// The speaker of `<v Ann>` and the text without tags.
fn plain(line: &str) -> (Option<String>, String) {
    let mut text = String::new();
    let mut speaker = None;
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, after) = behind.split_once('>').unwrap_or(("", behind));
        if let Some((_, name)) =
            tag.split_once(' ').filter(|(kind, _)| *kind == "v" || kind.starts_with("v."))
        {
            speaker = Some(name.trim().to_owned());
        }
        rest = after;
    }
    text.push_str(rest);
    let text = text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ");
    (speaker, text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let parsed = parse(text, &Limits::default());
        parsed.check().unwrap();
        assert_eq!(parsed.text, expected);
    }

    #[test]
    fn times_numbers_and_notes_are_left_out() {
        check(
            "WEBVTT\n\nNOTE x\n\n1\n00:01.000 --> 00:02.000 align:left\n<i>One</i>\ntwo.\n\n00:02.000 --> 00:03.000\ntwo.\nThree &amp; four",
            "One two. Three & four",
        );
        check(
            "1\r\n00:00:01,000 --> 00:00:02,000\r\nHello\r\n\r\n2\r\n00:00:02,000 --> 00:00:03,000\r\nthere.",
            "Hello there.",
        );
    }

    #[test]
    fn speakers_part_paragraphs() {
        check(
            "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Hi\n\n00:02.000 --> 00:03.000\n<v Bob>Ho",
            "Ann: Hi\n\nBob: Ho",
        );
    }
}
