//! Content, over a memory store and a directory.
