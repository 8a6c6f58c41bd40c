//! Takes what identifies people and what opens doors out of prompts and answers before they are kept. Pure.
