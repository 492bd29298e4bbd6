use holdfast_formats::time::Timestamp;

use super::*;
use crate::clock::FixedClock;
use crate::monitor::AlertKind;
use crate::test_server::{Answer, TestServer};

const NOW: Timestamp = Timestamp::from_ms(1_795_000_000_000);

fn webhook(url: &str, allowed: &[&str], secret: Option<&str>) -> Result<Webhook, WebhookError> {
    let allowed: Vec<String> = allowed.iter().map(|host| (*host).to_owned()).collect();
    Webhook::new(url, &allowed, secret, Arc::new(FixedClock(NOW)))
}

fn alert(says: &str) -> Alert {
    Alert::new(&"example/log".parse().unwrap(), AlertKind::Deny, NOW, says)
}

const PRIVATE: &str = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 \
    172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 \
    224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 \
    ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 fc00::1 \
    fd12::1 fe80::1 fec0::1 ff02::1 2001::1 2001:db8::1 2002:7f00:1::1 3fff::1 4000::1";
const PUBLIC: &str = "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.255.255 \
    172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 \
    2606:4700::1111 2a00:1450:4001::1 2001:4860:4860::8888 ::ffff:1.1.1.1 64:ff9b::101:101";

#[test]
fn t38_only_public_addresses_are_public() {
    for (texts, expected) in [(PRIVATE, false), (PUBLIC, true)] {
        for text in texts.split(' ') {
            assert_eq!(is_public(text.parse().unwrap()), expected, "{text}");
        }
    }
}

#[test]
fn t38_a_literal_address_is_refused_in_whatever_way_it_is_written() {
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0.0.0.0",
        "0",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "10.0.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[fe80::1]",
        "[fd00::1]",
        "\u{ff11}27.0.0.1",
        "127。0。0。1",
    ] {
        let refused = webhook(&format!("https://{host}/hook"), &[], None).unwrap_err();
        assert!(matches!(refused, WebhookError::Private { .. }), "{host}: {refused}");
    }
    assert!(webhook("https://93.184.215.14/hook", &[], None).is_ok());
    for url in ["http://example.com/hook", "ftp://127.0.0.1/", "example.com", "", "file:///etc/passwd"] {
        assert!(matches!(webhook(url, &[], None), Err(WebhookError::Address)), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t38_a_name_that_is_this_machine_is_blocked_at_connect() {
    let server = TestServer::start(|_| Answer::new(200, "", b"")).await;
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    for host in ["localhost", "LOCALHOST"] {
        let refused = webhook(&format!("https://{host}:{port}/hook"), &[], None).unwrap();
        let refused = refused.send(&alert("x")).await.unwrap_err();
        assert!(
            matches!(refused, WebhookError::Private { .. }) && !refused.is_passing(),
            "{host}: {refused}"
        );
    }
    assert!(server.asked().is_empty());
    let allowed = webhook(&format!("http://localhost:{port}/hook"), &["localhost"], None).unwrap();
    allowed.send(&alert("x")).await.unwrap();
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn t38_one_private_address_among_those_of_a_name_is_enough() {
    let public: SocketAddr = "1.1.1.1:0".parse().unwrap();
    let private: SocketAddr = "[::1]:0".parse().unwrap();
    assert_eq!(check(vec![public], false).unwrap(), [public]);
    for rebound in [vec![private], vec![public, private], vec![private, public]] {
        assert!(check(rebound.clone(), false).is_err());
        assert_eq!(check(rebound.clone(), true).unwrap(), rebound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t38_a_redirect_is_a_refusal() {
    let inner = TestServer::start(|_| Answer::new(200, "", b"")).await;
    let location = format!("location: {}/inner\r\n", inner.url);
    let outer = TestServer::start(move |_| Answer::new(307, &location, b"")).await;
    let hook = webhook(&outer.url, &["127.0.0.1"], None).unwrap();
    let refused = hook.send(&alert("x")).await.unwrap_err();
    assert!(
        matches!(refused, WebhookError::Refused { status: 307, .. }) && !refused.is_passing(),
        "{refused}"
    );
    assert_eq!((outer.asked().len(), inner.asked().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn t36_what_is_sent_is_signed_and_nothing_in_it_commands_a_terminal() {
    let server = TestServer::start(|_| Answer::new(204, "", b"")).await;
    let secret = format!("whsec_{}", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let hook = webhook(&format!("{}/T0/s3cret", server.url), &["127.0.0.1"], Some(&secret)).unwrap();
    let says = "denied\u{1b}[2J\u{202e}\r\n\u{7f}\u{e0041} größer";
    hook.send(&alert(says)).await.unwrap();
    let asked = server.asked().remove(0);
    assert!(asked.is("POST /T0/s3cret"), "{}", asked.line);
    assert!(
        asked.body.iter().all(|b| (0x20..0x7f).contains(b)),
        "{:?}",
        String::from_utf8_lossy(&asked.body)
    );
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!((&body["type"], &body["data"]["says"]), (&json!("holdfast.deny"), &json!(says)));
    for header in ["webhook-id: ", "webhook-timestamp: 1795000000\r", "webhook-signature: v1,"] {
        assert!(asked.header.contains(header), "{}", asked.header);
    }
    assert!(!format!("{hook:?}").contains("MfKQ"), "a secret is in no dump");
}

#[test]
fn the_signature_is_that_of_standard_webhooks() {
    let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let at = Timestamp::from_ms(1_614_265_330_000);
    let [_, _, (_, signature)] = secret.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, "{\"test\": 2432232314}");
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    for wrong in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%"] {
        assert!(matches!(Secret::parse(wrong), Err(WebhookError::Secret)), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_never_repeat_the_address_beyond_its_host() {
    let server = TestServer::start(|_| Answer::new(500, "", b"")).await;
    let hook = webhook(&format!("{}/T0/s3cret", server.url), &["127.0.0.1"], None).unwrap();
    let refused = hook.send(&alert("x")).await.unwrap_err();
    assert!(refused.is_passing() && !refused.to_string().contains("s3cret"), "{refused}");
    let nobody = webhook("http://127.0.0.1:1/s3cret", &["127.0.0.1"], None).unwrap();
    let refused = nobody.send(&alert("x")).await.unwrap_err();
    assert!(refused.is_passing() && !format!("{refused} {refused:?}").contains("s3cret"), "{refused}");
}
