//! Listing in key order, in bounded memory.
//!
//! A directory read gives names in no order. One page keeps only the smallest names after the last key, so a
//! directory with millions of names costs more passes, never more memory.

use std::collections::BinaryHeap;
use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::staging::is_staging_name;
use crate::clock::since_epoch_ms;
use crate::objects::listing::Listed;

/// At most `limit` objects below `prefix` whose key is greater than `after`, in key order.
///
/// `limit` bounds memory too. A directory that does not exist is empty.
pub(in crate::objects) fn page(
    root: &Path,
    prefix: &str,
    after: &str,
    limit: usize,
) -> io::Result<Vec<Listed>> {
    let mut page = Page { after: after.to_owned(), limit, objects: Vec::new() };
    page.collect(&root.join(prefix), &format!("{prefix}/"))?;
    Ok(page.objects)
}

struct Page {
    after: String,
    limit: usize,
    objects: Vec<Listed>,
}

impl Page {
    fn collect(&mut self, directory: &Path, prefix: &str) -> io::Result<()> {
        let mut last = String::new();
        while self.objects.len() < self.limit {
            let keys = self.next_keys(directory, prefix, &last)?;
            let Some(greatest) = keys.last() else { return Ok(()) };
            last.clone_from(greatest);
            for key in &keys {
                self.take(directory, prefix, key)?;
            }
        }
        Ok(())
    }

    /// The smallest keys in `directory` after `last`; those of directories end in `/`, which is how they sort.
    fn next_keys(&self, directory: &Path, prefix: &str, last: &str) -> io::Result<Vec<String>> {
        let room = self.limit - self.objects.len();
        let mut smallest = BinaryHeap::new();
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let Some(key) = key_of(&entry?, prefix)? else { continue };
            if key.as_str() <= last || !self.is_wanted(&key) {
                continue;
            }
            smallest.push(key);
            if smallest.len() > room {
                smallest.pop();
            }
        }
        Ok(smallest.into_sorted_vec())
    }

    fn is_wanted(&self, key: &str) -> bool {
        key > self.after.as_str() || (key.ends_with('/') && self.after.starts_with(key))
    }

    fn take(&mut self, directory: &Path, prefix: &str, key: &str) -> io::Result<()> {
        if self.objects.len() >= self.limit {
            return Ok(());
        }
        let name = key.strip_prefix(prefix).unwrap_or(key);
        if let Some(name) = name.strip_suffix('/') {
            return self.collect(&directory.join(name), key);
        }
        match fs::symlink_metadata(directory.join(name)) {
            Ok(metadata) => {
                let modified_ms = since_epoch_ms(metadata.modified()?);
                self.objects.push(Listed::new(key.to_owned(), metadata.len(), modified_ms));
                Ok(())
            }
            // Deleted since its directory was read.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// `None` for what is no object: staging files, symbolic links, names that no key has.
fn key_of(entry: &DirEntry, prefix: &str) -> io::Result<Option<String>> {
    let name = entry.file_name();
    let Some(name) = name.to_str().filter(|name| !is_staging_name(name)) else {
        return Ok(None);
    };
    let kind = entry.file_type()?;
    let slash = if kind.is_dir() { "/" } else { "" };
    Ok((kind.is_dir() || kind.is_file()).then(|| format!("{prefix}{name}{slash}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(root: &Path, prefix: &str, after: &str, limit: usize) -> io::Result<Vec<String>> {
        Ok(page(root, prefix, after, limit)?.iter().map(|object| object.key().to_owned()).collect())
    }

    #[test]
    fn pages_of_any_size_give_the_same_order_as_a_bucket_does() -> io::Result<()> {
        let root = tempfile::tempdir()?;
        for directory in ["p/a", "p/a.b", "p/empty", "p/z/y"] {
            fs::create_dir_all(root.path().join(directory))?;
        }
        for file in ["p/a/2", "p/a/1", "p/a-c", "p/a.b/3", "p/a0", "p/z/y/4", "p/staged#12"] {
            fs::write(root.path().join(file), b"x")?;
        }
        // '-' and '.' sort before '/', '0' after it.
        let expected = ["p/a-c", "p/a.b/3", "p/a/1", "p/a/2", "p/a0", "p/z/y/4"];
        for limit in 1..=7 {
            let (mut all, mut after) = (Vec::new(), String::new());
            loop {
                let page = keys(root.path(), "p", &after, limit)?;
                let Some(last) = page.last() else { break };
                after.clone_from(last);
                all.extend(page);
            }
            assert_eq!(all, expected, "limit {limit}");
        }
        assert!(keys(root.path(), "absent", "", 10)?.is_empty());
        Ok(())
    }
}
