//! T36: what somebody else wrote is shown on a terminal and never obeyed.

use anyhow::Result;
use holdfast_tests::Output;

use crate::world::World;

/// No control character but line ends, and none that hides or turns text.
fn is_harmless(output: &Output) -> bool {
    let harmless = |c: char| {
        c == '\n'
            || !(c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    output.stdout.chars().chain(output.stderr.chars()).all(harmless)
}

#[test]
fn t36_reasons_labels_and_file_names_with_commands_for_a_terminal_are_escaped() -> Result<()> {
    let world = World::new()?;
    let program = world.program();
    let evil = ["\u{1b}[2Jgone", "\u{1b}]0;title\u{7}", "a\rb", "user\u{202e}txt.exe", "\u{9b}31mred"];
    std::fs::write(world.home.path().join("dist/pay\u{202e}fdp.exe"), "x")?;
    for (number, text) in evil.iter().enumerate() {
        let label = format!("--label=note={text}");
        let version = format!("shop/web@{number}");
        let pushed = program.run_words(&["push", &version, "dist", &label])?;
        assert!(is_harmless(&pushed), "{pushed:?}");
        let plain = program.run_words(&["push", &version, "dist"])?;
        assert!(is_harmless(&plain), "{plain:?}");
        if pushed.exit != Some(0) && plain.exit != Some(0) {
            // A file name that turns text round may be refused as a whole; then push without it.
            std::fs::remove_file(world.home.path().join("dist/pay\u{202e}fdp.exe"))?;
            assert_eq!(program.run_words(&["push", &version, "dist"])?.exit, Some(0));
        }
        let pinned = program.run_words(&["pin", "shop/prod", &version, "-m", text])?;
        assert!(is_harmless(&pinned), "{pinned:?}");
        let denied = program.run_words(&["deny", &version, "-m", text])?;
        assert!(is_harmless(&denied), "{denied:?}");
        let frozen = program.run_words(&["freeze", "shop/prod", "-m", text])?;
        assert!(is_harmless(&frozen), "{frozen:?}");
        for words in [
            format!("show {version}"),
            format!("show {version} --format json"),
            format!("gate shop/prod {version}"),
            "history shop/prod".to_owned(),
            "history shop/prod --format json".to_owned(),
            "known-good shop/prod".to_owned(),
            "known-good shop/prod --format json".to_owned(),
            "known-good shop/prod --format env".to_owned(),
            "list".to_owned(),
            "log tail".to_owned(),
            "audit".to_owned(),
        ] {
            let shown = program.run(&words)?;
            assert!(is_harmless(&shown), "{words}: {shown:?}");
        }
    }
    let server_log = world.server.log()?;
    assert!(!server_log.contains('\u{1b}'), "nor do they reach the server's log");
    Ok(())
}

#[test]
fn t36_names_with_commands_for_a_terminal_are_refused_harmlessly() -> Result<()> {
    let world = World::new()?;
    let program = world.program();
    for name in ["shop/\u{1b}[31m@1", "shop/web@\u{202e}1", "shop/a\rb@1", "../web@1", "shop/../../web@1"] {
        for words in [["show", name], ["gate", name], ["proof", name]] {
            let refused = program.run_words(&words)?;
            assert!(refused.exit.is_some_and(|exit| exit != 0), "{words:?}: {refused:?}");
            assert!(is_harmless(&refused), "{words:?}: {refused:?}");
        }
    }
    Ok(())
}

#[test]
fn t39_no_secret_is_printed_or_logged() -> Result<()> {
    let world = World::pinned()?;
    let kept = std::fs::read_to_string(world.home.path().join("credentials.json"))?;
    let token = kept.split('"').find(|text| text.starts_with("hft_")).expect("login kept a token").to_owned();
    let secret = world.server.login_url()?.split('#').nth(1).expect("the URL has a secret").to_owned();
    for words in ["trust show", "token list", "key show", "status", "policy show", "log tail"] {
        let output = world.run(words)?;
        for hidden in [&token, &secret] {
            assert!(
                !output.stdout.contains(hidden.as_str()) && !output.stderr.contains(hidden.as_str()),
                "{words}"
            );
        }
        assert!(!output.stdout.contains("PRIVATE KEY"), "{words}");
    }
    let log = world.server.log()?;
    assert!(!log.contains(&token) && !log.contains(&secret));
    Ok(())
}
