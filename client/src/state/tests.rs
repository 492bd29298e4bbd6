use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::PinNumber;

use super::*;

fn state(folder: &tempfile::TempDir) -> State {
    State::of(folder.path(), &"example/log".parse().unwrap())
}

fn number(value: u64) -> PinNumber {
    PinNumber::new(value).unwrap()
}

#[test]
fn t16_the_newest_pin_seen_is_never_lowered() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder);
    let lock = state.lock().unwrap();
    let (channel, web, api): (ChannelName, ArtifactName, ArtifactName) =
        ("shop/prod".parse().unwrap(), "shop/web".parse().unwrap(), "shop/api".parse().unwrap());
    state.keep_issued(&lock, &channel, [(web.clone(), number(7))]).unwrap();
    state.keep_issued(&lock, &channel, [(web.clone(), number(3)), (api.clone(), number(1))]).unwrap();
    let pins = state.issued_pins().unwrap();
    let lines = pins.get(&channel).unwrap();
    assert_eq!((lines.get(&web), lines.get(&api)), (Some(&number(7)), Some(&number(1))));
}

#[test]
fn each_log_has_its_own_folder() {
    let folder = tempfile::tempdir().unwrap();
    let other = State::of(folder.path(), &"other/log".parse().unwrap());
    let own = state(&folder);
    own.keep_checkpoint(&own.lock().unwrap(), "note\n").unwrap();
    assert_eq!(own.checkpoint().unwrap().as_deref(), Some("note\n"));
    assert_eq!(other.checkpoint().unwrap(), None);
}

#[test]
fn t16_state_that_cannot_be_read_is_an_error_and_not_a_fresh_start() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder);
    drop(state.lock().unwrap());
    std::fs::write(state.folder.join("pins.json"), b"{\"shop/prod\":{},\"shop/prod\":{}}").unwrap();
    assert!(matches!(state.issued_pins(), Err(ClientError::FileMalformed { .. })));
}

#[test]
fn only_one_holds_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder);
    let lock = state.lock().unwrap();
    let file = OpenOptions::new().write(true).open(state.folder.join("lock")).unwrap();
    assert!(file.try_lock().is_err());
    drop(lock);
    assert!(file.try_lock().is_ok());
}
