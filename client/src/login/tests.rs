use super::*;
use holdfast_formats::key::SigningKey;

fn info() -> RegistryInfo {
    let key = |seed| vec![SigningKey::from_seed([seed; 32]).public()];
    RegistryInfo {
        origin: "example/log".parse().unwrap(),
        version: "0.1.0".to_owned(),
        log_keys: key(1),
        head_keys: key(2),
        registry_keys: key(3),
        policy: None,
    }
}

fn secret() -> LoginSecret {
    let info = info();
    let fingerprint = KeysFingerprint::of(&info.origin, &info.log_keys, &info.head_keys, &info.registry_keys);
    LoginSecret::new([7; 16], fingerprint)
}

#[test]
fn t39_a_malformed_login_url_is_reported_without_the_secret() {
    for url in ["http://127.0.0.1:7420#short-secret", "nonsense#short-secret", "http://127.0.0.1:7420"] {
        let error = parse_url(url).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("short-secret"), "{error:?}");
    }
    let (address, parsed) = parse_url(&format!("http://127.0.0.1:7420/#{}", secret().expose())).unwrap();
    assert_eq!((address.to_string().as_str(), parsed == secret()), ("http://127.0.0.1:7420", true));
}

#[test]
fn a_registry_with_other_keys_than_the_secret_names_is_refused() {
    let transport = Transport::new(Address::parse("http://127.0.0.1:1").unwrap(), None).unwrap();
    assert!(check_fingerprint(&info(), &secret(), &transport).is_ok());
    let mut other = info();
    other.head_keys = other.log_keys.clone();
    assert!(matches!(check_fingerprint(&other, &secret(), &transport), Err(ClientError::Fingerprint { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_login_sends_the_same_bytes_again() {
    let folder = tempfile::tempdir().unwrap();
    let pending = Pending::new(&Places::under(folder.path()), &secret());
    let key = Signer::from(SigningKey::from_seed([9; 32]));
    let first = pending.policy(&info(), &key, None).await.unwrap();
    let (token, grant) = pending.grant(&info().origin, &key).await.unwrap();
    // By now the registry has its policy, and says so.
    let later = RegistryInfo { policy: Some(PolicyNumber::FIRST), ..info() };
    assert_eq!(pending.policy(&later, &key, None).await.unwrap(), first);
    assert_eq!(pending.grant(&info().origin, &key).await.unwrap(), (token, grant));
    pending.forget();
    assert!(matches!(pending.policy(&later, &key, None).await, Err(ClientError::AlreadySetUp { .. })));
}
