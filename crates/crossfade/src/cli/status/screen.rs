//! Lines that compete for one screen: what must be seen stays, and of the rest what matters most, in the order in which it was
//! put there.

use super::words::{WIDEST, clipped};

/// Rows of the screen.
pub(super) const TALL: usize = 24;
/// Columns of the screen, where names allow.
pub(super) const WIDE: usize = 80;
/// Where the text of a line begins, behind its label.
const INDENT: usize = 12;

/// How much a line matters, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Without it the rest would mislead.
    Must,
    /// Why it is so.
    Why,
    /// Good to know beside it.
    Useful,
    /// If there is room.
    Extra,
}

/// A screen that is being filled.
#[derive(Debug, Default)]
pub(super) struct Screen {
    lines: Vec<(Rank, String)>,
}

// === impl Screen ===

impl Screen {
    /// One line, cut where the screen ends.
    pub(super) fn line(&mut self, rank: Rank, line: &str) {
        self.lines.push((rank, clipped(line, WIDE)));
    }

    /// The line that begins with a name: as wide as may be.
    pub(super) fn name_line(&mut self, line: &str) {
        self.lines.push((Rank::Must, clipped(line, WIDEST)));
    }

    /// A label and its text, on at most `most` lines; what does not fit is cut.
    pub(super) fn text(&mut self, rank: Rank, label: &str, text: &str, most: usize) {
        self.paragraph(rank, format!("  {label:<9} "), text, most);
    }

    /// A text under the one before.
    pub(super) fn under(&mut self, rank: Rank, text: &str, most: usize) {
        self.paragraph(rank, " ".repeat(INDENT), text, most);
    }

    fn paragraph(&mut self, rank: Rank, head: String, text: &str, most: usize) {
        let mut line = head;
        let mut rows = 1;
        let mut is_empty = true;
        for word in text.split(' ') {
            let room = WIDE.saturating_sub(line.chars().count());
            let needs = word.chars().count() + usize::from(!is_empty);
            // A word that fits on no line has one of its own.
            if needs > room && !is_empty {
                if rows == most {
                    line.push_str(" …");
                    self.lines.push((rank, clipped(&line, WIDE)));
                    return;
                }
                self.lines.push((rank, clipped(&line, WIDE)));
                line = " ".repeat(INDENT);
                rows += 1;
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.lines.push((rank, clipped(&line, WIDE)));
    }

    /// All of it, where something follows.
    pub(super) fn all(self) -> String {
        let lines = self.lines.into_iter();
        lines
            .flat_map(|(_, line)| [line, "\n".to_owned()])
            .collect()
    }

    /// What fits, and as the last line where the rest is found.
    pub(super) fn shown(self, rest: &str) -> String {
        let room = TALL - 1;
        let mut kept: Vec<bool> = vec![true; self.lines.len()];
        let mut over = self.lines.len().saturating_sub(room);
        let left_out = over;
        for rank in [Rank::Extra, Rank::Useful, Rank::Why, Rank::Must] {
            for (place, (of, _)) in self.lines.iter().enumerate().rev() {
                if over > 0
                    && *of == rank
                    && let Some(keep) = kept.get_mut(place)
                {
                    *keep = false;
                    over -= 1;
                }
            }
        }
        let mut out = String::new();
        let lines = self.lines.iter().zip(kept).filter(|(_, keep)| *keep);
        for ((_, line), _) in lines {
            out.push_str(line);
            out.push('\n');
        }
        let rest = match left_out {
            0 => format!("  more      {rest}"),
            1 => format!("  more      1 line is left out: {rest}"),
            many => format!("  more      {many} lines are left out: {rest}"),
        };
        out.push_str(&clipped(&rest, WIDE));
        out.push('\n');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_least_is_left_out_and_the_order_stays() {
        let mut screen = Screen::default();
        for number in 0..14 {
            screen.line(Rank::Extra, &format!("extra {number}"));
            screen.line(Rank::Must, &format!("must {number}"));
        }
        let shown = screen.shown("look there");
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), TALL);
        assert_eq!(lines[..3], ["extra 0", "must 0", "extra 1"]);
        assert_eq!(lines[21..23], ["must 12", "must 13"]);
        assert_eq!(lines[23], "  more      5 lines are left out: look there");
    }

    #[test]
    fn texts_are_broken_between_words() {
        let check = |text: &str, most: usize, expected: &[&str]| {
            let mut screen = Screen::default();
            screen.text(Rank::Must, "next", text, most);
            let shown = screen.shown("-");
            let lines: Vec<&str> = shown.lines().collect();
            assert_eq!(lines[..lines.len() - 1], *expected, "{text}");
        };
        check("a b", 2, &["  next      a b"]);
        let long = ["word"; 15].join(" ");
        let (first, second) = (["word"; 13].join(" "), "word word");
        let lines = [
            format!("  next      {first}"),
            format!("            {second}"),
        ];
        check(&long, 2, &[&lines[0], &lines[1]]);
        check(&long, 1, &[&format!("  next      {first} …")]);
        // A name that fits nowhere is cut at the widest.
        let name = "n".repeat(120);
        let cut = format!("            {}…", "n".repeat(87));
        check(
            &format!("a {name} b"),
            3,
            &["  next      a", &cut, "            b"],
        );
    }
}
