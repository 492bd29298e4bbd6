//! The pace of a sweep: it has time, and those who push and look up have not.
//!
//! After each small step it rests several times as long as the step took, so it has a part of the disk and of one core at
//! most; when others make its steps slow, it rests longer. Bounded steps are the caller's.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How many times as long it rests as it worked.
const REST: u32 = 3;
/// A step that waited for something rests no longer than this.
const REST_MAX: Duration = Duration::from_millis(250);

/// Takes one step, and rests.
pub(super) async fn resting<T>(step: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = step.await;
    sleep((began.elapsed() * REST).min(REST_MAX)).await;
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_step_is_followed_by_a_longer_rest() {
        let began = Instant::now();
        let done = resting(async {
            sleep(Duration::from_millis(10)).await;
            7
        });
        assert_eq!(done.await, 7);
        assert!(began.elapsed() >= Duration::from_millis(40), "{:?}", began.elapsed());
    }
}
