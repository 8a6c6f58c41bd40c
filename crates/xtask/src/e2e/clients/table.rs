//! Who asks: clients of several makers, each with a file of programs.

/// What a client's programs are written in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Language {
    Python,
    Node,
}

/// A client by its name and the file of its programs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub(super) name: &'static str,
    pub(super) language: Language,
    pub(super) file: &'static str,
    /// Its programs, as they are called for while the primary answers.
    pub(super) primary: &'static str,
    /// The same, while a candidate does.
    pub(super) candidate: &'static str,
    /// Programs that are refused, by design, when all is well.
    pub(super) refused: usize,
    /// Requests of its programs that are Azure's whoever answers the rest.
    pub(super) azures: u64,
}

/// The official client, whose programs cover the most.
pub(super) const OFFICIAL: Client = Client {
    name: "openai-python",
    language: Language::Python,
    file: "programs.py",
    primary: "primary",
    candidate: "candidate",
    // An unknown deployment, a wrong key, a bad argument and the content filter, on both paths.
    refused: 8,
    // Three refusals and another operation, on both paths.
    azures: 8,
};

const OTHER: Client = Client {
    name: "",
    language: Language::Python,
    file: "",
    primary: "all",
    candidate: "all",
    // An unknown deployment and a wrong key.
    refused: 2,
    azures: 2,
};

const LANGCHAIN: Client = Client {
    name: "langchain",
    file: "langchain.py",
    ..OTHER
};

const SEMANTIC_KERNEL: Client = Client {
    name: "semantic kernel",
    file: "semantic.py",
    ..OTHER
};

const OPENAI_NODE: Client = Client {
    name: "openai-node",
    language: Language::Node,
    file: "openai.mjs",
    ..OTHER
};

const VERCEL: Client = Client {
    name: "vercel ai",
    language: Language::Node,
    file: "vercel.mjs",
    ..OTHER
};

/// Clients that close a stream at its end mark, and do not wait for its connection to end, as those for Node do.
pub(super) const CLOSING: &[Client] = &[OFFICIAL, LANGCHAIN, SEMANTIC_KERNEL];

/// All clients of chat completions but the official one.
pub(super) const OTHERS: &[Client] = &[LANGCHAIN, SEMANTIC_KERNEL, OPENAI_NODE, VERCEL];

/// Those that are moved to a candidate of the same family, too.
pub(super) const MOVED: &[Client] = &[OFFICIAL, OPENAI_NODE, VERCEL];

/// The official client's programs of the Responses API.
pub(super) const OFFICIAL_RESPONSES: Client = Client {
    name: "openai-python, responses",
    file: "responses.py",
    // An unknown deployment, a wrong key and a bad argument, on both paths; and three that are about what is kept.
    refused: 6,
    azures: 12,
    ..OTHER
};

/// All clients of the Responses API. What the primary keeps is its own to answer: three requests of the official clients.
pub(super) const RESPONSES: &[Client] = &[
    OFFICIAL_RESPONSES,
    Client {
        name: "openai-node, responses",
        language: Language::Node,
        file: "responses.mjs",
        azures: 5,
        ..OTHER
    },
    Client {
        name: "vercel ai, responses",
        language: Language::Node,
        file: "vercel-responses.mjs",
        refused: 1,
        azures: 1,
        ..OTHER
    },
    Client {
        name: "langchain, responses",
        file: "langchain_responses.py",
        refused: 1,
        azures: 1,
        ..OTHER
    },
];
