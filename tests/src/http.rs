//! Plain HTTP, for what the client library never sends.

use std::sync::Once;

use holdfast_formats::token::Token;
use holdfast_formats::wire::v1::{Problem, ProblemCode};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;

/// A client without any manners, for one registry.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    base: String,
    token: Option<Token>,
}

impl Http {
    /// A client of the registry at a URL.
    pub fn new(base: &str, token: Option<Token>) -> anyhow::Result<Self> {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| {
            // Whoever installed one before us did what we want.
            drop(rustls::crypto::ring::default_provider().install_default());
        });
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned(), token })
    }

    /// A request that is not sent yet.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    /// Reads a path.
    pub async fn get(&self, path: &str) -> anyhow::Result<Response> {
        Ok(self.request(Method::GET, path).send().await?)
    }

    /// Reads a record.
    pub async fn read<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        Ok(serde_json::from_slice(&self.get(path).await?.error_for_status()?.bytes().await?)?)
    }

    /// Sends bytes.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Vec<u8>>,
    ) -> anyhow::Result<Response> {
        Ok(self.request(method, path).body(body.into()).send().await?)
    }

    /// Sends bytes that must be refused, and says with which status and code.
    pub async fn refusal(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Vec<u8>>,
    ) -> anyhow::Result<(u16, ProblemCode, String)> {
        Self::problem(self.send(method, path, body).await?).await
    }

    /// The problem that an answer is.
    pub async fn problem(response: Response) -> anyhow::Result<(u16, ProblemCode, String)> {
        let status = response.status().as_u16();
        let body = response.bytes().await?;
        let problem: Problem = serde_json::from_slice(&body).map_err(|error| {
            anyhow::anyhow!("{status} is no problem document ({error}): {}", String::from_utf8_lossy(&body))
        })?;
        Ok((status, problem.code, problem.detail))
    }
}
