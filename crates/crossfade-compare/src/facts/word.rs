//! A text cut into the pieces in which facts stand: at white space, at most punctuation, and at characters of scripts that
//! put no space between words. Addresses are kept whole.

/// A piece of a text with what stands around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'t> {
    pub(super) text: &'t str,
    /// The character before it; a line break at the start of a line.
    pub(super) before: char,
    /// The character after it.
    pub(super) after: char,
    /// The character after that one.
    pub(super) beyond: char,
}

// === impl Word ===

impl<'t> Word<'t> {
    /// Without the punctuation that ends a clause.
    pub(super) fn trimmed(&self) -> &'t str {
        self.text.trim_end_matches(['.', ',', ':', '\'', '!', '?'])
    }
}

/// The words of a text, in their order, at most `most`.
pub(super) fn words(text: &str, most: usize) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut before = '\n';
    let mut rest = text;
    // What remains of the text after the piece between spaces that is being cut; looked for once per piece.
    let mut beyond_chunk = usize::MAX;
    while words.len() < most {
        let Some(start) = rest.find(|c: char| !is_mark(c)) else {
            break;
        };
        let Some((marks, from)) = rest.split_at_checked(start) else {
            break;
        };
        before = mark_before(marks, before);
        if from.len() <= beyond_chunk {
            let spaced = from.find(|c: char| c.is_whitespace() || is_wide(c));
            beyond_chunk = spaced.map_or(0, |spaced| from.len() - spaced);
        }
        let end = end_of(from, from.len() - beyond_chunk);
        let Some((text, tail)) = from.split_at_checked(end) else {
            break;
        };
        let mut following = tail.chars();
        let after = following.next().unwrap_or('\n');
        let beyond = following.next().unwrap_or('\n');
        words.push(Word {
            text,
            before,
            after,
            beyond,
        });
        before = ' ';
        rest = tail;
    }
    words
}

/// What counts as standing before a word: the last mark, but a line break if nothing but spaces and marks of lists and emphasis
/// follows one.
fn mark_before(marks: &str, before: char) -> char {
    let Some(last) = marks.chars().next_back() else {
        return before;
    };
    let line_start = marks
        .chars()
        .rev()
        .find(|c| !matches!(c, ' ' | '\t' | '*' | '#' | '>' | '_'));
    match line_start {
        Some('\n') => '\n',
        None if before == '\n' => '\n',
        Some(_) | None => last,
    }
}

/// Where the word that a text starts with ends; the piece between spaces that it stands in ends at `spaced`.
fn end_of(text: &str, spaced: usize) -> usize {
    let chunk = text
        .split_at_checked(spaced)
        .map_or(text, |(chunk, _)| chunk);
    let mark = chunk.find(is_mark).unwrap_or(chunk.len());
    let head = chunk.split_at_checked(mark).map_or(chunk, |(head, _)| head);
    if is_address(chunk, head) {
        let end = chunk
            .find(|c: char| {
                matches!(
                    c,
                    ')' | ']' | '>' | '"' | '<' | '`' | '|' | '*' | '\u{201d}'
                )
            })
            .unwrap_or(chunk.len());
        let address = chunk.split_at_checked(end).map_or(chunk, |(head, _)| head);
        return address
            .trim_end_matches(['.', ',', ';', ':', '!', '?', '\''])
            .len()
            .max(1);
    }
    mark
}

/// Whether a piece between spaces is an address from its start; `head` is what stands before its first mark.
fn is_address(chunk: &str, head: &str) -> bool {
    let link = ["http://", "https://", "www.", "ftp://"]
        .iter()
        .any(|start| chunk.starts_with(start));
    link || head.find('@').is_some_and(|at| at > 0)
}

/// What parts words.
fn is_mark(c: char) -> bool {
    match c {
        '.' | ',' | ':' | '/' | '-' | '+' | '%' | '$' | '\u{20ac}' | '\u{a3}' | '\u{a5}'
        | '\u{20b9}' | '\'' | '_' | '@' | '\u{2212}' | '\u{ff05}' => false,
        c => !c.is_alphanumeric() || is_wide(c),
    }
}

/// Characters of scripts without spaces, their punctuation included.
pub(super) const fn is_wide(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{ff00}'..='\u{ff04}' | '\u{ff06}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}')
}
