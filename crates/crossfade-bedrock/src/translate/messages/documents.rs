//! Files that the user sends: documents under names that the target takes, and pictures that came as files.

use base64::{Engine, engine::general_purpose::STANDARD};
use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::File;

use super::{
    super::context::{Context, no_others, refused, stateful},
    images,
};
use crate::converse::{Block, Bytes, Document};

/// The most bytes of one document, by the target's own documentation.
const LARGEST: usize = 4_718_592;
/// The longest name, with room for what tells it from another of its kind.
const LONGEST_NAME: usize = 190;
/// The name of a document that has none.
const UNNAMED: &str = "document";

/// Formats by media type. Whatever else is text is plain text to the target.
const BY_TYPE: &[(&str, &str)] = &[
    ("application/pdf", "pdf"),
    ("application/x-pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/csv", "csv"),
    ("application/msword", "doc"),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx",
    ),
    ("application/vnd.ms-excel", "xls"),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    ("text/html", "html"),
    ("application/xhtml+xml", "html"),
    ("text/markdown", "md"),
    ("text/x-markdown", "md"),
    ("text/plain", "txt"),
    ("application/json", "txt"),
    ("application/xml", "txt"),
    ("application/yaml", "txt"),
];

/// Formats by the end of a file's name.
const BY_EXTENSION: &[(&str, &str)] = &[
    ("pdf", "pdf"),
    ("csv", "csv"),
    ("doc", "doc"),
    ("docx", "docx"),
    ("xls", "xls"),
    ("xlsx", "xlsx"),
    ("html", "html"),
    ("htm", "html"),
    ("md", "md"),
    ("markdown", "md"),
    ("txt", "txt"),
    ("text", "txt"),
    ("log", "txt"),
    ("json", "txt"),
    ("xml", "txt"),
    ("yaml", "txt"),
    ("yml", "txt"),
];

/// Translates one file; `path` names the file.
pub(super) fn file(
    path: &str,
    file: &File,
    context: &mut Context<'_>,
) -> Result<Block, Unsupported> {
    if file.file_id.is_some() {
        return Err(stateful(format!("{path}.file_id")));
    }
    no_others(path, &file.other)?;
    let data = format!("{path}.file_data");
    let Some(given) = &file.file_data else {
        return Err(refused(data, "missing"));
    };
    let (kind, base64) = split(given);
    if let Some(format) = kind.as_deref().and_then(images::format) {
        return images::inline(&data, format, base64, context).map(Block::Image);
    }
    if context.capabilities.documents == 0 {
        return Err(refused(path, "the candidate takes no documents"));
    }
    let seen = u32::try_from(context.documents.len()).unwrap_or(u32::MAX);
    if seen >= context.capabilities.documents {
        return Err(refused(path, "more documents than the candidate takes"));
    }
    let Ok(bytes) = STANDARD.decode(base64) else {
        return Err(refused(data, "not valid base64"));
    };
    if bytes.is_empty() || bytes.len() > LARGEST {
        return Err(refused(data, "empty, or over the candidate's limit"));
    }
    let Some(format) = format(kind.as_deref(), file.filename.as_deref(), &bytes) else {
        return Err(refused(data, "a format that the candidate does not take"));
    };
    let name = name(path, file.filename.as_deref(), &bytes, context);
    Ok(Block::Document(Document {
        format,
        name,
        source: Bytes {
            bytes: base64.to_owned(),
        },
    }))
}

/// The media type in lower case, if the data states one, and the base64.
fn split(data: &str) -> (Option<String>, &str) {
    let Some((head, base64)) = data
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(','))
    else {
        return (None, data);
    };
    let kind = head.split(';').next().unwrap_or_default();
    (Some(kind.to_ascii_lowercase()), base64)
}

/// The format by what is stated, else by the name, else by the first bytes.
fn format(kind: Option<&str>, filename: Option<&str>, bytes: &[u8]) -> Option<&'static str> {
    let of = |table: &'static [(&str, &str)], word: &str| {
        let found = table.iter().find(|(known, _)| *known == word);
        found.map(|(_, format)| *format)
    };
    let by_name = || {
        let (_, extension) = filename?.rsplit_once('.')?;
        of(BY_EXTENSION, &extension.to_ascii_lowercase())
    };
    let is_text = kind.is_some_and(|kind| kind.starts_with("text/"));
    kind.and_then(|kind| of(BY_TYPE, kind))
        .or_else(by_name)
        .or_else(|| is_text.then_some("txt"))
        .or_else(|| bytes.starts_with(b"%PDF-").then_some("pdf"))
}

/// A name that the target takes and no other document of the request has. The same conversation gives the same names
/// again, so that what the provider cached still fits.
fn name(path: &str, filename: Option<&str>, bytes: &[u8], context: &mut Context<'_>) -> String {
    let given = filename.filter(|name| !name.trim().is_empty());
    let stem = given.map(stem);
    let fitted = match stem {
        Some(stem) => fitted(stem),
        None => {
            let hash = blake3::hash(bytes).to_hex();
            let start: String = hash.chars().take(8).collect();
            format!("{UNNAMED}-{start}")
        }
    };
    let mut name = fitted.clone();
    let mut next = 2_u32;
    while !context.documents.insert(name.clone()) {
        name = format!("{fitted} {next}");
        next += 1;
    }
    if stem.is_some_and(|stem| stem != name) {
        let field = format!("{path}.filename");
        context.lose(LossKind::DocumentRenamed, field);
    }
    name
}

/// A file's name without its ending, which the format says.
fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 8 => stem,
        _ => name,
    }
}

/// The name in the characters that the target takes.
fn fitted(name: &str) -> String {
    let mut fitted = String::with_capacity(name.len().min(LONGEST_NAME));
    for c in name.trim().chars().take(LONGEST_NAME) {
        let c = match c {
            c if c.is_ascii_alphanumeric() || "-()[]".contains(c) => c,
            c if c.is_whitespace() => ' ',
            _ => '-',
        };
        if c != ' ' || !fitted.ends_with(' ') {
            fitted.push(c);
        }
    }
    let kept = fitted.trim_end().len();
    fitted.truncate(kept);
    if fitted.is_empty() {
        UNNAMED.to_owned()
    } else {
        fitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_need_nobody_s_table_edge_12_bug_49() {
        let check =
            |kind: Option<&str>, name: Option<&str>, bytes: &[u8], expected: Option<&str>| {
                assert_eq!(format(kind, name, bytes), expected, "{kind:?} {name:?}");
            };
        check(Some("application/pdf"), None, b"x", Some("pdf"));
        check(
            Some("application/octet-stream"),
            Some("a.DOCX"),
            b"x",
            Some("docx"),
        );
        check(None, Some("notes.md"), b"x", Some("md"));
        check(None, None, b"%PDF-1.7", Some("pdf"));
        check(Some("text/x-python"), Some("a.py"), b"x", Some("txt"));
        check(Some("text/csv"), Some("a.txt"), b"x", Some("csv"));
        check(Some("application/zip"), Some("a.zip"), b"PK", None);
        check(None, None, b"x", None);
        for (kind, format) in BY_TYPE {
            check(Some(kind), None, b"x", Some(format));
        }
    }

    #[test]
    fn names_fit_edge_11() {
        for (name, expected) in [
            ("Q3 report", "Q3 report"),
            ("a/b\\c:d", "a-b-c-d"),
            ("  two   blanks\t", "two blanks"),
            ("übung", "-bung"),
            ("...", "..."),
            ("", UNNAMED),
        ] {
            let fits = fitted(name);
            let expected = expected.replace('.', "-");
            assert_eq!(fits, expected, "{name}");
        }
        assert_eq!(fitted(&"x".repeat(500)).len(), LONGEST_NAME);
        assert_eq!(stem("report.final.pdf"), "report.final");
        assert_eq!(stem(".gitignore"), ".gitignore");
    }
}
