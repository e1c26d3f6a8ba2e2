//! Where the processes of one user meet: a private directory with sockets in it.
//!
//! The bus and the operators have a socket each, and both need the same care, so it is taken here once. Knows nothing
//! of what is said over them.
//!
//! What is asked of the directory: it is the user's own, nobody else can look in (0700), and no symlink on the way to
//! it could lead elsewhere. A symlink is accepted only above the first directory that belongs to the user, and only if
//! it is root's (as `/tmp` or `/var/run` may be).

mod socket;

use std::ffi::OsString;
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

pub use self::socket::{BoundSocket, Socket, SocketGuard};

/// The socket of the bus.
pub const BUS_SOCKET: &str = "bus.sock";
/// The socket over which operators act. It is not the bus's.
pub const OPERATOR_SOCKET: &str = "operator.sock";

/// A directory in which processes meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    directory: PathBuf,
}

impl Endpoint {
    /// The directory of this name in the user's runtime directory (`XDG_RUNTIME_DIR`).
    ///
    /// # Errors
    /// If there is no runtime directory, or `name` is not the name of a directory.
    pub fn runtime_dir(name: &str) -> Result<Self, EndpointError> {
        Self::below(std::env::var_os("XDG_RUNTIME_DIR"), name)
    }

    /// This directory. It is made when a socket is first bound in it.
    pub fn in_dir(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The socket of this name.
    pub fn socket(&self, name: &str) -> Socket {
        Socket::new(self.clone(), name)
    }

    fn below(runtime: Option<OsString>, name: &str) -> Result<Self, EndpointError> {
        let mut components = Path::new(name).components();
        if !matches!((components.next(), components.next()), (Some(Component::Normal(_)), None)) {
            return Err(EndpointError::BadName { name: name.to_owned() });
        }
        match runtime.map(PathBuf::from) {
            Some(runtime) if runtime.is_absolute() => Ok(Self { directory: runtime.join(name) }),
            _ => Err(EndpointError::NoRuntimeDir),
        }
    }

    /// Makes the directory if it is not there, and checks it.
    ///
    /// # Errors
    /// If it cannot be made, is not the user's own, or is open to others.
    pub fn prepare(&self) -> Result<(), EndpointError> {
        match DirBuilder::new().recursive(true).mode(0o700).create(&self.directory) {
            Ok(()) => self.check(),
            // Something else has the name, possibly a symlink: the check says what.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.check(),
            Err(error) => Err(EndpointError::failed("make", &self.directory, &error)),
        }
    }

    /// Checks that the directory is the user's own, and private.
    fn check(&self) -> Result<(), EndpointError> {
        let path = std::path::absolute(&self.directory)
            .map_err(|error| EndpointError::failed("find", &self.directory, &error))?;
        let mut below_ours = false;
        let mut last = None;
        for ancestor in path.ancestors().collect::<Vec<_>>().into_iter().rev() {
            let metadata = look_at(ancestor)?;
            if metadata.is_symlink() && (below_ours || metadata.uid() != 0 || ancestor == path) {
                return Err(EndpointError::Symlink { path: ancestor.to_owned() });
            }
            below_ours |= is_ours(&metadata);
            last = Some(metadata);
        }
        let Some(metadata) = last.filter(Metadata::is_dir) else {
            return Err(EndpointError::NotADirectory { path });
        };
        if !is_ours(&metadata) {
            return Err(EndpointError::NotOurs { path });
        }
        match metadata.mode() & 0o077 {
            0 => Ok(()),
            _ => Err(EndpointError::NotPrivate { path, mode: metadata.mode() & 0o777 }),
        }
    }
}

/// Why there is no socket. Each names the thing and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The user has no runtime directory.
    #[error("XDG_RUNTIME_DIR is not set to an absolute path; set it, or give a directory of your own (--dir)")]
    NoRuntimeDir,
    /// The name would lead out of the runtime directory.
    #[error("`{name}` is not the name of a directory; give a plain name, without `/`")]
    BadName {
        /// The name.
        name: String,
    },
    /// A symlink where one could be used to lead the user elsewhere.
    #[error("{path} is a symlink; give the path that it points to")]
    Symlink {
        /// The symlink.
        path: PathBuf,
    },
    /// Something else is there.
    #[error("{path} is not a directory; move it away, or give another directory")]
    NotADirectory {
        /// What is there.
        path: PathBuf,
    },
    /// Something else is there.
    #[error("{path} is not a socket; move it away, or give another directory")]
    NotASocket {
        /// What is there.
        path: PathBuf,
    },
    /// It belongs to another user.
    #[error("{path} belongs to another user; give a directory of your own")]
    NotOurs {
        /// The directory or socket.
        path: PathBuf,
    },
    /// Others can look in.
    #[error("{path} is open to other users (mode {mode:03o}); make it private to you: chmod 700 {path}")]
    NotPrivate {
        /// The directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Sockets have short paths.
    #[error("{path} is {length} bytes long, and the path of a socket has at most {limit}; give a shorter directory")]
    TooLong {
        /// The socket.
        path: PathBuf,
        /// Bytes.
        length: usize,
        /// Bytes.
        limit: usize,
    },
    /// Another process serves it.
    #[error("{path} is in use by another process; stop that one, or give another directory")]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// The operating system said no.
    #[error("cannot {action} {path}: {reason}")]
    Failed {
        /// What was tried.
        action: &'static str,
        /// The directory or socket.
        path: PathBuf,
        /// What it said.
        reason: String,
        /// To try again later may help.
        may_pass: bool,
    },
}

impl EndpointError {
    pub(super) fn failed(action: &'static str, path: &Path, error: &io::Error) -> Self {
        let stays = [io::ErrorKind::PermissionDenied, io::ErrorKind::NotADirectory, io::ErrorKind::InvalidInput];
        let may_pass = !stays.contains(&error.kind());
        Self::Failed { action, path: path.to_owned(), reason: error.to_string(), may_pass }
    }

    /// Whether to try again later may help: nobody serves the endpoint yet, or the system is short of something.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Failed { may_pass: true, .. })
    }
}

fn look_at(path: &Path) -> Result<Metadata, EndpointError> {
    fs::symlink_metadata(path).map_err(|error| EndpointError::failed("look at", path, &error))
}

fn is_ours(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn private() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().expect("a directory")
    }

    #[test]
    fn the_runtime_directory_must_be_given() {
        for runtime in [None, Some("".into()), Some("relative".into())] {
            assert_eq!(Endpoint::below(runtime, "bus"), Err(EndpointError::NoRuntimeDir));
        }
        let endpoint = Endpoint::below(Some("/run/user/1".into()), "bus").expect("an endpoint");
        assert_eq!(endpoint.directory(), Path::new("/run/user/1/bus"));
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        for name in ["", ".", "..", "a/b", "/etc", "../x"] {
            let error = Endpoint::below(Some("/run/user/1".into()), name).expect_err(name);
            assert_eq!(error, EndpointError::BadName { name: name.to_owned() });
        }
    }

    #[test]
    fn the_directory_is_made_private() {
        let home = private();
        let endpoint = Endpoint::in_dir(home.path().join("a/b"));
        endpoint.prepare().expect("made");
        let mode = fs::metadata(endpoint.directory()).expect("there").mode();
        assert_eq!(mode & 0o777, 0o700);
        endpoint.prepare().expect("made before");
    }

    #[test]
    fn a_directory_open_to_others_is_refused() {
        let home = private();
        for mode in [0o710, 0o701, 0o720, 0o777] {
            fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).expect("chmod");
            let error = Endpoint::in_dir(home.path()).prepare().expect_err("open to others");
            assert_eq!(error, EndpointError::NotPrivate { path: home.path().to_owned(), mode });
            assert!(error.to_string().contains("chmod 700"), "{error}");
        }
    }

    #[test]
    fn a_symlink_on_the_way_is_refused() {
        let home = private();
        fs::create_dir(home.path().join("real")).expect("mkdir");
        symlink(home.path().join("real"), home.path().join("link")).expect("symlink");
        for path in ["link", "link/below"] {
            let error = Endpoint::in_dir(home.path().join(path)).prepare().expect_err(path);
            assert_eq!(error, EndpointError::Symlink { path: home.path().join("link") });
        }
    }

    #[test]
    fn a_symlink_to_nowhere_is_refused() {
        let home = private();
        symlink(home.path().join("nowhere"), home.path().join("link")).expect("symlink");
        let error = Endpoint::in_dir(home.path().join("link")).prepare().expect_err("a symlink");
        assert_eq!(error, EndpointError::Symlink { path: home.path().join("link") });
    }

    #[test]
    fn a_file_is_no_directory() {
        let home = private();
        fs::write(home.path().join("file"), "").expect("written");
        let error = Endpoint::in_dir(home.path().join("file")).prepare().expect_err("a file");
        assert_eq!(error, EndpointError::NotADirectory { path: home.path().join("file") });
    }
}
