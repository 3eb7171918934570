//! Takes the terminal over and gives it back, whatever happens in between.
//!
//! One frame is one write between the marks of a synchronized update (DEC private mode 2026), so
//! that a slow line never shows half a screen.

use anyhow::Context;
use crossterm::{
    cursor,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute, queue,
    terminal::{
        BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
        disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::{Frame, Terminal, backend::CrosstermBackend};
use std::{
    cell::RefCell,
    io::{self, Write},
    rc::Rc,
};

/// Collects one frame, so that it can be written at once.
#[derive(Clone, Debug, Default)]
struct FrameBuffer(Rc<RefCell<Vec<u8>>>);

impl Write for FrameBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The terminal while it is ours; given back when dropped.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<FrameBuffer>>,
    buffer: FrameBuffer,
}

impl Screen {
    /// Takes the terminal over. A panic gives it back before it is reported.
    ///
    /// # Errors
    ///
    /// Standard output is not a terminal, or refuses raw mode.
    pub fn open() -> anyhow::Result<Self> {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            hook(panic);
        }));
        // The theme sends no colour where none is wanted; crossterm's own reading of NO_COLOR would
        // turn every colour into a reset, which wipes bold and reverse as well.
        crossterm::style::force_color_output(true);
        enable_raw_mode().context("taking the terminal over (is this one?)")?;
        let buffer = FrameBuffer::default();
        let entered =
            execute!(io::stdout(), EnterAlternateScreen, cursor::Hide, EnableBracketedPaste)
                .and_then(|()| Terminal::new(CrosstermBackend::new(buffer.clone())));
        match entered {
            Ok(terminal) => Ok(Self { terminal, buffer }),
            Err(fault) => {
                give_back();
                Err(fault).context("preparing the terminal")
            }
        }
    }

    /// Draws one frame with one write.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.buffer.0.borrow_mut().clear();
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(view)?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        let mut out = io::stdout().lock();
        out.write_all(&self.buffer.0.borrow())?;
        out.flush()
    }

    /// Forgets what was drawn, so that the next frame is complete.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn repaint(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Leaves every mode that was entered. Nothing can be done if the terminal has gone.
fn give_back() {
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}
