//! The words that the rules of [`super::rules`] are made of, normal (lower case, straight apostrophes). A longer phrase
//! stands before its own beginning. No rules.

/// What one has to do, before declining.
pub(super) const OBLIGATIONS: &[&str] = &[
    "going to have to",
    "going to",
    "will have to",
    "would have to",
    "have to",
    "need to",
    "must",
    "can only",
    "will",
    "would rather",
    "forced to",
    "obliged to",
    "required to",
    "choose to",
    "would like to",
    "want to",
];

/// How one declines.
pub(super) const MANNERS: &[&str] = &[
    "respectfully",
    "politely",
    "kindly",
    "firmly",
    "regretfully",
    "regrettably",
    "unfortunately",
    "sadly",
    "therefore",
    "also",
    "simply",
    "just",
    "again",
    "well",
    "far",
    "clearly",
    "currently",
    "both",
    "and",
    "but",
    "yet",
];

/// Declining, and whether it declines without an obligation before it.
pub(super) const DECLINE_VERBS: &[(&str, bool)] = &[
    ("decline", true),
    ("declining", true),
    ("refuse", true),
    ("refusing", true),
    ("say no", false),
    ("pass on", false),
    ("abstain", false),
    ("refrain", false),
    ("opt out", false),
    ("turn this down", false),
    ("turn that down", false),
    ("turn down", false),
];

/// What a request is called.
pub(super) const REQUEST_WORDS: &[&str] = &[
    "request",
    "requests",
    "query",
    "prompt",
    "question",
    "task",
    "instruction",
    "instructions",
];

/// What is not done.
pub(super) const NOT_BE: &[&str] = &[
    "cannot be",
    "can't be",
    "can not be",
    "could not be",
    "couldn't be",
    "will not be",
    "won't be",
    "may not be",
    "must not be",
    "should not be",
    "is unable to be",
    "is not able to be",
];

/// What would have been done with a request.
pub(super) const DONE: &[&str] = &[
    "completed",
    "fulfilled",
    "processed",
    "answered",
    "granted",
    "honored",
    "honoured",
    "handled",
    "carried out",
    "executed",
    "accommodated",
    "served",
    "performed",
    "supported",
    "satisfied",
    "accepted",
    "addressed",
    "approved",
];

/// Before what was done to a request.
pub(super) const WAS: &[&str] = &[
    "is",
    "was",
    "has been",
    "had to be",
    "must be",
    "has to be",
    "being",
];

/// What was done to a request that is turned down.
pub(super) const DENIED: &[&str] = &[
    "denied",
    "refused",
    "declined",
    "rejected",
    "blocked",
    "not allowed",
    "not permitted",
    "not supported",
    "prohibited",
];

/// Reasons that are the speaker's own rules.
pub(super) const REASONS: &[&str] = &[
    "policy",
    "policies",
    "guideline",
    "safety",
    "ethic",
    "legal",
    "content",
    "terms",
    "rules",
    "harm",
    "restriction",
];

/// What stands for the request.
pub(super) const DEMONSTRATIVES: &[&str] = &[
    "what you're asking for",
    "what you are asking for",
    "what you're asking",
    "what you are asking",
    "what you ask",
    "that",
    "this",
    "it",
];

/// What ties it to its predicate.
pub(super) const LINKS: &[&str] = &[
    "'s",
    "is",
    "falls",
    "lies",
    "goes",
    "would be",
    "would fall",
    "would go",
    "seems to be",
    "seems",
];

/// Where what one does not do lies.
pub(super) const BEYOND: &[&str] = &[
    "outside the scope of",
    "outside of the scope of",
    "beyond the scope of",
    "outside the bounds of",
    "beyond the bounds of",
    "beyond the limits of",
    "outside the limits of",
    "outside the range of",
    "outside the realm of",
    "out of the scope of",
    "not within the scope of",
    "outside of",
    "outside",
    "beyond",
    "not within",
    "not in",
    "not part of",
    "not something",
    "past",
];

/// What the speaker's own remit is called.
pub(super) const FACULTIES: &[&str] = &[
    "scope",
    "ability",
    "abilities",
    "capability",
    "capabilities",
    "guidelines",
    "programming",
    "policy",
    "policies",
    "remit",
    "role",
    "purpose",
    "limits",
    "boundaries",
    "principles",
    "training",
    "instructions",
    "function",
    "functions",
];

/// What one has a view on.
pub(super) const OPINIONS: &[&str] = &[
    "idea",
    "view",
    "claim",
    "notion",
    "theory",
    "hypothesis",
    "argument",
    "position",
    "conclusion",
    "statement",
    "proposition",
    "belief",
    "interpretation",
    "assumption",
    "reading",
];

/// Ends of verbs that name the request themselves.
pub(super) const REQUESTS: &[&str] = &[
    "this",
    "that",
    "request",
    "this request",
    "that request",
    "your",
    "so",
];

/// Verbs whose object is always the request.
pub(super) const MEANT: &[&str] = &["comply", "complying", "fulfill", "fulfil"];

/// Starts of objects that are the request.
pub(super) const TO_REQUEST: &[&str] = &[
    "with this",
    "with that",
    "with these",
    "with those",
    "with such",
    "with your",
    "with it",
    "with the request",
    "you with",
    "to this",
    "to that",
    "to such",
    "to your",
    "in this",
    "in such",
    "this",
    "that",
    "these",
    "those",
    "such",
    "your",
    "it",
    "the requested",
    "any further",
    "any information",
    "any assistance",
    "any help",
    "further",
    "assistance",
    "information",
];

/// Words by which a text speaks of itself as of a machine.
pub(super) const OF_ITSELF: &[&str] = &[
    "as an ai",
    "language model",
    "ai assistant",
    "my guidelines",
    "my programming",
];

/// Words with which a letter ends.
pub(super) const SIGN_OFFS: &[&str] = &[
    "best regards",
    "kind regards",
    "warm regards",
    "regards",
    "sincerely",
    "yours",
    "best",
    "best wishes",
    "many thanks",
    "cheers",
    "respectfully",
];

/// What one cannot, without saying who.
pub(super) const TERSE: &[&str] = &[
    "unable to",
    "not able to",
    "cannot",
    "can't",
    "won't",
    "will not",
];

/// How a sentence names somebody else as its speaker.
pub(super) const REPORTED: &[&str] = &[
    ", said",
    ", says",
    ", wrote",
    ", writes",
    ", replied",
    ", answered",
    ", added",
];

/// What one refuses to do without anybody having asked.
pub(super) const IDIOMS: &[&str] = &["believe", "accept", "give up", "be"];
