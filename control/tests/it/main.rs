//! What the parts do together, on a real journal.

mod runs_parse;
