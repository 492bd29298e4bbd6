//! The way back: what is undone and how, what cannot be undone, and what must be there.

use holdfast_formats::manifest::{
    Body, Component, Irreversible, Kind, Manifest, Migration, MigrationChecksum, Need, SchemaBody, Scope,
    UndoMode,
};
use holdfast_formats::statement::Artifact;
use holdfast_formats::wire::v1::{ExitCode, KnownGoodQuery, PlanStep};

use super::answers::{Client, EVERYTHING};
use super::world::{World, component, of};
use crate::known_good::{AnswerError, Choice, PlanError, is_one_way};

fn plan_of(world: &World, choice: &Choice) -> Result<Vec<PlanStep>, PlanError> {
    let parse = |artifact: &Artifact| Manifest::parse(&world.manifests[&artifact.digests.sha256]).unwrap();
    let facts = choice.artifacts();
    let manifests: Vec<(Artifact, Manifest)> =
        facts.iter().map(|fact| (fact.artifact.clone(), parse(&fact.artifact))).collect();
    choice.plan(&|artifact| manifests.iter().find(|(of, _)| of == artifact).map(|(_, manifest)| manifest))
}

fn words(plan: &[PlanStep]) -> Vec<String> {
    let to = |step: &PlanStep| step.to.as_ref().map_or("-".to_owned(), ToString::to_string);
    plan.iter()
        .map(|step| format!("{} {}: {} -> {}", step.release, step.component, step.from, to(step)))
        .collect()
}

/// Three deployed releases of web and api, of which the first is answered because the others are denied.
fn three(change: impl Fn(&str, &mut Component)) -> World {
    let mut world = World::solo();
    let api = world.build("shop/api@1");
    let mut releases = Vec::new();
    for version in ["1", "2", "3"] {
        let web = world.build(&format!("shop/web@{version}"));
        let mut components = vec![component("web", 2, &web), component("api", 1, &api)];
        for component in &mut components {
            change(version, component);
        }
        let release = world.release(&format!("shop/release@{version}"), components);
        world.deploy(&release);
        world.pin(&release);
        releases.push(release);
    }
    for release in &releases[1..] {
        world.deny(release);
    }
    world
}

#[test]
fn everything_deployed_since_the_target_is_undone_newest_first_and_what_stays_is_left_alone() {
    let world = three(|_, _| ());
    let plan = plan_of(&world, &world.choose(&EVERYTHING)).unwrap();
    assert_eq!(
        words(&plan),
        ["shop/release@3 web: shop/web@3 -> shop/web@1", "shop/release@2 web: shop/web@2 -> shop/web@1"]
    );
    assert!(!plan.iter().any(is_one_way));
    assert_eq!(Client::of(&world).ask(&world, &EVERYTHING).plan, plan);
}

#[test]
fn components_are_undone_in_reverse_order_those_out_of_scope_are_not_and_new_ones_have_no_target() {
    let mut world = World::solo();
    let one = world.build("shop/web@1");
    let old = world.release("shop/release@1", vec![component("web", 2, &one)]);
    world.deploy(&old);
    world.pin(&old);
    let parts: Vec<Artifact> =
        ["shop/web@2", "shop/db@2", "shop/ops@2"].iter().map(|v| world.build(v)).collect();
    let mut ops = component("ops", 3, &parts[2]);
    ops.scope = Scope::Out;
    let mut web = component("web", 1, &parts[0]);
    web.after = vec![of("db")];
    let new = world.release("shop/release@2", vec![web, component("db", 1, &parts[1]), ops]);
    world.deploy(&new);
    let plan = plan_of(&world, &world.choose(&EVERYTHING)).unwrap();
    assert_eq!(
        words(&plan),
        ["shop/release@2 web: shop/web@2 -> shop/web@1", "shop/release@2 db: shop/db@2 -> -"]
    );
}

#[test]
fn a_step_that_loses_something_is_one_way_only_when_it_is_on_the_way() {
    let lossy = |at: &'static str| {
        move |version: &str, component: &mut Component| {
            if version == at && component.name.as_str() == "web" {
                component.irreversible =
                    Some(Irreversible { step: of("drop table"), reason: of("orders are gone") });
            }
        }
    };
    let count = |world: &World| {
        plan_of(world, &world.choose(&EVERYTHING)).unwrap().iter().filter(|s| is_one_way(s)).count()
    };
    assert_eq!(count(&three(lossy("2"))), 1);
    assert_eq!(count(&three(lossy("1"))), 0, "the target itself is not undone");
    let no_undo = three(|version, component| {
        if version == "3" {
            component.undo.mode = UndoMode::None;
        }
    });
    assert_eq!(count(&no_undo), 1, "api is the same everywhere, so only web is on the way");
}

#[test]
fn an_artifact_that_is_no_release_is_undone_as_its_kind_is() {
    let migration = |reversible| Migration {
        id: of("1"),
        checksum: MigrationChecksum { tool: of("sqlx"), alg: of("sha384"), value: of("00") },
        up: of("1.up.sql"),
        down: None,
        reversible,
        destructive: false,
        transactional: true,
    };
    let schema = |migrations| {
        Body::Schema(Box::new(SchemaBody {
            engine: of("sqlite"),
            from_state: of("0"),
            to_state: of("1"),
            app_range: of("*"),
            migrations,
        }))
    };
    let cases = [
        (Body::None(Kind::Build), UndoMode::Redeploy, false),
        (Body::None(Kind::Config), UndoMode::Redeploy, false),
        (schema(vec![migration(true)]), UndoMode::Down, false),
        (schema(vec![migration(true), migration(false)]), UndoMode::None, true),
    ];
    for (body, mode, one_way) in cases {
        let mut world = World::solo();
        let one = world.manifest("shop/thing@1", body.clone(), |_| ());
        world.pin(&one);
        let two = world.manifest("shop/thing@2", body, |_| ());
        world.deploy(&two);
        let plan = plan_of(&world, &world.choose(&EVERYTHING)).unwrap();
        assert_eq!(words(&plan), ["shop/thing@2 shop/thing: shop/thing@2 -> shop/thing@1"]);
        assert_eq!((plan[0].undo.mode, is_one_way(&plan[0])), (mode, one_way));
    }
}

#[test]
fn going_forward_again_undoes_nothing() {
    let mut world = World::solo();
    let one = world.build("shop/web@1");
    world.deploy(&one);
    let two = world.build("shop/web@2");
    world.pin(&two);
    assert!(plan_of(&world, &world.choose(&EVERYTHING)).unwrap().is_empty());
    world.deploy(&two);
    assert!(plan_of(&world, &world.choose(&EVERYTHING)).unwrap().is_empty());
}

#[test]
fn every_declared_need_must_be_met_by_an_artifact_or_component_of_the_answer() {
    let need = |name: &str, range: &str| Need { name: of(name), range: of(range) };
    let cases = [
        (need("shop/db", "^1.2"), true),
        (need("shop/db", "^2"), false),
        (need("shop/db", "1.2.3"), true),
        (need("shop/cache", "*"), false),
        (need("shop/web", "*"), true),
    ];
    for (need, met) in cases {
        let mut world = World::solo();
        let db = world.build("shop/db@1.2.3");
        world.pin(&db);
        let web = world.manifest("shop/web@3.0.0", Body::None(Kind::Build), |manifest| {
            manifest.needs = Some(vec![need.clone()]);
        });
        world.pin(&web);
        let plan = plan_of(&world, &world.choose(&EVERYTHING));
        assert_eq!(plan.is_ok(), met, "{need:?}");
        let alone = KnownGoodQuery { component: Some(of("shop/web")), ..EVERYTHING };
        let alone = plan_of(&world, &world.choose(&alone));
        assert!(alone.is_ok(), "{need:?} is not asked for with one line alone");
    }
}

#[test]
fn a_component_may_be_needed_by_its_name_in_the_release() {
    for (range, met) in [("*", true), (">=2", false)] {
        let mut world = World::solo();
        let (web, db) = (world.build("shop/web@1.0.0"), world.build("shop/db@1.0.0"));
        let mut needy = component("web", 1, &web);
        needy.needs = vec![Need { name: of("database"), range: of(range) }];
        let release = world.release("shop/release@1", vec![needy, component("database", 1, &db)]);
        world.pin(&release);
        assert_eq!(plan_of(&world, &world.choose(&EVERYTHING)).is_ok(), met);
    }
}

#[test]
fn a_plan_that_does_not_follow_from_the_manifests_is_refused() {
    let world = three(|_, _| ());
    let honest = world.answer(&EVERYTHING);
    let mut shorter = honest.clone();
    shorter.plan.pop();
    let mut reversed = honest.clone();
    reversed.plan.reverse();
    let mut harmless = honest.clone();
    harmless.plan[0].undo.mode = UndoMode::FlagOff;
    let mut hidden = honest.clone();
    hidden.deploys.remove(1);
    for lie in [shorter, reversed, harmless, hidden] {
        let error = Client::of(&world).verify(&lie, &EVERYTHING, world.now).unwrap_err();
        assert!(matches!(error, AnswerError::OtherPlan), "{error}");
        assert_eq!(error.exit(), ExitCode::Integrity);
    }
    let mut disordered = honest;
    disordered.deploys.reverse();
    let error = Client::of(&world).verify(&disordered, &EVERYTHING, world.now).unwrap_err();
    assert!(matches!(error, AnswerError::Deployments), "{error}");
}
