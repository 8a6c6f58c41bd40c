//! How far one replica has announced what it sent. Knows nothing of what becomes of it.

use std::collections::BTreeMap;

use crossfade_exchange::OutcomeKey;

/// One replica's announcements of one route.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replica {
    next_sequence: u64,
    /// When the last announced request without a gap before it was sent.
    last_sent: u64,
    /// The replica's own word: all that was sent before this moment is announced.
    watermark: u64,
    /// Announced with a gap before them: sequence to send time. Announcements of two threads may overtake each other.
    ahead: BTreeMap<u64, u64>,
    /// Requests that were never announced.
    lost: u64,
}

impl Replica {
    /// The least place that a request not yet announced can have.
    pub(crate) fn frontier(&self, replica: u32) -> OutcomeKey {
        OutcomeKey {
            sent_unix_micros: self.last_sent.max(self.watermark),
            replica,
            sequence: self.next_sequence,
        }
    }

    /// Announcements that never came.
    pub(crate) const fn lost(&self) -> u64 {
        self.lost
    }

    /// A request was announced.
    pub(crate) fn announce(&mut self, key: OutcomeKey) {
        let restarted = key.sequence < self.next_sequence
            && key.sent_unix_micros > self.last_sent.max(self.watermark);
        if restarted {
            self.ahead.clear();
            self.next_sequence = key.sequence;
        }
        if key.sequence >= self.next_sequence {
            self.ahead.insert(key.sequence, key.sent_unix_micros);
            self.close(self.watermark);
        }
    }

    /// Everything sent before `moment` has been announced: what is missing before that is lost.
    pub(crate) fn announced_until(&mut self, moment: u64) {
        self.watermark = self.watermark.max(moment);
        self.close(self.watermark);
    }

    /// Stops waiting for whatever should have come before something sent before `moment`.
    pub(crate) fn give_up_before(&mut self, moment: u64) {
        self.close(moment);
    }

    /// Moves on over what came without a gap, or was sent before `moment`.
    fn close(&mut self, moment: u64) {
        while let Some((&sequence, &sent)) = self.ahead.first_key_value() {
            if sequence != self.next_sequence && sent >= moment {
                break;
            }
            self.lost += sequence.saturating_sub(self.next_sequence);
            self.next_sequence = sequence + 1;
            self.last_sent = self.last_sent.max(sent);
            self.ahead.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn key(sent: u64, sequence: u64) -> OutcomeKey {
        OutcomeKey {
            sent_unix_micros: sent,
            replica: 7,
            sequence,
        }
    }

    fn check(announced: &[(u64, u64)], watermark: u64, expected: (u64, u64), lost: u64) {
        let mut replica = Replica::default();
        for (sent, sequence) in announced {
            replica.announce(key(*sent, *sequence));
        }
        replica.announced_until(watermark);
        assert_eq!(
            replica.frontier(7),
            key(expected.0, expected.1),
            "{announced:?} {watermark}"
        );
        assert_eq!(replica.lost(), lost, "{announced:?} {watermark}");
    }

    #[test]
    fn the_frontier_moves_without_gaps_or_by_the_replicas_word() {
        check(&[], 0, (0, 0), 0);
        check(&[], 9, (9, 0), 0);
        check(&[(5, 0), (6, 1)], 0, (6, 2), 0);
        check(&[(5, 0), (6, 1)], 9, (9, 2), 0);
        check(&[(6, 1), (5, 0)], 0, (6, 2), 0);
        check(&[(6, 1)], 0, (0, 0), 0);
        check(&[(5, 0), (7, 2)], 0, (5, 1), 0);
        check(&[(5, 0), (7, 2)], 7, (7, 1), 0);
        check(&[(5, 0), (7, 2)], 8, (8, 3), 1);
        check(&[(5, 0), (7, 3)], 8, (8, 4), 2);
    }

    #[test]
    fn giving_up_counts_the_lost_and_a_restart_counts_anew() {
        let mut replica = Replica::default();
        replica.announce(key(50, 3));
        replica.give_up_before(50);
        assert_eq!(replica.frontier(7), key(0, 0));
        replica.give_up_before(51);
        assert_eq!((replica.frontier(7), replica.lost()), (key(50, 4), 3));
        replica.announce(key(60, 0));
        assert_eq!(replica.frontier(7), key(60, 1));
    }
}
