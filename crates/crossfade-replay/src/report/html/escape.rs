//! Text within HTML. What a model or a case wrote goes through here, and through nothing else.

use std::fmt;

/// Text as HTML's text or as a double-quoted attribute's value. Control characters, those that turn the direction of writing
/// included, show as symbols, so that what is seen is what is there.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(character)?,
                '\u{0}'..='\u{1f}' => {
                    let symbol = char::from_u32(0x2400 + u32::from(character));
                    f.write_char(symbol.unwrap_or('\u{fffd}'))?;
                }
                '\u{7f}'..='\u{9f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}' => f.write_char('\u{fffd}')?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, html: &str) {
        assert_eq!(Escaped(text).to_string(), html);
    }

    #[test]
    fn nothing_gets_out() {
        check(
            "<script>alert(1)</script>",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
        );
        check("\" onload='x' &amp;", "&quot; onload=&#39;x&#39; &amp;amp;");
        check("a\u{0}b\u{1b}[2J\rc", "a\u{2400}b\u{241b}[2J\u{240d}c");
        check("\u{202e}gpj.exe", "\u{fffd}gpj.exe");
        check("line\n\ttab", "line\n\ttab");
    }
}
