//! A value that a reload replaces whole, while everybody reads it.

use std::sync::Arc;

use tokio::sync::watch;

/// The newest of something that people configure. A clone is another handle on the same one.
#[derive(Debug)]
pub struct Current<T>(Arc<watch::Sender<Arc<T>>>);

impl<T> Current<T> {
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Arc::new(watch::Sender::new(Arc::new(value))))
    }

    /// The value as of now. Who needs several parts of it asks once, and gets parts that belong
    /// together.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.borrow())
    }

    /// Replaces it for everybody who asks from now on.
    pub fn replace(&self, value: T) {
        self.0.send_replace(Arc::new(value));
    }
}

impl<T: Default> Default for Current<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Clone for Current<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
