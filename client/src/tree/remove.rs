//! Removing what stands under a name, and all that is in it.

use std::io;
use std::sync::Arc;

use super::folder::{Folder, Kind, Names};
use super::walk::Walk;

/// Removes what stands under a name of a folder, however deep it is. What is gone already is no error; no link is followed.
pub(crate) fn remove_all(folder: &Arc<Folder>, name: &[u8]) -> io::Result<()> {
    let mut walk: Walk<Names> = Walk::from(Some(Arc::clone(folder)), vec![name.to_vec()]);
    loop {
        let here = walk.folder()?.ok_or(io::ErrorKind::NotFound)?;
        let Some(name) = walk.newest().and_then(Vec::pop) else {
            let Some((level, _)) = walk.leave()?.filter(|(level, _)| !level.path.is_root()) else {
                return Ok(());
            };
            let parent = walk.folder()?.ok_or(io::ErrorKind::NotFound)?;
            parent.remove_folder(level.path.name())?;
            continue;
        };
        match here.look(&name)? {
            None => {}
            Some(standing) if standing.kind == Kind::Folder => {
                let inner = here.enter(&name)?;
                inner.unlock()?;
                let names = inner.names()?;
                let path = walk.path().join(&name).map_err(|_| io::ErrorKind::InvalidFilename)?;
                walk.descend(path, Some(Arc::new(inner)), names);
            }
            Some(_) => here.remove(&name)?,
        }
    }
}
