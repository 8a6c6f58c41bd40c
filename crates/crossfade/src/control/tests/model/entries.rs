//! Entries as the test tells them apart.

use super::super::*;

/// What was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Split,
    Advance,
    Rollback,
    Hold,
    Resume,
    Signoff,
    Replayed,
    Drilled,
    Mirror,
}

/// Whether they are one change: an entry that was only marked is written anew, with the old date.
pub(super) fn same(a: &Entry, b: &Entry) -> bool {
    a.at_unix_ms == b.at_unix_ms && a.actor == b.actor && name(&a.change) == name(&b.change)
}

/// What somebody is told of it.
pub(super) fn kind(change: &Change) -> Option<Kind> {
    Some(match change {
        Change::Split { .. } => Kind::Split,
        Change::Advance { .. } => Kind::Advance,
        Change::Rollback { .. } => Kind::Rollback,
        Change::Hold => Kind::Hold,
        Change::Release | Change::Resume => Kind::Resume,
        Change::Signoff { .. } => Kind::Signoff,
        Change::Replayed { .. } => Kind::Replayed,
        Change::Drilled { .. } => Kind::Drilled,
        Change::MirrorSwitched { .. } => Kind::Mirror,
        Change::Started | Change::Observe { .. } | Change::GatesRestarted { .. } => return None,
    })
}

/// For the tally.
pub(super) fn name(change: &Change) -> String {
    match change {
        Change::Advance { from, .. } => format!("advance from {from}"),
        Change::Split { from, to, .. } if to > from => "raise".to_owned(),
        Change::Split { .. } => "lower".to_owned(),
        Change::Rollback {
            cause: crossfade_rollout::Cause::Alarm(alarm),
            ..
        } => format!("alarm of {}", alarm.engine),
        Change::Rollback { .. } => "roll-back".to_owned(),
        Change::Started => "started".to_owned(),
        Change::Observe { .. } => "observe".to_owned(),
        Change::GatesRestarted { .. } => "gates restarted".to_owned(),
        Change::Hold => "hold".to_owned(),
        Change::Release => "release".to_owned(),
        Change::Signoff { .. } => "sign-off".to_owned(),
        Change::Replayed { .. } => "replayed".to_owned(),
        Change::Drilled { .. } => "drilled".to_owned(),
        Change::Resume => "resume".to_owned(),
        Change::MirrorSwitched { .. } => "mirror".to_owned(),
    }
}
