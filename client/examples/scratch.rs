//! scratch
use holdfast_client::*;
use holdfast_formats::manifest::*;
use holdfast_formats::statement::*;
use holdfast_formats::wire::v1::*;
use std::path::PathBuf;
fn show(e: &ClientError) -> String {
    let mut s = format!("{e} [{:?}]", e.exit());
    let mut c = std::error::Error::source(e);
    while let Some(x) = c {
        s += &format!(": {x}");
        c = x.source();
    }
    s
}
#[tokio::main]
async fn main() {
    if let Err(e) = run().await {
        println!("FAILED {}", show(&e));
        std::process::exit(1)
    }
}
async fn run() -> Result<(), ClientError> {
    let mut args = std::env::args().skip(1);
    let cmd = args.next().unwrap();
    let places = Places::discover()?;
    if cmd == "login" {
        let done =
            login(&places, &LoginRequest { url: args.next().unwrap(), key_file: None, principal: None })
                .await?;
        println!("{done:?}");
        return Ok(());
    }
    let registry = Registry::open(&places, OpenOptions::new())?;
    let t = std::time::Instant::now();
    let query =
        KnownGoodQuery { component: None, not: None, at: None, back: None, min_size: None, policy: None };
    match cmd.as_str() {
        "push" => {
            let p = registry
                .push(&PushRequest {
                    artifact: args.next().unwrap().parse().unwrap(),
                    source: PathBuf::from(args.next().unwrap()),
                    body: Body::None(Kind::Build),
                    about: About::nothing(),
                })
                .await?;
            println!("{:?} {:?} {}", p.artifact, p.content, p.submitted.index);
        }
        "pin" => {
            let channel = args.next().unwrap().parse().unwrap();
            let a = registry.resolve(&args.next().unwrap().parse().unwrap()).await?;
            let (d, n) = registry
                .draft_pin(
                    &channel,
                    &a,
                    PinDraft {
                        reason: "ok".parse().unwrap(),
                        deploy: None,
                        evidence: vec![],
                        baseline_metrics: vec![],
                        expires: None,
                    },
                )
                .await?;
            let s = registry.submit(d).await?;
            println!("pin {n} at {}", s.index);
        }
        "deny" => {
            let a = registry.resolve(&args.next().unwrap().parse().unwrap()).await?;
            let s = registry
                .submit(Draft::new(Deny {
                    name: a.r#ref.name().clone(),
                    digests: a.digests,
                    effect: DenyEffect::Lookup,
                    scope: DenyScope::Namespace,
                    channel: None,
                    reason: "bad".parse().unwrap(),
                }))
                .await?;
            println!("deny at {}", s.index);
        }
        "kg" => {
            let l = registry
                .known_good(
                    &args.next().unwrap().parse().unwrap(),
                    &query,
                    Some(std::time::Duration::from_secs(3600)),
                )
                .await?;
            for line in &l.answer.get().lines {
                println!(
                    "{} pin {} of {} {} passed {:?}",
                    line.name,
                    line.number,
                    line.issued,
                    line.artifact.r#ref,
                    line.passed_over.iter().map(|p| p.reason).collect::<Vec<_>>()
                );
            }
            println!(
                "closure {:?} cached {:?} head {}",
                l.answer.get().closure.iter().map(|c| c.artifact.r#ref.to_string()).collect::<Vec<_>>(),
                l.cached_age,
                l.answer.get().head.time
            );
        }
        "pull" => {
            let r = registry.artifact(&args.next().unwrap().parse().unwrap()).await?;
            println!("{:?}", registry.pull(&r, &PathBuf::from(args.next().unwrap())).await?);
        }
        "verify" => {
            let r = registry.artifact(&args.next().unwrap().parse().unwrap()).await?;
            println!("{:?}", registry.verify_artifact(&r).await?);
        }
        "local" => {
            let r = registry.artifact(&args.next().unwrap().parse().unwrap()).await?;
            println!("{:?}", registry.verify_local(&r, &PathBuf::from(args.next().unwrap())).await?);
        }
        "bundle" => {
            let s = registry
                .bundle(&args.next().unwrap().parse().unwrap(), &query, &PathBuf::from(args.next().unwrap()))
                .await?;
            println!("{} {}", s.files, s.bytes);
        }
        "unbundle" => {
            let trust = places.trust()?;
            let f = PathBuf::from(args.next().unwrap());
            println!("{}", bundle::is_bundle(&f));
            let v = bundle::verify(&f, Some(&trust), registry.now())?;
            println!("{} {}", v.files, v.bytes);
            if let Some(t) = args.next() {
                bundle::extract(&f, None, registry.now(), &PathBuf::from(t))?;
            }
        }
        "audit" => println!("{:?}", registry.audit().await?),
        "sync" => println!("{:?}", registry.sync().await?),
        "policy" => println!("{:?}", registry.policy().await?),
        "history" => {
            for e in registry
                .history(&args.next().unwrap().parse().unwrap(), &HistoryQuery { before: None, limit: None })
                .await?
                .entries
            {
                println!("{} {} {}", e.index, e.time, e.statement.kind())
            }
        }
        "entries" => {
            for e in registry.entries("0".parse().unwrap(), 100).await? {
                println!("{} {} {}", e.index, e.time, e.statement.kind())
            }
        }
        "gate" => println!(
            "{:?}",
            registry
                .gate(&args.next().unwrap().parse().unwrap(), &args.next().unwrap().parse().unwrap())
                .await?
        ),
        "status" => println!("{:?}", registry.status().await?),
        "receipt" => println!(
            "{:?}",
            registry.receipt(args.next().unwrap().parse().unwrap()).await?.1.get().statement().kind()
        ),
        "grant" => {
            let (d, t) = GrantDraft {
                subject: "ci".parse().unwrap(),
                actions: vec![Action::Read],
                names: vec!["*".parse().unwrap()],
                channels: vec!["*".parse().unwrap()],
                quotas: None,
                expires: None,
            }
            .draft();
            println!("{} {}", registry.submit(d).await?.index, t.expose());
        }
        _ => println!("?"),
    }
    println!("took {:?}", t.elapsed());
    Ok(())
}
