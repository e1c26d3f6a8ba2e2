//! Two transcripts are the same if they differ in nothing but times. It knows how times look, and no program.

/// Whether they say the same.
pub fn same(left: &str, right: &str) -> bool {
    left.lines().map(timeless).eq(right.lines().map(timeless))
}

/// The line with its times as `#`, and with single spaces, since columns are as wide as times are long.
fn timeless(line: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in line.split_whitespace() {
        let bare = word.trim_matches(['(', ')', ',']);
        let is_unit = matches!(bare, "ms" | "s" | "min" | "h") && words.pop_if(|number| is_number(number)).is_some();
        let is_time = is_unit || is_clock(bare);
        match words.last() {
            Some(&"#") if is_time => {}
            _ => words.push(if is_time { "#" } else { word }),
        }
    }
    words.join(" ")
}

fn is_number(word: &str) -> bool {
    let bare = word.trim_start_matches('(');
    !bare.is_empty() && bare.chars().all(|digit| digit.is_ascii_digit() || digit == '.')
}

/// `12:00:00.000` or `2026-01-01`.
fn is_clock(word: &str) -> bool {
    let parts: Vec<_> = word.split(['-', ':', '.']).collect();
    parts.len() >= 3 && parts.iter().all(|part| is_number(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_do_not_count_and_all_else_does() {
        assert!(same("a  done  (in 59 min 59 s)", "a done (in 3 s)"));
        assert!(same("09:15:45.043  1 │ x", "23:00:00.001   1 │ x"));
        assert!(same("started 2026-11-21 09:15:45 UTC (16 ms ago)", "started 2027-01-02 00:00:00 UTC (2 s ago)"));
        assert!(!same("completed with 1", "completed with 2"));
        assert!(!same("one", "one\ntwo"));
    }
}
