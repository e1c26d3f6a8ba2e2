//! One socket of an endpoint: bound by one process at a time, and only reached by processes of the same user.

use std::fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tokio::net::UnixStream;

use super::{Endpoint, EndpointError, is_ours, look_at};
use crate::patience;

/// Bytes of a socket's path, without the closing zero.
const MAX_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The path of a socket, which may or may not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    endpoint: Endpoint,
    path: PathBuf,
}

impl Socket {
    pub(super) fn new(endpoint: Endpoint, name: &str) -> Self {
        let path = endpoint.directory().join(name);
        Self { endpoint, path }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Serves the socket, until what is returned is dropped.
    ///
    /// A socket that a process left behind when it was killed is removed: under a lock that the process would still
    /// hold if it lived, and only if it is a socket and the user's own. Blocks for up to a second while that is held.
    ///
    /// # Errors
    /// If the directory is not private, another process serves the socket, or something else is in its place.
    pub fn bind(&self) -> Result<BoundSocket, EndpointError> {
        self.check_length()?;
        self.endpoint.prepare()?;
        let lock = self.lock()?;
        self.remove_stale()?;
        let listener = UnixListener::bind(&self.path).map_err(|error| self.failed("bind", &error))?;
        // Between the two lines only the directory keeps others out.
        fs::set_permissions(&self.path, Permissions::from_mode(0o600)).map_err(|error| self.failed("chmod", &error))?;
        let bound = identity(&look_at(&self.path)?);
        Ok(BoundSocket { listener, guard: SocketGuard { path: self.path.clone(), bound, lock } })
    }

    /// Connects to the process that serves the socket. Who that is remains to be checked.
    ///
    /// # Errors
    /// If the directory is not private, the socket is not the user's own, or nobody serves it.
    pub async fn connect(&self) -> Result<UnixStream, EndpointError> {
        self.check_length()?;
        self.endpoint.check()?;
        self.check_socket(&look_at(&self.path)?)?;
        UnixStream::connect(&self.path).await.map_err(|error| self.failed("connect to", &error))
    }

    fn check_length(&self) -> Result<(), EndpointError> {
        match self.path.as_os_str().len() {
            0..=MAX_PATH => Ok(()),
            length => Err(EndpointError::TooLong { path: self.path.clone(), length, limit: MAX_PATH }),
        }
    }

    fn check_socket(&self, metadata: &Metadata) -> Result<(), EndpointError> {
        if metadata.is_symlink() {
            return Err(EndpointError::Symlink { path: self.path.clone() });
        }
        if !metadata.file_type().is_socket() {
            return Err(EndpointError::NotASocket { path: self.path.clone() });
        }
        if !is_ours(metadata) {
            return Err(EndpointError::NotOurs { path: self.path.clone() });
        }
        Ok(())
    }

    /// The lock is a file beside the socket. It stays: to remove it would let two processes lock two files of a name.
    fn lock(&self) -> Result<File, EndpointError> {
        let path = self.path.with_extension("lock");
        let failed = |error: &io::Error| EndpointError::failed("lock", &path, error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        let file = options.open(&path).map_err(|error| failed(&error))?;
        match patience::lock(&file) {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(EndpointError::InUse { path: self.path.clone() }),
            Err(TryLockError::Error(error)) => Err(failed(&error)),
        }
    }

    fn remove_stale(&self) -> Result<(), EndpointError> {
        match fs::symlink_metadata(&self.path) {
            Ok(metadata) => {
                self.check_socket(&metadata)?;
                fs::remove_file(&self.path).map_err(|error| self.failed("remove", &error))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.failed("look at", &error)),
        }
    }

    fn failed(&self, action: &'static str, error: &io::Error) -> EndpointError {
        EndpointError::failed(action, &self.path, error)
    }
}

/// A socket that this process serves.
#[derive(Debug)]
pub struct BoundSocket {
    listener: UnixListener,
    guard: SocketGuard,
}

impl BoundSocket {
    /// What accepts connections, not blocking; and what removes the socket when it is dropped.
    ///
    /// # Errors
    /// If the runtime cannot watch the socket.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn listen(self) -> Result<(tokio::net::UnixListener, SocketGuard), EndpointError> {
        let listener =
            self.listener.set_nonblocking(true).and_then(|()| tokio::net::UnixListener::from_std(self.listener));
        match listener {
            Ok(listener) => Ok((listener, self.guard)),
            Err(error) => Err(EndpointError::failed("listen on", &self.guard.path, &error)),
        }
    }
}

/// Keeps other processes from serving the socket; removes it when dropped.
#[derive(Debug)]
pub struct SocketGuard {
    path: PathBuf,
    bound: (u64, u64),
    /// Released only after the socket is gone.
    lock: File,
}

impl Drop for SocketGuard {
    fn drop(&mut self) {
        // Somebody may have put something else there. It is not ours to remove.
        let still_there = fs::symlink_metadata(&self.path).is_ok_and(|metadata| identity(&metadata) == self.bound);
        if still_there && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the socket could not be removed");
        }
        // To close it would not do: a process that is just being started may still have a copy.
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(path = %self.path.display(), %error, "the lock of the socket could not be released");
        }
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::Instant;

    use super::*;
    use crate::pipe::endpoint::BUS_SOCKET;

    fn home() -> (tempfile::TempDir, Socket) {
        let home = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().expect("a directory");
        let socket = Endpoint::in_dir(home.path()).socket(BUS_SOCKET);
        (home, socket)
    }

    #[test]
    fn the_socket_is_private_and_goes_with_its_server() {
        let (_home, socket) = home();
        let bound = socket.bind().expect("bound");
        assert_eq!(fs::metadata(socket.path()).expect("there").mode() & 0o777, 0o600);
        drop(bound);
        assert!(!socket.path().exists());
        socket.bind().expect("free again");
    }

    #[test]
    fn a_copy_of_the_lock_does_not_keep_it() {
        let (_home, socket) = home();
        let bound = socket.bind().expect("bound");
        let _copy = bound.guard.lock.try_clone().expect("a copy, as a fork makes one");
        drop(bound);
        socket.bind().expect("free again");
    }

    #[test]
    fn two_servers_do_not_share_a_socket() {
        let (_home, socket) = home();
        let _first = socket.bind().expect("bound");
        let begin = Instant::now();
        let error = socket.bind().expect_err("a second server");
        assert!(begin.elapsed() >= patience::FOR_A_LOCK, "what a killed server left of its lock would be waited for");
        assert_eq!(error, EndpointError::InUse { path: socket.path().to_owned() });
        assert!(socket.path().exists(), "the first one's socket is still there");
    }

    #[test]
    fn the_sockets_of_an_endpoint_are_independent() {
        let (home, socket) = home();
        let _bus = socket.bind().expect("bound");
        Endpoint::in_dir(home.path()).socket(crate::pipe::endpoint::OPERATOR_SOCKET).bind().expect("bound too");
    }

    #[test]
    fn a_socket_left_behind_is_replaced() {
        let (_home, socket) = home();
        drop(UnixListener::bind(socket.path()).expect("bound"));
        assert!(socket.path().exists());
        socket.bind().expect("bound");
    }

    #[test]
    fn what_is_no_socket_stays() {
        let (home, socket) = home();
        fs::write(socket.path(), "precious").expect("written");
        assert_eq!(socket.bind().expect_err("a file"), EndpointError::NotASocket { path: socket.path().to_owned() });
        fs::rename(socket.path(), home.path().join("file")).expect("renamed");
        symlink(home.path().join("file"), socket.path()).expect("symlink");
        assert_eq!(socket.bind().expect_err("a symlink"), EndpointError::Symlink { path: socket.path().to_owned() });
        assert_eq!(fs::read_to_string(home.path().join("file")).expect("still there"), "precious");
    }

    #[test]
    fn a_lock_that_is_a_symlink_is_not_followed() {
        let (home, socket) = home();
        symlink(home.path().join("elsewhere"), socket.path().with_extension("lock")).expect("symlink");
        assert!(matches!(socket.bind(), Err(EndpointError::Failed { action: "lock", .. })));
        assert!(!home.path().join("elsewhere").exists());
    }

    #[test]
    fn what_took_the_sockets_place_is_not_removed() {
        let (_home, socket) = home();
        let bound = socket.bind().expect("bound");
        fs::remove_file(socket.path()).expect("removed");
        fs::write(socket.path(), "precious").expect("written");
        drop(bound);
        assert!(socket.path().exists());
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_named() {
        let (home, _) = home();
        let socket = Endpoint::in_dir(home.path().join("x".repeat(100))).socket(BUS_SOCKET);
        let error = socket.bind().expect_err("too long");
        assert!(matches!(error, EndpointError::TooLong { limit: MAX_PATH, .. }), "{error}");
        assert!(error.to_string().contains("give a shorter directory"), "{error}");
    }

    #[tokio::test]
    async fn nobody_there_is_told_from_something_wrong() {
        let (home, socket) = home();
        assert!(socket.connect().await.expect_err("no socket").may_pass());
        drop(UnixListener::bind(socket.path()).expect("bound"));
        assert!(socket.connect().await.expect_err("nobody serves it").may_pass());
        fs::set_permissions(home.path(), Permissions::from_mode(0o750)).expect("chmod");
        assert!(!socket.connect().await.expect_err("open to others").may_pass());
    }

    #[test]
    fn both_ends_check_before_they_trust() {
        let (home, socket) = home();
        fs::set_permissions(home.path(), Permissions::from_mode(0o770)).expect("chmod");
        assert!(matches!(socket.bind(), Err(EndpointError::NotPrivate { mode: 0o770, .. })));
        assert!(!socket.path().exists());
    }
}
