//! The types of assertions, by name. A test holds the documentation's list against this one.

macro_rules! kinds {
    ($( $(#[doc = $doc:literal])+ $kind:ident = $name:literal, )+) => {
        /// A type of assertion.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $( $(#[doc = $doc])+ $kind, )+
        }

        impl Kind {
            /// Every type.
            pub const ALL: &'static [Self] = &[ $( Self::$kind ),+ ];

            /// The name in a file.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$kind => $name ),+ }
            }
        }
    };
}

kinds! {
    /// The text is this text, or JSON equal to this value.
    Equals = "equals",
    /// The text has this in it.
    Contains = "contains",
    /// The text has one of these in it.
    ContainsAny = "contains-any",
    /// The text has all of these in it.
    ContainsAll = "contains-all",
    /// The text has this in it, whatever the letter case.
    Icontains = "icontains",
    /// The text has one of these in it, whatever the letter case.
    IcontainsAny = "icontains-any",
    /// The text has all of these in it, whatever the letter case.
    IcontainsAll = "icontains-all",
    /// One of these and the text stand in one another, but for letter case, punctuation and articles: openai/evals' `fuzzy`.
    FuzzyMatch = "fuzzy-match",
    /// The text has a match of this pattern.
    Regex = "regex",
    /// The text starts with this.
    StartsWith = "starts-with",
    /// The text is JSON as it stands, and fits the schema if there is one.
    IsJson = "is-json",
    /// The text has a JSON object in it, and one that fits the schema if there is one.
    ContainsJson = "contains-json",
    /// The label at a path or by a pattern.
    Label = "label",
    /// The share of these paths that are present and not null.
    RequiredFields = "required-fields",
    /// Tools are called, each one declared by the request and with arguments that fit its schema.
    IsValidOpenaiToolsCall = "is-valid-openai-tools-call",
    /// The same, by promptfoo's name for the older form.
    IsValidOpenaiFunctionCall = "is-valid-openai-function-call",
    /// The same, by promptfoo's name for any provider.
    IsValidFunctionCall = "is-valid-function-call",
    /// F1 of the names of the tools that are called.
    ToolCallF1 = "tool-call-f1",
    /// The arguments of a call of this tool.
    ToolArgs = "tool-args",
    /// Why the answer ended.
    FinishReason = "finish-reason",
    /// The answer refuses.
    IsRefusal = "is-refusal",
    /// The edit distance to this text is at most so many letters.
    Levenshtein = "levenshtein",
    /// F1 of the words, or runs of n words, shared with this text.
    RougeN = "rouge-n",
    /// The cosine of the embeddings of the answer and of this text.
    Similar = "similar",
    /// The answer took at most so many milliseconds.
    Latency = "latency",
    /// The answer cost at most so many USD.
    Cost = "cost",
    /// F1 of the sources that are cited.
    Citations = "citations",
    /// The share of these numbers that stand in the text.
    Numbers = "numbers",
    /// The answer agrees with the baseline by the route's checks.
    MatchesBaseline = "matches-baseline",
    /// Several assertions that count as one.
    AssertSet = "assert-set",
}

impl Kind {
    /// The type of that name, without `not-`.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_names_every_type() {
        let page = include_str!("../../../../deploy/golden-sets.md");
        for kind in Kind::ALL {
            let name = format!("`{}`", kind.as_str());
            assert!(
                page.contains(&name),
                "{name} is not in deploy/golden-sets.md"
            );
        }
    }
}
