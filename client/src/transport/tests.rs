use super::*;
use crate::test_server::{Answer, TestServer};
use holdfast_formats::wire::v1::{ExitCode, MissingAnswer};

fn transport(server: &TestServer, token: Option<Token>) -> Transport {
    Transport::new(Address::parse(&server.url).unwrap(), token).unwrap()
}

fn problem(code: ProblemCode) -> Answer {
    let body = serde_json::to_vec(&Problem::new(code, "because")).unwrap();
    Answer::new(code.status(), "content-type: application/problem+json\r\n", &body)
}

async fn ask(transport: &Transport, max: u64) -> Result<MissingAnswer, ClientError> {
    transport.get("/v1/x", "answer", max).await
}

#[tokio::test]
async fn a_problem_becomes_its_typed_error_with_its_exit_code() {
    let server = TestServer::start(|_| problem(ProblemCode::NothingQualifies)).await;
    let error = ask(&transport(&server, None), 1000).await.unwrap_err();
    assert_eq!(
        (error.code(), error.exit()),
        (Some(ProblemCode::NothingQualifies), ExitCode::NothingQualifies)
    );
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_answer_above_its_limit_is_not_read_to_its_end() {
    let server = TestServer::start(|_| Answer::new(200, "", &vec![b' '; 100_000])).await;
    assert!(matches!(
        ask(&transport(&server, None), 5000).await,
        Err(ClientError::AnswerTooLarge { max: 5000, .. })
    ));
}

#[tokio::test]
async fn t20_an_answer_with_an_unknown_field_is_refused() {
    let server = TestServer::start(|_| Answer::new(200, "", br#"{"missing":[],"more":1}"#)).await;
    let error = ask(&transport(&server, None), 1000).await.unwrap_err();
    assert!(matches!(error, ClientError::Malformed { .. }), "{error:?}");
}

#[tokio::test]
async fn t39_a_redirect_is_not_followed_and_takes_no_token_along() {
    let elsewhere = TestServer::start(|_| Answer::new(200, "", b"{\"missing\":[]}")).await;
    let location = format!("location: {}/v1/x\r\n", elsewhere.url);
    let server = TestServer::start(move |_| Answer::new(307, &location, b"")).await;
    let error = ask(&transport(&server, Some(Token::from_bytes([1; 32]))), 1000).await.unwrap_err();
    assert!(matches!(error, ClientError::NotARegistry { status: 307, .. }), "{error:?}");
    assert!(server.asked()[0].header.contains("authorization: bearer hft_"));
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_busy_registry_is_asked_again_and_a_refusing_one_is_not() {
    let count = std::sync::atomic::AtomicU32::new(0);
    let server = TestServer::start(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => problem(ProblemCode::TooManyRequests),
        1 => Answer::new(200, "", b"{\"missing\":[]}").cut(5),
        _ => Answer::new(200, "", b"{\"missing\":[]}"),
    })
    .await;
    assert!(ask(&transport(&server, None), 1000).await.is_ok());
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn where_nothing_listens_the_registry_is_unreachable_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let transport = Transport::new(Address::parse(&url).unwrap(), None).unwrap();
    let begun = std::time::Instant::now();
    let error = ask(&transport, 1000).await.unwrap_err();
    assert_eq!(error.exit(), ExitCode::Unreachable);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn t39_a_token_is_refused_where_it_would_travel_in_the_clear() {
    let address = Address::parse("http://registry.example").unwrap();
    let refused = Transport::new(address, Some(Token::from_bytes([1; 32])));
    assert!(matches!(refused, Err(ClientError::PlainHttp { .. })));
}
