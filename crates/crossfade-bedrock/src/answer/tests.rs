//! Answers as data, whole and streamed.

use super::*;

mod answers;
mod streams;
