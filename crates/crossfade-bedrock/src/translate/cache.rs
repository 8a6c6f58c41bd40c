//! Cache points: where the caller marked the end of what may be cached, as far as the target takes such marks.

use crossfade_exchange::LossKind;
use serde_json::Value;

use super::{context::Context, messages::Conversation};
use crate::converse::{Block, CachePoint, System};

/// What stands between a document and a cache point, as one may not follow the other.
const BETWEEN: &str = ".";

/// The target's form of a caller's mark. The two wires know no time to live in common: an hour is nearest to both of the
/// caller's, and all marks get the same, because a later one may not outlive an earlier.
pub(super) fn point(
    path: &str,
    hint: Option<&Value>,
    context: &mut Context<'_>,
) -> Option<CachePoint> {
    let hint = hint.filter(|hint| !hint.is_null())?;
    let field = format!("{path}.prompt_cache_breakpoint");
    if context.capabilities.cache_points == 0 {
        context.drop_hint(&field, Some(hint));
        return None;
    }
    context.lose(LossKind::CacheHintMapped, field);
    Some(CachePoint {
        kind: "default",
        ttl: context.capabilities.cache_hour.then_some("1h"),
    })
}

/// Leaves the marks that the target takes: none before anything was said, none after another or right after a document,
/// and of too many the last ones, which reach farthest.
pub(super) fn settle(conversation: &mut Conversation, context: &mut Context<'_>) {
    let is_mark = |block: &Block| matches!(block, Block::CachePoint(_));
    let mut before = None;
    conversation.system.retain(|text| {
        let mark = matches!(text, System::CachePoint(_));
        let keep = !mark || before == Some(false);
        before = Some(mark);
        keep
    });
    let mut marks = conversation
        .system
        .iter()
        .filter(|text| matches!(text, System::CachePoint(_)))
        .count();
    for turn in &mut conversation.turns {
        if !turn.content.iter().any(is_mark) {
            continue;
        }
        let mut settled: Vec<Block> = Vec::with_capacity(turn.content.len() + 1);
        for block in turn.content.drain(..) {
            let mark = is_mark(&block);
            let keep = match settled.last() {
                None | Some(Block::CachePoint(_)) => !mark,
                Some(Block::Document(_)) if mark => {
                    context.lose(LossKind::PlaceholderInserted, "messages");
                    settled.push(Block::Text(BETWEEN.to_owned()));
                    true
                }
                Some(_) => true,
            };
            settled.extend(keep.then_some(block));
        }
        marks += settled.iter().filter(|block| is_mark(block)).count();
        turn.content = settled;
    }
    let most = usize::try_from(context.capabilities.cache_points).unwrap_or(usize::MAX);
    let mut over = marks.saturating_sub(most);
    if over == 0 {
        return;
    }
    context.lose(LossKind::HintDropped, "messages");
    conversation
        .system
        .retain(|text| !(matches!(text, System::CachePoint(_)) && spend(&mut over)));
    for turn in &mut conversation.turns {
        turn.content
            .retain(|block| !(is_mark(block) && spend(&mut over)));
    }
}

fn spend(left: &mut usize) -> bool {
    let any = *left > 0;
    *left = left.saturating_sub(1);
    any
}
