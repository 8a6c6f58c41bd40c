//! From many verdicts to what a route's owner reads: rates with confidence sequences, the noise floor, clusters of like
//! differences, losses, confusion matrices. Pure: no IO, no clock, no randomness; memory is bounded per route.
