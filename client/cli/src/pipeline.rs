//! What a pipeline's environment says of itself: which run this is, of which commit, and who builds.
//!
//! Known are GitHub Actions and GitLab CI. It is said in statements for whoever asks later, and never decides anything; what
//! the environment does not say, or says in a form that no statement takes, is left out.

use holdfast_formats::statement::{Build, RunContext, SourceContext};

/// One run of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pipeline {
    /// The run.
    pub(crate) run: Option<RunContext>,
    /// What it has checked out.
    pub(crate) source: Option<SourceContext>,
    /// Who builds, for an artifact that this run publishes.
    pub(crate) build: Option<Build>,
}

impl Pipeline {
    /// The run that this process is part of.
    pub(crate) fn of_environment() -> Option<Self> {
        Self::of(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn of(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let is_on = |name| variable(name).is_some_and(|value| value == "true");
        if is_on("GITHUB_ACTIONS") {
            return Some(github(variable));
        }
        is_on("GITLAB_CI").then(|| gitlab(variable))
    }
}

fn github(variable: &dyn Fn(&str) -> Option<String>) -> Pipeline {
    let repository =
        || Some(format!("{}/{}", variable("GITHUB_SERVER_URL")?, variable("GITHUB_REPOSITORY")?));
    let run_url = || Some(format!("{}/actions/runs/{}", repository()?, variable("GITHUB_RUN_ID")?));
    let attempt = || variable("GITHUB_RUN_ATTEMPT").and_then(|text| text.parse().ok()).unwrap_or(1);
    let run = || {
        let (system, id) = ("github-actions".parse().ok()?, variable("GITHUB_RUN_ID")?.parse().ok()?);
        Some(RunContext { system, url: run_url()?.parse().ok()?, id, attempt: attempt() })
    };
    let build = || {
        let runner = variable("RUNNER_ENVIRONMENT")?;
        Some(Build {
            builder_id: format!("https://github.com/actions/runner/{runner}").parse().ok()?,
            invocation_id: format!("{}/attempts/{}", run_url()?, attempt()).parse().ok()?,
            build_type: "https://actions.github.io/buildtypes/workflow/v1".parse().ok()?,
            provenance: Vec::new(),
        })
    };
    let source = repository()
        .and_then(|repository| source(&repository, &variable("GITHUB_SHA")?, &variable("GITHUB_REF")?));
    Pipeline { run: run(), source, build: build() }
}

fn gitlab(variable: &dyn Fn(&str) -> Option<String>) -> Pipeline {
    let run = || {
        let (system, id) = ("gitlab-ci".parse().ok()?, variable("CI_PIPELINE_ID")?.parse().ok()?);
        Some(RunContext { system, url: variable("CI_PIPELINE_URL")?.parse().ok()?, id, attempt: 1 })
    };
    let build = || {
        let runner = format!("{}/-/runners/{}", variable("CI_PROJECT_URL")?, variable("CI_RUNNER_ID")?);
        Some(Build {
            builder_id: runner.parse().ok()?,
            invocation_id: variable("CI_JOB_URL")?.parse().ok()?,
            build_type: "gitlab-ci".parse().ok()?,
            provenance: Vec::new(),
        })
    };
    let source = variable("CI_PROJECT_URL")
        .and_then(|project| source(&project, &variable("CI_COMMIT_SHA")?, &variable("CI_COMMIT_REF_NAME")?));
    Pipeline { run: run(), source, build: build() }
}

/// A pipeline works on what it has checked out, so nothing is uncommitted.
fn source(repository: &str, commit: &str, branch: &str) -> Option<SourceContext> {
    let (repo, git_commit) = (repository.parse().ok()?, commit.parse().ok()?);
    Some(SourceContext { repo, git_commit, r#ref: branch.parse().ok()?, dirty: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GITHUB: [(&str, &str); 8] = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "shop/web"),
        ("GITHUB_RUN_ID", "77"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("GITHUB_SHA", "0f0e0d0c0b0a09080706050403020100ffeeddcc"),
        ("GITHUB_REF", "refs/heads/main"),
        ("RUNNER_ENVIRONMENT", "github-hosted"),
    ];
    const GITLAB: [(&str, &str); 8] = [
        ("GITLAB_CI", "true"),
        ("CI_PROJECT_URL", "https://gitlab.example/shop/web"),
        ("CI_PIPELINE_ID", "88"),
        ("CI_PIPELINE_URL", "https://gitlab.example/shop/web/-/pipelines/88"),
        ("CI_JOB_URL", "https://gitlab.example/shop/web/-/jobs/99"),
        ("CI_RUNNER_ID", "5"),
        ("CI_COMMIT_SHA", "0f0e0d0c0b0a09080706050403020100ffeeddcc"),
        ("CI_COMMIT_REF_NAME", "main"),
    ];

    fn of(variables: &[(&str, &str)]) -> Option<Pipeline> {
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Pipeline::of(&find)
    }

    #[test]
    fn a_github_run_says_which_run_and_commit_it_is() {
        let pipeline = of(&GITHUB).unwrap();
        let (run, source, build) = (pipeline.run.unwrap(), pipeline.source.unwrap(), pipeline.build.unwrap());
        assert_eq!(run.url.as_str(), "https://github.com/shop/web/actions/runs/77");
        assert_eq!((run.system.as_str(), run.id.as_str(), run.attempt), ("github-actions", "77", 2));
        assert_eq!(source.repo.as_str(), "https://github.com/shop/web");
        assert_eq!(source.r#ref.as_str(), "refs/heads/main");
        assert_eq!(build.builder_id.as_str(), "https://github.com/actions/runner/github-hosted");
        assert!(build.invocation_id.as_str().ends_with("/actions/runs/77/attempts/2"));
    }

    #[test]
    fn a_gitlab_run_says_which_run_and_commit_it_is() {
        let pipeline = of(&GITLAB).unwrap();
        let (run, source, build) = (pipeline.run.unwrap(), pipeline.source.unwrap(), pipeline.build.unwrap());
        assert_eq!((run.system.as_str(), run.id.as_str()), ("gitlab-ci", "88"));
        assert_eq!(source.repo.as_str(), "https://gitlab.example/shop/web");
        assert_eq!(build.builder_id.as_str(), "https://gitlab.example/shop/web/-/runners/5");
        assert_eq!(build.invocation_id.as_str(), "https://gitlab.example/shop/web/-/jobs/99");
    }

    #[test]
    fn what_is_missing_or_malformed_is_left_out_and_nothing_else() {
        assert_eq!(of(&GITHUB[1..]), None, "variables alone make no pipeline");
        let without = |name: &str| {
            let rest: Vec<_> = GITHUB.iter().filter(|(n, _)| *n != name).copied().collect();
            of(&rest).unwrap()
        };
        assert!(without("GITHUB_SHA").source.is_none() && without("GITHUB_SHA").run.is_some());
        assert!(without("RUNNER_ENVIRONMENT").build.is_none());
        assert_eq!(without("GITHUB_RUN_ATTEMPT").run.unwrap().attempt, 1);
        assert!(without("GITHUB_REPOSITORY").run.is_none());
        let mut broken = GITHUB.to_vec();
        broken[5] = ("GITHUB_SHA", "");
        assert!(of(&broken).unwrap().source.is_none());
    }
}
