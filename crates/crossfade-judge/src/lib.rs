//! Opinions about pairs of answers that need a model: the cosine of embeddings, and a judge. Bounded, cached, budgeted, and
//! never on the way of a request.
