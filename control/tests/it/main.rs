//! What the parts do together.

mod runs_crash;
mod runs_parse;
mod runs_sim;
mod runs_stories;
