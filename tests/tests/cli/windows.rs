//! How long things stay: keep, hold, extend, delete, and what the policy says about all of it.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::world::World;

fn json(world: &World, words: &str) -> Result<Value> {
    Ok(serde_json::from_str(&world.good(&format!("{words} --format json"))?)?)
}

#[test]
fn a_window_is_asked_for_extended_and_explained() -> Result<()> {
    let world = World::new()?;
    world.good("push shop/web@1 dist --keep 2y --keep-mode compliance")?;
    let shown = json(&world, "retention shop/web@1")?;
    assert_eq!(
        (&shown["reasons"][0]["why"], &shown["reasons"][0]["mode"]),
        (&"class".into(), &"compliance".into())
    );
    let before = shown["until"].as_str().context("a date")?.to_owned();
    world.bad(6, "extend shop/web@1 --for 1d -m shorter")?;
    world.bad(6, "extend shop/web@1 --until 2099-01-01T00:00:00Z -m too-long")?;
    world.bad(2, "extend shop/web@1 -m without-a-date")?;
    world.bad(2, "extend shop/web@1 --for 3y --until 4y -m two-dates")?;
    world.good("extend shop/web@1 --for 3y -m tax-records")?;
    let shown = json(&world, "retention shop/web@1")?;
    assert!(shown["until"].as_str() > Some(&before), "{shown}");
    let plain = world.good("retention shop/web@1")?;
    for line in [
        "kept until ",
        "the compliance window of its class build",
        "that entry 3 extended",
        "cannot be deleted",
    ] {
        assert!(plain.contains(line), "{line}: {plain}");
    }
    let env = world.good("retention shop/web@1 --format env")?;
    assert!(env.contains("HOLDFAST_DELETE='false'") && env.contains("HOLDFAST_UNTIL='20"), "{env}");
    assert!(world.good("show shop/web@1")?.contains("kept       until 20"));
    assert!(world.good("list")?.contains("kept until 20"));
    world.bad(3, "retention shop/none@1")?;
    Ok(())
}

#[test]
fn a_hold_stands_until_it_is_ended_and_a_deletion_says_what_ends() -> Result<()> {
    let world = World::new()?;
    world.good("push shop/web@1 dist")?;
    world.good("hold shop/web@1 --case 2026-C-117 -m requested-by-counsel")?;
    world.good("hold shop/web@1 --case 2026-C-118 -m requested-by-counsel")?;
    let refused = world.bad(6, "delete shop/web@1 -m unused")?;
    assert!(refused.contains("kept by the hold of entry 3 for 2026-C-117"), "{refused}");
    assert!(world.good("show shop/web@1")?.contains("by entry 4 for 2026-C-118: requested-by-counsel"));
    assert!(world.good("list")?.contains("held 2 time(s)"));
    let several = world.bad(2, "unhold shop/web@1 -m closed")?;
    assert!(several.contains("3 for 2026-C-117, 4 for 2026-C-118") && several.contains("--all"), "{several}");
    world.good("unhold 3 -m closed")?;
    world.good("hold shop/web@1 --case 2026-C-119 -m more --prepare hold.json")?;
    world.good("sign hold.json")?;
    world.good("submit hold.json")?;
    world.good("unhold shop/web@1 --all -m closed")?;
    world.bad(3, "unhold shop/web@1 -m closed")?;

    let deleted = world.run("delete shop/web@1 -m unused --yes")?;
    assert!(
        deleted.exit == Some(0)
            && deleted.stderr.contains("shop/web@1")
            && deleted.stderr.contains("would end"),
        "{deleted:?}"
    );
    assert_eq!(world.good("list")?, "");
    assert!(world.good("list --ended")?.contains("shop/web@1  ended by entry"));
    let shown = world.good("show shop/web@1")?;
    assert!(shown.contains("deleted by entry") && shown.contains("unused"), "{shown}");
    assert!(world.good("retention shop/web@1")?.contains("deleted by entry"));
    for words in ["pin shop/prod shop/web@1 -m x", "delete shop/web@1 -m x", "push shop/web@1 dist"] {
        world.bad(5, words)?;
    }
    world.good("audit")?;
    Ok(())
}

#[test]
fn a_policy_is_written_with_durations_and_what_is_there_keeps_its_window() -> Result<()> {
    let world = World::new()?;
    let edit = |change: &dyn Fn(&mut Value)| -> Result<holdfast_tests::Output> {
        let mut policy = json(&world, "policy show")?;
        change(&mut policy);
        std::fs::write(world.home.path().join("p.json"), serde_json::to_vec(&policy)?)?;
        world.run("policy edit --file p.json --yes")
    };
    let set = edit(&|policy| {
        policy["namespaces"][0]["windows"]["build"] =
            serde_json::json!({ "keep_s": "400d", "mode": "governance" });
        policy["channels"][0]["rollback_window_s"] = "2w".into();
        policy["channels"][0]["keep_pins"] = 3.into();
        policy["channels"][0]["schedules"] = serde_json::json!([{ "name": "drill", "every_s": "30d" }]);
    })?;
    assert!(set.exit == Some(0) && set.stderr.contains("400 d"), "{set:?}");
    let shown = world.good("policy show")?;
    assert!(
        shown.contains("build for 400d, governance") && shown.contains("back within 14d, keeps 3 pins"),
        "{shown}"
    );
    world.good("push shop/web@1 dist")?;
    let before = json(&world, "retention shop/web@1")?;

    let shorter = edit(&|policy| policy["namespaces"][0]["windows"]["build"]["keep_s"] = "1d".into())?;
    assert!(shorter.exit == Some(0) && shorter.stderr.contains("gets shorter"), "{shorter:?}");
    assert_eq!(json(&world, "retention shop/web@1")?["until"], before["until"]);
    world.bad(6, "delete shop/web@1 -m x")?;

    for (name, wrong) in [("soon", "'soon'"), ("1500ms", "whole number"), ("-1d", "'-1d'")] {
        let refused = edit(&|policy| policy["namespaces"][0]["keep_max_s"] = name.into())?;
        assert!(refused.exit == Some(2) && refused.stderr.contains(wrong), "{refused:?}");
        assert!(refused.stderr.contains("keep_max_s"), "{refused:?}");
    }
    let unknown = edit(&|policy| policy["namespaces"][0]["keep"] = "400d".into())?;
    assert!(unknown.exit == Some(2) && unknown.stderr.contains("keep"), "{unknown:?}");
    // An early end takes the special right; here the only person has it.
    world.good("delete shop/web@1 --bypass -m wrong-customer --yes")?;
    Ok(())
}

#[test]
fn a_drill_fetches_checks_and_logs_and_is_evidence_for_a_pin() -> Result<()> {
    let world = World::pinned()?;
    let script = world.home.path().join("check.sh");
    std::fs::write(
        &script,
        "echo checked; test \"$(cat \"$HOLDFAST_DIR/app\")\" = \"version 1\" && test \"$HOLDFAST_REF\" = shop/web@1",
    )?;
    let drill = world.run("drill shop/prod --to drill-1 --format json -- sh check.sh")?;
    assert!(drill.exit == Some(0) && drill.stderr.contains("checked"), "{drill:?}");
    let view: Value = serde_json::from_str(&drill.stdout)?;
    let steps: Vec<_> =
        view["steps"].as_array().context("steps")?.iter().map(|s| s["op_key"].clone()).collect();
    assert_eq!(steps, ["lookup", "fetch", "verify", "check"]);
    assert_eq!((&view["phase"], &view["achieved"]["rpo_s"]), (&"succeeded".into(), &0.into()));
    assert_eq!(std::fs::read_to_string(world.home.path().join("drill-1/app"))?, "version 1");
    let entry = view["index"].as_u64().context("an entry")?;

    let refused = world.bad(2, "drill shop/prod --to drill-1 -- true")?;
    assert!(refused.contains("not empty"), "{refused}");
    for (folder, command) in
        [("d2", "false"), ("d3", "no-such-program"), ("d4 --time-limit 300ms", "sleep 60")]
    {
        let failed = world.bad(11, &format!("drill shop/prod --to {folder} -- {command}"))?;
        assert!(failed.contains("logged as failed"), "{failed}");
    }
    let history = world.good("history shop/prod")?;
    assert!(history.contains("failed") && history.contains("succeeded"), "{history}");

    let mut policy = json(&world, "policy show")?;
    policy["channels"][0]["evidence"] = serde_json::json!([{ "kind": "drill", "younger_than_s": "1d" }]);
    policy["channels"][0]["schedules"] =
        serde_json::json!([{ "name": "shop/db", "every_s": "24h" }, { "name": "drill", "every_s": "30d" }]);
    policy["channels"][0]["objectives"] = serde_json::json!({ "rto_s": "12h", "rpo_s": "1h" });
    std::fs::write(world.home.path().join("p.json"), serde_json::to_vec(&policy)?)?;
    let changed = world.run("policy edit --file p.json --yes")?;
    assert!(changed.stderr.contains("due shop/db every 1 d"), "{changed:?}");
    let status = world.good("status")?;
    assert!(
        status.contains("overdue    shop/prod: snapshot of shop/db, never made, every 1d")
            && status.contains("unknown    shop/prod: RPO 1h: there is no good snapshot of shop/db")
            && !status.contains("overdue    shop/prod: drill"),
        "{status}"
    );
    assert_eq!(json(&world, "status")?["schedules"][0]["due"][0]["state"], "overdue");
    let mut senseless = json(&world, "policy show")?;
    senseless["channels"][0]["schedules"] = serde_json::json!([{ "name": "drill", "every_s": "0s" }]);
    std::fs::write(world.home.path().join("p.json"), serde_json::to_vec(&senseless)?)?;
    let refused = world.run("policy edit --file p.json --yes")?;
    assert!(refused.exit != Some(0) && refused.stderr.contains("every 0 s"), "{refused:?}");
    world.bad(6, "pin shop/prod shop/web@1 -m without")?;
    let failed = entry + 2;
    world.bad(6, &format!("pin shop/prod shop/web@1 -m failed-drill --evidence drill:{failed}"))?;
    world.good(&format!("pin shop/prod shop/web@1 -m drilled --evidence drill:{entry}"))?;
    world.good("audit")?;
    Ok(())
}

#[test]
fn a_drill_of_a_release_brings_every_component_to_a_folder_of_its_own() -> Result<()> {
    let world = World::new()?;
    std::fs::create_dir(world.home.path().join("data"))?;
    std::fs::write(world.home.path().join("data/orders"), "1,2,3")?;
    world.good("push shop/web@1 dist")?;
    world.good("snapshot shop/data@1 data")?;
    let component = |name: &str, role: &str, stage: u32| {
        format!(
            "[[component]]\nname = \"{name}\"\nrole = \"{role}\"\nref = \"shop/{name}@1\"\nstage = {stage}\n[component.undo]\nmode = \"redeploy\"\n"
        )
    };
    let release = component("web", "code", 1) + &component("data", "data", 2);
    std::fs::write(world.home.path().join("release.toml"), release)?;
    world.good("release shop/release@1 release.toml")?;
    world.good("pin shop/prod shop/release@1 -m good")?;
    let check =
        "test \"$(cat \"$HOLDFAST_WEB_DIR/app\" \"$HOLDFAST_DATA_DIR/orders\")\" = \"version 11,2,3\"";
    std::fs::write(world.home.path().join("check.sh"), check)?;
    let view = json(&world, "drill shop/prod --to out").map(|_| ()).unwrap_err();
    assert!(view.to_string().contains("COMMAND"), "{view}");
    let drill = world.run("drill shop/prod --to out --format json -- sh check.sh")?;
    assert_eq!(drill.exit, Some(0), "{drill:?}");
    let view: Value = serde_json::from_str(&drill.stdout)?;
    let steps = view["steps"].as_array().context("steps")?;
    let shown: Vec<String> = steps
        .iter()
        .map(|step| format!("{} {} {}", step["op_key"], step["component"], step["stage"]).replace('"', ""))
        .collect();
    let wanted = [
        "lookup shop/prod 0",
        "restore data 2",
        "fetch web 1",
        "verify data 2",
        "verify web 1",
        "check shop/prod 0",
    ];
    assert_eq!(shown, wanted);
    assert!(view["achieved"]["rto_s"].as_u64() > Some(0) && view["achieved"]["rpo_s"].is_u64(), "{view}");
    // The next drill goes away from what is deployed.
    world.good("deploy shop/prod shop/release@1 succeeded")?;
    world.good("drill shop/prod --to again -- true")?;
    world.good("audit")?;
    Ok(())
}
