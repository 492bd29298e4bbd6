use std::io::{Cursor, Read};

use super::*;
use crate::clock::SystemClock;

fn shell(script: &str) -> Producer {
    Producer::of_user("sh", &["-c".to_owned(), script.to_owned()]).unwrap()
}

fn read(mut stream: impl Read) -> Result<Vec<u8>, StreamError> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(error.downcast::<StreamError>().unwrap()),
    }
}

#[cfg(unix)]
#[test]
fn a_stream_ends_well_only_when_its_program_does() {
    assert_eq!(read(shell("printf data")).unwrap(), b"data");
    let error = read(shell("printf data; exit 3")).unwrap_err();
    assert!(matches!(&error, StreamError::Failed { status, .. } if status.contains('3')), "{error}");
    let error = read(shell("printf data; kill -9 $$")).unwrap_err();
    assert!(matches!(error, StreamError::Failed { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn a_stream_that_failed_does_not_end_well_when_it_is_read_again() {
    let mut stream = shell("exit 1");
    let mut byte = [0];
    assert!(stream.read(&mut byte).is_err());
    assert!(stream.read(&mut byte).is_err());
}

#[cfg(unix)]
#[test]
fn a_program_whose_output_nobody_reads_is_ended() {
    let began = std::time::Instant::now();
    drop(shell("exec sleep 60"));
    assert!(began.elapsed().as_secs() < 30);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = Producer::of_user("no-such-program-here", &[]).unwrap_err();
    assert!(error.to_string().contains("no-such-program-here"), "{error}");
}

#[test]
fn what_is_no_database_is_not_made_one() {
    let folder = tempfile::tempdir().unwrap();
    let (absent, other) = (folder.path().join("absent"), folder.path().join("other"));
    std::fs::write(&other, b"something else altogether").unwrap();
    for path in [&absent, &other] {
        let made = SqliteCopy::make(path, &SystemClock::shared());
        assert!(matches!(made, Err(StreamError::NoDatabase { .. })), "{path:?}");
    }
    assert!(!absent.exists());
}

#[test]
fn the_words_of_a_producer_are_found_behind_the_reader() {
    let inner = StreamError::Failed { program: "p".to_owned(), status: "1".to_owned(), said: String::new() };
    let error = StreamError::reveal(StreamError::Read(std::io::Error::other(inner)).into());
    assert!(matches!(error, ClientError::Stream(StreamError::Failed { .. })), "{error}");
    let kept = StreamError::reveal(StreamError::Read(std::io::Error::other("disk")).into());
    assert!(matches!(kept, ClientError::Stream(StreamError::Read(_))), "{kept}");
    assert_eq!(read(Cursor::new(b"x")).unwrap(), b"x");
}
