//! The processes behind the region: started, killed and counted for real.

mod fixtures;
