//! A user's pictures, inline. What stands behind an address was fetched before, or the request is not for the candidate.

use base64::{Engine, engine::general_purpose::STANDARD};
use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::ImageUrl;

use super::super::context::{Context, no_others, refused};
use crate::{
    capabilities::ImageFormat,
    converse::{Bytes, Image},
};

/// The most bytes of one picture, by the target's own documentation.
const LARGEST: usize = 3_932_160;

/// Translates one picture.
pub(super) fn image(
    path: &str,
    image: &ImageUrl,
    context: &mut Context<'_>,
) -> Result<Image, Unsupported> {
    let at = format!("{path}.image_url");
    no_others(&at, &image.other)?;
    if context.capabilities.images.is_empty() {
        return Err(refused(at, "the candidate takes no pictures"));
    }
    let url = format!("{at}.url");
    let Some(data) = image.url.strip_prefix("data:") else {
        return Err(refused(url, "only inline pictures are mapped"));
    };
    let Some((kind, base64)) = data.split_once(',') else {
        return Err(refused(url, "not a data url"));
    };
    let Some(kind) = kind.strip_suffix(";base64") else {
        return Err(refused(url, "not in base64"));
    };
    let kind = kind.split(';').next().unwrap_or_default();
    let Some(format) = format(&kind.to_ascii_lowercase()) else {
        return Err(refused(url, "a format that the candidate does not take"));
    };
    let translated = inline(&url, format, base64, context)?;
    let detail = image.detail.as_deref();
    if detail.is_some_and(|detail| detail != "auto") {
        context.lose(LossKind::HintDropped, format!("{at}.detail"));
    }
    Ok(translated)
}

/// The format of a media type in lower case.
pub(super) fn format(kind: &str) -> Option<ImageFormat> {
    match kind {
        "image/png" => Some(ImageFormat::Png),
        "image/jpeg" | "image/jpg" => Some(ImageFormat::Jpeg),
        "image/gif" => Some(ImageFormat::Gif),
        "image/webp" => Some(ImageFormat::Webp),
        _ => None,
    }
}

/// A picture by its bytes; `field` holds them.
pub(super) fn inline(
    field: &str,
    format: ImageFormat,
    base64: &str,
    context: &mut Context<'_>,
) -> Result<Image, Unsupported> {
    if !context.capabilities.images.has(format) {
        return Err(refused(field, "a format that the candidate does not take"));
    }
    if context.images >= context.capabilities.images_most {
        return Err(refused(field, "more pictures than the candidate takes"));
    }
    let Ok(bytes) = STANDARD.decode(base64) else {
        return Err(refused(field, "not valid base64"));
    };
    if bytes.is_empty() || bytes.len() > LARGEST {
        return Err(refused(field, "empty, or over the candidate's limit"));
    }
    context.images += 1;
    Ok(Image {
        format: format.as_str(),
        source: Bytes {
            bytes: base64.to_owned(),
        },
    })
}
