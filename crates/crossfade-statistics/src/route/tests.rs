//! Tests of a route.
