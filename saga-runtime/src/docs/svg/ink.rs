//! Lines, boxes and words in SVG. It knows no sagas.

use std::fmt::Write;

/// From one line of words to the next.
pub(super) const LINE: i32 = 16;
/// From the top of a line of words to where its letters stand.
pub(super) const ASCENT: i32 = 12;
/// The width of a letter: of nearly all fonts rather too much.
const LETTER: i32 = 7;
/// Beside an arrow no line of words is longer, but for a word that is.
const LETTERS_AT_MOST: usize = 24;

const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}.name,.title{text-anchor:middle}.title{font-weight:600}\
.words{font-size:12px;fill:#57606a}.before{text-anchor:end}.paper{fill:#fff}.line{fill:none;stroke:#57606a}\
.tip,.dot{fill:#57606a}.state{fill:#f6f8fa;stroke:#8c959f}.undo{fill:#fff8c5;stroke:#bf8700}\
.good{fill:#dafbe1;stroke:#1a7f37}.back{fill:#fff1e5;stroke:#bc4c00}.stuck{fill:#ffebe9;stroke:#cf222e}\
.out{fill:#ddf4ff;stroke:#0969da}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.words{fill:#9198a1}.paper{fill:#0d1117}.line{stroke:#9198a1}\
.tip,.dot{fill:#9198a1}.state{fill:#161b22;stroke:#656c76}.undo{fill:#2e2508;stroke:#9e6a03}\
.good{fill:#0f2b18;stroke:#2ea043}.back{fill:#33190a;stroke:#bd561d}.stuck{fill:#3a1114;stroke:#da3633}\
.out{fill:#0b2447;stroke:#1f6feb}}";

/// Where a line has arrow heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Arrow,
    Back,
    Both,
}

/// What was drawn so far.
#[derive(Debug, Default)]
pub(super) struct Ink {
    body: String,
}

impl Ink {
    /// The whole file.
    pub(super) fn finish(self, mark: &str, title: &str, width: i32, height: i32) -> String {
        format!(
            "{mark}<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\">\n<title>{}</title>\n<style>{STYLE}</style>\n<rect class=\"paper\" \
             width=\"{width}\" height=\"{height}\"/>\n{}</svg>\n",
            escape(title),
            self.body
        )
    }

    /// A line over these points, each straight beside or under the one before.
    pub(super) fn line(&mut self, points: &[(i32, i32)], end: End) {
        let path: Vec<_> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        self.push(&format!("<polyline class=\"line\" points=\"{}\"/>", path.join(" ")));
        if let (Some(last), true) = (points.last_chunk(), end != End::Back) {
            self.tip(*last);
        }
        if let (Some([first, second]), true) = (points.first_chunk(), end != End::Arrow) {
            self.tip([*second, *first]);
        }
    }

    /// The head of an arrow at the second of two points.
    fn tip(&mut self, [(from_x, from_y), (x, y)]: [(i32, i32); 2]) {
        let (right, down) = ((x - from_x).signum() * 8, (y - from_y).signum() * 8);
        let (left_x, left_y) = (x - right - down / 2, y - down + right / 2);
        let (right_x, right_y) = (x - right + down / 2, y - down - right / 2);
        self.push(&format!("<polygon class=\"tip\" points=\"{x},{y} {left_x},{left_y} {right_x},{right_y}\"/>"));
    }

    pub(super) fn state(&mut self, class: &str, (x, y): (i32, i32), (width, height): (i32, i32)) {
        self.push(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>"
        ));
    }

    pub(super) fn dot(&mut self, x: i32, y: i32) {
        self.push(&format!("<circle class=\"dot\" cx=\"{x}\" cy=\"{y}\" r=\"7\"/>"));
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (i32, i32), text: &str) {
        self.push(&format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(text)));
    }

    /// Words beside an arrow, the first line at this height.
    pub(super) fn words(&mut self, at: (i32, i32), words: &str) {
        self.lines("words", at, words);
    }

    /// Words over a line.
    pub(super) fn words_above(&mut self, (x, y): (i32, i32), words: &str) {
        let lines = i32::try_from(wrapped(words).len()).unwrap_or(i32::MAX);
        self.lines("words", (x, y - 6 - LINE * (lines - 1)), words);
    }

    /// Words under a line.
    pub(super) fn words_below(&mut self, (x, y): (i32, i32), words: &str) {
        self.lines("words", (x, y + ASCENT + 4), words);
    }

    /// Words that end here, in the middle of a line.
    pub(super) fn words_before(&mut self, (x, y): (i32, i32), words: &str) {
        self.lines("words before", (x, above(y, words)), words);
    }

    fn lines(&mut self, class: &str, (x, y): (i32, i32), words: &str) {
        for (index, line) in (0..).zip(wrapped(words)) {
            self.text(class, (x, y + LINE * index), &line);
        }
    }

    fn push(&mut self, element: &str) {
        writeln!(self.body, "{element}").expect("a String takes everything");
    }
}

/// Where the first line of words stands whose middle is at this height.
pub(super) fn above(middle: i32, words: &str) -> i32 {
    middle - height(wrapped(words).len()) / 2 + ASCENT
}

/// The height of this many lines of words.
pub(super) fn height(lines: usize) -> i32 {
    i32::try_from(lines).unwrap_or(i32::MAX).saturating_mul(LINE)
}

/// The width of a line of words.
pub(super) fn width(text: &str) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(i32::MAX).saturating_mul(LETTER)
}

/// The height and the width of words beside an arrow.
pub(super) fn size(words: &str) -> (i32, i32) {
    let lines = wrapped(words);
    (height(lines.len()), lines.iter().map(|line| width(line)).max().unwrap_or_default())
}

/// Words in lines that are short enough.
pub(super) fn wrapped(words: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LETTERS_AT_MOST => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// What XML takes for text; what no XML takes is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => {}
            _ if character.is_control() => {}
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_between_them() {
        assert_eq!(wrapped("refused, timed out, deadline, cancelled"), ["refused, timed out,", "deadline, cancelled"]);
        assert_eq!(wrapped("a_word_that_is_longer_than_a_line stays"), ["a_word_that_is_longer_than_a_line", "stays"]);
        assert_eq!(wrapped(" "), Vec::<String>::new());
    }

    #[test]
    fn every_word_is_harmless() {
        assert_eq!(escape("a <b> & \"c\"\u{0}\u{FFFF}"), "a &lt;b&gt; &amp; &quot;c&quot;");
    }
}
