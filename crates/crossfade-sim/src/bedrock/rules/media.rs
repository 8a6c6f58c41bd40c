//! Documents, images and cache points.

use serde_json::Value;

use super::{Case, repeated};
use crate::bedrock::json::{items, text};

const MAX_DOCUMENTS: usize = 5;
const MAX_IMAGES: usize = 20;
const MAX_CACHE_POINTS: usize = 4;

pub(super) fn documents(case: &Case<'_>) -> Option<String> {
    let documents: Vec<(usize, &Value)> = case
        .blocks()
        .filter_map(|(at, _, block)| Some((at, block.get("document")?)))
        .collect();
    if documents.len() > MAX_DOCUMENTS {
        return Some(format!(
            "The number of documents exceeds the limit of {MAX_DOCUMENTS}."
        ));
    }
    for (at, document) in &documents {
        let message = case.messages.get(*at)?;
        if message.role != "user" {
            return Some(format!(
                "The document block at messages.{at} is only allowed in user messages."
            ));
        }
        if message.members("text").next().is_none() {
            return Some("A text block must be included when using documents.".to_owned());
        }
        if !is_document_name(text(document, "name").unwrap_or_default()) {
            return Some(
                "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, \
                 parentheses, and square brackets. The name can't contain more than one consecutive whitespace \
                 character."
                    .to_owned(),
            );
        }
    }
    repeated(
        documents
            .iter()
            .filter_map(|(_, document)| text(document, "name")),
    )
    .map(|_| {
        "The model returned the following errors: Duplicate document names are not allowed."
            .to_owned()
    })
}

fn is_document_name(name: &str) -> bool {
    name.chars()
        .all(|c| c.is_ascii_alphanumeric() || " -()[]".contains(c))
        && !name.contains("  ")
}

pub(super) fn images(case: &Case<'_>) -> Option<String> {
    let mut count = 0;
    for (at, message) in case.messages.iter().enumerate() {
        let here = message.members("image").count();
        if here > 0 && message.role != "user" {
            return Some(format!(
                "The image block at messages.{at} is only allowed in user messages."
            ));
        }
        count += here;
    }
    (count > MAX_IMAGES).then(|| format!("The number of images exceeds the limit of {MAX_IMAGES}."))
}

pub(super) fn cache_points(case: &Case<'_>) -> Option<String> {
    let tools = case
        .setting("/toolConfig")
        .map_or(&[][..], |config| items(config, "tools"));
    let lists = [items(case.body, "system"), tools].into_iter();
    let lists: Vec<&[Value]> = lists
        .chain(case.messages.iter().map(|m| m.content))
        .collect();
    let is_point = |block: &Value| block.get("cachePoint").is_some();
    let count: usize = lists
        .iter()
        .map(|list| list.iter().filter(|b| is_point(b)).count())
        .sum();
    if count > MAX_CACHE_POINTS {
        return Some(format!(
            "The model returned the following errors: A maximum of {MAX_CACHE_POINTS} blocks with cache_control may be \
             provided. Found {count}."
        ));
    }
    let misplaced = lists.iter().any(|list| {
        let after = |pair: &[Value]| match pair {
            [before, point] if is_point(point) => ["cachePoint", "document", "video"]
                .iter()
                .any(|kind| before.get(kind).is_some()),
            _ => false,
        };
        list.first().is_some_and(is_point) || list.windows(2).any(after)
    });
    misplaced.then(|| "A cachePoint block is not allowed at this position.".to_owned())
}
