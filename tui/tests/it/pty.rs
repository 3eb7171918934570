//! A pty with the dashboard in it, and a terminal emulator that reads it.

#![expect(clippy::disallowed_methods, reason = "a test in a real terminal has real patience")]

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use std::{
    io::{Read, Write},
    num::NonZero,
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

const ROWS: NonZero<u16> = NonZero::new(24).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();
/// Generous: the machine may be busy, and nothing is measured here.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Pty {
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    bytes: Arc<Mutex<Vec<u8>>>,
    changed: mpsc::Receiver<()>,
}

impl Pty {
    /// Opens the dashboard of the daemon at `url` in an 80×24 terminal.
    pub(crate) fn open(url: &str, token: &str, environment: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_wallet-ops"));
        command.args(["--url", url]);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("WALLET_OPS_TOKEN", token);
        environment.iter().for_each(|(name, value)| command.env(name, value));
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (tell, changed) = mpsc::channel();
        let seen = Arc::clone(&bytes);
        std::thread::spawn(move || {
            let mut chunk = [0; 65_536];
            // Reading a pty whose other end is closed is an error on Linux; it means the end.
            while let Ok(length @ 1..) = reader.read(&mut chunk) {
                seen.lock().unwrap().extend_from_slice(&chunk[..length]);
                if tell.send(()).is_err() {
                    return;
                }
            }
        });
        Self { master: Some(pair.master), keys: Some(keys), child, bytes, changed }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    fn screen(&self) -> vt100::Parser {
        let mut parser = vt100::Parser::new(ROWS, COLUMNS, 0);
        parser.process(&self.bytes.lock().unwrap());
        parser
    }

    /// Waits until `text` stands on the screen.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.screen().screen().contents();
            if shown.contains(text) {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{text:?} never came; the screen:\n{shown}");
            // Wakes at each change, and when the reader ended, to look a last time.
            let _ = self.changed.recv_timeout(left.min(Duration::from_millis(200)));
        }
    }

    /// Whether any cell of the screen is so.
    pub(crate) fn any_cell(&self, is: fn(&vt100::Cell) -> bool) -> bool {
        let parser = self.screen();
        let screen = parser.screen();
        (0..24).any(|row| (0..80).any(|column| screen.cell(row, column).is_some_and(is)))
    }

    pub(crate) fn terminate(&self) {
        let pid = self.child.process_id().unwrap().cast_signed();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGTERM).unwrap();
    }

    /// Waits for the end; the exit status and everything that was ever written.
    pub(crate) fn ended(&mut self) -> (ExitStatus, String) {
        let status = self.exit();
        // The reader drops its end when it has read everything.
        while self.changed.recv().is_ok() {}
        let bytes = self.bytes.lock().unwrap();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Closes the terminal under the dashboard and waits for its end.
    pub(crate) fn hang_up(&mut self) {
        self.keys = None;
        self.master = None;
        // The emulator's reader still holds a handle, so the kernel's hang-up is sent by hand.
        let pid = self.child.process_id().unwrap().cast_signed();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGHUP).unwrap();
        self.exit();
    }

    fn exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it did not end");
            let _ = self.changed.recv_timeout(Duration::from_millis(50));
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It has usually ended by itself.
        let _ = self.child.kill();
    }
}
