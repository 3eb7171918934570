//! The processes behind the region: started, killed and counted for real.

#[cfg(test)]
mod aurora;
#[cfg(test)]
mod balance;
#[cfg(test)]
mod cache;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod region;
