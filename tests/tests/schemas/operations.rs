//! The routes by which a command on the node's own machine asks it to work.

use holdfast_formats::wire::v1::ProblemCode::{Conflict, Malformed, TooLarge};

use super::routes::{Access, AnswerBody, RequestBody, Route};
use super::table::{answer, get};

pub(crate) const OPERATIONS: [Route; 3] = [
    Route {
        method: "post",
        access: Access::Operator,
        body: RequestBody::Json("SweepRequest"),
        problems: &[Malformed, TooLarge, Conflict],
        ..get(
            "/v1/operations/sweep",
            "sweep",
            "How sweeping does, and perhaps a run that is to begin",
            &[answer(200, "How it does.", AnswerBody::Json("SweepStatus"))],
        )
    },
    Route {
        method: "post",
        access: Access::Operator,
        body: RequestBody::Json("ScrubRequest"),
        problems: &[Malformed, TooLarge, Conflict],
        ..get(
            "/v1/operations/scrub",
            "scrub",
            "How reading back what is stored does, and perhaps a run that is to begin",
            &[answer(200, "How it does.", AnswerBody::Json("ScrubStatus"))],
        )
    },
    Route {
        method: "post",
        access: Access::Operator,
        body: RequestBody::Json("ScheduleQuery"),
        problems: &[Malformed, TooLarge],
        ..get(
            "/v1/operations/schedules",
            "operate_schedules",
            "The channels where something is overdue or not reached",
            &[answer(200, "One page.", AnswerBody::Json("ScheduleList"))],
        )
    },
];
