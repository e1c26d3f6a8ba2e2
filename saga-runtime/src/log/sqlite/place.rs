//! Where the file is: a regular file, not open to others, locked by one writer. Knows nothing of what is in it.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::log::LogError;
use crate::patience;

/// Whoever may write there may put another file in its place.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Whether there is a file, and whether it and its directory may be trusted.
pub(super) fn inspect(path: &Path) -> Result<bool, LogError> {
    let directory = directory_of(path);
    let metadata = fs::metadata(&directory).map_err(failed("look into", &directory))?;
    private(&directory, &metadata, "0700")?;
    match fs::symlink_metadata(path) {
        Ok(metadata) => {
            regular(path, &metadata)?;
            private(path, &metadata, "0600")?;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("look at", path)(error)),
    }
}

/// Makes the file for this user alone, unless it is there.
pub(super) fn create(path: &Path) -> Result<(), LogError> {
    match private_file().create_new(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed("create", path)(error)),
    }
}

/// The right to write, until the file is dropped or the process dies in whatever way.
pub(super) fn lock(path: &Path) -> Result<File, LogError> {
    let beside = beside(path, ".lock");
    let file = private_file().create(true).truncate(false).open(&beside).map_err(failed("open", &beside))?;
    match patience::lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LogError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed("lock", &beside)(error)),
    }
}

/// The path of a file that belongs to this one.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Only a regular file can be a log: to open a pipe would wait for its other end.
pub(super) fn regular(path: &Path, metadata: &Metadata) -> Result<(), LogError> {
    let kind = match metadata.file_type() {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_symlink() => "it is a symbolic link",
        kind if kind.is_dir() => "it is a directory",
        _ => "it is a device, a pipe or a socket",
    };
    Err(LogError::NotALog { path: path.to_owned(), reason: kind.to_owned() })
}

fn private(path: &Path, metadata: &Metadata, remedy: &'static str) -> Result<(), LogError> {
    if metadata.mode() & WRITABLE_BY_OTHERS == 0 {
        return Ok(());
    }
    Err(LogError::NotPrivate { path: path.to_owned(), remedy })
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    options
}

pub(super) fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> LogError + 'a {
    move |error| LogError::Failed { action, path: path.to_owned(), reason: error.to_string() }
}
