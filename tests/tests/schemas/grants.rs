//! The routes of tokens: which there are, and how an outside identity gets one.

use holdfast_formats::wire::v1::ProblemCode::{
    Conflict, Corrupt, Forbidden, Halted, Malformed, NoSpace, ReadOnly, SignatureInvalid, StatementInvalid,
    TooLarge,
};

use super::routes::{Access, AnswerBody, RequestBody, Route};
use super::table::{answer, get};

pub(crate) const GRANTS: [Route; 2] = [
    Route {
        access: Access::Bearer,
        query: Some("GrantQuery"),
        problems: &[Malformed, Corrupt],
        ..get(
            "/v1/grants",
            "grants",
            "Which tokens there are; needs the `audit` grant",
            &[answer(200, "Grants by their place, each proven.", AnswerBody::Json("GrantList"))],
        )
    },
    Route {
        method: "post",
        access: Access::Signer,
        body: RequestBody::Json("OidcExchange"),
        problems: &[
            Malformed,
            SignatureInvalid,
            StatementInvalid,
            Forbidden,
            Conflict,
            TooLarge,
            Corrupt,
            Halted,
            ReadOnly,
            NoSpace,
        ],
        ..get(
            "/v1/grants/oidc",
            "exchange",
            "Exchange the ID token of an OIDC issuer that the policy names for a short-lived grant",
            &[
                answer(201, "Granted by this request.", AnswerBody::Json("Receipt")),
                answer(
                    200,
                    "This ID token was exchanged for the same token before.",
                    AnswerBody::Json("Receipt"),
                ),
            ],
        )
    },
];
