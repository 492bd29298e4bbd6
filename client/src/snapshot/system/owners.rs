//! The names of users and groups. Asked of the system's own lookup, because `/etc/passwd` does not list those of a
//! directory service; each once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use holdfast_formats::catalog::Owner;
use nix::unistd::{Gid, Group, Uid, User};

/// More owners than this are no longer remembered, only asked for.
const REMEMBERED_MAX: usize = 1 << 16;
const NAME_BYTES_MAX: usize = 255;

/// Who is who.
#[derive(Debug, Default)]
pub(in super::super) struct Owners {
    users: Mutex<HashMap<u32, Owner>>,
    groups: Mutex<HashMap<u32, Owner>>,
}

impl Owners {
    /// The user with this number.
    pub(in super::super) fn user(&self, id: u32) -> Owner {
        remembered(&self.users, id, || User::from_uid(Uid::from_raw(id)).ok().flatten().map(|user| user.name))
    }

    /// The group with this number.
    pub(in super::super) fn group(&self, id: u32) -> Owner {
        remembered(&self.groups, id, || {
            Group::from_gid(Gid::from_raw(id)).ok().flatten().map(|group| group.name)
        })
    }
}

fn remembered(known: &Mutex<HashMap<u32, Owner>>, id: u32, ask: impl FnOnce() -> Option<String>) -> Owner {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(owner) = known.get(&id) {
        return owner.clone();
    }
    let name = ask().filter(|name| name.len() <= NAME_BYTES_MAX).unwrap_or_default().into_bytes();
    let owner = Owner { id, name };
    if known.len() < REMEMBERED_MAX {
        known.insert(id, owner.clone());
    }
    owner
}
