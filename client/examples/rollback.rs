//! What a rollback tool does with the library: ask what is known-good instead of what runs now, and fetch it.
//!
//! `cargo run -p holdfast-client --example rollback -- shop/prod shop/release ./restored`

use std::path::PathBuf;
use std::process::ExitCode;

use holdfast_client::{ClientError, OpenOptions, Places, Registry};
use holdfast_formats::reference::Reference;
use holdfast_formats::wire::v1::{Excluded, KnownGoodQuery};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Ok([channel, component, target]) = <[String; 3]>::try_from(arguments) else {
        return ExitCode::from(2);
    };
    match roll_back(&channel, &component, target.into()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "nothing was changed");
            ExitCode::from(error.exit() as u8)
        }
    }
}

async fn roll_back(channel: &str, component: &str, target: PathBuf) -> Result<(), ClientError> {
    let malformed = |source| ClientError::Query { source: Box::new(source) };
    let registry = Registry::open(&Places::discover()?, OpenOptions::new())?;
    let query = KnownGoodQuery {
        component: Some(component.parse().map_err(malformed)?),
        not: Some(Excluded::Current),
        at: None,
        back: None,
        min_size: None,
        policy: None,
    };
    let lookup = registry.known_good(&channel.parse().map_err(malformed)?, &query, None).await?;
    // The closure comes in reverse deployment order: the order of going back.
    for part in &lookup.answer.get().closure {
        let record = registry.artifact(&Reference::Version(part.artifact.r#ref.clone())).await?;
        // An artifact's name is safe as a path; a component's is free text and would not be.
        registry.pull(&record, &target.join(part.artifact.r#ref.name().as_str())).await?;
        tracing::info!(artifact = %part.artifact.r#ref, "fetched");
    }
    Ok(())
}
