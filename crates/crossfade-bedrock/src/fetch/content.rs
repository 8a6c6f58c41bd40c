//! What came behind a URL: its kind by its own first bytes, and whether that is what was said and what is wanted.

use super::FetchFailure;

/// What is wanted behind a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Want {
    /// A picture.
    Image,
    /// A document.
    File,
}

/// What the first bytes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Magic {
    Png,
    Jpeg,
    Gif,
    Webp,
    Pdf,
    /// The container of newer office documents.
    Zip,
    /// The container of older office documents.
    Compound,
    /// Nothing, and all of it is text.
    Text,
}

/// One kind of document: its media types (the first is the one that is given on), its name's ending, its bytes.
struct Document {
    media_types: &'static [&'static str],
    endings: &'static [&'static str],
    magic: Magic,
}

const DOCUMENTS: [Document; 9] = [
    Document {
        media_types: &["application/pdf", "application/x-pdf"],
        endings: &["pdf"],
        magic: Magic::Pdf,
    },
    Document {
        media_types: &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
        endings: &["docx"],
        magic: Magic::Zip,
    },
    Document {
        media_types: &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
        endings: &["xlsx"],
        magic: Magic::Zip,
    },
    Document {
        media_types: &["application/msword"],
        endings: &["doc"],
        magic: Magic::Compound,
    },
    Document {
        media_types: &["application/vnd.ms-excel"],
        endings: &["xls"],
        magic: Magic::Compound,
    },
    Document {
        media_types: &["text/csv", "application/csv"],
        endings: &["csv"],
        magic: Magic::Text,
    },
    Document {
        media_types: &["text/html", "application/xhtml+xml"],
        endings: &["html", "htm"],
        magic: Magic::Text,
    },
    Document {
        media_types: &["text/markdown", "text/x-markdown"],
        endings: &["md", "markdown"],
        magic: Magic::Text,
    },
    Document {
        media_types: &["text/plain"],
        endings: &["txt", "text", "log"],
        magic: Magic::Text,
    },
];

/// The media type to give on.
///
/// `said` is the answer's `content-type`. It may be missing or say nothing (`application/octet-stream`); what it does say must
/// agree with the bytes. A document that only its name tells is told by that.
pub(super) fn judge(
    want: Want,
    said: Option<&str>,
    name: Option<&str>,
    bytes: &[u8],
) -> Result<&'static str, FetchFailure> {
    let said = said.map(essence).filter(|said| !says_nothing(said));
    let magic = magic(bytes).ok_or(FetchFailure::Kind)?;
    match want {
        Want::Image => image(said.as_deref(), magic),
        Want::File => document(said.as_deref(), name, magic),
    }
}

fn image(said: Option<&str>, magic: Magic) -> Result<&'static str, FetchFailure> {
    let (found, other) = match magic {
        Magic::Png => ("image/png", "image/x-png"),
        Magic::Jpeg => ("image/jpeg", "image/jpg"),
        Magic::Gif => ("image/gif", "image/gif"),
        Magic::Webp => ("image/webp", "image/webp"),
        Magic::Pdf | Magic::Zip | Magic::Compound | Magic::Text => return Err(FetchFailure::Kind),
    };
    // Servers often name another picture's kind; that it is none at all is never taken.
    let agrees = said.is_none_or(|said| {
        said == found || said == other || (said.starts_with("image/") && said != "image/svg+xml")
    });
    if agrees {
        Ok(found)
    } else {
        Err(FetchFailure::Kind)
    }
}

fn document(
    said: Option<&str>,
    name: Option<&str>,
    magic: Magic,
) -> Result<&'static str, FetchFailure> {
    let ending = name
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, ending)| ending.to_ascii_lowercase());
    let told = |document: &&Document| match (said, &ending) {
        (Some(said), _) => document.media_types.contains(&said),
        (None, Some(ending)) => document.endings.contains(&ending.as_str()),
        // Only what the bytes alone tell.
        (None, None) => matches!(document.magic, Magic::Pdf),
    };
    let found = DOCUMENTS.iter().find(told).ok_or(FetchFailure::Kind)?;
    if found.magic != magic {
        return Err(FetchFailure::Kind);
    }
    found.media_types.first().copied().ok_or(FetchFailure::Kind)
}

/// The media type without its parameters.
fn essence(said: &str) -> String {
    let essence = said.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn says_nothing(essence: &str) -> bool {
    matches!(
        essence,
        "" | "application/octet-stream" | "binary/octet-stream" | "application/download"
    )
}

fn magic(bytes: &[u8]) -> Option<Magic> {
    let begins = |prefix: &[u8]| bytes.starts_with(prefix);
    let is_webp = begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let found = [
        (Magic::Png, begins(b"\x89PNG\r\n\x1a\n")),
        (Magic::Jpeg, begins(b"\xff\xd8\xff")),
        (Magic::Gif, begins(b"GIF87a") || begins(b"GIF89a")),
        (Magic::Webp, is_webp),
        (Magic::Pdf, begins(b"%PDF-")),
        (Magic::Zip, begins(b"PK\x03\x04")),
        (Magic::Compound, begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
    ];
    let found = found
        .into_iter()
        .find(|(_, is)| *is)
        .map(|(magic, _)| magic);
    let is_text = || !bytes.is_empty() && !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok();
    found.or_else(|| is_text().then_some(Magic::Text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0rest";
    const WEBP: &[u8] = b"RIFF\x10\x00\x00\x00WEBPVP8 ";
    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

    #[test]
    fn pictures_by_their_bytes_and_only_pictures() {
        for (said, bytes, expected) in [
            (Some("image/png"), PNG, Some("image/png")),
            (Some("image/PNG; charset=x"), PNG, Some("image/png")),
            (None, PNG, Some("image/png")),
            (Some("application/octet-stream"), PNG, Some("image/png")),
            (Some("image/jpg"), JPEG, Some("image/jpeg")),
            (Some("image/jpeg"), PNG, Some("image/png")),
            (None, WEBP, Some("image/webp")),
            (None, b"GIF89a..", Some("image/gif")),
            (Some("text/html"), PNG, None),
            (Some("image/svg+xml"), PNG, None),
            (Some("image/png"), b"<html>", None),
            (Some("image/png"), b"", None),
            (Some("image/svg+xml"), b"<svg/>", None),
            (Some("image/png"), b"%PDF-1.7", None),
            (None, b"RIFF\x10\x00\x00\x00WAVEfmt ", None),
        ] {
            let found = judge(Want::Image, said, None, bytes).ok();
            assert_eq!(found, expected, "{said:?} {bytes:?}");
        }
    }

    #[test]
    fn documents_by_what_is_said_or_by_name_if_the_bytes_agree() {
        let ole: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1..";
        for (said, name, bytes, expected) in [
            (
                Some("application/pdf"),
                None,
                &b"%PDF-1.7"[..],
                Some("application/pdf"),
            ),
            (None, None, b"%PDF-1.7", Some("application/pdf")),
            (None, Some("a.pdf"), b"%PDF-1.7", Some("application/pdf")),
            (None, Some("a.pdf"), b"no pdf", None),
            (Some("text/html"), None, b"%PDF-1.7", None),
            (Some(DOCX), None, b"PK\x03\x04..", Some(DOCX)),
            (None, Some("a.DOCX"), b"PK\x03\x04..", Some(DOCX)),
            (None, Some("a.zip"), b"PK\x03\x04..", None),
            (None, None, b"PK\x03\x04..", None),
            (
                Some("application/zip"),
                Some("a.docx"),
                b"PK\x03\x04..",
                None,
            ),
            (None, Some("a.doc"), ole, Some("application/msword")),
            (None, Some("a.xls"), ole, Some("application/vnd.ms-excel")),
            (
                Some("text/plain; charset=utf-8"),
                None,
                b"hi",
                Some("text/plain"),
            ),
            (Some("text/csv"), Some("a.txt"), b"a,b", Some("text/csv")),
            (None, Some("a.md"), b"# hi", Some("text/markdown")),
            (Some("text/plain"), None, b"a\0b", None),
            (Some("text/plain"), None, b"\xff\xfe", None),
            (None, None, b"hi", None),
            (Some("image/png"), None, PNG, None),
        ] {
            let found = judge(Want::File, said, name, bytes).ok();
            assert_eq!(found, expected, "{said:?} {name:?} {bytes:?}");
        }
    }
}
