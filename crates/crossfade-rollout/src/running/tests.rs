//! Pairs, gates and freezes of a running attempt, from records.
