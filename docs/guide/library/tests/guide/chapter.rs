//! A chapter as text with blocks of code. It knows where code comes from, and runs nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::transcript;

/// A file of the guide.
pub struct Chapter {
    pub path: PathBuf,
    text: String,
    pub blocks: Vec<Block>,
}

/// A block of code.
pub struct Block {
    /// The line of its fence, from 1.
    pub line: usize,
    pub kind: Kind,
    pub text: String,
}

/// What a block should be.
pub enum Kind {
    /// A file of the package, or what stands between two anchors of it: the comment before the block says which.
    Region { file: String, anchor: Option<String> },
    /// Commands with what they print.
    Console,
    /// Neither; not in Rust or TOML, which must come from a file.
    Other,
}

impl Chapter {
    /// All chapters, in the order in which they are read.
    pub fn all() -> Vec<Self> {
        let directory = package().join("..");
        let entries = fs::read_dir(&directory).expect("the guide is beside the package");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("it can be read").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
        // Numbered chapters stand before `README.md`, which has no transcript.
        paths.sort_unstable();
        paths.into_iter().map(Self::read).collect()
    }

    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).expect("it is text");
        let blocks = blocks(&text).unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()));
        Self { path, text, blocks }
    }

    pub fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Files that it leads to, without what stands after a `#`.
    pub fn links(&self) -> Vec<String> {
        let targets = self.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let files = targets.filter_map(|target| target.split('#').next());
        files.filter(|file| !file.is_empty() && !file.contains("://")).map(str::to_owned).collect()
    }

    /// Writes the file with these texts in the place of those of the numbered blocks.
    pub fn renew(&mut self, texts: Vec<(usize, String)>) {
        let mut lines: Vec<_> = self.text.lines().map(str::to_owned).collect();
        for (number, text) in texts.into_iter().rev() {
            let block = &self.blocks[number];
            let length = block.text.lines().count();
            lines.splice(block.line..block.line + length, text.lines().map(str::to_owned));
        }
        fs::write(&self.path, lines.join("\n") + "\n").expect("it can be written");
    }
}

impl Block {
    /// Whether its text is this; of what is printed, times and the widths that follow from them aside.
    pub fn says(&self, actual: &str) -> bool {
        match self.kind {
            Kind::Console => transcript::same(&self.text, actual),
            Kind::Region { .. } | Kind::Other => self.text == actual,
        }
    }
}

fn blocks(text: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    let mut before = "";
    while let Some((number, line)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let inner = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            let text = inner.map(|line| format!("{line}\n")).collect();
            blocks.push(Block { line: number + 1, kind: kind(language, before, number + 1)?, text });
        }
        before = line;
    }
    Ok(blocks)
}

fn kind(language: &str, before: &str, line: usize) -> Result<Kind, String> {
    let source = before.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
    match (language, source) {
        ("console", _) => Ok(Kind::Console),
        (_, Some(source)) => {
            let (file, anchor) = source.split_once('#').map_or((source, None), |(file, anchor)| (file, Some(anchor)));
            Ok(Kind::Region { file: file.to_owned(), anchor: anchor.map(str::to_owned) })
        }
        ("rust" | "toml", None) => Err(format!("line {line}: say above the block where it is from: <!-- src/… -->")),
        (_, None) => Ok(Kind::Other),
    }
}

/// What stands in a file of the package, whole or between the lines `ANCHOR: name` and `ANCHOR_END: name`, moved to the
/// left margin.
pub fn region(file: &str, anchor: Option<&str>) -> String {
    let text = fs::read_to_string(package().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let is_mark = |line: &str, mark: &str| line.trim().trim_start_matches(['/', '#']).trim() == mark;
    let lines = text.lines();
    let lines: Vec<_> = match anchor {
        None => lines.collect(),
        Some(anchor) => {
            let (begin, end) = (format!("ANCHOR: {anchor}"), format!("ANCHOR_END: {anchor}"));
            let inner = lines.skip_while(|line| !is_mark(line, &begin)).skip(1);
            inner.take_while(|line| !is_mark(line, &end)).collect()
        }
    };
    assert!(!lines.is_empty(), "{file} has no region {anchor:?}");
    let filled = lines.iter().filter(|line| !line.is_empty());
    let margin = filled.map(|line| line.len() - line.trim_start().len()).min().unwrap_or_default();
    let moved = lines.iter().map(|line| line.get(margin..).unwrap_or_default());
    moved.filter(|line| !line.contains("ANCHOR")).map(|line| format!("{line}\n")).collect()
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
