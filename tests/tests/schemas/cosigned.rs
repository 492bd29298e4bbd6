//! The route of what witnesses cosigned.

use holdfast_formats::wire::v1::ProblemCode::Malformed;

use super::routes::{Access, Answer, AnswerBody, RequestBody, Route};

/// The one route.
pub(crate) const COSIGNED: [Route; 1] = [Route {
    method: "get",
    path: "/v1/log/cosigned",
    pattern: "/v1/log/cosigned",
    id: "cosigned",
    summary: "The newest checkpoints that witnesses cosigned",
    access: Access::Reader,
    parameters: &[],
    query: Some("CosignedQuery"),
    body: RequestBody::None,
    answers: &[Answer {
        status: 200,
        description: "Signed notes, each with its proof from or to the size asked about.",
        body: AnswerBody::Json("CosignedCheckpoints"),
    }],
    problems: &[Malformed],
}];
