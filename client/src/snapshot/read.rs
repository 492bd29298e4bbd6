//! Reading one file: its bytes are hashed as they are read, and a large one is cut. What is stored is what was hashed; a
//! file that changes meanwhile is read again, and told of when it keeps changing.

use std::io::{self, Read as _};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use fastcdc::v2020::FastCDC;
use holdfast_formats::blob::Extent;
use holdfast_formats::catalog::{Entry, FileContent, Node};
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::limits::{CHUNK_BYTES_AVG, CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, EXTENTS_MAX, INTEGER_MAX};

use super::describe::{fitting, metadata, ms_of, seen};
use super::hash::FileHasher;
use super::item::{Outcome, Place, Unread};
use super::outgoing::{Outgoing, Stopped};
use super::parts::{cut_short, lay_out};
use super::pool::{Pool, Window};
use super::system::{Look, LookKind, OpenFile, Owners, Segment};
use super::walk::is_gone;
use crate::clock::{Clock as _, SharedClock, SystemClock};
use crate::progress::SharedProgress;

/// Files of this size and more are cut by themselves.
pub(super) const LARGE_FROM: u64 = 1024 * 1024;
/// How often a file that changes is read in all.
const ATTEMPTS: u32 = 3;
/// The clocks of file systems tick at least so often: two changes within one tick may leave the same times.
const TICK: Duration = Duration::from_millis(20);

/// Reads files on one thread.
pub(super) struct Reader {
    pub(super) outgoing: Outgoing,
    pub(super) pool: Arc<Pool>,
    pub(super) owners: Arc<Owners>,
    pub(super) clock: SharedClock,
    pub(super) progress: SharedProgress,
    /// The beginning of a chunk whose end is not read yet.
    pub(super) tail: Vec<u8>,
}

/// Why reading a file ended early.
enum Halt {
    Stopped,
    File(io::Error),
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<Stopped> for Halt {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

/// What was read of a file in one go.
struct Version {
    /// How the file was before.
    look: Look,
    content: FileContent,
    /// The chunks that it was cut into; nothing when it is small.
    chunks: Option<Vec<Extent>>,
    /// Where its bytes are, when it is small.
    small: Range<usize>,
    /// Whether it was the same before and after.
    is_whole: bool,
    /// Whether something of it cannot be kept.
    attributes: Attributes,
}

struct Attributes {
    kept: Vec<holdfast_formats::catalog::Attribute>,
    unread: Option<Unread>,
}

impl Reader {
    /// Reads a file. The bytes of a small one are appended to `bytes`.
    pub(super) fn read(
        &mut self,
        place: &Place,
        bytes: &mut Vec<u8>,
        out: &mut Vec<Outcome>,
    ) -> Result<(), Stopped> {
        let start = bytes.len();
        let mut attempt = 1;
        let version = loop {
            bytes.truncate(start);
            match self.read_once(place, bytes) {
                Ok(version) if version.is_whole || attempt == ATTEMPTS => break version,
                Ok(_) => attempt += 1,
                Err(Halt::Stopped) => return Err(Stopped),
                Err(Halt::File(error)) => {
                    bytes.truncate(start);
                    out.push(match &place.otherwise {
                        Some(entry) => Outcome::Ready(Entry::clone(entry)),
                        None if is_gone(&error) => Outcome::Gone(place.path.clone()),
                        None => Outcome::Unread(Unread::failed(&place.path, &error)),
                    });
                    return Ok(());
                }
            }
        };
        self.report(place, version, out);
        Ok(())
    }

    fn report(&self, place: &Place, version: Version, out: &mut Vec<Outcome>) {
        let Version { look, content, chunks, small, is_whole, attributes } = version;
        if content.size > INTEGER_MAX || content.parts.len() > EXTENTS_MAX {
            out.push(Outcome::Unread(Unread::unfit(&place.path, "it is larger than a catalog can say")));
            return;
        }
        if !is_whole {
            out.push(Outcome::Changing(place.path.clone()));
        }
        out.extend(attributes.unread.map(Outcome::Unread));
        let node = Node::File(metadata(&look, &self.owners, attributes.kept), content);
        let entry = Entry { path: place.path.clone(), node };
        out.push(match chunks {
            Some(chunks) => Outcome::Cut(entry, chunks.iter().map(|e| (e.chunk, e.length)).collect()),
            None => Outcome::Small { entry, start: small.start, length: small.len() },
        });
    }

    fn read_once(&mut self, place: &Place, bytes: &mut Vec<u8>) -> Result<Version, Halt> {
        let mut file = place.directory.file(place.path.name())?;
        let now = self.clock.now();
        let (look, is_calm) = calm_look(&file)?;
        if look.kind != LookKind::File {
            return Err(io::Error::from(io::ErrorKind::NotFound).into());
        }
        let attributes = attributes_of(&file, place);
        let mut segments = vec![Segment { start: 0, length: look.size }];
        if look.may_have_holes {
            segments = file.segments(look.size);
            // To look for holes is to move in the file.
            file.go_to(0)?;
        }
        segments.retain(|segment| segment.length > 0);
        let start = bytes.len();
        let wanted: u64 = segments.iter().map(|segment| segment.length).sum();
        let mut hasher = FileHasher::new();
        let (written, chunks) = if look.size < LARGE_FROM {
            (read_small(&mut file, &segments, &mut hasher, bytes)?, None)
        } else {
            let (written, chunks) = self.cut(&mut file, &segments, &mut hasher)?;
            (written, Some(chunks))
        };
        let mut size = look.size;
        if written < wanted {
            cut_short(&mut segments, written);
            size = segments.last().map_or(0, |last| last.start + last.length);
        }
        let blake3 = hasher.finish(size);
        let placed = [Extent { chunk: PLACEHOLDER, offset: 0, length: u32::try_from(written).unwrap_or(0) }];
        let data = chunks.as_deref().unwrap_or(if written == 0 { &[] } else { &placed });
        let parts = lay_out(size, &segments, data);
        let after = file.look()?;
        let state = |look: &Look| (look.size, look.modified, look.changed);
        let is_whole = is_calm && size == look.size && state(&look) == state(&after);
        let seen = if is_whole { seen(&look, now) } else { None };
        let content = FileContent { size, blake3, seen, parts };
        Ok(Version { look, content, chunks, small: start..bytes.len(), is_whole, attributes })
    }

    /// Reads and cuts a large file; gives how much of it was there, and its chunks.
    fn cut(
        &mut self,
        file: &mut OpenFile,
        segments: &[Segment],
        hasher: &mut FileHasher,
    ) -> Result<(u64, Vec<Extent>), Halt> {
        let mut stream = Stream::of(file, segments);
        let (mut written, mut chunks) = (0, Vec::new());
        self.tail.clear();
        loop {
            let mut window = self.pool.take();
            window.push(&self.tail);
            let ended = stream.fill(&mut window, hasher)?;
            let fresh = (window.len() - self.tail.len()) as u64;
            written += fresh;
            self.progress.advance(fresh);
            self.offer_chunks(window, ended, hasher, &mut chunks)?;
            if ended {
                return Ok((written, chunks));
            }
        }
    }

    /// Cuts what is in a window, but for a last chunk that may go on behind it: that becomes the tail.
    fn offer_chunks(
        &mut self,
        window: Window,
        ended: bool,
        hasher: &FileHasher,
        chunks: &mut Vec<Extent>,
    ) -> Result<(), Stopped> {
        let mut rest = window.freeze();
        while !rest.is_empty() {
            let (_, length) =
                FastCDC::new(&rest, CHUNK_BYTES_MIN, CHUNK_BYTES_AVG, CHUNK_BYTES_MAX).cut(0, rest.len());
            // An end that was found by content stays where it is, whatever follows.
            if length == rest.len() && length < CHUNK_BYTES_MAX && !ended {
                break;
            }
            let chunk = rest.split_to(length);
            // The only chunk of a file without holes is the file.
            let is_alone = ended && chunks.is_empty() && rest.is_empty();
            let whole = if is_alone { hasher.all_of(&chunk) } else { None };
            chunks.push(self.outgoing.offer(chunk, whole)?);
        }
        self.tail.clear();
        self.tail.extend_from_slice(&rest);
        Ok(())
    }
}

/// Looks at a file that is to be read. One that changed just now is looked at again a moment later: only then does another
/// change leave another time. Says whether it was calm by then.
fn calm_look(file: &OpenFile) -> io::Result<(Look, bool)> {
    let mut look = file.look()?;
    if !changed_just_now(&look) {
        return Ok((look, true));
    }
    std::thread::sleep(TICK);
    look = file.look()?;
    Ok((look, !changed_just_now(&look)))
}

/// By the clock that the times of files come from, whatever a test says that the time is.
fn changed_just_now(look: &Look) -> bool {
    let tick_ms = u64::try_from(TICK.as_millis()).unwrap_or(u64::MAX);
    let now_ms = SystemClock.now().as_ms();
    look.changed.map(ms_of).is_some_and(|ms| ms.abs_diff(now_ms) < tick_ms)
}

/// The chunk of a small file before it has one.
pub(super) const PLACEHOLDER: Blake3Digest = Blake3Digest::from_bytes([0; 32]);

fn attributes_of(file: &OpenFile, place: &Place) -> Attributes {
    match file.attributes() {
        Ok(found) => {
            let (kept, some_left_out) = fitting(found);
            let why = "one of its extended attributes is too large";
            Attributes { kept, unread: some_left_out.then(|| Unread::unfit(&place.path, why)) }
        }
        Err(error) => Attributes { kept: Vec::new(), unread: Some(Unread::failed(&place.path, &error)) },
    }
}

/// Appends what was written of a small file; gives how much of it was there.
fn read_small(
    file: &mut OpenFile,
    segments: &[Segment],
    hasher: &mut FileHasher,
    bytes: &mut Vec<u8>,
) -> io::Result<u64> {
    let (mut written, mut at) = (0, 0);
    for segment in segments {
        if segment.start != at {
            file.go_to(segment.start)?;
        }
        let before = bytes.len();
        let read = file.take(segment.length).read_to_end(bytes)? as u64;
        hasher.update(segment.start, bytes.get(before..).unwrap_or_default());
        written += read;
        at = segment.start + read;
        if read < segment.length {
            break;
        }
    }
    Ok(written)
}

/// What was written of a file, as one stream.
struct Stream<'a> {
    file: &'a mut OpenFile,
    segments: std::slice::Iter<'a, Segment>,
    /// What is left of the segment that is being read.
    open: Segment,
    position: u64,
}

impl<'a> Stream<'a> {
    fn of(file: &'a mut OpenFile, segments: &'a [Segment]) -> Self {
        Self { file, segments: segments.iter(), open: Segment { start: 0, length: 0 }, position: 0 }
    }

    /// Fills a window; says whether the stream ended.
    fn fill(&mut self, window: &mut Window, hasher: &mut FileHasher) -> io::Result<bool> {
        loop {
            if self.open.length == 0 {
                let Some(next) = self.segments.next() else { return Ok(true) };
                self.open = *next;
            }
            if self.position != self.open.start {
                self.file.go_to(self.open.start)?;
            }
            let room = window.room();
            let wanted = usize::try_from(self.open.length).unwrap_or(usize::MAX).min(room.len());
            if wanted == 0 {
                return Ok(false);
            }
            let Some(place) = room.get_mut(..wanted) else { return Ok(false) };
            let read = match self.file.read(place) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if read == 0 {
                return Ok(true);
            }
            hasher.update(self.open.start, place.get(..read).unwrap_or_default());
            window.note(read);
            self.position = self.open.start + read as u64;
            self.open = Segment { start: self.position, length: self.open.length - read as u64 };
        }
    }
}
