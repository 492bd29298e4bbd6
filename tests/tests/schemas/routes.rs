//! What is said about one route: enough to describe it in OpenAPI and to call it.

use holdfast_formats::wire::v1::ProblemCode::{self, Internal, TooManyRequests, Unauthorized, Unavailable};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody.
    Open,
    /// Everybody where the namespace is public, else the bearer of a grant that covers what is asked for.
    Reader,
    /// The bearer of a grant.
    Bearer,
    /// Whoever signed; a token only lets larger bodies through.
    Signer,
    /// Whoever has the registry's own keys: commands on the node's machine.
    Operator,
}

/// A part of a path that the caller fills in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PathParameter {
    pub(crate) name: &'static str,
    pub(crate) example: &'static str,
    pub(crate) description: &'static str,
    /// Whether the value has slashes that are sent as they are.
    pub(crate) slashes: bool,
}

/// What a request carries.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RequestBody {
    None,
    Json(&'static str),
    Bytes(&'static str),
}

/// What an answer carries.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AnswerBody {
    Json(&'static str),
    AnyJson,
    Bytes,
    Text(&'static str),
}

/// One answer that is no problem.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) body: AnswerBody,
}

/// One operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// The path as OpenAPI writes it.
    pub(crate) path: &'static str,
    /// The router's own pattern, which may serve several paths.
    pub(crate) pattern: &'static str,
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) access: Access,
    pub(crate) parameters: &'static [PathParameter],
    /// The record that the query string is read as.
    pub(crate) query: Option<&'static str>,
    pub(crate) body: RequestBody,
    pub(crate) answers: &'static [Answer],
    /// Problems beside those that every route may answer.
    pub(crate) problems: &'static [ProblemCode],
}

/// Problems that every route may answer.
const ANYWHERE: [ProblemCode; 2] = [Internal, Unavailable];
/// Problems of every route that looks at a token.
const OF_TOKENS: [ProblemCode; 2] = [Unauthorized, TooManyRequests];

impl Route {
    /// Every problem that it may answer.
    pub(crate) fn all_problems(&self) -> Vec<ProblemCode> {
        let tokens: &[ProblemCode] = if self.access == Access::Open { &[] } else { &OF_TOKENS };
        let mut codes: Vec<_> = self.problems.iter().chain(tokens).chain(&ANYWHERE).copied().collect();
        codes.sort();
        codes.dedup();
        codes
    }

    /// A path that the router takes to this operation.
    pub(crate) fn example_path(&self) -> String {
        let filled = |path: String, p: &PathParameter| path.replace(&format!("{{{}}}", p.name), p.example);
        self.parameters.iter().fold(self.path.to_owned(), filled)
    }
}
