//! The shape of a free text: how many headings, list items, tables, blocks of code and paragraphs it has as markdown, and how
//! it begins and ends. One pass over its lines; it looks at no meaning and keeps no text.

/// Something that a text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    Headings,
    Lists,
    Tables,
    Code,
    Paragraphs,
    Emphasis,
    Preamble,
    Conclusion,
    Offer,
}

/// How much of every feature a text has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    counts: [usize; Feature::ALL.len()],
}

/// First words of a text that speak of the answer instead of giving it.
const PREAMBLES: &[&str] = &[
    "sure",
    "certainly",
    "of course",
    "absolutely",
    "great question",
    "good question",
    "here is",
    "here's",
    "here are",
    "i'd be happy",
    "i would be happy",
    "i'm happy",
    "happy to help",
    "thank you for",
    "thanks for",
    "as an ai",
    "okay",
    "ok,",
    "alright",
    "hello",
    "hi",
    "below is",
    "below are",
    "yes, ",
    "i can help",
];

/// First words of a last paragraph that sum up.
const CONCLUSIONS: &[&str] = &[
    "in conclusion",
    "in summary",
    "to sum up",
    "to summarize",
    "to summarise",
    "overall",
    "in short",
    "ultimately",
    "remember",
    "by following",
    "in essence",
    "finally",
    "therefore",
    "thus",
];

/// How a sentence of the last paragraph offers more, or takes leave.
const OFFERS: &[&str] = &[
    "let me know",
    "i hope",
    "hope this helps",
    "hope that helps",
    "feel free",
    "if you have any",
    "is there anything",
    "would you like me",
    "do you want me",
    "if you need",
    "if you'd like",
    "enjoy",
    "good luck",
    "happy ",
    "don't hesitate",
    "if you want",
];

/// Of a line, the bytes that are looked at for how a text begins or ends.
const MOST_BYTES: usize = 512;

// === impl Feature ===

impl Feature {
    /// All of them, in the order of evidence.
    pub(crate) const ALL: &'static [Self] = &[
        Self::Headings,
        Self::Lists,
        Self::Tables,
        Self::Code,
        Self::Paragraphs,
        Self::Emphasis,
        Self::Preamble,
        Self::Conclusion,
        Self::Offer,
    ];

    /// Its name in evidence.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Headings => "headings",
            Self::Lists => "lists",
            Self::Tables => "tables",
            Self::Code => "code",
            Self::Paragraphs => "paragraphs",
            Self::Emphasis => "emphasis",
            Self::Preamble => "preamble",
            Self::Conclusion => "conclusion",
            Self::Offer => "offer",
        }
    }
}

// === impl Shape ===

impl Shape {
    /// The shape of a text.
    pub(crate) fn of(text: &str) -> Self {
        let mut shape = Self::default();
        let (mut in_code, mut in_table, mut in_paragraph) = (false, false, false);
        let mut last = "";
        for line in text.lines().map(str::trim) {
            let fence = line.starts_with("```") || line.starts_with("~~~");
            if fence {
                shape.add(Feature::Code, usize::from(!in_code));
                in_code = !in_code;
            }
            if fence || in_code || line.is_empty() {
                (in_table, in_paragraph) = (false, false);
                continue;
            }
            last = line;
            shape.add(Feature::Emphasis, usize::from(is_emphasised(line)));
            let table = line.starts_with('|') && line.len() > 1;
            if table {
                shape.add(Feature::Tables, usize::from(!in_table));
            } else if is_heading(line) {
                shape.add(Feature::Headings, 1);
            } else if is_item(line) {
                shape.add(Feature::Lists, 1);
            } else {
                shape.add(Feature::Paragraphs, usize::from(!in_paragraph));
                in_paragraph = true;
                in_table = false;
                continue;
            }
            (in_table, in_paragraph) = (table, false);
        }
        // How much is emphasised is a matter of taste; whether anything is shows.
        shape.cap(Feature::Emphasis);
        let first = normal(head(text.trim_start()));
        let begins = PREAMBLES.iter().any(|start| begins_with(&first, start));
        shape.add(Feature::Preamble, usize::from(begins));
        let last = normal(tail(last));
        let concludes = CONCLUSIONS.iter().any(|start| begins_with(&last, start));
        shape.add(Feature::Conclusion, usize::from(concludes));
        let offers = last
            .split(['.', '!', '?'])
            .map(str::trim_start)
            .any(|sentence| OFFERS.iter().any(|start| sentence.starts_with(start)));
        shape.add(Feature::Offer, usize::from(offers));
        shape
    }

    /// How much of a feature there is.
    pub(crate) fn count(&self, feature: Feature) -> usize {
        self.counts
            .get(feature as usize)
            .copied()
            .unwrap_or_default()
    }

    fn add(&mut self, feature: Feature, count: usize) {
        if let Some(slot) = self.counts.get_mut(feature as usize) {
            *slot += count;
        }
    }

    fn cap(&mut self, feature: Feature) {
        if let Some(slot) = self.counts.get_mut(feature as usize) {
            *slot = (*slot).min(1);
        }
    }
}

/// `# Heading`, or a line that is nothing but emphasis.
fn is_heading(line: &str) -> bool {
    let text = line.trim_start_matches('#');
    let marks = line.len() - text.len();
    let marked = (1..=6).contains(&marks) && text.starts_with(' ');
    let bold = line
        .strip_prefix("**")
        .and_then(|line| line.trim_end_matches(':').strip_suffix("**"))
        .is_some_and(|inner| !inner.is_empty() && !inner.contains("**"));
    marked || bold
}

/// `- item`, `* item`, `+ item`, `• item`, `1. item`, `1) item`.
fn is_item(line: &str) -> bool {
    let rest = line.strip_prefix(['-', '*', '+', '\u{2022}']).or_else(|| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = line.len() - rest.len();
        rest.strip_prefix(['.', ')'])
            .filter(|_| (1..=3).contains(&digits))
    });
    rest.is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

fn is_emphasised(line: &str) -> bool {
    line.split_once("**")
        .and_then(|(_, rest)| rest.split_once("**"))
        .is_some_and(|(inner, _)| !inner.trim().is_empty())
}

/// Lower case, straight apostrophes, without marks of emphasis.
fn normal(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '*' | '_' | '#' | '>'))
        .map(|c| if c == '\u{2019}' { '\'' } else { c })
        .flat_map(char::to_lowercase)
        .collect::<String>()
        .trim_start()
        .to_owned()
}

fn begins_with(text: &str, start: &str) -> bool {
    text.strip_prefix(start)
        .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

fn head(text: &str) -> &str {
    text.split_at_checked(text.floor_char_boundary(MOST_BYTES))
        .map_or(text, |(head, _)| head)
}

fn tail(text: &str) -> &str {
    text.split_at_checked(text.ceil_char_boundary(text.len().saturating_sub(MOST_BYTES)))
        .map_or(text, |(_, tail)| tail)
}

#[cfg(test)]
mod tests {
    use super::{
        Feature::{
            Code, Conclusion, Emphasis, Headings, Lists, Offer, Paragraphs, Preamble, Tables,
        },
        *,
    };

    #[test]
    fn features_are_counted() {
        let check = |text: &str, expected: &[(Feature, usize)]| {
            let shape = Shape::of(text);
            for feature in Feature::ALL {
                let wanted = expected
                    .iter()
                    .find(|(name, _)| name == feature)
                    .map_or(0, |(_, count)| *count);
                assert_eq!(shape.count(*feature), wanted, "{feature:?} in {text:?}");
            }
        };
        check("", &[]);
        check("one\ntwo\n\nthree", &[(Paragraphs, 2)]);
        check("# A\n## B\n#C\n", &[(Headings, 2), (Paragraphs, 1)]);
        check("**Title**:\n", &[(Headings, 1), (Emphasis, 1)]);
        check("**Title**\n", &[(Headings, 1), (Emphasis, 1)]);
        check("- a\n  * b\n1) c\n22. d\n\u{2022} e", &[(Lists, 5)]);
        check("-5 degrees", &[(Paragraphs, 1)]);
        check("2026. A year", &[(Paragraphs, 1)]);
        check("| a | b |\n|---|---|\n| 1 | 2 |\n\n| c |", &[(Tables, 2)]);
        check("```rust\n# no heading\n- no item\n```", &[(Code, 1)]);
        check("```\nnever closed\n# x", &[(Code, 1)]);
        check("Sure! It is 4.", &[(Paragraphs, 1), (Preamble, 1)]);
        check("Surely it is 4.", &[(Paragraphs, 1)]);
        check(
            "It is 4.\n\nOverall, it is 4. I hope this helps!",
            &[(Paragraphs, 2), (Conclusion, 1), (Offer, 1)],
        );
        check("It **is** 4.", &[(Paragraphs, 1), (Emphasis, 1)]);
    }
}
