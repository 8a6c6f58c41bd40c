//! Kept, read back, bounded, deleted, torn.
