//! What witnesses cosigned, with the proofs that connect it to the state that is shown.

use holdfast_formats::tree::TreeSize;
use holdfast_formats::wire::v1::{Cosigned, CosignedCheckpoints, CosignedQuery};

use super::{Failure, Identity, Service};

impl Service {
    /// The newest that each witness cosigned, for any reader, with proofs from or to the size that the reader holds.
    pub async fn cosigned(
        &self,
        who: &Identity,
        query: &CosignedQuery,
    ) -> Result<CosignedCheckpoints, Failure> {
        self.require_reader(who)?;
        self.head_reaching(Some(query.size)).await?;
        Ok(CosignedCheckpoints { size: query.size, cosigned: self.cosigned_beside(query.size).await? })
    }

    /// The newest cosigned checkpoints, each with its proof from or to a size that the log has reached.
    pub(super) async fn cosigned_beside(&self, size: TreeSize) -> Result<Vec<Cosigned>, Failure> {
        let checkpoints = self.log().cosignatures().checkpoints();
        if checkpoints.is_empty() {
            return Ok(Vec::new());
        }
        // Taken last, so that it is at least as large as everything that was cosigned.
        let head = self.log().head();
        let prover = self.log().prover().clone();
        self.log()
            .index()
            .read(move |view| {
                let beside = |(cosigned, checkpoint): (TreeSize, String)| {
                    let (old, new) = (cosigned.min(size), cosigned.max(size));
                    let hashes = if old == new || old == TreeSize::ZERO {
                        Vec::new()
                    } else {
                        prover.consistency(view, &head, old, new)?
                    };
                    Ok(Cosigned { checkpoint, hashes })
                };
                checkpoints.into_iter().map(beside).collect()
            })
            .await
    }
}
