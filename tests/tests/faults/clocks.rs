//! A node whose clock is wrong, and a store that knows better.

use std::time::Duration;

use anyhow::Result;
use holdfast_tests::{Backing, TestClock, TestRegistry};

#[tokio::test(flavor = "multi_thread")]
async fn t28_a_node_whose_clock_the_store_proves_wrong_answers_and_logs_nothing() -> Result<()> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let clock = registry.clock();
    clock.claim_world_time();
    let two_minutes = Duration::from_mins(2);
    let moves: [fn(&TestClock, Duration); 2] = [TestClock::jump, TestClock::set_back];
    let [ahead, back] = moves;
    for (at, [set_wrong, set_right]) in [[ahead, back], [back, ahead]].into_iter().enumerate() {
        set_wrong(clock, two_minutes);
        let refused = ana.publish("shop/web@2", "the second").await.unwrap_err();
        assert!(refused.to_string().contains("clock"), "{refused}");
        assert!(!ana.registry().status().await?.writable);
        assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
        set_right(clock, two_minutes);
        ana.publish(&format!("shop/web@right-{at}"), "another").await?;
        assert!(ana.registry().status().await?.writable);
    }
    Ok(())
}
