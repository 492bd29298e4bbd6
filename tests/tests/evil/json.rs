//! T20: answers that are not the strict JSON that was asked for, on every route that a client reads.

use anyhow::Result;
use holdfast_tests::evil::{Answer, Reply, change};
use holdfast_tests::of;

use crate::case::Case;
use crate::question::Question;
use crate::suite::refuse;

/// Every question, and the route whose answer it believes.
pub(crate) fn routes() -> Vec<(Question, &'static str)> {
    vec![
        (Question::KnownGood("shop/prod"), "/v1/channels/shop/prod/known-good"),
        (Question::KnownGood("shop/train"), "/v1/channels/shop/train/known-good"),
        (Question::Artifact("shop/web@2"), "/v1/artifacts/shop/web@2"),
        (Question::Receipt(of("1")), "/v1/log/proof/1"),
        (Question::History("shop/prod"), "/v1/channels/shop/prod/history"),
        (Question::Entries, "/v1/log/entries"),
        (Question::Grants, "/v1/grants"),
        (Question::Sync, "/v1/policies"),
        (Question::Gate("shop/prod", "shop/web@2"), "/v1/channels/shop/prod/gate"),
        (Question::List, "/v1/artifacts"),
        (Question::Bundle("shop/prod"), "/v1/channels/shop/prod/known-good"),
        (Question::Submit, "/v1/submissions"),
    ]
}

type Mutation = fn(&str) -> Vec<u8>;

/// Ways in which a document is no longer the one that was asked for.
fn mutations() -> Vec<(&'static str, Mutation)> {
    /// Something more before the last brace.
    fn more(text: &str, field: &str) -> Vec<u8> {
        format!("{},{field}}}", &text[..text.len() - 1]).into_bytes()
    }
    /// The first field, again.
    fn first_field(text: &str) -> &str {
        let end = text.find("\":").expect("a record has a field");
        &text[1..=end]
    }
    vec![
        ("a field twice", |text| more(text, &format!("{}:null", first_field(text)))),
        ("a field twice, escaped", |text| {
            let name = first_field(text).trim_matches('"').to_owned();
            let escaped = name.bytes().fold(String::new(), |text, b| text + &format!("\\u{b:04x}"));
            more(text, &format!("\"{escaped}\":null"))
        }),
        ("an unknown field", |text| more(text, "\"more\":1")),
        ("a prototype", |text| more(text, "\"__proto__\":{}")),
        ("depth 200", |text| more(text, &format!("\"deep\":{}{}", "[".repeat(200), "]".repeat(200)))),
        ("depth 200 all over", |_| [b"{\"a\":".repeat(200), b"1".to_vec(), b"}".repeat(200)].concat()),
        ("depth 100,000", |_| b"[".repeat(100_000)),
        ("a huge integer", |text| more(text, "\"index\":99999999999999999999999999999999")),
        ("huge integers all over", |text| digits(text, "18446744073709551616")),
        ("an array of it", |text| format!("[{text}]").into_bytes()),
        ("null", |_| b"null".to_vec()),
        ("a string", |_| b"\"fine\"".to_vec()),
        ("nothing", |_| Vec::new()),
        ("an empty object", |_| b"{}".to_vec()),
        ("something behind it", |text| format!("{text}{text}").into_bytes()),
        ("a byte order mark", |text| format!("\u{feff}{text}").into_bytes()),
        ("bytes that are no text", |text| [text.as_bytes(), b"\xff\xfe"].concat()),
        ("cut in half", |text| text.as_bytes()[..text.len() / 2].to_vec()),
        ("a comment", |text| format!("/* true */{text}").into_bytes()),
        ("not a number", |text| more(text, "\"index\":NaN")),
    ]
}

/// Every number in a document, replaced.
fn digits(text: &str, number: &str) -> Vec<u8> {
    let mut out = String::new();
    let (mut quoted, mut before) = (false, ' ');
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        quoted ^= c == '"' && before != '\\';
        if !quoted && c.is_ascii_digit() {
            while characters.next_if(char::is_ascii_digit).is_some() {}
            out.push_str(number);
        } else {
            out.push(c);
        }
        before = c;
    }
    if out == text { "[]".to_owned().into_bytes() } else { out.into_bytes() }
}

#[test]
fn t20_no_answer_is_read_that_is_not_strict_json() -> Result<()> {
    refuse(|_| {
        let of_route = |(question, route): (Question, &'static str)| {
            mutations().into_iter().map(move |(name, mutate)| {
                let lie = change(route, move |_, answer| {
                    let text = String::from_utf8(answer.body.clone()).expect("an honest answer is text");
                    Reply::Answer(Answer { body: mutate(text.trim()), ..answer })
                });
                Case::new(format!("{name}: {question:?}"), question.clone(), "malformed", lie).in_form_only()
            })
        };
        routes().into_iter().flat_map(of_route).collect()
    })
}

/// The proof of consistency is asked for in the middle of other questions.
#[test]
fn t20_no_proof_is_read_that_is_not_strict_json() -> Result<()> {
    use holdfast_formats::statement::Freeze;
    use holdfast_tests::evil::{Deed, Lie};
    refuse(|world| {
        let mut operator = world.operator.clone();
        let freeze = Freeze { channel: of("shop/other"), reason: of("more"), until: None };
        operator.log(freeze, &[&world.ana.key()]);
        let operator = std::sync::Arc::new(operator);
        mutations()
            .into_iter()
            .map(|(name, mutate)| {
                let operator = std::sync::Arc::clone(&operator);
                let lie: Lie = std::sync::Arc::new(move |asked| {
                    if asked.path.starts_with("/v1/log/checkpoint") {
                        let text = operator.checkpoint(operator.size());
                        return Deed::Instead(Reply::Answer(Answer::new(200, "text/plain", text)));
                    }
                    if !asked.path.starts_with("/v1/log/consistency") {
                        return Deed::Pass;
                    }
                    let answer = Answer::json(&operator.consistency(asked));
                    let text = String::from_utf8(answer.body.clone()).expect("it is JSON");
                    Deed::Instead(Reply::Answer(Answer { body: mutate(&text), ..answer }))
                });
                Case::new(format!("{name}: consistency"), Question::Sync, "consistency proof", lie)
                    .in_form_only()
            })
            .collect()
    })
}

#[test]
fn every_question_has_an_honest_answer_through_the_same_proxy() -> Result<()> {
    let shared = crate::suite::shared()?;
    shared.run(async {
        let more = [
            Question::KnownGood("shop/staging"),
            Question::KnownGood("shop/pair"),
            Question::KnownGood("bank/prod"),
            Question::Artifact("channel:shop/staging"),
            Question::Rollback("rb-1"),
            Question::NextPin("shop/prod", "shop/web@2"),
            Question::Push("shop/honest@1"),
            Question::Pull("shop/web@2"),
            Question::Check("shop/web@2"),
        ];
        for question in routes().into_iter().map(|(question, _)| question).chain(more) {
            crate::suite::answered(&shared.world, &question).await?;
        }
        Ok(())
    })
}
